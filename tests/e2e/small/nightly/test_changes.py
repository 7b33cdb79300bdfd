"""A small lab whose document or sources change, and what its limits and privileges are."""

import os
import subprocess

import pytest

from tests.docker import docker
from tests.e2e.scratch import HOST, NAME, Scratch, free_port, on_host

pytestmark = pytest.mark.nightly


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
