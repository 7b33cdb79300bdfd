"""The whole way on a machine without an engine, by a user with sudo, behind a jump host: up, a run, destroy."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.report import analyse
from lab.lifecycle.lifecycle import read_lab
from lab.lifecycle.state import ensure_stack
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


def test_a_run_on_a_machine_that_is_left_as_it_was_found(ssh_lab: SshLab, machine: Machine):
    before = take_snapshot(machine, has_engine=False)
    ensure_stack(ssh_lab.engine)
    up = ssh_lab.pulumi("up", "--yes", "--skip-preview")
    assert up.returncode == 0, up.stdout + up.stderr
    inventory, _ = read_lab(ssh_lab.engine)
    assert inventory.host.sudo
    assert inventory.host.jump_host is not None
    # It is a container on this machine's kernel, whose settings aren't its own.
    assert inventory.own_kernel is False

    # Other tests run beside this one.
    run = ssh_lab.lab_with_neighbours("run", "--protocol", "quick", "--json")
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    folder = Path(events[0]["directory"])
    try:
        finished = events[-1]
        assert finished["cells"] == 18
        assert finished["void_cells"] < finished["cells"] / 2, [event for event in events if "record" in event][-3:]
        report = analyse(folder)
        assert report.host_kind == "ssh"
        assert not {"set", "refused"} & {knob.state for knob in report.knobs}
    finally:
        shutil.rmtree(folder)

    destroy = ssh_lab.pulumi("destroy", "--yes", "--skip-preview")
    assert destroy.returncode == 0, destroy.stdout + destroy.stderr
    assert take_snapshot(machine, has_engine=False) == before
