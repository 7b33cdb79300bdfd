"""Images that a lab leaves on a machine for the next one."""

from pathlib import Path

import pytest

from lab.lifecycle.engine import Engine
from lab.lifecycle.existing_host import leave_host
from provision.reservation import release, reserve
from provision.system import preparation
from provision.system.engine import find_labelled_on_host
from tests.ssh.found_machine import STACK, Found, build_image, described, reserved, use

pytestmark = pytest.mark.nightly


def test_while_images_are_kept_nothing_else_is(with_engine: Found):
    with reserved(with_engine) as connection:
        use(connection, with_engine)
        preparation.let_user_reach_engine(connection, "someone")
        assert {"groups", "sshd", "configuration"} <= with_engine.snapshot.changed().keys()
        release(connection, keep_images=True)
        # The packages that came with the lab, and what they have in /etc, stay for the next one.
        assert with_engine.snapshot.changed().keys() == {
            "packages",
            "configuration",
            "folders",
            "images",
            "build cache",
        }
        connection.run(["test", "!", "-e", preparation.SSHD_DROP_IN], deadline_seconds=10)
        assert connection.run(["ls", "/var/lib/fairground"], deadline_seconds=10).stdout == "changes.json\n"
        release(connection, keep_images=False)
    assert with_engine.snapshot.changed_in_the_end() == {}


def test_images_that_were_kept_go_when_the_document_no_longer_keeps_them(with_engine: Found, tmp_path: Path):
    with reserved(with_engine) as connection:
        build_image(connection, STACK)
        release(connection, keep_images=True)
    stack, host = described(with_engine)
    keeping = host.model_copy(update={"build_cache": "keep"})
    [kept], left = leave_host(Engine(tmp_path, STACK, {}), stack, keeping, lab=None)
    assert kept.startswith("image ")
    assert left == ()
    assert leave_host(Engine(tmp_path, STACK, {}), stack, host, lab=None) == ((), ())
    assert with_engine.snapshot.changed_in_the_end() == {}


def test_images_that_were_kept_go_with_a_lab_of_another_name(with_engine: Found):
    with reserved(with_engine) as connection:
        build_image(connection, STACK)
        release(connection, keep_images=True)
        reserve(connection, "another", "ssh-ed25519 TWO")
        preparation.prepare(connection)
        build_image(connection, "another")
        assert find_labelled_on_host(connection, STACK)
        assert release(connection, keep_images=False) == ()
    assert with_engine.snapshot.changed_in_the_end() == {}
