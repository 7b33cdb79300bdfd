"""Containers of variants on a real engine: made from the declared ones, put in their place, and all undone."""

import fcntl
import json
import os
import secrets
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from documents.errors import HostError
from documents.lab.host import CoreLayout, Host
from documents.lab.inventory import (
    STACK_LABEL,
    VARIED_LABEL,
    ApiService,
    PostgresService,
    RedisService,
    Varied,
)
from experiment.bench.arrangement import Arrangement
from provision.containers import control
from provision.services import variants
from provision.services.database import run_sql
from provision.services.readiness import wait_for_postgres
from provision.services.variants import VariantContainer
from provision.ssh import Completed, Connection
from tests.docker import docker
from tests.ports import free_port
from tests.ssh.services import build, small_inventory
from tests.ssh.waiting import wait_until

PASSWORD_FILE = "/run/fairground-postgres-password"

HOST = Host(
    kind="container",
    address="127.0.0.1",
    port=22,
    user="root",
    private_key_path="unused",
    known_hosts_path="unused",
    host_public_key="unused",
)
"""The engine is this machine's, whatever sshd a test reaches it through."""

LAYOUT = CoreLayout(api=(0,), postgres=(1,), redis=(1,), generator=(1,), system=(1,), shared=True)
OTHER_LAYOUT = CoreLayout(api=(1,), postgres=(0,), redis=(0,), generator=(0,), system=(0,), shared=True)

SETTINGS = {"shared_buffers": "16MB", "work_mem": "4MB", "autovacuum": "off"}


class DeclaredLab:
    """PostgreSQL, Redis and an API as Pulumi declares them, under names and a label of their own."""

    def __init__(self, folder: Path) -> None:
        suffix = f"{os.getpid()}-{secrets.token_hex(3)}"
        self.stack = f"variants-{suffix}"
        self.secret = secrets.token_hex(16)
        self.volumes = [f"{self.stack}-{name}" for name in ("data", "uploads")]
        self.image = build("redis")
        postgres = PostgresService(
            container=f"{self.stack}-postgres",
            image_id=build("postgres"),
            port=free_port(),
            database="fairground",
            user="fairground",
            settings=SETTINGS,
        )
        redis = RedisService(container=f"{self.stack}-redis", image_id=self.image, port=free_port(), settings={})
        api = ApiService(
            name="go",
            source="apis/go",
            source_sha256="0",
            image_id=self.image,
            container=f"{self.stack}-api-go",
            port=18080,
            environment={"DB_POOL_SIZE": "8"},
            upload_volume=self.volumes[1],
        )
        described = small_inventory(HOST, LAYOUT, postgres, redis, api)
        self.inventory = described.model_copy(update={"stack": self.stack})
        self._folder = folder

    def start(self) -> None:
        for volume in self.volumes:
            docker("volume", "create", "--label", f"{STACK_LABEL}={self.stack}", volume)
        made = ("create", "--network=host", f"--label={STACK_LABEL}={self.stack}", "--restart=unless-stopped")
        postgres, api = self.inventory.postgres, self.inventory.apis[0]
        settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        docker(
            *made,
            f"--name={postgres.container}",
            "--shm-size=64m",
            "--cpuset-cpus=1",
            "--stop-timeout=30",
            f"--env=PGPORT={postgres.port}",
            f"--env=POSTGRES_DB={postgres.database}",
            f"--env=POSTGRES_USER={postgres.user}",
            f"--env=POSTGRES_PASSWORD_FILE={PASSWORD_FILE}",
            f"--volume={self.volumes[0]}:/var/lib/postgresql/data",
            postgres.image_id,
            *("postgres", "-c", "listen_addresses=127.0.0.1", "-c", f"port={postgres.port}", *settings),
        )
        # As Pulumi does: into the container, and not mounted.
        (self._folder / "password").write_text(f"{self.secret}\n")
        (self._folder / "password").chmod(0o444)
        docker("cp", str(self._folder / "password"), f"{postgres.container}:{PASSWORD_FILE}")
        idle = ("--entrypoint", "sleep", self.image, "infinity")
        docker(*made, f"--name={self.inventory.redis.container}", "--cpuset-cpus=1", *idle)
        docker(
            *made,
            f"--name={api.container}",
            "--cpuset-cpus=0",
            "--init",
            "--read-only",
            "--cap-drop=ALL",
            "--stop-timeout=3",
            "--tmpfs=/tmp:mode=1777,size=64m",
            f"--env=JWT_SECRET={self.secret}",
            "--env=DB_POOL_SIZE=8",
            f"--volume={self.volumes[1]}:/uploads",
            *idle,
        )
        docker("start", postgres.container, self.inventory.redis.container, api.container)

    def api(self, name: str, *, postgres: dict[str, str] | None = None, cores: CoreLayout | None = None) -> ApiService:
        """A variant of the API."""
        api = self.inventory.apis[0]
        varied = Varied(api="go", variant=name, environment={}, cores=cores, postgres=postgres or {})
        return api.model_copy(update={"name": f"go-{name}", "container": f"{api.container}-{name}", "varied": varied})

    def made(self) -> set[str]:
        """The containers of variants that there are."""
        listing = ("ps", "--all", "--format={{.Names}}", f"--filter=label={STACK_LABEL}={self.stack}")
        return set(docker(*listing, f"--filter=label={VARIED_LABEL}").split())

    def running(self) -> set[str]:
        """Of the lab's containers those that run, by what comes behind the stack's name."""
        names = docker("ps", "--format={{.Names}}", f"--filter=label={STACK_LABEL}={self.stack}").split()
        return {name.removeprefix(f"{self.stack}-") for name in names}

    def remove(self) -> None:
        for name in docker("ps", "--all", "--quiet", f"--filter=label={STACK_LABEL}={self.stack}").split():
            docker("rm", "--force", "--volumes", name)
        docker("volume", "rm", "--force", *self.volumes)


def inspect(name: str) -> dict[str, Any]:
    return json.loads(docker("container", "inspect", name))[0]


def cpus_of(name: str) -> str:
    return inspect(name)["HostConfig"]["CpusetCpus"]


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeclaredLab]:
    lab = DeclaredLab(tmp_path_factory.mktemp("declared"))
    try:
        lab.start()
        yield lab
    finally:
        lab.remove()


@pytest.fixture
def lab(
    declared: DeclaredLab, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DeclaredLab]:
    monkeypatch.setattr(variants, "LOCK", str(tmp_path / "fairground" / "variants.lock"))
    wait_for_postgres(connection, declared.inventory.postgres)
    before = {name: inspect(f"{declared.stack}-{name}") for name in ("postgres", "redis", "api-go")}
    yield declared
    variants.remove(connection, declared.inventory)
    assert declared.made() == set()
    assert declared.running() == {"postgres", "redis", "api-go"}
    after = {name: inspect(f"{declared.stack}-{name}") for name in before}
    for name, was in before.items():
        for part in ("Id", "Config", "HostConfig", "Mounts"):
            assert after[name][part] == was[part], f"{part} of {name}"


def test_a_container_is_as_the_declared_one_but_for_what_its_variant_has(lab: DeclaredLab, connection: Connection):
    api = lab.inventory.apis[0]
    name = f"{api.container}-pool-16"
    changes = {"DB_POOL_SIZE": "16", "GOGC": "50"}
    variants.make(connection, [VariantContainer(name, of=api.container, cpus="1", environment=changes)])
    was, found = inspect(api.container), inspect(name)
    assert found["State"]["Status"] == "created"
    assert found["Image"] == found["Config"]["Image"] == was["Image"], "by its id, for a name may be another's by now"
    environment = dict(entry.split("=", 1) for entry in found["Config"]["Env"])
    assert environment == dict(entry.split("=", 1) for entry in was["Config"]["Env"]) | changes
    assert environment["JWT_SECRET"] == lab.secret
    assert found["Config"]["Labels"] == was["Config"]["Labels"] | {VARIED_LABEL: api.container}
    assert {mount["Name"] for mount in found["Mounts"]} == {lab.volumes[1]}
    other = {"CpusetCpus": "1", "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}
    assert found["HostConfig"] == was["HostConfig"] | other
    same = ("Cmd", "Entrypoint", "User", "WorkingDir", "StopSignal", "StopTimeout")
    assert {part: found["Config"].get(part) for part in same} == {part: was["Config"].get(part) for part in same}
    control.start(connection, name)
    assert control.state(connection, name) == ("running", 0)
    assert docker("exec", name, "printenv", "DB_POOL_SIZE") == "16"


def test_what_is_secret_goes_from_the_engine_to_the_engine_alone(
    lab: DeclaredLab, connection: Connection, monkeypatch: pytest.MonkeyPatch
):
    seen: list[str] = []
    run = Connection.run

    def spy(self: Connection, command: str | Sequence[str], **options: Any) -> Completed:  # noqa: ANN401 - as run's
        done = run(self, command, **options)
        seen.append(f"{command} {options.get('input')} {done}")
        return done

    monkeypatch.setattr(Connection, "run", spy)
    Arrangement(connection, lab.inventory).make([lab.api("large", postgres={"work_mem": "16MB"})])
    assert seen
    assert not any(lab.secret in text for text in seen)
    command = next(text for text in seen if "work_mem" in text).partition("Runs on the host")[0]
    assert "large" not in command, "nor is anything of a variant in the list of the host's processes"


def test_postgresql_is_at_work_with_a_variants_settings_over_the_same_data(lab: DeclaredLab, connection: Connection):
    postgres = lab.inventory.postgres
    run_sql(connection, postgres, "postgres", "CREATE TABLE kept AS SELECT 7 AS seven;", deadline_seconds=30)
    large = lab.api("large", postgres={"work_mem": "16MB", "max_connections": "50"})
    arrangement = Arrangement(connection, lab.inventory)
    arrangement.make([large, lab.inventory.apis[0]])
    assert lab.running() == {"postgres", "redis", "api-go"}
    assert arrangement.arrange(large) == []
    assert lab.running() == {"postgres-large", "redis", "api-go"}, "two over one volume would destroy it"
    shown = "SHOW work_mem; SHOW max_connections; SHOW shared_buffers; SELECT seven FROM kept;"
    answer = run_sql(connection, arrangement.postgres, "postgres", shown, deadline_seconds=30)
    assert answer.split() == ["16MB", "50", "16MB", "7"]
    assert docker("exec", arrangement.postgres.container, "cat", PASSWORD_FILE) == lab.secret
    words = inspect(arrangement.postgres.container)["Config"]["Cmd"]
    assert [word for word in words if word.startswith("work_mem")] == ["work_mem=16MB"]
    started = inspect(arrangement.postgres.container)["State"]["StartedAt"]
    assert arrangement.arrange(large) == []
    assert inspect(arrangement.postgres.container)["State"]["StartedAt"] > started, "it is started again for each cell"
    assert arrangement.arrange(lab.inventory.apis[0]) == []
    assert lab.running() == {"postgres", "redis", "api-go"}
    assert run_sql(connection, postgres, "postgres", "SHOW work_mem; DROP TABLE kept;", deadline_seconds=30) == "4MB\n"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"work_men": "16MB"}, r'unrecognized configuration parameter "work_men"'),
        pytest.param(
            {"shared_buffers": "900GB"},
            r"ended with the status 1\. The last that it wrote: .*could not map",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_settings_that_postgresql_does_not_take_are_reported_when_it_is_tried(
    lab: DeclaredLab, connection: Connection, settings: dict[str, str], said: str
):
    arrangement = Arrangement(connection, lab.inventory)
    with pytest.raises(HostError, match=said):
        arrangement.make([lab.api("large", postgres=settings)])
    arrangement.undo()
    assert lab.running() == {"postgres", "redis", "api-go"}


@pytest.mark.nightly
def test_a_setting_that_is_overruled_is_reported(lab: DeclaredLab, connection: Connection):
    postgres = lab.inventory.postgres
    large = lab.api("large", postgres={"work_mem": "16MB"})
    arrangement = Arrangement(connection, lab.inventory)
    arrangement.make([large])
    run_sql(connection, postgres, "postgres", "ALTER ROLE fairground SET work_mem = '5MB';", deadline_seconds=30)
    try:
        assert arrangement.arrange(large) == [
            "PostgreSQL's work_mem is 5MB instead of 16MB.",
            "PostgreSQL's work_mem is 5MB for a role or a database of its own.",
        ]
    finally:
        run_sql(connection, arrangement.postgres, "postgres", "ALTER ROLE fairground RESET ALL;", deadline_seconds=30)
    unknown = postgres.model_copy(update={"container": arrangement.postgres.container, "settings": {"no_such": "1"}})
    assert variants.wrong_settings(connection, unknown) == ["PostgreSQL knows no setting no_such."]


def test_services_have_the_cpus_of_a_variants_layout_and_get_their_own_back(lab: DeclaredLab, connection: Connection):
    postgres, redis = lab.inventory.postgres.container, lab.inventory.redis.container
    turned = lab.api("turned", cores=OTHER_LAYOUT)
    both = lab.api("both", cores=OTHER_LAYOUT, postgres={"work_mem": "16MB"})
    arrangement = Arrangement(connection, lab.inventory)
    arrangement.make([turned, both, lab.inventory.apis[0]])
    assert cpus_of(turned.container) == "1"
    assert arrangement.arrange(turned) == []
    assert (cpus_of(postgres), cpus_of(redis)) == ("0", "0")
    assert arrangement.cores == OTHER_LAYOUT
    assert arrangement.arrange(both) == []
    assert cpus_of(arrangement.postgres.container) == "0"
    assert arrangement.arrange(lab.inventory.apis[0]) == []
    assert (cpus_of(postgres), cpus_of(redis)) == ("1", "1")
    arrangement.arrange(turned)
    # A thread that was pinned there, as a cell does, is to come back as well.
    process = control.main_process_id(connection, redis)
    os.sched_setaffinity(process, {0})
    Arrangement(connection, lab.inventory).undo()
    assert (cpus_of(postgres), cpus_of(redis)) == ("1", "1")
    assert os.sched_getaffinity(process) == {1}


def test_what_a_killed_run_left_is_undone_by_whoever_comes_next(lab: DeclaredLab, connection: Connection):
    both = lab.api("both", cores=OTHER_LAYOUT, postgres={"work_mem": "16MB"})
    killed = Arrangement(connection, lab.inventory)
    killed.make([both])
    killed.arrange(both)
    docker("stop", lab.inventory.apis[0].container)
    control.start(connection, both.container)
    Arrangement(connection, lab.inventory).undo()
    assert lab.made() == set()
    assert lab.running() == {"postgres", "redis"}
    docker("start", lab.inventory.apis[0].container)
    assert variants.remove(connection, lab.inventory) is False


@pytest.mark.nightly
def test_what_was_undone_in_part_is_undone_whole(lab: DeclaredLab, connection: Connection):
    large = lab.api("large", postgres={"work_mem": "16MB"})
    killed = Arrangement(connection, lab.inventory)
    killed.make([large])
    killed.arrange(large)
    # Killed when the variants were stopped and nothing else was done.
    docker("stop", killed.postgres.container)
    assert variants.remove(connection, lab.inventory) is True


@pytest.mark.nightly
def test_nothing_is_touched_where_no_variant_is_left(lab: DeclaredLab, connection: Connection):
    docker("stop", lab.inventory.postgres.container)
    docker("update", "--cpuset-cpus=0", lab.inventory.redis.container)
    assert variants.remove(connection, lab.inventory) is False
    assert lab.running() == {"redis", "api-go"}, "who stopped it had a reason"
    assert cpus_of(lab.inventory.redis.container) == "0"
    docker("update", "--cpuset-cpus=1", lab.inventory.redis.container)
    docker("start", lab.inventory.postgres.container)


def test_variants_of_another_lab_stay(lab: DeclaredLab, connection: Connection):
    variants.make(connection, [VariantContainer(f"{lab.stack}-mine", of=lab.inventory.apis[0].container, cpus="1")])
    assert variants.remove(connection, lab.inventory.model_copy(update={"stack": f"{lab.stack}-other"})) is False
    assert lab.made() == {f"{lab.stack}-mine"}


@pytest.mark.nightly
def test_none_is_stopped_for_one_that_is_not_there(lab: DeclaredLab, connection: Connection):
    postgres = lab.inventory.postgres
    gone = postgres.model_copy(update={"container": f"{postgres.container}-gone"})
    with pytest.raises(HostError, match=r"No such container: .*-gone\. Run `lab up`, which also removes"):
        variants.switch_postgres(connection, gone, [postgres.container])
    assert "postgres" in lab.running()


def test_a_request_waits_for_the_one_before(lab: DeclaredLab, connection: Connection):
    """A killed controller leaves what it asked for under way: the next one must not meet it half-way."""
    variants.make(connection, [VariantContainer(f"{lab.stack}-mine", of=lab.inventory.apis[0].container, cpus="1")])
    lock = Path(variants.LOCK)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        removing = threading.Thread(target=variants.remove, args=(connection, lab.inventory))
        removing.start()
        wait_until(lambda: _is_waited_for(lock))
        assert lab.made() == {f"{lab.stack}-mine"}
    removing.join()
    assert lab.made() == set()


def _is_waited_for(path: Path) -> bool:
    """Whether a process waits for a lock on the file. Source: proc(5), /proc/locks."""
    inode = f":{path.stat().st_ino} "
    return any("-> FLOCK" in line and inode in line for line in Path("/proc/locks").read_text().splitlines())
