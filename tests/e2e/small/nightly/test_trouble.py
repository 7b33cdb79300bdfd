"""Bad input and a world that doesn't play along: one clear sentence, the status 1, and nothing half-made."""

import re
import socket
import subprocess

import pytest

from lab.docker_ssh import ssh_options
from lab.lifecycle.state import ensure_stack
from tests.e2e.scratch import NAME, Scratch, left_on_engine, on_host

pytestmark = pytest.mark.nightly

BAD_DOCUMENTS: dict[str, tuple[dict[str, object], str]] = {
    "unknown-key": ({"wrokers": 3}, r"stacks/{name}\.yaml:\d+: wrokers: no such key; remove it or mend its spelling"),
    "wrong-type": ({"cores": {"api": 1}}, r"stacks/{name}\.yaml:\d+: cores\.api: "),
    "no-such-cpu": (
        {"cores": {"api": "0", "postgres": "0", "system": "0", "generator": "4097"}},
        r"stacks/{name}\.yaml:\d+: cores\.generator: the host has no CPU 4097, only \d+; name others, or leave ",
    ),
}


@pytest.mark.parametrize("fault", BAD_DOCUMENTS)
def test_document_at_fault_is_refused_with_file_line_and_key_before_anything_is_made(scratch: Scratch, fault: str):
    changes, expected = BAD_DOCUMENTS[fault]
    ensure_stack(scratch.engine)
    before = left_on_engine()
    scratch.describe(changes)
    try:
        up = scratch.lab("up")
        assert up.returncode == 1
        assert up.stdout == ""
        assert re.match(f"error: {expected.format(name=NAME)}", up.stderr), up.stderr
        plain = scratch.pulumi("up", "--yes", "--skip-preview")
        assert plain.returncode != 0
        assert re.search(expected.format(name=NAME), plain.stdout + plain.stderr)
        assert "Traceback" not in plain.stdout + plain.stderr
    finally:
        scratch.describe()
    assert left_on_engine() == before


def test_port_that_is_taken_is_refused_before_anything_is_made(scratch: Scratch):
    scratch.down()
    before = left_on_engine()
    with socket.create_server(("127.0.0.1", scratch.ssh_port)):
        assert scratch.refusal("up") == (
            f"Port {scratch.ssh_port} on 127.0.0.1 is taken by another program; end that, or give the host another "
            f"ssh_port in stacks/{NAME}.yaml."
        )
    assert left_on_engine() == before


def test_base_image_that_can_not_be_had_is_one_sentence_and_down_is_clean(scratch: Scratch):
    scratch.down()
    before = left_on_engine()
    scratch.describe({"base_image": "nosuch.invalid/x:1"})
    try:
        said = scratch.refusal("up")
        assert said.startswith("The base image nosuch.invalid/x:1 can't be pulled (")
        assert "and only debian:trixie-slim can be bootstrapped. Check the name or the network" in said
        assert scratch.down()[-1] == "left  nothing"
    finally:
        scratch.describe()
    assert left_on_engine() == before


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


def test_api_that_ends_at_its_start_is_told_with_its_last_words(scratch: Scratch):
    scratch.standing()
    ends = 'ENTRYPOINT ["sh", "-c", "echo JWT_SECRET is required. >&2; exit 2"]\n'
    scratch.describe(dockerfile=f"ARG BASE\nFROM ${{BASE}}\n{ends}")
    try:
        assert scratch.refusal("up") == (
            f"echo on root@127.0.0.1:{scratch.ssh_port} doesn't run: its container ended with the status 2. The last "
            "that it wrote: JWT_SECRET is required. Mend that and run `lab up`; `lab logs echo` shows more."
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


def test_refused_login_is_one_sentence_that_names_the_key(scratch: Scratch):
    scratch.standing()
    on_host("mv", "/root/.ssh/authorized_keys", "/root/.ssh/kept")
    try:
        for command in ("up", "logs"):
            said = scratch.refusal(command)
            assert said.startswith(f"root@127.0.0.1:{scratch.ssh_port} refused the login with the key ")
            assert "authorized_keys" in said
    finally:
        on_host("mv", "/root/.ssh/kept", "/root/.ssh/authorized_keys")
    scratch.up_clean()


def test_lab_that_is_not_there_is_one_sentence(scratch: Scratch):
    scratch.down()
    assert scratch.refusal("logs") == f"The lab {NAME} isn't up; run `lab up`."


def test_lab_after_all_this_is_taken_down_without_a_trace(scratch: Scratch):
    scratch.standing()
    scratch.describe(build_cache="discard")
    receipt = scratch.down()
    assert receipt[0] == "made  17 resources on record"
    assert receipt[1:] == ["left  nothing"]
    assert left_on_engine() == []
    assert not scratch.ssh_folder.exists()
