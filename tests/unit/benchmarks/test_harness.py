"""What the harness says of its four figures, and whether they are as they should be."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from benchmarks import harness
from benchmarks.harness import WARM_UP_SECONDS, Result, render
from documents.errors import RunError
from documents.lab.inventory import Inventory, Secrets
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench

pytestmark = pytest.mark.nightly

RESULT = Result(
    throughput_ratio=0.98,
    throughput_interval=(0.97, 0.99),
    throughput_ratios=[0.98],
    lab_requests_per_second=[980.0],
    plain_requests_per_second=[1000.0],
    cell_overhead_seconds=5.0,
    cell_overheads_seconds=[5.0],
    unchanged_up_seconds=10.0,
    unchanged_ups_seconds=[10.0],
    sampler_cores=0.0099,
)


def test_all_four_figures_are_printed_with_their_limits():
    assert render(RESULT).splitlines() == [
        "throughput under lab run / plain wrk   0.980, 95% interval 0.970 to 0.990   (0.98 or more)",
        "a cell outside of warm-up and load     5.0 s   (5 s or less)",
        "pulumi up with nothing to change       10.0 s   (10 s or less)",
        "sampler and watch                      0.0099 cores   (less than 0.01)",
    ]


def test_one_pair_of_windows_is_refused_because_it_has_no_interval(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        harness.main(["--pairs", "1"])
    assert ended.value.code == 2
    assert "measure 2 pairs or more" in capsys.readouterr().err


def cell_overhead(monkeypatch: pytest.MonkeyPatch, *, void: int, moments: Sequence[float]) -> float:
    """One cell of 2 s on a bench on which so many attempts are void, begun and ended at these moments in turn."""
    bench = FakeBench(
        spoilt=frozenset(range(1, void + 1)),
        protocol=PROTOCOL.model_copy(update={"warm_up_seconds": WARM_UP_SECONDS}),
    )

    @contextmanager
    def opened(_inventory: Inventory, _secrets: Secrets) -> Generator[FakeBench]:
        yield bench

    clock = iter(moments)
    monkeypatch.setattr("experiment.running.run.open_bench", opened)
    monkeypatch.setattr(harness, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    return harness.cell_overhead(INVENTORY, SECRETS, 2)


def test_the_valid_attempt_at_a_cell_is_timed(monkeypatch: pytest.MonkeyPatch):
    overhead = cell_overhead(monkeypatch, void=1, moments=(100.0, 150.0, 200.0, 207.5))
    assert overhead == 7.5 - WARM_UP_SECONDS - 2


def test_a_cell_without_a_valid_attempt_is_an_error_with_its_reason(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(RunError, match=r"No attempt at the cell is valid: wrk counted 5 errors"):
        cell_overhead(monkeypatch, void=3, moments=range(6))
