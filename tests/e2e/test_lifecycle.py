"""The large lab after an up: nothing to change, loopback alone, and what its inventory and commands say."""

import json
import subprocess
import time

import pytest

from lab.lifecycle.engine import Engine
from provision.containers.control import execute
from provision.services.database import run_sql
from provision.ssh.connection import Connection
from tests.conftest import ROOT, LiveLab
from tests.docker import docker


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


@pytest.mark.alone  # Other tests write stacks of their own into the tree.
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


def test_the_inventory_has_the_settings_of_the_services(live_lab: LiveLab, host: Connection):
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


def test_logs_are_had_by_command(live_lab: LiveLab, host: Connection):
    postgres = live_lab.inventory.postgres
    mark = f"a line of {time.time_ns()}"
    run_sql(host, postgres, postgres.database, f"DO $$ BEGIN RAISE LOG '{mark}'; END $$;", deadline_seconds=30)
    logs = live_lab.run("logs", "postgres", "--json")
    assert logs.returncode == 0, logs.stderr
    lines = json.loads(logs.stdout)["postgres"]
    assert [line for line in lines if line.endswith(f"LOG:  {mark}")]
    assert len(lines) <= 50
