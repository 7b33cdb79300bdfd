"""Bad input and a world that doesn't play along: one clear sentence, the status 1, and nothing half-made."""

import subprocess

import pytest

from lab.resources.access import ssh_options
from tests.e2e.scratch import Scratch, left_on_engine, on_host

pytestmark = pytest.mark.nightly


def test_build_that_fails_is_one_sentence_and_the_running_api_stays(scratch: Scratch):
    before = scratch.standing()
    scratch.describe(dockerfile="ARG BASE\nFROM ${BASE}\nRUN exit 3\n")
    try:
        said = scratch.refusal("up")
        assert said.startswith(f"echo/Dockerfile can't be built on root@127.0.0.1:{scratch.ssh_port}: ")
        assert "exit code: 3" in said
        assert scratch.inventory() == before
        assert "fairground-api-echo" in on_host("docker", "ps", "--format", "{{.Names}}")
    finally:
        scratch.describe()


def test_api_that_ends_at_its_start_is_reported_with_its_last_output(scratch: Scratch):
    scratch.standing()
    ends = 'ENTRYPOINT ["sh", "-c", "echo JWT_SECRET is required. >&2; exit 2"]\n'
    scratch.describe(dockerfile=f"ARG BASE\nFROM ${{BASE}}\n{ends}")
    try:
        assert scratch.refusal("up") == (
            f"echo on root@127.0.0.1:{scratch.ssh_port} doesn't run: its container ended with the status 2. The last "
            "that it wrote: JWT_SECRET is required. Fix that and run `lab up`; `lab logs echo` shows more."
        )
    finally:
        scratch.describe()
    scratch.up_clean()


def test_host_that_shows_another_key_is_refused_by_the_lab_and_by_docker_s_ssh(scratch: Scratch):
    scratch.standing()
    key, kept = "/etc/ssh/ssh_host_ed25519_key", "/root/kept_host_key"
    reload_sshd = "kill -HUP $(pgrep --oldest --exact sshd)"
    on_host("sh", "-c", f"mv {key} {kept} && ssh-keygen -q -t ed25519 -N '' -f {key} && {reload_sshd}")
    try:
        for command in ("up", "logs"):
            said = scratch.refusal(command)
            assert said.startswith(f"root@127.0.0.1:{scratch.ssh_port} showed the key SHA256:")
            assert "the connection is refused" in said
        options = ssh_options(scratch.inventory().host)
        ssh = subprocess.run(
            ["ssh", *options, f"-p{scratch.ssh_port}", "root@127.0.0.1", "true"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ssh.returncode == 255
        assert "Host key verification failed" in ssh.stderr
        refresh = scratch.pulumi("refresh", "--yes", "--skip-preview")
        assert refresh.returncode != 0
        assert "Host key verification failed" in refresh.stdout
    finally:
        on_host("sh", "-c", f"mv {kept} {key} && {reload_sshd}")
    scratch.up_clean()


def test_lab_after_all_this_is_taken_down_without_a_trace(scratch: Scratch):
    scratch.standing()
    scratch.describe(build_cache="discard")
    receipt = scratch.down()
    assert receipt[0] == "made  17 resources on record"
    assert receipt[1:] == ["left  nothing"]
    assert left_on_engine() == []
    assert not scratch.ssh_folder.exists()
