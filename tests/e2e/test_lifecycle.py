"""A lab's life: up, changed, used, and down with a receipt."""

import json
import os
import subprocess
import time

import pytest

from lab.lifecycle.engine import Engine
from provision.connection import Connection
from provision.containers import execute
from provision.database import run_sql
from provision.seeding import seeded_contract
from tests.conftest import ROOT, LiveLab
from tests.e2e.scratch import HOST, NAME, Scratch, docker, free_port, left_on_engine, on_host


def preview_changes(engine: Engine) -> str:
    """What `pulumi preview` would change; nothing where it expects no changes and is right."""
    done = subprocess.run(
        ["pulumi", "preview", "--expect-no-changes", "--stack", engine.stack, "--non-interactive"],
        cwd=engine.root,
        env=dict(engine.environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def git_status() -> str:
    return subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.mark.usefixtures("live_lab")
def test_preview_after_up_and_after_a_refresh_has_nothing_to_change(engine: Engine):
    assert preview_changes(engine) == ""
    engine.operate("refresh", "--yes", "--skip-preview", progress=lambda _step: None)
    assert preview_changes(engine) == ""


def test_second_up_changes_nothing_and_leaves_the_tree_clean(live_lab: LiveLab, host: Connection):
    def containers() -> str:
        return host.run("docker ps --no-trunc --format '{{.ID}} {{.CreatedAt}}'", deadline_seconds=30).stdout

    before, tree = containers(), git_status()
    up = live_lab.run("up")
    assert up.returncode == 0, up.stderr
    assert "nothing to change" in up.stdout
    assert containers() == before
    assert git_status() == tree
    assert not [line for line in tree.splitlines() if "Pulumi." in line or ".lab" in line]


def test_touched_sources_rebuild_nothing(live_lab: LiveLab, engine: Engine):
    now = time.time()
    for path in (ROOT / live_lab.inventory.apis[0].source).rglob("*"):
        os.utime(path, (now, now))
    assert preview_changes(engine) == ""


def test_everything_listens_on_loopback_alone(live_lab: LiveLab, host: Connection):
    inventory = live_lab.inventory
    listening = host.run("ss -Hlntu", deadline_seconds=30).stdout.splitlines()
    sockets = {tuple(line.split()[4].rsplit(":", 1)) for line in listening}
    ports = {int(port) for _, port in sockets}
    assert ports >= {inventory.postgres.port, inventory.redis.port, *(api.port for api in inventory.apis)}
    # The host's own sshd is behind the port that the controller's engine publishes.
    assert {address for address, port in sockets if port != "22"} <= {"127.0.0.1", "[::1]"}
    published = docker("port", f"fairground-{live_lab.stack}-host")
    assert published == f"22/tcp -> 127.0.0.1:{inventory.host.port}"
    here = subprocess.run(
        ["ss", "-Hlnt", f"sport = :{inventory.host.port}"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [line.split()[3] for line in here] == [f"127.0.0.1:{inventory.host.port}"]


def test_the_inventory_tells_the_settings_that_the_services_have(live_lab: LiveLab, host: Connection):
    """Two runs are comparable where these are the same, so what stands there must be what is at work."""
    postgres, redis = live_lab.inventory.postgres, live_lab.inventory.redis
    tracked = run_sql(host, postgres, postgres.database, "SHOW pg_stat_statements.track;", deadline_seconds=30)
    assert postgres.settings["pg_stat_statements.track"] == tracked.strip()
    told = {name: value.strip('"') for name, value in redis.settings.items()}
    ask = f"REDISCLI_AUTH={live_lab.secrets.redis_password} redis-cli -p {redis.port} CONFIG GET"
    lines = execute(
        host, redis.container, ["sh", "-s"], input=f"{ask} {' '.join(told)}", deadline_seconds=30
    ).stdout.splitlines()
    assert told
    assert dict(zip(lines[::2], lines[1::2], strict=True)) == told


def test_the_inventory_tells_the_schema_and_the_seed_that_the_database_has(live_lab: LiveLab, host: Connection):
    assert live_lab.inventory.contract_sha256 == seeded_contract(host, live_lab.inventory.postgres)


def test_logs_are_had_by_command(live_lab: LiveLab, host: Connection):
    postgres = live_lab.inventory.postgres
    mark = f"a line of {time.time_ns()}"
    run_sql(host, postgres, postgres.database, f"DO $$ BEGIN RAISE LOG '{mark}'; END $$;", deadline_seconds=30)
    logs = live_lab.run("logs", "postgres", "--json")
    assert logs.returncode == 0, logs.stderr
    lines = json.loads(logs.stdout)["postgres"]
    assert [line for line in lines if line.endswith(f"LOG:  {mark}")]
    assert len(lines) <= 50


def test_checks_are_run_by_command(live_lab: LiveLab):
    verify = live_lab.run("verify", "--only", "users", "--json")
    assert verify.returncode == 0, verify.stdout + verify.stderr
    results = json.loads(verify.stdout)
    assert results
    assert {result["outcome"] for result in results} == {"passed"}
    assert {result["target"] for result in results} == {api.name for api in live_lab.inventory.apis}


def test_kept_cache_is_on_the_receipt_and_the_next_up_builds_nothing(scratch: Scratch):
    before = scratch.standing()
    host_image = docker("inspect", "--format", "{{.Image}}", HOST)
    receipt = scratch.down()
    kept = left_on_engine()
    assert [thing.partition(":")[0] for thing in kept] == [
        f"image fairground-{NAME}-base",
        f"image fairground-{NAME}-host",
        f"volume {HOST}-images",
    ]
    assert receipt[0] == "made  17 resources on record"
    assert sorted(line for line in receipt if line.startswith("kept")) == [
        f"kept  {thing} (build_cache: keep)" for thing in kept
    ]
    assert receipt[-1] == "left  nothing"
    assert not scratch.ssh_folder.exists()

    after = scratch.up()
    assert docker("inspect", "--format", "{{.Image}}", HOST) == host_image
    assert after.base_image_id == before.base_image_id
    assert after.postgres.image_id == before.postgres.image_id
    assert after.redis.image_id == before.redis.image_id
    assert [api.image_id for api in after.apis] == [api.image_id for api in before.apis]
    # Its keys are its own all the same.
    assert after.host.host_public_key != before.host.host_public_key


def test_changed_source_rebuilds_that_api_and_nothing_else(scratch: Scratch):
    scratch.describe(apis=["echo", "other"])
    before = scratch.up()
    others = (before.postgres, before.redis, before.apis[1])
    kept = [on_host("docker", "inspect", "--format", "{{.Id}}", other.container) for other in others]
    # An older image of the host, as a newer Fairground's first up finds it.
    docker("tag", docker("inspect", "--format", "{{.Image}}", HOST), f"fairground-{NAME}-host:older")
    nameless = on_host("docker", "commit", before.apis[0].container)
    (scratch.sources / "echo" / "api").open("a").write("# changed\n")
    after = scratch.up()
    assert after.apis[0].image_id != before.apis[0].image_id
    assert after.apis[0].source_sha256 != before.apis[0].source_sha256
    assert after.apis[1] == before.apis[1]
    assert [on_host("docker", "inspect", "--format", "{{.Id}}", other.container) for other in others] == kept
    assert after.host == before.host
    # What was replaced is gone, here and on the host.
    assert docker("images", "--quiet", f"fairground-{NAME}-host:older") == ""
    images = on_host("docker", "images", "--quiet", "--no-trunc").split()
    assert after.apis[0].image_id in images
    assert before.apis[0].image_id not in images
    assert nameless not in images
    scratch.describe()


def test_host_at_another_port_takes_the_place_of_the_old_one(scratch: Scratch):
    before = scratch.standing()
    scratch.ssh_port = free_port()
    scratch.describe()
    scratch.up_clean()
    after = scratch.inventory()
    assert after.host == before.host.model_copy(update={"port": scratch.ssh_port})
    assert docker("port", HOST) == f"22/tcp -> 127.0.0.1:{scratch.ssh_port}"
    assert after.base_image_id == before.base_image_id


def test_host_with_more_cpus_gives_them_to_what_runs_on_it(scratch: Scratch):
    before = scratch.standing()
    scratch.describe(
        {"host": {"kind": "container", "cpus": 2, "memory_gb": 2, "ssh_port": scratch.ssh_port, "build_cache": "keep"}}
    )
    after = scratch.up()
    assert len(after.size.cpus) == 2
    assert after.base_image_id == before.base_image_id
    everywhere = on_host("docker", "exec", after.apis[0].container, "grep", "Cpus_allowed_list", "/proc/1/status")
    assert everywhere.split(":\t") == ["Cpus_allowed_list", ",".join(map(str, after.cores.api))]
    scratch.describe()


def test_limits_of_the_host_bind_what_runs_on_it(scratch: Scratch):
    inventory = scratch.standing()
    (cpu,) = inventory.size.cpus
    limits = docker("inspect", "--format", "{{.HostConfig.CpusetCpus}} {{.HostConfig.Memory}}", HOST)
    assert limits == f"{cpu} {2 * 1024**3}"
    everywhere = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    assert everywhere != str(cpu)
    for asked in ([], [f"--cpuset-cpus={everywhere}"]):
        run = ["docker", "run", "--rm", "--network=host", "--entrypoint=grep", *asked, inventory.apis[0].image_id]
        done = subprocess.run(
            ["docker", "exec", HOST, *run, "Cpus_allowed_list", "/proc/self/status"],
            capture_output=True,
            text=True,
            check=False,
        )
        # Docker on cgroup v1 refuses what lies outside, v2 ignores it.
        refused = bool(asked) and "cpuset" in done.stderr and done.returncode != 0
        assert refused or done.stdout.split() == ["Cpus_allowed_list:", str(cpu)]


@pytest.mark.parametrize("limit", [["--memory=64m", "--memory-swap=64m"], []], ids=["its-own", "the-host-s"])
def test_container_over_its_limit_or_the_host_s_dies_alone(scratch: Scratch, limit: list[str]):
    inventory = scratch.standing()
    before = on_host("docker", "ps", "--format", "{{.ID}} {{.Names}} {{.State}}")
    greedy = "my $eaten = ''; $eaten .= 'x' x 10_000_000 while length($eaten) < 3_000_000_000"
    run = ["docker", "run", "--rm", "--network=host", *limit, "--entrypoint=perl"]
    done = subprocess.run(
        ["docker", "exec", HOST, *run, inventory.apis[0].image_id, "-e", greedy], capture_output=True, check=False
    )
    assert done.returncode == 137
    assert on_host("docker", "ps", "--format", "{{.ID}} {{.Names}} {{.State}}") == before
    assert docker("inspect", "--format", "{{.State.Running}} {{.RestartCount}}", HOST) == "true 0"


def test_api_can_write_to_its_uploads_alone_and_has_no_privilege(scratch: Scratch):
    container = scratch.standing().apis[0].container

    def shell(script: str) -> str:
        return on_host("docker", "exec", container, "sh", "-c", script)

    assert "Read-only file system" in shell("touch /written 2>&1 || true")
    assert shell("touch /uploads/written && rm /uploads/written && echo written") == "written"
    status = dict(line.split(":\t", 1) for line in shell("cat /proc/1/status").splitlines() if ":\t" in line)
    assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert status["NoNewPrivs"] == "1"
