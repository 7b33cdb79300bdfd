"""The small lab on a machine without an engine, by a user with sudo, behind a jump host: up, a run, down.

The tests go in this order; each has the lab stand on the machine first, whatever the last one left.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from provision.ssh.login import fingerprint
from tests.docker import docker
from tests.e2e.lab_run import LabRun, write_protocol
from tests.e2e.lab_with_neighbours import LAB_WITH_NEIGHBOURS
from tests.e2e.scratch import HOST, left_on_engine
from tests.e2e.small_lab import BASE, SmallLab, but_for_its_host, on_machine
from tests.machines.machine import WITHOUT_ENGINE, Machine
from tests.machines.snapshot import Snapshot
from tests.run_folder import read_attempts
from tests.ssh.sshd import Sshd, public_half, running_sshd

pytestmark = pytest.mark.builds


@pytest.fixture(scope="module")
def jump_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("jump") / "sshd") as server:
        yield server


@pytest.fixture(scope="module")
def machine(small_lab: SmallLab, jump_host: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(WITHOUT_ENGINE, tmp_path_factory.mktemp("machine")) as made:
        made.run("redis-cli", "set", "mine", "precious")
        (jump_host.folder / "authorized_keys").write_text(public_half(made.user_key))
        yield made
        small_lab.leave()


@pytest.fixture(scope="module")
def found(machine: Machine) -> Snapshot:
    """The machine as it was found."""
    return Snapshot(machine, has_engine=False)


def document(machine: Machine, jump_host: Sshd) -> dict[str, object]:
    """The host without its key, which must be shown and confirmed."""
    jump = {"address": "127.0.0.1", "port": jump_host.port, "host_key": public_half(jump_host.host_key).strip()}
    return on_machine(machine, user="someone", cpus=2, jump_host=jump, host_key=None)


@pytest.fixture
def on_the_machine(small_lab: SmallLab, machine: Machine, jump_host: Sshd, found: Snapshot) -> SmallLab:
    """The small lab as it stands on the machine."""
    assert found
    small_lab.describe_go(BASE, host=document(machine, jump_host))
    if not small_lab.stands():
        assert small_lab.up_at_terminal("y").returncode == 0
    return small_lab


def test_container_becomes_a_machine_whose_key_is_confirmed_and_to_which_its_images_are_carried(
    small_lab: SmallLab, machine: Machine, jump_host: Sshd, found: Snapshot
):
    assert found
    small_lab.describe_go(BASE)
    before = small_lab.standing(only_looked_at=True)
    small_lab.describe_go(BASE, host=document(machine, jump_host))
    up = small_lab.up_at_terminal("y")
    assert up.returncode == 0, up.stdout
    assert f"shows the key {fingerprint(machine.host_public_key)} (ssh-ed25519)" in up.stdout
    after = small_lab.inventory()
    assert (after.host.kind, after.host.address, after.host.sudo) == ("ssh", machine.address, True)
    assert after.host.jump_host is not None
    # It is a container on this machine's kernel, whose settings aren't its own.
    assert after.own_kernel is False
    # The ids of its images, too.
    assert but_for_its_host(after) == but_for_its_host(before)
    assert HOST not in docker("ps", "--all", "--format", "{{.Names}}").split()


def test_run_whose_engine_is_restarted_under_load_goes_on_to_its_end(
    on_the_machine: SmallLab, machine: Machine, tmp_path: Path
):
    protocol = write_protocol(tmp_path, ("light", "mixed", 10, 2))
    run = LabRun(on_the_machine.name, "--protocol", str(protocol), lab=LAB_WITH_NEIGHBOURS)
    try:
        run.wait_for_phase("load")
        machine.run("systemctl", "restart", "docker")
        assert run.finish() == 0, run.stderr
        first, *_, last = read_attempts(run.folder)
        assert {void.reason for void in first.voids} & {"generator-failed", "wrk-errors", "sampler-failed"}
        assert last.valid
        report = analyse(read_run(run.folder))
        assert report.host_kind == "ssh"
        assert not {"set", "refused"} & {knob.state for knob in report.knobs}
    finally:
        run.abandon()
        shutil.rmtree(run.folder)


def test_down_leaves_the_machine_as_it_was_found(on_the_machine: SmallLab, found: Snapshot):
    assert on_the_machine.down()[-1] == "left  nothing"
    assert found.changed_in_the_end() == {}
    assert {thing.split()[0] for thing in left_on_engine()} == {"image", "volume"}
