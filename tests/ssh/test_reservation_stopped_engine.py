"""A reservation on a machine whose administrator stopped its engine."""

from pathlib import Path

import pytest

from documents.errors import HostError
from lab.lifecycle.engine import Engine
from lab.lifecycle.existing_host import leave_host
from provision.reservation import release, reserve
from provision.ssh.connection import connect
from provision.system.changes import read_changes
from provision.system.engine import find_labelled_on_host
from tests.ssh.found_machine import LAB, STACK, Found, build_image, described, reserved

pytestmark = pytest.mark.nightly


def test_an_engine_that_its_administrator_stopped_is_stopped_again(with_engine: Found, tmp_path: Path):
    """Its socket is left to systemd, so that whoever asks the engine anything starts it."""
    with_engine.machine.run("systemctl", "stop", "docker.service")
    try:
        with reserved(with_engine) as connection:
            changes = read_changes(connection)
            assert changes is not None
            assert changes.engine_started
            release(connection, keep_images=False)
        # What `lab down` looks for at its end.
        assert leave_host(Engine(tmp_path, STACK, {}), *described(with_engine), lab=None) == ((), ())
        assert not with_engine.machine.has_at_work("docker.service")
    finally:
        with_engine.machine.start_engine()
        with_engine.machine.run("docker", "start", "own")
    # Its build cache, which couldn't be listed at first, is still there.
    assert with_engine.snapshot.changed_in_the_end() == {}


def test_an_engine_that_was_stopped_is_so_while_images_on_it_are_kept(with_engine: Found, tmp_path: Path):
    with_engine.machine.run("systemctl", "stop", "docker.service")
    stack, host = described(with_engine)
    try:
        with reserved(with_engine) as connection:
            build_image(connection, STACK)
            release(connection, keep_images=True)
        keeping = host.model_copy(update={"build_cache": "keep"})
        [kept], left = leave_host(Engine(tmp_path, STACK, {}), stack, keeping, lab=None)
        assert "whose engine is stopped as it was found" in kept
        assert left == ()
        assert not with_engine.machine.has_at_work("docker.service")
        with reserved(with_engine, lab="ssh-ed25519 NEXT") as connection:
            release(connection, keep_images=False)
    finally:
        with_engine.machine.start_engine()
        with_engine.machine.run("docker", "start", "own")
    assert with_engine.snapshot.changed_in_the_end() == {}


def test_an_engine_that_was_stopped_is_so_after_a_reservation_that_was_broken_off(with_engine: Found):
    """All of it was stopped, so that its build cache can't be listed at first."""
    units = ("docker.socket", "docker.service", "containerd.service")
    with_engine.machine.run("systemctl", "stop", *units)
    try:
        with connect(with_engine.host) as connection:
            reserve(connection, STACK, LAB)
            with pytest.raises(HostError, match="doesn't run, so its containers and images can't be listed"):
                find_labelled_on_host(connection, STACK)
            assert release(connection, keep_images=False) == ()
        assert not any(with_engine.machine.has_at_work(unit) for unit in units)
    finally:
        with_engine.machine.start_engine()
        with_engine.machine.run("docker", "start", "own")
    assert with_engine.snapshot.changed_in_the_end() == {}
