"""A lab that was killed, interrupted or broken by hand: the next `lab up` mends it, and `lab down` leaves nothing."""

import signal
import time

import pytest

from tests.e2e.scratch import (
    HOST,
    INTERRUPTED,
    KILLED,
    NAME,
    Scratch,
    await_container,
    docker,
    finish,
    left_on_engine,
    on_host,
    slow_build,
)

pytestmark = pytest.mark.nightly

POSTGRES = "fairground-postgres"
API = "fairground-api-echo"


def test_engine_killed_while_a_container_is_made_on_the_host_is_gone_on_from(scratch: Scratch):
    scratch.standing()
    on_host("docker", "rm", "--force", POSTGRES)
    process = scratch.begin_up("creating postgres (")
    await_container(POSTGRES, on=("exec", HOST, "docker"))
    scratch.kill_engine()
    assert finish(process) == (1, KILLED)
    scratch.up_clean()


def test_engine_and_command_killed_while_an_image_is_built_are_gone_on_from(scratch: Scratch):
    scratch.standing()
    scratch.describe(dockerfile=slow_build(600))
    process = scratch.begin_up("creating echo-image")
    scratch.kill_engine()
    process.kill()
    process.wait()
    scratch.describe()
    scratch.up_clean()


def test_engine_killed_in_the_middle_of_an_up_is_cleared_away_by_down(scratch: Scratch):
    scratch.down()
    process = scratch.begin_up("creating postgres (")
    scratch.kill_engine()
    assert finish(process) == (1, KILLED)
    assert scratch.down()[-1] == "left  nothing"
    assert {thing.split()[0] for thing in left_on_engine()} == {"image", "volume"}
    assert scratch.locks() == []


def test_second_interrupt_ends_at_once_and_the_next_up_completes_the_lab(scratch: Scratch):
    scratch.standing()
    scratch.describe(dockerfile=slow_build(600))
    process = scratch.begin_up("creating echo-image")
    process.send_signal(signal.SIGINT)
    time.sleep(1)  # two signals at once would be one
    process.send_signal(signal.SIGINT)
    assert finish(process) == (130, INTERRUPTED)
    scratch.describe()
    scratch.up_clean()


def test_host_that_was_stopped_is_started_with_all_that_ran_on_it(scratch: Scratch):
    scratch.standing()
    before = on_host("docker", "ps", "--quiet")
    docker("kill", HOST)
    scratch.up_clean()
    assert on_host("docker", "ps", "--quiet") == before


def test_containers_on_the_host_that_were_stopped_or_removed_are_back_after_up(scratch: Scratch):
    scratch.standing()
    on_host("docker", "stop", "fairground-redis")
    on_host("docker", "rm", "--force", API)
    scratch.up_clean()
    assert set(on_host("docker", "ps", "--format", "{{.Names}}").split()) == {API, "fairground-redis", POSTGRES}


@pytest.mark.parametrize("content", [None, "fairground-host ssh-ed25519 A\n"], ids=["lost", "damaged"])
def test_ssh_files_that_were_lost_or_damaged_are_written_again(scratch: Scratch, content: str | None):
    scratch.standing()
    known_hosts = scratch.ssh_folder / "known_hosts"
    whole = known_hosts.read_text()
    known_hosts.unlink()
    if content is not None:
        known_hosts.write_text(content)
    assert "Run `lab up` to have it written" in scratch.refusal("logs")
    scratch.up()
    assert known_hosts.read_text() == whole


def test_lab_whose_host_was_lost_in_the_middle_of_a_change_is_taken_down(scratch: Scratch):
    scratch.standing()
    scratch.describe(dockerfile=slow_build(0))
    process = scratch.begin_up("creating echo (")
    scratch.kill_engine()
    assert finish(process) == (1, KILLED)
    docker("rm", "--force", HOST)
    assert scratch.down()[-1] == "left  nothing"
    assert {thing.split()[0] for thing in left_on_engine()} == {"image", "volume"}


def test_lab_whose_host_was_lost_and_refreshed_away_is_taken_down(scratch: Scratch):
    scratch.up()
    docker("rm", "--force", HOST)
    assert scratch.pulumi("refresh", "--yes", "--skip-preview").returncode != 0
    assert scratch.down()[-1] == "left  nothing"
    assert {thing.split()[0] for thing in left_on_engine()} == {"image", "volume"}


def test_host_of_another_checkout_s_lab_of_that_name_is_left_alone(scratch: Scratch):
    scratch.down()
    label = f"--label=org.fairground.stack={NAME}"
    image = next(thing.split()[1] for thing in left_on_engine() if "-host:" in thing)
    docker("create", "--name", HOST, label, image)
    try:
        said = scratch.refusal("up")
        assert said.startswith(f"The container {HOST} is of a lab {NAME} that isn't on record here.")
        assert docker("ps", "--all", "--quiet", "--filter", f"name=^{HOST}$")
    finally:
        docker("rm", HOST)
