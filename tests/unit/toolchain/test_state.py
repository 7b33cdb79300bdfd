import shutil
from pathlib import Path

import pytest

from documents.errors import ToolchainError
from toolchain import state
from toolchain.layout import Layout


@pytest.fixture
def checkout(tmp_path: Path, installed: Layout) -> Layout:
    """A checkout with tools and environment, but without a state."""
    layout = Layout(root=tmp_path, cache=installed.cache)
    layout.private.mkdir()
    layout.tools.symlink_to(installed.tools)
    layout.environment.symlink_to(installed.environment)
    (tmp_path / "Pulumi.yaml").write_text((installed.root / "Pulumi.yaml").read_text())
    return layout


def test_state_is_made_once_and_is_this_user_s_alone(checkout: Layout):
    assert state.ensure(checkout)
    assert checkout.passphrase.stat().st_mode & 0o777 == 0o600
    assert checkout.private.stat().st_mode & 0o777 == 0o700
    assert state.stack_file(checkout).is_file()
    passphrase = checkout.passphrase.read_text()
    assert len(passphrase.strip()) >= 32
    assert not state.ensure(checkout)
    assert checkout.passphrase.read_text() == passphrase


def test_state_has_no_second_files_that_a_killed_engine_would_leave_empty(checkout: Layout):
    state.ensure(checkout)
    assert list(checkout.state.rglob("*.json"))
    assert list(checkout.state.rglob("*.attrs")) == []


def test_two_checkouts_have_different_passphrases(checkout: Layout, tmp_path: Path, installed: Layout):
    other = Layout(root=tmp_path / "other", cache=installed.cache)
    other.private.mkdir(parents=True)
    other.tools.symlink_to(installed.tools)
    (other.root / "Pulumi.yaml").write_text((checkout.root / "Pulumi.yaml").read_text())
    assert state.ensure(checkout)
    assert state.ensure(other)
    assert checkout.passphrase.read_text() != other.passphrase.read_text()


def test_lost_passphrase_is_an_error_and_no_new_one_is_made(checkout: Layout):
    state.ensure(checkout)
    checkout.passphrase.unlink()
    with pytest.raises(ToolchainError, match=r"passphrase is gone, and with it the key to the secrets"):
        state.ensure(checkout)
    assert not checkout.passphrase.exists()


def test_other_passphrase_than_that_of_the_state_is_an_error_that_does_not_show_it(checkout: Layout):
    state.ensure(checkout)
    (checkout.root / "__main__.py").write_text("import pulumi\npulumi.export('x', pulumi.Output.secret('hidden'))\n")
    state.run_pulumi(checkout, "up", "--yes", "--skip-preview", "--stack", "local")
    assert not state.ensure(checkout)
    checkout.passphrase.write_text("another-passphrase\n")
    with pytest.raises(ToolchainError, match="isn't the one with which the secrets") as failure:
        state.ensure(checkout)
    assert "another-passphrase" not in str(failure.value)


def test_lost_configuration_of_the_stack_is_made_anew(checkout: Layout):
    state.ensure(checkout)
    (checkout.root / "Pulumi.local.yaml").unlink()
    assert not state.ensure(checkout)
    (checkout.root / "__main__.py").write_text("import pulumi\npulumi.export('x', pulumi.Output.secret('hidden'))\n")
    state.run_pulumi(checkout, "up", "--yes", "--skip-preview", "--stack", "local")
    assert "encryptionsalt" in (checkout.root / "Pulumi.local.yaml").read_text()


def test_removed_state_is_made_anew_with_another_passphrase(checkout: Layout):
    state.ensure(checkout)
    configuration = checkout.root / "Pulumi.local.yaml"
    before = configuration.read_text()
    for kept in ("", "config:\n  fairground:own: value\n"):
        shutil.rmtree(checkout.state)
        checkout.passphrase.unlink()
        configuration.write_text(before + kept)
        assert state.ensure(checkout)
        assert not state.ensure(checkout)
        assert before.strip() not in configuration.read_text()
        assert "encryptionsalt" in configuration.read_text()
        assert kept in configuration.read_text()


def test_stack_is_looked_for_where_the_project_s_name_puts_it(installed: Layout):
    name = (installed.root / "Pulumi.yaml").read_text().splitlines()[0]
    assert name == f"name: {state.stack_file(installed).parent.name}"
