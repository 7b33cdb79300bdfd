"""Every way in which `lab` is called wrongly, or for something that isn't there, ends in one clear sentence."""

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer.main

from cli.main import HELP, Subcommands, app
from tests.conftest import LAB, ROOT
from tests.unit.cli.lab_command import SUBCOMMANDS, Answer, lab, lab_process, labs
from toolchain.layout import project_layout

UNKNOWN = "no-such-stack"


def test_every_subcommand_explains_itself():
    whole, *each = labs([["--help"], *([*name.split(), "--help"] for name in SUBCOMMANDS)])
    assert (whole.status, whole.err) == (0, "")
    for name, answer in zip(SUBCOMMANDS, each, strict=True):
        assert name.split()[0] in whole.out
        assert (answer.status, answer.err) == (0, "")
        assert f"Usage: lab {name} [OPTIONS]" in answer.out
        assert "--json" in answer.out


COMMON = {"__init__", "context", "main", "progress", "run_progress"}
"""The modules of `cli/` that aren't a subcommand."""


def test_each_subcommand_has_a_help_and_a_file_of_its_name():
    assert {path.stem for path in (ROOT / "cli").glob("*.py")} - COMMON == HELP.keys()


def test_a_subcommand_without_an_import_runs_no_other_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(HELP, "new", "Do something new.")
    with pytest.raises(AssertionError, match="imports nothing for the subcommand new"):
        lab("new")


HEAVY = ("cryptography", "docker", "httpx", "jinja2", "matplotlib", "numpy", "paramiko", "pulumi", "scipy", "yaml")
"""Packages that take tenths of a second to import. A shell's user must not wait for them."""


def imported_by(program: str, packages: Sequence[str]) -> list[str]:
    """Those of the packages that a program has imported at its end, whatever it prints before."""
    end = f"import atexit, sys; atexit.register(lambda: print([name for name in {packages} if name in sys.modules]))"
    command = [sys.executable, "-c", f"{end}\n{program}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ast.literal_eval(done.stdout.splitlines()[-1])


def test_the_help_imports_nothing_heavy():
    program = "sys.argv = ['lab', '--help']; from cli.main import main; main()"
    assert imported_by(program, (*HEAVY, "pydantic", "rich")) == []


def test_the_options_of_every_subcommand_are_known_without_heavy_imports():
    load = "import typer.main; from cli.main import HELP, app; group = typer.main.get_group(app)"
    assert imported_by(f"{load}; [group.load(name) for name in HELP]", (*HEAVY, "rich")) == []


@pytest.mark.parametrize("words", ["ru", "run --protocol q", "report 2", "up --stack l"])
def test_completion_imports_nothing_heavy(words: str):
    program = f"""
import os
os.environ |= {{"_LAB_COMPLETE": "complete_bash", "COMP_WORDS": "lab {words}", "COMP_CWORD": "{words.count(" ") + 1}"}}
sys.argv = ["lab"]
from cli.main import main
main()
"""
    assert set(imported_by(program, (*HEAVY, "rich"))) <= {"yaml"}


def test_lab_alone_shows_its_help_and_fails():
    answer = lab_process()
    assert (answer.status, answer.err) == (2, "")
    assert "Usage: lab [OPTIONS] COMMAND [ARGS]..." in answer.out


def test_wrong_use_is_reported_in_one_sentence_with_status_2():
    wrong = {
        ("nosuch",): "No such command 'nosuch'",
        ("runs", "nosuch"): "No such command 'nosuch'",
        ("up", "--bogus"): "No such option: --bogus",
        ("up", "superfluous"): "unexpected extra argument",
        ("run", "20260131"): "A run's id needs --resume",
        ("facts", "--builds", "0"): "Invalid value for '--builds'",
        ("tune", "--check", "--restore"): "--check only looks, so it doesn't go with --restore",
        ("run", "--budget", "two hours"): "'two hours' isn't a length of time. Write it in hours and minutes: 2h, 90m",
        ("run", "--resume", "--protocol", "quick"): "--protocol doesn't go with --resume",
        ("run", "--resume", "--api", "go"): "--api doesn't go with --resume",
        ("run", "--resume", "--seed", "0"): "--seed doesn't go with --resume",
        ("run", "--resume", "--budget", "2h"): "--budget doesn't go with --resume",
        ("run", "--seed", "many"): "Invalid value for '--seed': Input should be a valid integer",
    }
    for answer, said in zip(labs(list(wrong)), wrong.values(), strict=True):
        assert answer.status == 2
        assert said in answer.sentence()
        known = answer.arguments[0] if answer.arguments[0] != "nosuch" else ""
        assert answer.sentence().endswith(f". Try `{f'lab {known}'.strip()} --help`.")


def test_unknown_stack_is_reported_in_one_sentence_that_names_its_file():
    up, *others = labs([[name, "--stack", UNKNOWN] for name in ("up", "run", "verify", "tune", "facts", "logs")])
    assert up.status == 1
    assert up.sentence().startswith(f"There is no stacks/{UNKNOWN}.yaml; the stacks described here: ")
    for answer in others:
        assert answer.status == 1
        assert answer.sentence().startswith(f"There is no lab {UNKNOWN}: nothing of it is on record.")
        assert f"stacks/{UNKNOWN}.yaml" in answer.sentence()


def test_unknown_stack_is_not_taken_down_and_leaves_no_trace():
    shown, as_json = labs([["down", "--stack", UNKNOWN], ["down", "--stack", UNKNOWN, "--json"]])
    assert (shown.status, as_json.status) == (1, 1)
    assert as_json.sentence().startswith(f"There is no lab {UNKNOWN}: nothing is on record")
    assert f"There is no stacks/{UNKNOWN}.yaml" in shown.out
    assert "Receipt" not in shown.out
    assert shown.err == as_json.err
    assert not (ROOT / f"Pulumi.{UNKNOWN}.yaml").exists()
    assert not list(project_layout().state.rglob(f"*{UNKNOWN}*"))


def test_what_is_missing_is_reported_in_one_sentence(tmp_path: Path):
    protocol = tmp_path / "mine.yaml"
    protocol.write_text("version: 1\nname: mine\nblocks: many\nwarm_up_seconds: 1\nscenarios: []\n")
    missing = {
        ("report", "no-such-run"): "There is no run no-such-run: neither ",
        (
            "run",
            "--protocol",
            "no-such-protocol",
        ): "There is no protocol named no-such-protocol. There are article, evidence, pool-sizes, quick",
        ("run", "--protocol", str(tmp_path / "none.yaml")): f"The protocol {tmp_path / 'none.yaml'} can't be read: ",
        ("verify", "--only", "no-such-check"): "There is no check or group of checks named no-such-check; the groups: ",
    }
    *answers, shape = labs([*missing, ["run", "--protocol", str(protocol)]])
    for answer, said in zip(answers, missing.values(), strict=True):
        assert answer.status == 1
        assert answer.sentence().startswith(said)
    assert shape.status == 1
    assert f"{protocol}:3: blocks: Input should be a valid integer" in shape.err
    assert f"{protocol}:5: scenarios: " in shape.err
    assert "Traceback" not in shape.err


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"DOCKER_HOST": "unix:///nonexistent/docker.sock"}, "/nonexistent/docker.sock"),
        ({"PATH": "/nonexistent"}, "There is no docker command on the PATH"),
    ],
    ids=["engine", "command"],
)
def test_machine_without_docker_is_reported_in_one_sentence_with_a_remedy(environment: dict[str, str], reason: str):
    answer = lab("up", environment=environment)
    assert answer.status == 1
    assert answer.sentence().startswith("The Docker engine can't be used: ")
    assert reason in answer.sentence()
    assert answer.sentence().endswith("`make setup` installs and starts one.")


INTERRUPTED = "interrupted: finished work is kept; `lab run --resume` continues a run that had begun.\n"


def test_interrupt_ends_with_130_and_says_what_is_kept(tmp_path: Path):
    # A protocol that never comes: the command waits for it until it is interrupted.
    protocol = tmp_path / "pipe.yaml"
    os.mkfifo(protocol)
    with subprocess.Popen(
        [LAB, "run", "--protocol", protocol], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        writer = _open_for_reader(protocol, process)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        os.close(writer)
    assert (process.returncode, out, err) == (130, "", INTERRUPTED)


def test_a_request_to_end_is_an_interrupt(monkeypatch: pytest.MonkeyPatch):
    def read_protocol(_name: str) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("experiment.planning.read_protocol", read_protocol)
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        assert lab("run") == Answer(("run",), 130, "", INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)


def _open_for_reader(pipe: Path, process: "subprocess.Popen[str]") -> int:
    """Open the pipe for writing as soon as the process has it open for reading."""
    while process.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.02)
    raise AssertionError(process.communicate())


def test_reader_that_goes_away_brings_no_traceback():
    with subprocess.Popen(
        [LAB, "doctor", "--json"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.close()
        assert process.stderr
        assert process.stderr.read() == ""
        assert process.wait(timeout=30) != 0


def test_the_help_of_each_subcommand_begins_as_its_own():
    group = typer.main.get_group(app)
    assert isinstance(group, Subcommands)
    for name, text in HELP.items():
        group.load(name)
        assert (group.commands[name].help or "").split("\n\n", maxsplit=1)[0] == text, name
