"""Runs on the lab of the end-to-end tests, and the small lab."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from experiment.bench.remote import open_bench
from provision.ssh.connection import Connection, connect
from tests.conftest import LAB, LiveLab
from tests.e2e.lab_run import LabRun
from tests.e2e.measured_run import MeasuredRun, measure_workloads
from tests.e2e.scratch import Scratch, left_on_engine
from tests.e2e.small_lab import SmallLab
from tests.e2e.walked_lab import WALKED_LAB, prepare_walked_lab

StartRun = Callable[..., LabRun]


@pytest.fixture(scope="module")
def measured_lab(live_lab: LiveLab) -> LiveLab:
    """The lab that runs are started on: that of the tests, where a file doesn't say otherwise."""
    return live_lab


@pytest.fixture
def host(measured_lab: LiveLab) -> Iterator[Connection]:
    """A connection to the lab's host that is the test's own."""
    with connect(measured_lab.inventory.host) as connection:
        yield connection


@pytest.fixture
def start_run(measured_lab: LiveLab) -> Iterator[StartRun]:
    """Starts runs; those that the test leaves are ended, the host is cleared, and their folders are removed."""
    started: list[LabRun] = []

    def start(*arguments: str, lab: Sequence[str | Path] = (LAB,)) -> LabRun:
        run = LabRun(measured_lab.stack, *arguments, lab=lab)
        started.append(run)
        return run

    yield start
    for run in started:
        run.abandon()
    with open_bench(measured_lab.inventory, measured_lab.secrets) as bench, bench.hold("a test that ends"):
        bench.clear()
        bench.restore()
    for folder in {run.folder for run in started if run.events}:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def measured(live_lab: LiveLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeasuredRun]:
    """One run over several workloads, watched from outside; its folder is removed at the end."""
    run = measure_workloads(live_lab, Path(tmp_path_factory.mktemp("measured")))
    yield run
    shutil.rmtree(run.folder)


@pytest.fixture(scope="session")
def small_lab(request: pytest.FixtureRequest) -> Iterator[SmallLab]:
    """The small lab; each test brings it to the shape that it needs, whatever the last one left."""
    lab = SmallLab(lambda: request.getfixturevalue("live_lab"))
    yield lab
    if not request.config.getoption("--keep-lab"):
        lab.end()


@pytest.fixture(scope="session")
def walked_lab(request: pytest.FixtureRequest, live_lab: LiveLab) -> Iterator[Scratch]:
    """A lab for whoever walks through the docs; it doesn't stand yet, for the first command there stands one up."""
    keep = bool(request.config.getoption("--keep-lab"))
    lab = Scratch(WALKED_LAB)
    if not keep and left_on_engine(lab.name):
        lab.discard()
    try:
        prepare_walked_lab(lab, live_lab)
        yield lab
    finally:
        if not keep:
            lab.remove()
