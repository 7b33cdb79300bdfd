"""The whole way on a machine without an engine, by a user with sudo, behind a jump host: up, a run, destroy."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lifecycle.lifecycle import read_lab
from lab.lifecycle.state import ensure_stack
from tests.e2e.lab_run import LabRun, read_attempts, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.quick_run import run_quick
from tests.e2e.ssh_lab import SshLab
from tests.machines.machine import WITHOUT_ENGINE, Machine
from tests.machines.snapshot import take_snapshot
from tests.ssh.sshd import Sshd, public_half

DOCUMENT = {"version": 1, "apis": [{"name": "zig", "source": "apis/zig", "port": 18080}]}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with Machine(WITHOUT_ENGINE, tmp_path) as made:
        made.run("redis-cli", "set", "mine", "precious")
        yield made


@pytest.fixture
def ssh_lab(machine: Machine, sshd: Sshd) -> Iterator[SshLab]:
    """A lab whose machine is reached through this one's sshd."""
    (sshd.folder / "authorized_keys").write_text(public_half(machine.user_key))
    lab = SshLab("e2e-jump", machine, user="someone")
    jump_host = {"address": "127.0.0.1", "port": sshd.port, "host_key": public_half(sshd.host_key).strip()}
    lab.describe(DOCUMENT, jump_host=jump_host)
    yield lab
    lab.remove()


# Each void cell is measured anew, and other tests run beside this one.
@pytest.mark.timeout(900)
def test_a_run_on_a_machine_that_is_left_as_it_was_found(ssh_lab: SshLab, machine: Machine, tmp_path: Path):
    before = take_snapshot(machine, has_engine=False)
    ensure_stack(ssh_lab.engine)
    up = ssh_lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    inventory, _ = read_lab(ssh_lab.engine)
    assert inventory.host.sudo
    assert inventory.host.jump_host is not None
    # It is a container on this machine's kernel, whose settings aren't its own.
    assert inventory.own_kernel is False

    report = run_quick(ssh_lab.name)
    assert report.host_kind == "ssh"
    assert not {"set", "refused"} & {knob.state for knob in report.knobs}
    restart_engine_under_a_run(ssh_lab, machine, tmp_path)

    destroy = ssh_lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert take_snapshot(machine, has_engine=False) == before


def restart_engine_under_a_run(ssh_lab: SshLab, machine: Machine, folder: Path) -> None:
    """Have systemd restart the Docker engine under load: that attempt is void, and the run goes on to its end."""
    protocol = write_protocol(folder, ("light", "mixed", 10, 2))
    run = LabRun(ssh_lab.name, "--api", "zig", "--protocol", str(protocol), lab=LAB_WITH_NEIGHBOURS)
    try:
        run.wait_for_phase("load")
        machine.run("systemctl", "restart", "docker")
        assert run.finish() == 0, run.stderr
        first, *_, last = read_attempts(run.folder)
        assert {void.reason for void in first.voids} & {"generator-failed", "wrk-errors", "sampler-failed"}
        assert last.valid
    finally:
        run.abandon()
        shutil.rmtree(run.folder)
