"""The workflow files: their commands exist, their shell is valid, and what a stranger sends is kept from the runner."""

import json
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT
from tests.unit.test_docs import lab_options, make_targets

GITHUB = {path.stem: path for path in sorted((ROOT / ".github/workflows").glob("*.yml"))}
GITLAB = ROOT / ".gitlab-ci.yml"

GITLAB_KEYWORDS = {"workflow", "variables"}


def read(path: Path) -> dict[Any, Any]:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def github_job(name: str) -> dict[str, Any]:
    (job,) = read(GITHUB[name])["jobs"].values()
    return job


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    return {name: job for name, job in read(GITLAB).items() if name not in GITLAB_KEYWORDS}


def scripts() -> Iterator[tuple[str, str]]:
    """Each piece of shell with where it is; at GitLab the lines of a job are one script."""
    for name in GITHUB:
        for step in github_job(name)["steps"]:
            if "run" in step:
                yield f"{name}: {step.get('name')}", step["run"]
    for name, job in gitlab_jobs().items():
        for part in ("script", "after_script"):
            yield f"gitlab {name}: {part}", "\n".join(job[part])


every_script = pytest.mark.parametrize("script", [pytest.param(text, id=place) for place, text in scripts()])


def commands(script: str) -> list[list[str]]:
    """The commands of the project's own in a piece of shell, as words."""
    found = re.findall(r"(?:^|then |do |&& )\s*((?:\.venv/bin/)?(?:lab|make|python)\b[^;|&\n]*)", script, re.MULTILINE)
    return [shlex.split(line.strip().removeprefix(".venv/bin/")) for line in found]


@every_script
def test_shell_is_valid(script: str):
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@every_script
def test_commands_exist_with_their_options(script: str):
    for words in commands(script):
        match words:
            case ["lab", name, *rest]:
                assert {word for word in rest if word.startswith("-")} <= lab_options([name, *rest]), words
                if "--stack" in rest and "ci-gate" not in rest:
                    assert (ROOT / f"stacks/{rest[rest.index('--stack') + 1]}.yaml").is_file(), words
            case ["make", *targets]:
                assert set(targets) <= make_targets(), words
            case ["python", "-m", module, *_]:
                assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), words
            case _:
                pytest.fail(shlex.join(words))


@every_script
def test_no_text_of_a_change_is_put_into_the_shell(script: str):
    """A branch may be named as a command; what comes by a variable is only a word."""
    assert "${{" not in script
    assert "$CI_COMMIT" not in script


def test_a_fork_reaches_no_runner_and_a_job_has_only_the_rights_that_it_needs():
    gate, nightly = (read(GITHUB[name]) for name in ("gate", "nightly"))
    assert github_job("gate")["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    # With pull_request_target a fork's change would be run beside the repository's secrets. `on` is true in YAML 1.1.
    assert set(gate[True]) == {"pull_request"}
    assert set(nightly[True]) == {"schedule", "workflow_dispatch"}
    assert gate["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert nightly["permissions"] == {"contents": "read"}
    (rule,) = gitlab_jobs()["gate"]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]


def test_token_is_handed_to_the_comment_alone():
    steps = [step for name in GITHUB for step in github_job(name)["steps"]]
    (with_token,) = (
        step for step in steps if re.search(r"token|secrets", json.dumps(step.get("env", {})), re.IGNORECASE)
    )
    assert with_token["run"] == ".venv/bin/python -m ci.comment artifacts/gate/comment.md"
    for path in GITHUB.values():
        assert "secrets." not in path.read_text(encoding="utf-8")


def test_only_two_actions_are_used():
    used = [step["uses"] for name in GITHUB for step in github_job(name)["steps"] if "uses" in step]
    assert {action.partition("@")[0] for action in used} == {"actions/checkout", "actions/upload-artifact"}
    for name in GITHUB:
        (checkout,) = (step for step in github_job(name)["steps"] if "checkout" in step.get("uses", ""))
        assert checkout["with"]["persist-credentials"] is False
        assert checkout["with"]["clean"] is False


@pytest.mark.parametrize(
    ("status", "ends_with", "said"), [("0", 0, ""), ("1", 1, "::error "), ("2", 0, "::warning "), ("3", 1, "::error ")]
)
def test_verdict_follows_the_status_of_the_gate(status: str, ends_with: int, said: str):
    (step,) = (step for step in github_job("gate")["steps"] if step.get("name") == "Verdict")
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(shell, env={**os.environ, "STATUS": status}, capture_output=True, text=True, check=False)
    assert done.returncode == ends_with
    assert done.stdout.startswith(said)
    assert bool(done.stdout) == bool(said)
    assert gitlab_jobs()["gate"]["allow_failure"] == {"exit_codes": [2]}


def test_the_step_that_measures_hands_the_status_on(tmp_path: Path):
    """At GitHub as an output, at GitLab as the job's own."""
    (step,) = (step for step in github_job("gate")["steps"] if step.get("id") == "gate")
    (tmp_path / "env").touch()
    for name, body in {"make": "", "python": '[ "$2" = ci.comment ] || exit 2\n'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}")
        (tmp_path / name).chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "BASE": "main",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "main",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]
    subprocess.run([*shell, step["run"]], cwd=tmp_path, env=environment, check=True)
    assert (tmp_path / "output").read_text() == "status=2\n"
    script = "\n".join(gitlab_jobs()["gate"]["script"])
    assert subprocess.run([*shell, script], cwd=tmp_path, env=environment, check=False).returncode == 2
