"""The network between a load host and the lab's host: round trips, bandwidth, and how far the two clocks are apart.

Both ends are programs that run for one measurement. The one on the lab's host listens only on the address of the APIs.
The one that answers messages takes only a peer that has this measurement's token; iperf3 takes the first client that
connects.
"""

import logging
import secrets
import time
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Annotated

from pydantic import ConfigDict, Field, TypeAdapter, model_validator

from documents.base import Document
from documents.errors import HostError, RemoteCommandError
from documents.run import Bandwidth, ClockReading, Network, Offset, RoundTrips
from provision.payload import HOME, call
from provision.ssh import Amount, Connection, matching, read_answer, shield, unexpected

_logger = logging.getLogger(__name__)

_ROUND_TRIPS = 3000
"""They take some tenths of a second; thirty of them are above the 99th percentile."""

_CLOCK_ROUND_TRIPS = 200
"""In a cell. The exchange with the least delay counts, and at least one of these meets no other work."""

_BANDWIDTH_SECONDS = 2
"""TCP's window is open after a fraction of the first second."""

_STARTING_SECONDS = 15
_SERVING_SECONDS = 40
"""Enough for all round trips, even of 10 ms each."""

_PROGRAM_SECONDS = _SERVING_SECONDS + _STARTING_SECONDS

_NOTHING: TypeAdapter[None] = TypeAdapter(None)
"""The answer of a program that only serves."""


class Exchanged(Document):
    """What the load host's end reports of its round trips; see `documents.run.records`."""

    count: Amount
    minimum_us: Annotated[float, Field(ge=0)]
    median_us: float
    p99_us: float
    maximum_us: float
    at_ns: Amount
    offset_ns: Offset
    wall_offset_ns: Offset
    delay_ns: Amount

    @model_validator(mode="after")
    def _in_order(self) -> "Exchanged":
        if not self.minimum_us <= self.median_us <= self.p99_us <= self.maximum_us:
            raise ValueError("the round trips don't rise")
        return self


class _Partial(Document):
    """A part of another program's document."""

    model_config = ConfigDict(extra="ignore")


class _Sum(_Partial):
    bits_per_second: Annotated[float, Field(gt=0)]


class _End(_Partial):
    sum_received: _Sum


class _Start(_Partial):
    version: str


class Carried(_Partial):
    """What iperf3 reports with ``--json``, as far as it is used."""

    start: _Start
    end: _End


def measure(lab: Connection, load: Connection, address: str) -> Network:
    """Measure the network between a load host and the lab's host; takes some five seconds without other load.

    `address` is where the APIs listen.

    Raises:
        HostError: the load host doesn't reach the address, or an end failed.
    """
    found = _exchange(lab, load, address, _ROUND_TRIPS)
    return Network(
        round_trips=RoundTrips(
            count=found.count,
            minimum_us=found.minimum_us,
            median_us=found.median_us,
            p99_us=found.p99_us,
            maximum_us=found.maximum_us,
        ),
        clock=_clock(found),
        bandwidth=_measure_bandwidth(lab, load, address),
    )


def read_clock(lab: Connection, load: Connection, address: str) -> ClockReading:
    """How far the clock of the lab's host is ahead of the load host's; takes some tenths of a second.

    The arguments and errors are those of `measure`.
    """
    return _clock(_exchange(lab, load, address, _CLOCK_ROUND_TRIPS))


def _clock(found: Exchanged) -> ClockReading:
    return ClockReading(
        at_ns=found.at_ns,
        offset_ns=found.offset_ns,
        wall_offset_ns=found.wall_offset_ns,
        delay_ns=found.delay_ns,
    )


def _exchange(lab: Connection, load: Connection, address: str, count: int) -> Exchanged:
    token = secrets.token_hex(32)
    with _served(lab, {"action": "answer", "address": address, "token": token}) as port:
        return ask(load, address, port, token, count)


def ask(load: Connection, address: str, port: int, token: str, count: int) -> Exchanged:
    """Have the load host exchange so many messages with the server at an address, which knows the token.

    Raises:
        HostError: it doesn't reach the address, or reports something else.
    """
    request = {"action": "ask", "address": address, "port": port, "token": token, "count": count}
    found = call(
        load,
        "network",
        request,
        Exchanged,
        what="its round trips",
        failure=_unreached(load, address),
        remedy=_UNREACHED_REMEDY,
        deadline_seconds=_PROGRAM_SECONDS,
    )
    if found.count != count:
        raise unexpected(str(found.count), what=f"{count} round trips", where=load)
    return found


def _measure_bandwidth(lab: Connection, load: Connection, address: str) -> Bandwidth | None:
    lacking = [str(one) for one in (lab, load) if not _has_iperf3(one)]
    if lacking:
        _logger.warning("%s lacks iperf3, so the bandwidth isn't measured.", " and ".join(lacking))
        return None
    to_apis, from_apis = (_carry(lab, load, address, options) for options in ([], ["--reverse"]))
    return Bandwidth(
        tool=to_apis.start.version,
        seconds=_BANDWIDTH_SECONDS,
        to_apis=to_apis.end.sum_received.bits_per_second,
        from_apis=from_apis.end.sum_received.bits_per_second,
    )


def _has_iperf3(connection: Connection) -> bool:
    found = connection.run("command -v iperf3", deadline_seconds=_STARTING_SECONDS, check=False)
    return found.exit_status == 0


def _carry(lab: Connection, load: Connection, address: str, options: list[str]) -> Carried:
    with _served(lab, {"action": "carry", "address": address}) as port:
        command = [
            *("iperf3", "--client", address, "--port", str(port)),
            *("--time", str(_BANDWIDTH_SECONDS), "--json", *options),
        ]
        try:
            answer = load.run(command, deadline_seconds=_SERVING_SECONDS).stdout
        except RemoteCommandError as error:
            raise HostError(f"{_unreached(load, address)}: {error} {_UNREACHED_REMEDY}") from error
    return read_answer(Carried, answer, what="the bandwidth by iperf3", where=load)


@contextmanager
def _served(lab: Connection, request: Mapping[str, str]) -> Generator[int]:
    """Start a server for one client on the lab's host; yields the port."""
    port_file = f"{HOME}/network-{secrets.token_hex(8)}"
    # Not a context manager: a failure is raised at once, not when the time of the other end is up.
    pool = ThreadPoolExecutor(1, thread_name_prefix="network")
    try:
        serving = pool.submit(_serve, lab, request, port_file)
        yield _wait_for_port(lab, serving, port_file)
        serving.result()
    finally:
        pool.shutdown(wait=False)
        with shield(), suppress(HostError):
            lab.run(["rm", "-f", "--", port_file], deadline_seconds=_STARTING_SECONDS, check=False)


def _serve(lab: Connection, request: Mapping[str, str], port_file: str) -> None:
    call(
        lab,
        "network",
        {**request, "port_file": port_file, "seconds": _SERVING_SECONDS},
        _NOTHING,
        what="the end of a measurement",
        failure=f"{lab} can't listen to a load host",
        deadline_seconds=_PROGRAM_SECONDS,
    )


def _wait_for_port(lab: Connection, serving: "Future[None]", port_file: str) -> int:
    ends_at = time.monotonic() + _STARTING_SECONDS
    while not serving.done():
        answer = lab.run(["cat", port_file], deadline_seconds=_STARTING_SECONDS, check=False).stdout
        if answer:
            return int(matching(r"\d{1,5}", answer, what="the port that it listens on", where=lab)[0])
        if time.monotonic() > ends_at:
            raise HostError(f"{lab} listened to no load host within {_STARTING_SECONDS} s. Check its load (`uptime`).")
        time.sleep(0.02)
    serving.result()
    raise HostError(f"The server for a load host on {lab} ended at once, without an error. Try again.")


_UNREACHED_REMEDY = "Use its address in the private network of both, and check that no firewall is between them."


def _unreached(load: Connection, address: str) -> str:
    return f"{load} doesn't reach the lab's host at {address}"
