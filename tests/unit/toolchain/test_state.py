import shutil
from pathlib import Path

import pytest
import yaml

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


def test_state_is_made_once_for_this_user_alone_and_never_without_its_passphrase(checkout: Layout):
    assert state.ensure(checkout)
    assert checkout.passphrase.stat().st_mode & 0o777 == 0o600
    assert checkout.private.stat().st_mode & 0o777 == 0o700
    assert state.stack_file(checkout).is_file()
    # A killed engine would leave second files empty.
    assert list(checkout.state.rglob("*.attrs")) == []
    passphrase = checkout.passphrase.read_text()
    assert len(passphrase.strip()) >= 32
    assert not state.ensure(checkout)
    assert checkout.passphrase.read_text() == passphrase
    checkout.passphrase.unlink()
    with pytest.raises(ToolchainError, match=r"passphrase is gone, and with it the key to the secrets"):
        state.ensure(checkout)
    assert not checkout.passphrase.exists()


def test_a_lost_configuration_is_made_again_and_another_passphrase_is_refused_without_being_shown(checkout: Layout):
    state.ensure(checkout)
    (checkout.root / "Pulumi.local.yaml").unlink()
    assert not state.ensure(checkout)
    (checkout.root / "__main__.py").write_text("import pulumi\npulumi.export('x', pulumi.Output.secret('hidden'))\n")
    state.run_pulumi(checkout, "up", "--yes", "--skip-preview", "--stack", "local")
    assert "encryptionsalt" in (checkout.root / "Pulumi.local.yaml").read_text()
    assert not state.ensure(checkout)
    checkout.passphrase.write_text("another-passphrase\n")
    with pytest.raises(ToolchainError, match="isn't the one with which the secrets") as failure:
        state.ensure(checkout)
    assert "another-passphrase" not in str(failure.value)


def test_a_removed_state_is_made_again_with_another_passphrase(checkout: Layout):
    state.ensure(checkout)
    configuration, kept = checkout.root / "Pulumi.local.yaml", "config:\n  fairground:own: value\n"
    passphrase, salt = checkout.passphrase.read_text(), configuration.read_text()
    shutil.rmtree(checkout.state)
    checkout.passphrase.unlink()
    configuration.write_text(salt + kept)
    assert state.ensure(checkout)
    assert checkout.passphrase.read_text() != passphrase
    assert salt.strip() not in configuration.read_text()
    assert "encryptionsalt" in configuration.read_text()
    assert kept in configuration.read_text()


def test_stack_is_looked_for_where_the_project_s_name_puts_it(installed: Layout):
    project = yaml.safe_load((installed.root / "Pulumi.yaml").read_text())
    assert project["name"] == state.stack_file(installed).parent.name
