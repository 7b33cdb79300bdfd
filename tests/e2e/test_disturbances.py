"""What spoils a cell on a real lab, caught by its name: a starved generator, a busy loop on the API's CPUs, a server
that never answers half of its connections, one that answers 404. Each has a cell of one run, which is disturbed from
the beginning of its load to the end; a last one is left alone.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.lab.inventory import Inventory
from documents.run.protocol import Protocol, Scenario
from documents.run.records import CellRecord, VoidReason
from experiment.progress.events import CellStarted, Event, PhaseStarted
from experiment.running.run import start_run
from provision.containers import control
from provision.load import jobs
from provision.load.jobs import Job
from provision.ssh.connection import Connection, connect
from tests.conftest import LiveLab
from tests.e2e.lab_run import API, OF_THE_MACHINE, read_records

pytestmark = pytest.mark.alone

SERVER = Path(__file__).parent / "host" / "misbehaving_server.py"
PORT = 29_080
"""Where the misbehaving server listens; no stack has it."""

FOLDER = "/tmp/fairground-disturbances"  # noqa: S108 - on the lab's host, and removed at the end
SECONDS = 3
CONNECTIONS = 20
PATIENCE_SECONDS = 600
"""When the host ends whatever the test leaves behind."""

DISTURBANCES = ("starved", "neighbour", "hanging", "not-found", "undisturbed")

BUSY_LOOP = "while :; do :; done"


class Disturber:
    """Disturbs the host in one way, while a cell has its load."""

    def __init__(self, connection: Connection, inventory: Inventory) -> None:
        self._connection = connection
        self._cores = inventory.cores
        self._jobs: list[Job] = []
        self._started = 0
        self._cell = ""

    def follow(self, event: Event) -> None:
        """Begin when a cell's load does, and end when its files are pulled. The run waits meanwhile."""
        if isinstance(event, CellStarted):
            self._cell = event.cell.scenario.name
        elif isinstance(event, PhaseStarted) and event.phase == "load":
            self.begin(self._cell)
        elif isinstance(event, PhaseStarted) and event.phase == "pull":
            self.end()

    def begin(self, disturbance: str) -> None:
        match disturbance:
            case "starved":
                self.start(["nice", "-n", "-5", "sh", "-c", BUSY_LOOP], self._cores.generator)
            case "neighbour":
                self.start(["sh", "-c", BUSY_LOOP], self._cores.api)
            case "hanging" | "not-found":
                word = {"hanging": "hang", "not-found": "404"}[disturbance]
                self._connection.run(f"echo {word} > {FOLDER}/word", deadline_seconds=30)
            case "undisturbed":
                pass
            case _:
                raise AssertionError(disturbance)

    def end(self) -> None:
        while self._jobs:
            jobs.stop(self._connection, self._jobs.pop())
        self._connection.run(["rm", "-f", f"{FOLDER}/word"], deadline_seconds=30)

    def start(self, argv: list[str], cpus: tuple[int, ...]) -> None:
        """Start a process on each of the CPUs."""
        for cpu in cpus:
            self._started += 1
            directory = f"{FOLDER}/{self._started}"
            deadline = 10 * SECONDS
            self._jobs.append(jobs.start(self._connection, directory, argv, cpus=[cpu], deadline_seconds=deadline))


@pytest.fixture(scope="module")
def host(live_lab: LiveLab) -> Iterator[Connection]:
    """A connection to the lab's host, with a folder there; APIs that a run doesn't know of are stopped meanwhile."""
    others = [api.container for api in live_lab.inventory.apis if api.name != API]
    with connect(live_lab.inventory.host) as connection:
        connection.run(["mkdir", "-p", FOLDER], deadline_seconds=30)
        for container in others:
            control.stop(connection, container)
        yield connection
        for container in others:
            control.start(connection, container)
        connection.run(["rm", "-rf", FOLDER], deadline_seconds=30)


@pytest.fixture(scope="module")
def disturbed(
    live_lab: LiveLab, host: Connection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, CellRecord]]:
    """The cells, by their disturbance; the API is asked through the server that may misbehave."""
    host.push(SERVER, f"{FOLDER}/server.py")
    api = live_lab.inventory.api(API)
    argv = ["python3", "-I", f"{FOLDER}/server.py", str(PORT), str(api.port), f"{FOLDER}/word"]
    cpus = live_lab.inventory.cores.system
    server = jobs.start(host, f"{FOLDER}/server", argv, cpus=cpus, deadline_seconds=PATIENCE_SECONDS)
    protocol = Protocol(
        version=1,
        name="disturbed",
        blocks=1,
        warm_up_seconds=1,
        # A slow answer is no error here, so that nothing but the disturbance voids a cell.
        timeout_seconds=20,
        attempts=1,
        twin=False,
        scenarios=tuple(
            Scenario(name=name, workload="read-user", connections=CONNECTIONS, duration_seconds=SECONDS)
            for name in DISTURBANCES
        ),
    )
    inventory = live_lab.inventory.model_copy(update={"apis": (api.model_copy(update={"port": PORT}),)})
    disturber = Disturber(host, inventory)
    runs = tmp_path_factory.mktemp("disturbed")
    try:
        run = start_run(inventory, live_lab.secrets, protocol, runs, order_seed=1, progress=disturber.follow)
        yield read_records(run)
    finally:
        disturber.end()
        jobs.stop(host, server)


def reasons(record: CellRecord) -> set[VoidReason]:
    return {void.reason for void in record.voids}


def message(record: CellRecord, reason: VoidReason) -> str:
    return " ".join(void.message for void in record.voids if void.reason == reason)


def test_a_cell_that_is_left_alone_is_void_by_nothing_but_the_machine(disturbed: dict[str, CellRecord]):
    assert reasons(disturbed["undisturbed"]) <= OF_THE_MACHINE


def test_a_generator_that_is_starved_of_cpu_is_caught_by_name(disturbed: dict[str, CellRecord]):
    assert "The load generator was starved" in message(disturbed["starved"], "generator-saturated")


def test_a_busy_loop_on_the_apis_cpus_is_caught_by_name(disturbed: dict[str, CellRecord], live_lab: LiveLab):
    told = message(disturbed["neighbour"], "noisy-neighbour")
    assert f"of the CPUs of api ({live_lab.inventory.cores.cpu_list('api')})" in told


def test_a_server_that_hangs_half_of_its_connections_is_caught_by_name(disturbed: dict[str, CellRecord]):
    told = message(disturbed["hanging"], "stuck-requests")
    assert f"{CONNECTIONS // 2} of {CONNECTIONS} connections had been sent no answer" in told
    assert "wrk-errors" not in reasons(disturbed["hanging"]), "wrk counts a hanging connection nowhere"


def test_a_server_that_answers_404_is_caught_by_name(disturbed: dict[str, CellRecord]):
    assert {"wrk-errors", "wrong-status"} <= reasons(disturbed["not-found"])
    told = message(disturbed["not-found"], "wrong-status")
    assert "must be answered with 200, but was with 404" in told
    assert "stuck-requests" not in reasons(disturbed["not-found"])
