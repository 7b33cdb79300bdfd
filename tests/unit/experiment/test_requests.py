import json
import re
from collections import Counter
from functools import cache
from typing import get_args

import h11
import pytest

from apis.contract.seed import author_of, seeded_user
from documents.run.protocol import Workload
from experiment.workloads.requests import EXPECTED_STATUS, MIXED_SHARES, UPLOAD_BYTES, RequestFile, build_requests

WORKLOADS = get_args(Workload)
SEED = 20260131

LINES: dict[Workload, str] = {
    "read-post": r"GET /api/posts/[1-9]\d{0,4}",
    "list-posts": r"GET /api/posts(\?before=[1-9]\d{0,4})?",
    "read-user": r"GET /api/users/[1-9]\d{0,3}",
    "read-me": r"GET /api/users/me",
    "create-post": r"POST /api/posts",
    "update-post": r"PUT /api/posts/[1-9]\d{0,4}",
    "login": r"POST /api/auth/login",
    "upload": r"POST /api/files",
}

RECORDED: dict[Workload, str] = {
    "mixed": "6039c931378f",
    "read-post": "3c92d83c731d",
    "list-posts": "fd46092f20d8",
    "read-user": "43a03f89444a",
    "read-me": "4e892e30d394",
    "create-post": "244820f40e9b",
    "update-post": "cda735622712",
    "login": "7ccfbbb49391",
    "upload": "59fdca78fab3",
}


@cache
def built(workload: Workload) -> RequestFile:
    return build_requests(workload, SEED)


def frames(file: RequestFile) -> list[tuple[str, bytes]]:
    """The heads and bodies of a request file, read by the rule in its docstring."""
    found: list[tuple[str, bytes]] = []
    position = 0
    while position < len(file.data):
        line_end = file.data.index(b"\n", position)
        head_length, body_length = map(int, file.data[position:line_end].split())
        head_end = line_end + 1 + head_length
        found.append((file.data[line_end + 1 : head_end].decode(), file.data[head_end : head_end + body_length]))
        position = head_end + body_length + 1
        assert file.data[position - 1 : position] == b"\n"
    return found


def route_of(head: str) -> Workload:
    line = head.partition(" HTTP/1.1\r\n")[0]
    return next(route for route, pattern in LINES.items() if re.fullmatch(pattern, line))


ONE_IN_THE_GATE = [
    "mixed",
    *(pytest.param(workload, marks=pytest.mark.nightly) for workload in WORKLOADS if workload != "mixed"),
]
"""The bytes of all of them are held to what was recorded, in the gate as well."""


@pytest.mark.parametrize("workload", ONE_IN_THE_GATE)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_gives_others(workload: Workload):
    assert build_requests(workload, SEED).sha256 == built(workload).sha256
    assert build_requests(workload, SEED + 1).sha256 != built(workload).sha256


def test_the_bytes_are_those_that_were_recorded():
    """A change of these makes new runs incomparable with older ones: it must be meant."""
    assert {workload: built(workload).sha256[:12] for workload in WORKLOADS} == RECORDED


@pytest.mark.parametrize("workload", ONE_IN_THE_GATE)
def test_every_request_is_well_formed_http(workload: Workload):
    server = h11.Connection(h11.SERVER)
    for head, body in frames(built(workload)):
        server.receive_data(head.encode() + body)
        request = server.next_event()
        assert isinstance(request, h11.Request)
        received = b""
        while isinstance(event := server.next_event(), h11.Data):
            received += event.data
        assert isinstance(event, h11.EndOfMessage)
        assert received == body
        server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
        server.send(h11.EndOfMessage())
        server.start_next_cycle()


def test_each_hundred_mixed_requests_hold_the_shares_exactly():
    routes = [route_of(head) for head, _ in frames(built("mixed"))]
    for start in range(0, len(routes), 100):
        assert Counter(routes[start : start + 100]) == MIXED_SHARES
    assert sum(MIXED_SHARES.values()) == 100


def test_every_workload_but_the_mixed_one_has_an_expected_status():
    assert {*EXPECTED_STATUS, "mixed"} == {*WORKLOADS}


@pytest.mark.parametrize("workload", EXPECTED_STATUS)
def test_a_single_route_workload_has_that_route_alone(workload: Workload):
    assert {route_of(head) for head, _ in frames(built(workload))} == {workload}


def test_posts_are_read_by_zipfs_law():
    reads = Counter(re.findall(rb"GET /api/posts/(\d+) ", built("read-post").data))
    counts = [count for _, count in reads.most_common()]
    harmonic = sum(1 / rank for rank in range(1, 10_001))
    for rank in (1, 2, 5, 20, 100):
        expected = sum(counts) / rank / harmonic
        assert counts[rank - 1] == pytest.approx(expected, abs=4 * expected**0.5)
    assert all(1 <= int(post) <= 10_000 for post in reads)
    assert len(reads) == 6_187


@pytest.mark.parametrize("workload", ["mixed", "update-post"])
def test_posts_are_updated_by_their_owners(workload: Workload):
    updates = [
        (int(match[1]), int(match[2]))
        for head, _ in frames(built(workload))
        if (match := re.match(r"PUT /api/posts/(\d+) .*Bearer \{token:(\d+)\}", head, re.DOTALL))
    ]
    assert updates
    assert all(user == author_of(post) for post, user in updates)


@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_users_named_are_those_whose_tokens_are_needed(workload: Workload):
    needed = {int(user) for user in re.findall(rb"\{token:(\d+)\}", built(workload).data)}
    assert built(workload).users == tuple(sorted(needed))


@pytest.mark.parametrize("workload", ["read-user", "read-me", "login", "update-post"])
def test_each_user_or_post_comes_once_a_cycle(workload: Workload):
    requests = frames(built(workload))
    assert len(set(requests)) == len(requests) == (10_000 if workload == "update-post" else 1_000)


def test_posts_written_are_within_the_contracts_bounds():
    for head, body in frames(built("mixed")):
        if head.startswith(("POST", "PUT")):
            post = json.loads(body)
            assert 1 <= len(post["title"]) <= 200
            assert 200 <= len(post["body"]) <= 4_000


def test_logins_are_those_of_seeded_users():
    logins = [json.loads(body) for _, body in frames(built("login"))]
    seeded = [seeded_user(user) for user in range(1, 1_001)]
    assert {(login["email"], login["password"]) for login in logins} == {(user.email, user.password) for user in seeded}


def test_uploads_are_one_part_of_32_kib_that_its_first_bytes_make_what_it_claims_to_be():
    for head, body in frames(built("upload")):
        boundary = re.search(r"boundary=(\S+)\r\n", head)
        assert boundary
        start, end = f"--{boundary[1]}\r\n".encode(), f"\r\n--{boundary[1]}--\r\n".encode()
        assert body.startswith(start)
        assert body.endswith(end)
        fields, _, content = body[len(start) : -len(end)].partition(b"\r\n\r\n")
        assert len(content) == UPLOAD_BYTES
        assert boundary[1].encode() not in content
        assert b'name="file"; filename="' in fields
        first_bytes = {b"image/png": b"\x89PNG\r\n\x1a\n", b"application/pdf": b"%PDF-"}
        assert content.startswith(first_bytes[fields.rpartition(b"Content-Type: ")[2]])
