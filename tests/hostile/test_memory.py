"""What takes long to send: most of 500 uploads of 2 MiB, and crowd after crowd, whose cost is given back."""

import pytest

from tests.hostile.test_crowds import BUSY_SECONDS, Client, faults_of, probes, run, upload_octets
from tests.stand.client import request_octets
from tests.stand.stand import Api, Stand

pytestmark = [pytest.mark.nightly, pytest.mark.usefixtures("unharmed", "next_client")]

_ROUNDS = 10
_STEADY = 2**20
"""Bytes that a round may add to the largest memory before it. A leak of 2 KiB a client is more."""


def test_uploads_are_not_held_in_memory(stand: Stand, api: Api):
    crowd = [Client(500, upload_octets(api, 2 * 2**20)[:-10_000])]
    seen = run(stand, api, crowd, probes(api), within=BUSY_SECONDS)
    assert faults_of(seen, 500, within=BUSY_SECONDS) == []


def test_memory_stops_growing(stand: Stand, api: Api):
    deep = request_octets("POST", "/api/auth/login", headers=[("Content-Type", "application/json")], body=b"[" * 60_000)
    kinds = (b"\x16\x03\x01\r\n\r\n", upload_octets(api, 300_000)[:-1_000], deep)
    crowd = [Client(200, octets, is_gone=True) for octets in kinds]
    most: list[int] = []
    for _ in range(_ROUNDS):
        most.append(run(stand, api, crowd, {"user": probes(api)["user"]}, seconds=3)["memory"][1])
        if len(most) > 2 and most[-1] <= max(most[:-1]) + _STEADY:
            return
    raise AssertionError(f"memory grew in every round: {most}")
