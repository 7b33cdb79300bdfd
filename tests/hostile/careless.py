"""Servers with one bad habit each, which the hostile tests are shown failing on."""

import re
import socket
import threading
import time
from collections.abc import Callable

from tests.hostile.next_client import user_body
from tests.stand.pretended import Reader, Serve, answer_octets

Framing = Callable[[Reader, bytes], None]
"""Reads the body of a request, whose head it gets in lower case, in its own way."""


def never_ending(client: socket.socket) -> None:
    """Read for as long as something comes, and say nothing."""
    while client.recv(65_536):
        pass


def ending_after(seconds: float, farewell: bytes = b"") -> Serve:
    """End each connection after a time, whatever it is about."""

    def serve(client: socket.socket) -> None:
        time.sleep(seconds)
        client.sendall(farewell)

    return serve


def welcoming_without_end(client: socket.socket) -> None:
    """Answer 201 to the head of a request, and read all that comes behind it."""
    Reader(client).until(b"\r\n\r\n")
    client.sendall(answer_octets(201))
    never_ending(client)


def with_places_for(count: int) -> Serve:
    """Turn away who comes while so many connections are open."""
    places = threading.Semaphore(count)

    def serve(client: socket.socket) -> None:
        if places.acquire(blocking=False):
            try:
                never_ending(client)
            finally:
                places.release()

    return serve


def one_at_a_time(seconds: float) -> Serve:
    """Let everyone wait while a request is worked on, which takes a time; answer well."""
    lock = threading.Lock()

    def serve(client: socket.socket) -> None:
        reader = Reader(client)
        while True:
            head = reader.until(b"\r\n\r\n")
            _by_length(reader, head.lower())
            user = re.match(rb"GET /api/users/(\d+) ", head)
            with lock:
                time.sleep(seconds)
                body = b"" if user is None else user_body(int(user[1]))
                client.sendall(answer_octets(401 if head.startswith(b"POST") else 200, body))

    return serve


def second_first(client: socket.socket) -> None:
    """Answer each two requests about users in the wrong order."""
    reader = Reader(client)
    while True:
        numbers = [int(reader.until(b"\r\n\r\n").split(b" ")[1].rpartition(b"/")[2]) for _ in range(2)]
        for number in reversed(numbers):
            client.sendall(answer_octets(200, user_body(number)))


def piece_by_piece(client: socket.socket) -> None:
    """Take whatever one system call gives for one request, and never have one give a whole one."""
    while octets := client.recv(16):
        client.sendall(answer_octets(422 if octets.startswith(b"POST") else 400))


def reading_ahead(client: socket.socket) -> None:
    """Read all requests, and answer the first."""
    Reader(client).until(b"\r\n\r\n")
    client.sendall(answer_octets(200))
    never_ending(client)


def failing(client: socket.socket) -> None:
    """Answer 500 to everything."""
    reader = Reader(client)
    while True:
        reader.until(b"\r\n\r\n")
        client.sendall(answer_octets(500))


def framed(framing: Framing) -> Serve:
    """Serve a user to whoever asks for one and refuse the rest, keeping connections open."""

    def serve(client: socket.socket) -> None:
        reader = Reader(client)
        while True:
            head = reader.until(b"\r\n\r\n")
            framing(reader, head.lower())
            is_user = head.startswith(b"GET /api/users/1 ")
            client.sendall(answer_octets(200, user_body(1)) if is_user else answer_octets(422))

    return serve


def _by_length(reader: Reader, head: bytes) -> None:
    found = re.search(rb"content-length: *([+-]?\d+)", head)
    if found is not None:
        reader.exactly(max(0, int(found[1])))


def _by_chunks(reader: Reader, _: bytes) -> None:
    # As Python's own conversion does, with a sign and a prefix; and as others do, in 64 bits.
    while length := int(reader.until(b"\r\n") or b"0", 16) % 2**64:
        reader.exactly(length + 2)
    reader.until(b"\r\n")


def _length_first(reader: Reader, head: bytes) -> None:
    if b"content-length" in head:
        _by_length(reader, head)
    elif b"chunked" in head:
        _by_chunks(reader, head)


def _chunks_first(reader: Reader, head: bytes) -> None:
    if b"chunked" in head:
        _by_chunks(reader, head)
    else:
        _by_length(reader, head)


def _no_body(reader: Reader, head: bytes) -> None:
    if head.startswith((b"post", b"put")):
        _length_first(reader, head)


FRAMINGS: dict[str, tuple[Framing, str]] = {
    "the length wins": (_length_first, "both lengths"),
    "the coding wins": (_chunks_first, "both lengths"),
    "the first length wins": (_length_first, "contradicting lengths"),
    "any number is a size": (_chunks_first, "bad chunks"),
    "some methods have no body": (_no_body, "ambiguous methods"),
}
"""Ways to find the end of a request, and the shapes that they fall for."""
