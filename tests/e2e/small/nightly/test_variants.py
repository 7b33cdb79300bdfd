"""A run that varies the Go API on the small lab: pools, PostgreSQL's settings, cores. It is killed and goes on.

The controller is held up when a load begins, so that what is at work then can be looked at.
"""

import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from documents.lab.drift import Drift
from documents.lab.inventory import Inventory
from experiment.progress.events import Event, PhaseStarted
from provision.containers.control import main_process_id
from provision.services.database import run_sql
from provision.ssh.connection import Connection, connect
from tests.conftest import run_lab
from tests.e2e.lab_run import ATTEMPTS_MOST, LabRun
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import NAME
from tests.e2e.small_lab import SmallLab
from tests.run_folder import read_attempts

pytestmark = pytest.mark.nightly

PROTOCOL = f"""version: 1
name: varied
blocks: 2
warm_up_seconds: 1
attempts: {ATTEMPTS_MOST}
timeout_seconds: 20
twin: false
apis: [go]
scenarios:
  - {{name: users, workload: read-user, connections: [8], duration_seconds: 1}}
vary:
  - name: pool-16
    environment: {{DB_POOL_SIZE: "16"}}
  - name: pool-32
    environment: {{DB_POOL_SIZE: "32"}}
  - name: pool-64
    environment: {{DB_POOL_SIZE: "64"}}
  - name: large
    postgres: {{work_mem: 16MB, max_connections: "150"}}
  - name: turned
    cores: {{api: "%(others)s", postgres: "%(api)s", system: "%(api)s", generator: "%(api)s"}}
"""
"""Its last variant has the API where the others are, and these where the API is."""

SUBJECTS = ["go-pool-16", "go-pool-32", "go-pool-64", "go-large", "go-turned"]
POOLS = {"go-pool-16": "16", "go-pool-32": "32", "go-pool-64": "64", "go-large": "32", "go-turned": "32"}
CELLS = 2 * len(SUBJECTS)


@dataclass(frozen=True)
class AtWork:
    """What was at work when a cell's load began: the API's environment, PostgreSQL's settings, CPUs by role."""

    environment: dict[str, str]
    settings: dict[str, str]
    cpus: dict[str, str]
    running: set[str]


@dataclass
class VariedRun:
    """What was seen of the run; `drift_of_killed` is what was found after the kill, `drift` what after its end."""

    folder: Path
    seen: dict[str, list[AtWork]] = field(default_factory=dict[str, list[AtWork]])
    drift_of_killed: Drift | None = None
    drift: Drift | None = None
    containers: set[str] = field(default_factory=set[str])


def read_drift() -> Drift:
    done = run_lab(["verify", "--drift", "--json", "--stack", NAME])
    return Drift.from_json(done.stdout, name=done.stderr or "the command's output")


@pytest.fixture(scope="module")
def varied(go_lab: SmallLab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VariedRun]:
    protocol = tmp_path_factory.mktemp("varied") / "varied.yaml"
    inventory = go_lab.as_it_stands().inventory
    protocol.write_text(PROTOCOL % cpus_of(inventory))
    with connect(inventory.host) as host:
        before = containers_on(host)
        first = LabRun(NAME, "--protocol", str(protocol), "--seed", "5", lab=LAB_WITH_NEIGHBOURS)
        try:
            first.wait_for(lambda event: begins_load(event) and "-go-large-" in cell_of(event))
            run = VariedRun(first.folder)
        finally:
            first.abandon()
        run.drift_of_killed = read_drift()
        again = LabRun(NAME, "--resume", run.folder.name, lab=LAB_WITH_NEIGHBOURS)

        def look(event: Event) -> None:
            if begins_load(event):
                subject = cell_of(event).split("-", 1)[1].rpartition("-users-8")[0]
                again.send(signal.SIGSTOP)
                run.seen.setdefault(subject, []).append(at_work(host, go_lab, subject))
                again.send(signal.SIGCONT)

        try:
            assert again.follow(look) == 0, again.stdout + again.stderr
        finally:
            again.abandon()
        run.drift = read_drift()
        run.containers = containers_on(host) - before
    yield run
    shutil.rmtree(run.folder)


def cpus_of(inventory: Inventory) -> dict[str, str]:
    return {"api": inventory.cores.cpu_list("api"), "others": inventory.cores.cpu_list("postgres")}


def begins_load(event: Event) -> bool:
    return isinstance(event, PhaseStarted) and event.phase == "load"


def cell_of(event: Event) -> str:
    assert isinstance(event, PhaseStarted)
    return event.cell_id


def containers_on(host: Connection) -> set[str]:
    listing = ["docker", "ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"]
    return set(host.run(listing, deadline_seconds=30).stdout.splitlines())


def at_work(host: Connection, go_lab: SmallLab, subject: str) -> AtWork:
    lab = go_lab.as_it_stands().inventory
    api = f"fairground-api-{subject}"
    postgres = lab.postgres
    if subject == "go-large":
        postgres = postgres.model_copy(update={"container": f"{postgres.container}-large"})
    environ = host.run(f"tr '\\0' '\\n' </proc/{main_process_id(host, api)}/environ", deadline_seconds=30).stdout
    asked = ("work_mem", "max_connections", "shared_buffers")
    shown = run_sql(host, postgres, "postgres", "".join(f"SHOW {name};" for name in asked), deadline_seconds=30)
    roles = {"api": api, "postgres": postgres.container, "redis": lab.redis.container}
    cpus: dict[str, str] = {}
    for role, container in roles.items():
        status = f"/proc/{main_process_id(host, container)}/status"
        found = host.run(["grep", "Cpus_allowed_list", status], deadline_seconds=30).stdout
        limit = ["docker", "container", "inspect", "--format", "{{.HostConfig.CpusetCpus}}", container]
        cpus[role] = found.split()[1]
        assert host.run(limit, deadline_seconds=30).stdout.strip() == cpus[role]
    names = host.run(["docker", "ps", "--format", "{{.Names}}"], deadline_seconds=30).stdout.split()
    return AtWork(
        environment=dict(line.split("=", 1) for line in environ.splitlines()),
        settings=dict(zip(asked, shown.split(), strict=True)),
        cpus=cpus,
        running=set(names),
    )


def test_each_cell_had_the_environment_the_settings_and_the_cpus_of_its_variant(varied: VariedRun, go_lab: SmallLab):
    assert set(varied.seen) == set(SUBJECTS)
    lab = go_lab.as_it_stands()
    cpus = cpus_of(lab.inventory)
    for subject, looks in varied.seen.items():
        for look in looks:
            assert look.environment["DB_POOL_SIZE"] == POOLS[subject]
            assert look.environment["JWT_SECRET"] == lab.secrets.jwt_secret
            large, turned = subject == "go-large", subject == "go-turned"
            assert look.settings == {
                "work_mem": "16MB" if large else "8MB",
                "max_connections": "150" if large else "200",
                "shared_buffers": lab.inventory.postgres.settings["shared_buffers"],
            }
            own, other = cpus["others" if turned else "api"], cpus["api" if turned else "others"]
            assert look.cpus == {"api": own, "postgres": other, "redis": other}
            server = "fairground-postgres-large" if large else "fairground-postgres"
            assert look.running == {f"fairground-api-{subject}", server, "fairground-redis"}


def test_every_cell_is_valid_and_the_killed_one_was_measured_again(varied: VariedRun, go_lab: SmallLab):
    layout = go_lab.as_it_stands().inventory.cores
    records = {record.cell_id: record for record in read_attempts(varied.folder)}
    assert len(records) == CELLS
    assert all(record.valid for record in records.values()), [record.voids for record in records.values()]
    for name, record in records.items():
        cpus = {thread.role: thread.cpus for thread in record.pinning}
        assert cpus["api"] == (layout.postgres if "-go-turned-" in name else layout.api)


def test_what_a_killed_run_left_is_reported_and_gone_after_the_next(varied: VariedRun):
    assert varied.drift_of_killed is not None
    found = {(one.subject, one.what): one.effective for one in varied.drift_of_killed.differences}
    assert found["fairground-api-go-large", "the container"] == "running"
    assert found["fairground-postgres-large", "the container"] == "running"
    assert found["postgres", "its state"] == "exited"
    assert {f"fairground-api-{subject}" for subject in SUBJECTS} <= {subject for subject, _ in found}
    assert varied.drift is not None
    assert varied.drift.differences == ()
    assert varied.containers == set(), "the declared ones are the same, and no other is there"
