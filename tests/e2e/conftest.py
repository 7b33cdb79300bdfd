"""Runs on the lab of the end-to-end tests, and a small lab to be broken."""

import shutil
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from experiment.remote_bench import open_bench
from provision.connection import Connection, connect
from tests.conftest import LAB, LiveLab
from tests.e2e.go_lab import GO_LAB, GoLab
from tests.e2e.lab_run import LabRun
from tests.e2e.measured_run import MeasuredRun, measure_every_workload
from tests.e2e.scratch import Scratch, left_on_engine
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
    """One run over every workload, watched from outside; its folder is removed at the end."""
    run = measure_every_workload(live_lab, Path(tmp_path_factory.mktemp("measured")))
    yield run
    shutil.rmtree(run.folder)


@pytest.fixture(scope="session")
def scratch(request: pytest.FixtureRequest) -> Iterator[Scratch]:
    """A small lab to be broken; each test finds it in whatever state the last one left it."""
    with small_lab(Scratch(), keep=bool(request.config.getoption("--keep-lab"))) as lab:
        yield lab


@pytest.fixture(scope="session")
def go_lab(request: pytest.FixtureRequest, live_lab: LiveLab) -> Iterator[GoLab]:
    """A lab for runs beside other tests, whose API is the one that the lab has built."""
    with small_lab(Scratch(GO_LAB), keep=bool(request.config.getoption("--keep-lab"))) as lab:
        made = GoLab(lab, live_lab)
        made.up()
        yield made


@pytest.fixture(scope="session")
def walked_lab(request: pytest.FixtureRequest, live_lab: LiveLab) -> Iterator[Scratch]:
    """A lab for whoever walks through the docs; it doesn't stand yet, for the first command there stands one up."""
    with small_lab(Scratch(WALKED_LAB), keep=bool(request.config.getoption("--keep-lab"))) as lab:
        prepare_walked_lab(lab, live_lab)
        yield lab


@contextmanager
def small_lab(lab: Scratch, *, keep: bool) -> Generator[Scratch]:
    """A small lab that is taken down at the end, and before where tests that were killed left it."""
    if not keep and left_on_engine(lab.name):
        lab.discard()
    try:
        yield lab
    finally:
        if not keep:
            lab.remove()
