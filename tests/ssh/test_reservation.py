"""A reservation on a machine that the lab didn't make, which has an engine of its own at work: Debian 12's."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from documents.errors import HostUnreachableError
from provision.reservation import release, reserve
from provision.ssh.connection import connect
from provision.system import engine, packages, preparation
from provision.system.changes import read_changes
from tests.ssh.found_machine import LAB, STACK, Found, reserved, use
from tests.ssh.waiting import wait_until


@pytest.mark.nightly
def test_a_machine_with_an_older_engine_is_left_as_it_was_found(with_engine: Found):
    with reserved(with_engine) as connection:
        assert preparation.tool_versions(connection)["docker"].startswith("20.10.")
        changes = read_changes(connection)
        assert changes is not None
        assert "docker.io" not in changes.packages
        assert changes.build_cache
        use(connection, with_engine)
        assert release(connection, keep_images=False) == ()
    assert with_engine.snapshot.changed_in_the_end() == {}
    assert with_engine.machine.run("redis-cli", "get", "mine") == "precious"


def test_a_reservation_that_was_broken_off_at_once_is_released(with_engine: Found):
    with connect(with_engine.host) as connection:
        reserve(connection, STACK, LAB)
        assert release(connection, keep_images=False) == ()
        assert release(connection, keep_images=False) == ()
    assert with_engine.snapshot.changed_in_the_end() == {}


@pytest.mark.nightly
def test_a_reservation_that_was_killed_while_packages_come_is_taken_back(with_engine: Found):
    """Nobody tells apt on the machine that whoever started it is gone."""
    connection = connect(with_engine.host)
    reserve(connection, STACK, LAB)
    with ThreadPoolExecutor(1) as pool:
        preparing = pool.submit(preparation.prepare, connection)
        wait_until(lambda: is_installing(with_engine), 300)
        connection.close()
        with pytest.raises(HostUnreachableError):
            preparing.result()
    assert is_installing(with_engine), "it goes on"
    with connect(with_engine.host) as connection:
        assert release(connection, keep_images=False) == ()
    assert with_engine.snapshot.changed_in_the_end() == {}


def is_installing(found: Found) -> bool:
    """Whether apt gets packages on the machine, or unpacks them; its first look at what it would do is none."""
    shown = found.machine.run("ps", "-eo", "args=").splitlines()
    return any(line.startswith("apt-get ") and " install " in line and "--simulate" not in line for line in shown)


def test_an_engine_s_configuration_that_is_there_stays(with_engine: Found):
    with connect(with_engine.host) as connection:
        engine.configure(connection)
        written = with_engine.machine.run("cat", engine.CONFIGURATION)
        assert '"bridge": "none"' in written
        with_engine.machine.shell(f"echo '{{}}' >{engine.CONFIGURATION}")
        engine.configure(connection)
    assert with_engine.machine.run("cat", engine.CONFIGURATION) == "{}"
    with_engine.machine.run("rm", engine.CONFIGURATION)


def test_a_package_that_was_only_brought_up_to_date_does_not_count_as_installed():
    simulated = "Inst wrk (4.1.0-4 Debian:13/stable [amd64])\nInst libc6 [2.40-1] (2.41-12 Debian:13/stable [amd64])\n"
    assert packages._NEW.findall(simulated) == ["wrk"]  # pyright: ignore[reportPrivateUsage]
