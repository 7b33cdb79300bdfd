"""Completion: the scripts of the shells are given and installed, and what they complete is what there is."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest
import typer.main
from typer.core import TyperGroup

import cli.context
from apis.contract.checks import all_checks
from cli.main import app
from documents.report.comparison import Measure
from experiment.planning.subjects import protocol_names
from lab.stack_file import read_stack
from tests.conftest import LAB, ROOT
from tests.unit.cli.lab_command import lab

APIS = [api.name for api in read_stack(ROOT, "local").apis]
RUNS = ["20260201-120000-article", "20260131-120000-quick"]


def in_bash(script: str, **more: str) -> str:
    done = subprocess.run(
        ["bash", "--norc", "-c", f"set -e\n{script}\ntrue"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{LAB.parent}{os.pathsep}{os.environ['PATH']}", **more},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


WORDS: list[tuple[list[str], list[str]]] = [
    (["lab", "ru"], ["run", "runs"]),
    (["lab", "run", "--protocol", ""], sorted(protocol_names())),
    (["lab", "run", "--stack", "no-such-stack", "--api", ""], []),
]


def test_bash_completes_what_there_is():
    calls = "\n".join(
        f"COMP_WORDS=({' '.join(repr(word) for word in words)}); COMP_CWORD={len(words) - 1}; COMPREPLY=(); "
        f'_lab_completion lab; echo "${{COMPREPLY[*]}}"'
        for words, _ in WORDS
    )
    shown = in_bash(f"source <(env _LAB_COMPLETE=source_bash lab)\ncomplete -p lab\n{calls}")
    registered, *answers = shown.splitlines()
    assert registered == "complete -o default -F _lab_completion lab", "and a path where there is nothing to complete"
    assert [sorted(answer.split()) for answer in answers] == [wanted for _, wanted in WORDS]


def test_bash_is_shown_its_script_and_has_it_installed(tmp_path: Path):
    shown = in_bash("lab --show-completion", HOME=str(tmp_path))
    assert "complete -o default -F _lab_completion lab" in shown
    assert not [*tmp_path.iterdir()], "showing installs nothing"
    said = in_bash("lab --install-completion; lab --install-completion", HOME=str(tmp_path))
    assert "bash completion installed in" in said
    sourced = in_bash("source ~/.bashrc; complete -p lab", HOME=str(tmp_path))
    assert sourced == "complete -o default -F _lab_completion lab\n"
    assert (tmp_path / ".bashrc").read_text().count("lab.sh") == 1, "once, however often"


@pytest.mark.parametrize(
    ("shell", "script", "asked", "answer"),
    [
        ("zsh", "compdef _lab_completion lab", {}, r"_arguments '\*: :\(\(\"quick\"\)\)'"),
        ("fish", "complete --command lab", {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}, "quick"),
    ],
)
def test_other_shells_have_a_script_and_are_answered_as_it_asks(
    shell: str, script: str, asked: dict[str, str], answer: str
):
    given = lab(environment={"_LAB_COMPLETE": f"source_{shell}"}).out
    assert script in given
    assert f"_LAB_COMPLETE=complete_{shell}" in given
    assert set(asked) <= set(re.findall(r"_TYPER_\w+", given)), "what the script asks with"
    assert "_TYPER_COMPLETE_ARGS" in given
    words = {"_LAB_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_ARGS": "lab run --protocol q"}
    assert re.fullmatch(answer, lab(environment={**words, **asked}).out.strip())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a stack of two APIs, one that can't be read, and two runs."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=lambda _, names: {*names} - {"local.yaml"})
    local = (tmp_path / "stacks" / "local.yaml").read_text()
    mine = (
        local[: local.index("  - name: zig")].replace("name: local", "name: mine").replace("name: go", "name: go-old")
    )
    (tmp_path / "stacks" / "mine.yaml").write_text(mine)
    (tmp_path / "stacks" / "broken.yaml").write_text("name: broken")
    for name in APIS:
        (tmp_path / "apis" / name).mkdir(parents=True)
        (tmp_path / "apis" / name / "Dockerfile").touch()
    for name in (*RUNS, "no-run"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    for name in RUNS:
        (tmp_path / "runs" / name / "manifest.json").touch()
    monkeypatch.setattr(cli.context, "ROOT", tmp_path)
    monkeypatch.setattr(cli.context, "RUNS", tmp_path / "runs")
    return tmp_path


def completed(arguments: Sequence[str], parameter: str, incomplete: str = "") -> list[str]:
    """What a parameter completes to behind such words of a subcommand."""
    command, context, words = typer.main.get_group(app), None, [*arguments]
    while isinstance(command, TyperGroup):
        context = command.make_context("lab", [], resilient_parsing=True, parent=context)
        _, command, words = command.resolve_command(context, words)
    assert command is not None
    context = command.make_context("lab", words, resilient_parsing=True, parent=context)
    [found] = [one for one in command.params if one.name == parameter]
    return [item.value for item in found.shell_complete(context, incomplete)]


PARAMETERS: list[tuple[list[str], str, list[str]]] = [
    (["up"], "stack", ["broken", "local", "mine"]),
    (["run"], "api", APIS),
    (["run", "--stack", "mine"], "api", ["rust", "go-old"]),
    (["run", "--stack", "broken"], "api", []),
    (["run", "--stack", "none"], "api", []),
    (["gate", "--stack", "mine"], "base", ["rust", "go-old"]),
    (["gate"], "candidate", APIS),
    (["logs"], "name", ["postgres", "redis", *APIS]),
    (["run"], "protocol", [*protocol_names()]),
    (["gate"], "measure", [*get_args(Measure)]),
    (["runs", "keep"], "run", RUNS),
    (["run", "--resume"], "run_id", RUNS),
    (["compare"], "second", RUNS),
    (["verify"], "only", sorted({check.group for check in all_checks()})),
]


@pytest.mark.usefixtures("project")
def test_values_that_have_a_name_complete():
    for arguments, parameter, wanted in PARAMETERS:
        assert completed(arguments, parameter) == wanted
        if wanted:
            began = [word for word in wanted if word.startswith(wanted[0])]
            assert completed(arguments, parameter, wanted[0]) == began
        assert completed(arguments, parameter, "no-such-word") == []


def test_a_check_completes_within_its_group():
    group = min(check.group for check in all_checks())
    found = completed(["verify"], "only", f"{group}.")
    assert found == sorted(check.name for check in all_checks() if check.name.startswith(f"{group}."))
    assert found
