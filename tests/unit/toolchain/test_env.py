import os
import subprocess
from pathlib import Path

import pytest

from toolchain import docker_engine
from toolchain.layout import Layout


def _source(shell: str, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    # The tests may run in a shell in which `env` was sourced.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    environment = {**inherited, "PULUMI_CONFIG_PASSPHRASE": "left over", "DOCKER_CONTEXT": "elsewhere"}
    return subprocess.run(
        [shell, "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def _variables(printed: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_shell_gets_what_the_lab_itself_uses(installed: Layout, shell: str):
    answer = _source(shell, installed.root, ". ./env && env")
    assert answer.returncode == 0, answer.stderr
    variables = _variables(answer.stdout)
    expected = installed.pulumi_environment()
    assert {name: variables[name] for name in expected if name != "PATH"} == {
        name: value for name, value in expected.items() if name != "PATH"
    }
    assert variables["PATH"].startswith(f"{installed.tools}:{installed.environment}/bin:")
    assert not {"PULUMI_CONFIG_PASSPHRASE", "DOCKER_CONTEXT"} & set(variables)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_client_and_plugin_speak_to_the_engine_that_the_lab_looks_at(
    installed: Layout, monkeypatch: pytest.MonkeyPatch, shell: str
):
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")
    variables = _variables(_source(shell, installed.root, ". ./env && env").stdout)
    assert variables["DOCKER_HOST"] == installed.pulumi_environment()["DOCKER_HOST"] == docker_engine.address()


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_sourcing_twice_changes_nothing_more(installed: Layout, shell: str):
    once = _variables(_source(shell, installed.root, ". ./env && env").stdout)
    twice = _variables(_source(shell, installed.root, ". ./env && . ./env && env").stdout)
    assert once["PATH"] == twice["PATH"]


def _checkout(root: Path, installed: Layout) -> Path:
    """A checkout of which `env` sees that it is installed."""
    for folder in ("toolchain", ".venv/bin", ".lab/bin"):
        (root / folder).mkdir(parents=True)
    (root / "toolchain" / "versions.toml").touch()
    (root / ".venv" / "bin" / "python").touch(mode=0o755)
    (root / "env").write_text((installed.root / "env").read_text())
    return root


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("path", ["/usr/bin:/bin", ":/usr/bin:/bin:"])
def test_checkout_whose_env_was_sourced_last_goes_first(installed: Layout, tmp_path: Path, shell: str, path: str):
    one, other = (_checkout(tmp_path / name, installed) for name in ("one [*] checkout", "other"))
    # The shell's own words alone: the PATH may lead to no command.
    steps = ". ./env; cd ../other; . ./env; cd '../one [*] checkout'; . ./env; echo \"$PATH\""
    answer = _source(shell, one, f"PATH='{path}'; {steps}")
    expected = [f"{folder}/{name}" for folder in (one, other) for name in (".lab/bin", ".venv/bin")]
    assert answer.stdout == ":".join([*expected, path]) + "\n", answer.stderr


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_sourcing_from_another_folder_says_what_to_do_and_sets_nothing(installed: Layout, tmp_path: Path, shell: str):
    answer = _source(shell, tmp_path, f". {installed.root}/env || echo status $?; echo home=$PULUMI_HOME")
    assert "status 1\nhome=\n" in answer.stdout
    assert f"{tmp_path} isn't the root of Fairground" in answer.stderr


def test_sourcing_before_the_installation_says_what_to_run(installed: Layout, tmp_path: Path):
    (tmp_path / "toolchain").mkdir()
    (tmp_path / "toolchain" / "versions.toml").touch()
    answer = _source("sh", tmp_path, f". {installed.root}/env || echo status $?")
    assert "status 1" in answer.stdout
    assert "make setup" in answer.stderr


def test_plain_pulumi_works_in_such_a_shell(installed: Layout):
    answer = _source("sh", installed.root, ". ./env && pulumi version && pulumi stack ls --json")
    assert answer.returncode == 0, answer.stderr
    assert '"local"' in answer.stdout
    assert answer.stderr == ""
