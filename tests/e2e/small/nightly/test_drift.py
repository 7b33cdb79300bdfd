"""Drift: a small lab that is changed by hand, and `lab verify --drift`, which says what was and what puts it right."""

import os
import re

import pytest

from documents.lab import STACK_LABEL, Drift, Inventory
from lab.lifecycle import read_lab
from tests.docker import docker
from tests.e2e.scratch import HOST, NAME, Scratch, on_host

pytestmark = pytest.mark.nightly

Found = dict[tuple[str, str], tuple[str | None, str | None]]


def read_drift(scratch: Scratch) -> Drift:
    """What the command says, which it says with its exit status as well, and none of the lab's secrets."""
    done = scratch.lab("verify", "--drift", "--json")
    assert done.stderr == ""
    drift = Drift.from_json(done.stdout, name="the command's output")
    assert done.returncode == (1 if drift.differences else 0)
    secrets = read_lab(scratch.engine)[1]
    for secret in (secrets.postgres_password, secrets.redis_password, secrets.jwt_secret):
        assert secret not in done.stdout
    return drift


def pairs(drift: Drift) -> Found:
    return {(one.subject, one.what): (one.declared, one.effective) for one in drift.differences}


def remedy(drift: Drift, subject: str, what: str) -> str:
    (told,) = (one for one in drift.differences if (one.subject, one.what) == (subject, what))
    assert told.remedy in told.message
    return told.remedy


def sql(inventory: Inventory, *statements: str) -> None:
    psql = ("psql", "--username", inventory.postgres.user, "--port", str(inventory.postgres.port), "postgres")
    commands = [word for statement in statements for word in ("--command", statement)]
    on_host("docker", "exec", inventory.postgres.container, *psql, *commands)


def redis_cli(inventory: Inventory, command: str) -> None:
    login = 'export REDISCLI_AUTH=$(sed -n "s/^requirepass //p" /etc/redis/lab.conf)'
    script = f"{login}; redis-cli -e -p {inventory.redis.port} {command}"
    on_host("docker", "exec", inventory.redis.container, "sh", "-c", script)


def test_limits_a_stop_a_stray_and_another_container_are_reported_and_up_corrects_them(scratch: Scratch):
    inventory = scratch.standing()
    (echo,) = inventory.apis
    on_host("docker", "update", "--memory=512m", "--memory-swap=512m", "--cpu-shares=512", inventory.redis.container)
    on_host("docker", "stop", "--time=1", inventory.postgres.container)
    label = f"--label={STACK_LABEL}={NAME}"
    on_host(
        "docker", "run", "--detach", "--name=stray", "--network=host", label, "--entrypoint=sleep", echo.image_id, "60"
    )
    # Another one under the same name: of another image, with a kernel setting and a secret of its own.
    another = on_host("docker", "commit", echo.container)
    on_host("docker", "rm", "--force", echo.container)
    options = ["--network=host", "--sysctl=kernel.msgmax=9000", "--env=JWT_SECRET=hunter2", "--env=TOKEN=hunter3"]
    on_host("docker", "run", "--detach", f"--name={echo.container}", label, *options, "--env=PORT=18099", another)

    drift = read_drift(scratch)
    found = pairs(drift)
    by_hand = {what: values for (subject, what), values in found.items() if subject == "echo"}
    assert {key: values for key, values in found.items() if key[0] != "echo"} == {
        ("redis", "its memory limit"): ("none", "512 MiB"),
        ("redis", "its memory and swap limit"): ("none", "512 MiB"),
        ("redis", "its CPU shares"): ("none", "512"),
        ("postgres", "its state"): ("running", "exited"),
        ("stray", "the container"): (None, "running"),
    }
    assert by_hand["its image"] == (echo.image_id, another)
    assert by_hand["its kernel settings"] == ("none", "kernel.msgmax=9000")
    assert by_hand["its variable PORT"] == (str(echo.port), "18099")
    assert by_hand["its variable JWT_SECRET"] == ("not shown", "another one, not shown")
    assert by_hand["its variable TOKEN"] == (None, "set")
    assert "hunter" not in drift.to_json()
    assert {one.remedy for one in drift.differences if one.subject == "redis"} == {"run `lab up`"}

    scratch.up()
    assert read_drift(scratch).differences == ()
    assert on_host("docker", "inspect", "--format={{.HostConfig.Memory}}", inventory.redis.container) == "0"


def test_settings_and_effective_limits_are_reported_and_each_remedy_helps(scratch: Scratch):
    inventory = scratch.standing()
    (echo,) = inventory.apis
    sql(inventory, "ALTER SYSTEM SET work_mem = '64MB'", "ALTER ROLE fairground SET work_mem = '32MB'")
    sql(inventory, "COMMENT ON DATABASE fairground_seed IS 'another'")
    redis_cli(inventory, "CONFIG SET save '60 1'")
    limit_memory(echo.container, 64 * 1024**2)
    (cpu,) = inventory.size.cpus
    everywhere = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    docker("update", "--memory=3g", "--memory-swap=3g", f"--cpuset-cpus={everywhere}", HOST)

    drift = read_drift(scratch)
    assert pairs(drift) == {
        ("postgres", "its setting work_mem for the role fairground"): (None, "32MB"),
        ("postgres", "its setting work_mem by ALTER SYSTEM"): (None, "64MB"),
        ("postgres", "its seeded contract"): (inventory.contract_sha256, "another"),
        ("redis", "its setting save"): ('""', "60 1"),
        ("host", "its CPUs"): (str(cpu), everywhere),
        ("host", "its memory limit"): ("2 GiB", "3 GiB"),
        ("host", "its memory and swap limit"): ("2 GiB", "3 GiB"),
        ("echo", "its effective memory limit"): ("3 GiB", "64 MiB"),
    }
    for what in ("its setting work_mem for the role fairground", "its setting work_mem by ALTER SYSTEM"):
        sql(inventory, *re.findall(r"`([^`]+)`", remedy(drift, "postgres", what)))
    sql(inventory, f"COMMENT ON DATABASE fairground_seed IS '{inventory.contract_sha256}'")
    for subject, what in (("redis", "its setting save"), ("echo", "its effective memory limit")):
        (command,) = re.findall(r"`([^`]+)`", remedy(drift, subject, what))
        on_host(*command.split())
    (command, *_) = re.findall(r"`([^`]+)`", remedy(drift, "host", "its memory limit"))
    docker(*command.split()[1:])
    assert read_drift(scratch).differences == ()


def limit_memory(container: str, limit: int) -> None:
    """Limit a container's cgroup behind its engine's back."""
    process = on_host("docker", "inspect", "--format={{.State.Pid}}", container)
    script = f"""
        cgroup=$(sed -n 's/^[0-9]*:memory://p' /proc/{process}/cgroup)
        if [ -n "$cgroup" ]
        then echo {limit} >"/sys/fs/cgroup/memory$cgroup/memory.limit_in_bytes"
        else echo {limit} >"/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/{process}/cgroup)/memory.max"
        fi
    """
    on_host("sh", "-ec", script)


def test_a_changed_document_is_reported_and_a_host_that_is_paused_as_that_alone(scratch: Scratch):
    scratch.standing()
    scratch.describe({"services": {"redis": {"port": 16380}, "postgres": {"settings": {"shared_buffers": "128MB"}}}})
    try:
        found = pairs(read_drift(scratch))
    finally:
        scratch.describe()
    assert {subject for subject, _ in found} == {"document"}
    assert ("document", "uploads of redis (Container)") in found
    docker("pause", HOST)
    try:
        drift = read_drift(scratch)
    finally:
        docker("unpause", HOST)
    assert pairs(drift) == {("host", "its state"): ("running", "paused")}
    assert set(drift.compared) == {"host"}
