"""What the tests of outages expect goes red: a record that is right, and the same with one request otherwise."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.faults.outage_load import EXPECTED, ON_DATABASE, OutageRecord, Sent
from tests.faults.test_outages import expect_recovery, expect_refusals, expect_service


def _sent(kind: str, at: float, **changes: object) -> Sent:
    usual = Sent(kind, at, at + 0.01, EXPECTED[kind], "hit" if kind == "post" else "")
    return replace(usual, **changes)  # pyright: ignore[reportArgumentType]


def _record(service: str) -> OutageRecord:
    """The service is away from 1 to 4; requests are sent at 0.5, 2, and each second from 10 on."""
    sent = [_sent(kind, at) for kind in EXPECTED for at in (0.5, 10, 11, 12)]
    for kind in EXPECTED:
        refused: dict[str, object] = {"status": 503} if kind in {*ON_DATABASE, "list"} else {}
        missed: dict[str, object] = {"cache": "miss"} if kind == "post" else {}
        sent.append(_sent(kind, 2.0, **(refused if service == "postgres" else missed)))
    return OutageRecord(sent, 1.0, 1.1, 4.0, 4.5)


def _with(record: OutageRecord, *more: Sent) -> OutageRecord:
    return replace(record, sent=[*record.sent, *more])


_Expect = Callable[[OutageRecord], None]

_RED: dict[str, tuple[str, _Expect, tuple[Sent, ...]]] = {
    "a 500": ("postgres", expect_refusals, (_sent("user", 2, status=500),)),
    "no answer": ("postgres", expect_refusals, (_sent("user", 2, status=0),)),
    "a late 503": ("postgres", expect_refusals, (_sent("user", 2, status=503, done=5.1),)),
    "an answer without PostgreSQL": ("postgres", expect_refusals, (_sent("user", 2),)),
    "a sick /healthz": ("postgres", expect_refusals, (_sent("healthz", 2, status=503),)),
    "no posts from the cache": ("postgres", expect_refusals, (_sent("post", 2, status=503),) * 2),
    "a 503 after the return": ("postgres", expect_recovery, (_sent("user", 10, status=503),)),
    "a 503 without Redis": ("redis", expect_service, (_sent("user", 2, status=503),)),
    "a slow answer without Redis": ("redis", expect_service, (_sent("user", 2, done=3.1),)),
    "a hit without Redis": ("redis", expect_service, (_sent("post", 2),)),
    "no cache after the return": ("redis", expect_service, tuple(_sent("post", 10, cache="miss") for _ in range(4))),
}


@pytest.mark.parametrize("fault", _RED)
def test_a_fault_is_seen(fault: str):
    service, expect, more = _RED[fault]
    expect(_record(service))
    with pytest.raises(AssertionError):
        expect(_with(_record(service), *more))


def test_a_kind_that_is_missing_is_seen():
    record = _record("postgres")
    with pytest.raises(AssertionError):
        expect_recovery(replace(record, sent=[one for one in record.sent if one.kind != "create"]))
