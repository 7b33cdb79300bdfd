"""Runs on the lab of the end-to-end tests, and a small lab to be broken."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from experiment.remote_bench import open_bench
from provision.connection import Connection, connect
from tests.conftest import LAB, LiveLab
from tests.e2e.lab_run import LabRun
from tests.e2e.measured_run import MeasuredRun, measure_every_workload
from tests.e2e.scratch import Scratch, left_on_engine

StartRun = Callable[..., LabRun]


@pytest.fixture
def host(live_lab: LiveLab) -> Iterator[Connection]:
    """A connection to the lab's host that is the test's own."""
    with connect(live_lab.inventory.host) as connection:
        yield connection


@pytest.fixture
def start_run(live_lab: LiveLab) -> Iterator[StartRun]:
    """Starts runs; those that the test leaves are ended, the host is cleared, and their folders are removed."""
    started: list[LabRun] = []

    def start(*arguments: str, lab: Sequence[str | Path] = (LAB,)) -> LabRun:
        run = LabRun(live_lab.stack, *arguments, lab=lab)
        started.append(run)
        return run

    yield start
    for run in started:
        run.abandon()
    with open_bench(live_lab.inventory, live_lab.secrets) as bench, bench.hold("a test that ends"):
        bench.clear()
        bench.restore()
    for folder in {run.folder for run in started if run.events}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def measured(live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredRun]:
    """One run over every workload, watched from outside; its folder is removed at the end."""
    run = measure_every_workload(live_lab, Path(tmp_path_factory.mktemp("measured")))
    yield run
    shutil.rmtree(run.folder)


@pytest.fixture(scope="session")
def scratch(request: pytest.FixtureRequest) -> Iterator[Scratch]:
    """A small lab to be broken; each test finds it in whatever state the last one left it."""
    lab, keep = Scratch(), request.config.getoption("--keep-lab")
    if not keep and left_on_engine():
        lab.discard()
    yield lab
    if not keep:
        lab.remove()
