"""A lab on a machine that exists, with an engine older than the lab's own, and at work: stood up, lost, taken down."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.scratch import NAME
from tests.e2e.small_lab import SmallLab, on_machine
from tests.machines.machine import WITH_OLDER_ENGINE, WITHOUT_ENGINE, Machine
from tests.machines.snapshot import Snapshot

pytestmark = [pytest.mark.nightly, pytest.mark.builds]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with Machine(WITH_OLDER_ENGINE, tmp_path_factory.mktemp("machine")) as made:
        made.run("redis-cli", "set", "mine", "precious")
        made.put_engine_to_work()
        yield made


@pytest.fixture(scope="module")
def found(machine: Machine) -> Snapshot:
    """The machine as it was found."""
    return Snapshot(machine, has_engine=True)


@pytest.fixture(scope="module")
def ssh_lab(machine: Machine, found: Snapshot, small_lab: SmallLab) -> Iterator[SmallLab]:
    """The small lab with its echo, on the machine; each test finds it in whatever state the last one left it."""
    assert found
    describe(small_lab, machine)
    yield small_lab
    small_lab.leave()


def describe(lab: SmallLab, machine: Machine, document: Mapping[str, object] | None = None, **host: object) -> None:
    """Write the document of the lab on the machine, with changes to its first level, and these to the host's."""
    lab.describe({**(document or {}), "host": on_machine(machine, **{"user": "root", "cpus": 1, **host})})


def test_a_second_up_and_a_preview_have_nothing_to_do(ssh_lab: SmallLab):
    ssh_lab.up()
    again = ssh_lab.lab("up")
    assert again.returncode == 0, again.stderr
    assert "nothing to change" in again.stdout
    drift = ssh_lab.lab("verify", "--drift")
    assert drift.returncode == 0, drift.stdout + drift.stderr
    preview = ssh_lab.pulumi("preview", "--expect-no-changes")
    assert preview.returncode == 0, preview.stdout


def test_an_api_that_the_document_no_longer_has_goes_with_its_image(ssh_lab: SmallLab, machine: Machine):
    echo = {"source": str((ssh_lab.sources / "echo").relative_to(ROOT))}
    both = [{"name": "echo", "port": 18080, **echo}, {"name": "other", "port": 18081, **echo}]
    describe(ssh_lab, machine, {"apis": both})
    ssh_lab.up()
    describe(ssh_lab, machine)
    ssh_lab.up()
    assert "fairground-api-other" not in machine.run("docker", "ps", "--all", "--format", "{{.Names}}")
    assert "fairground-api-other" not in machine.run("docker", "images", "--format", "{{.Repository}}")


def test_a_load_host_is_prepared_and_left_as_it_was_found(ssh_lab: SmallLab, machine: Machine, tmp_path: Path):
    with Machine(WITHOUT_ENGINE, tmp_path) as beside:
        before = Snapshot(beside, has_engine=False)
        login = {"user": "someone", "private_key": str(beside.user_key), "host_key": beside.host_public_key}
        load_host = {"kind": "ssh", "address": beside.address, **login}
        describe(ssh_lab, machine, {"load_host": load_host}, cpus=2, private_address=machine.address)
        inventory = ssh_lab.up()
        [made] = inventory.load_hosts
        assert (made.host.address, made.host.sudo, made.own_kernel) == (beside.address, True, False)
        assert inventory.api_address == machine.address
        assert inventory.cores.generator == ()
        for tool in ("wrk", "iperf3"):
            assert beside.run("which", tool)
        drift = ssh_lab.lab("verify", "--drift")
        assert drift.returncode == 0, drift.stdout + drift.stderr
        describe(ssh_lab, machine)
        assert ssh_lab.up().api_address == "127.0.0.1"
        assert before.changed_in_the_end() == {}


def test_a_lab_whose_record_is_lost_is_found_on_its_host_and_removed(
    ssh_lab: SmallLab, machine: Machine, found: Snapshot
):
    ssh_lab.forget()
    down = ssh_lab.lab("down")
    assert down.returncode == 1
    assert (
        f"LEFT  the reservation of a lab {ssh_lab.name} on {machine.address}, which isn't on record here" in down.stdout
    )
    up = ssh_lab.lab("up")
    assert up.returncode == 1
    assert f"has a lab {NAME} on it already, which isn't on record here" in up.stderr
    unconfirmed = ssh_lab.lab("down", "--adopt")
    assert unconfirmed.returncode == 1
    assert "container fairground-postgres on the host" in unconfirmed.stdout
    assert "add --yes" in unconfirmed.stderr
    assert ssh_lab.down("--adopt", "--yes")[-1] == "left  nothing"
    assert found.changed_in_the_end() == {}


def test_down_after_an_up_that_failed_in_its_middle_leaves_the_machine_as_it_was_found(
    ssh_lab: SmallLab, machine: Machine, found: Snapshot
):
    # The build of its base can't begin: nothing of it can be had under that name.
    describe(ssh_lab, machine, {"base_image": "nowhere:none"})
    up = ssh_lab.lab("up")
    assert up.returncode == 1
    assert "nowhere:none can't be pulled" in up.stderr
    assert found.changed()
    assert ssh_lab.down()[-1] == "left  nothing"
    assert found.changed_in_the_end() == {}
    describe(ssh_lab, machine)


def test_a_host_that_shows_another_key_is_reached_by_the_address_of_its_document_and_left(
    ssh_lab: SmallLab, machine: Machine, found: Snapshot
):
    describe(ssh_lab, machine, {"base_image": "nowhere:none"})
    assert ssh_lab.lab("up").returncode == 1
    with machine.another_host_key() as key:
        refused = ssh_lab.lab("down")
        assert refused.returncode == 1
        assert "instead of the pinned" in refused.stderr
        describe(ssh_lab, machine, host_key=key)
        assert ssh_lab.down("--adopt", "--yes")[-1] == "left  nothing"
    assert found.changed_in_the_end() == {}
    describe(ssh_lab, machine)


def test_a_host_that_is_gone_goes_off_the_record_when_asked_for(ssh_lab: SmallLab, machine: Machine):
    describe(ssh_lab, machine, {"base_image": "nowhere:none"})
    assert ssh_lab.lab("up").returncode == 1
    gone_from = machine.address
    # Were it stopped, another container could take its address.
    machine.shell("systemctl stop ssh")
    refused = ssh_lab.lab("down")
    assert refused.returncode == 1
    assert "`lab down --adopt` takes it off the record" in refused.stderr
    # Whoever changed the document meanwhile has to be rid of the old host as well.
    describe(ssh_lab, machine, address="elsewhere.invalid")
    gone = ssh_lab.lab("down", "--adopt", "--yes")
    assert gone.returncode == 1
    assert "which stays there because it doesn't answer" in gone.stdout
    assert f"LEFT  everything on {gone_from}, which doesn't answer" in gone.stdout
    assert "LEFT  everything on elsewhere.invalid, which can't be read" in gone.stdout
    listed = ssh_lab.pulumi("stack", "--show-ids")
    assert "Current stack resources (0)" in listed.stdout, listed.stdout
