"""The gate of a change, with a stand-in for `lab` that ends with the statuses that a test sets."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ci.gate import gate, main
from tests.conftest import ROOT
from tests.unit.ci.change import Checkout
from tests.unit.test_docs import lab_options

LAB = """#!/bin/sh
echo "$@" >> calls
case "$1" in
  up) exit $(cat up-status 2>/dev/null || echo 0) ;;
  gate)
    status=$(cat "$3-status" 2>/dev/null || echo 0)
    if [ "$status" -le 3 ]; then echo "## Gate: the summary of $3" > "$7"; fi
    for folder in "run-of-$3" ".run-beside-$3.unfinished"; do
      mkdir -p "runs/$folder" && echo "{}" > "runs/$folder/manifest.json"
    done
    exit "$status" ;;
esac
"""


@pytest.fixture
def change(checkout: Checkout) -> Checkout:
    """A change of all three APIs, beside a run that was there before."""
    checkout.commit({"apis/go/main.go": "package main // changed\n", "apis/rust/src/main.rs": "fn main() {} // too\n"})
    (checkout.path / "runs/earlier").mkdir(parents=True)
    (checkout.path / "runs/earlier/manifest.json").touch()
    return checkout


@pytest.fixture
def lab(tmp_path: Path) -> tuple[str]:
    command = tmp_path / "lab"
    command.write_text(LAB)
    command.chmod(0o755)
    return (str(command),)


def comment(checkout: Checkout) -> str:
    return (checkout.path / "artifacts/gate/comment.md").read_text()


def test_each_api_is_measured_against_its_base_and_the_summaries_are_kept(
    change: Checkout, lab: tuple[str], capsys: pytest.CaptureFixture[str]
):
    (change.path / "artifacts/gate").mkdir(parents=True)
    (change.path / "artifacts/gate/zig.md").write_text("the summary of an earlier gate")
    assert gate("main", like="local", protocol="quick", project=change.path, lab=lab) == 0
    artifacts = change.path / "artifacts/gate"
    names = ("go", "rust", "rust-small")
    assert (change.path / "calls").read_text().splitlines() == [
        "up --stack ci-gate",
        *(
            f"gate {name}-base {name}-candidate --stack ci-gate --summary {artifacts / name}.md --protocol quick"
            for name in names
        ),
    ]
    assert {path.name for path in artifacts.iterdir()} == {
        "comment.md",
        *(f"{name}.md" for name in names),
        *(f"{name}-run-of-{name}-candidate.tar.gz" for name in names),
    }
    with tarfile.open(artifacts / "go-run-of-go-candidate.tar.gz") as packed:
        assert "run-of-go-candidate/manifest.json" in packed.getnames()
    first, *rest = comment(change).splitlines()
    assert first == f"**Gate: go: passed; rust: passed; rust-small: passed.** Base: commit {change.forked_at}."
    assert [line for line in rest if line.startswith("##")] == [
        f"## Gate: the summary of {name}-candidate" for name in names
    ]
    assert capsys.readouterr().out.splitlines()[-1] == first


def test_lab_has_the_options_that_it_is_called_with(change: Checkout, lab: tuple[str]):
    gate("main", like="local", protocol="quick", project=change.path, lab=lab)
    for words in map(str.split, (change.path / "calls").read_text().splitlines()):
        assert {word for word in words if word.startswith("--")} <= lab_options(words)


@pytest.mark.parametrize(
    ("statuses", "worst", "said"),
    [
        ((0, 0, 0), 0, "go: passed; rust: passed; rust-small: passed"),
        ((0, 2, 0), 2, "go: passed; rust: can't tell; rust-small: passed"),
        ((2, 3, 0), 3, "go: can't tell; rust: no answer; rust-small: passed"),
        ((3, 2, 1), 1, "go: no answer; rust: can't tell; rust-small: regression"),
        ((0, 130, 2), 3, "go: passed; rust: no answer; rust-small: can't tell"),
    ],
)
def test_status_is_that_of_the_worst_outcome(
    change: Checkout, lab: tuple[str], statuses: tuple[int, ...], worst: int, said: str
):
    for name, status in zip(("go", "rust", "rust-small"), statuses, strict=True):
        (change.path / f"{name}-candidate-status").write_text(str(status))
    assert gate("main", like="local", project=change.path, lab=lab) == worst
    text = comment(change)
    assert text.startswith(f"**Gate: {said}.**")
    assert ("became significantly worse" in text) == (1 in statuses)
    assert ("the number of blocks that would be enough" in text) == (2 in statuses)
    assert ("the job's log has the reason" in text) == bool({3, 130} & set(statuses))


def test_lab_that_can_not_be_stood_up_is_no_answer(change: Checkout, lab: tuple[str]):
    (change.path / "up-status").write_text("1")
    assert gate("main", like="local", project=change.path, lab=lab) == 3
    assert (change.path / "calls").read_text() == "up --stack ci-gate\n"
    assert comment(change).startswith("**Gate: go: no answer; rust: no answer; rust-small: no answer.**")


def test_command_that_is_missing_is_no_answer(
    change: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def without_lab(base: str, **_: object) -> int:
        return gate(base, like="local", project=change.path, lab=("/no/such/lab",))

    monkeypatch.setattr("ci.gate.gate", without_lab)
    monkeypatch.setattr(sys, "argv", ["ci.gate", "main"])
    assert main() == 3
    assert "FileNotFoundError" in capsys.readouterr().err


def test_change_that_touches_nothing_says_so_and_passes_without_a_lab(checkout: Checkout, lab: tuple[str]):
    checkout.commit({"docs/page.md": "A page.\n"})
    assert gate("main", like="local", project=checkout.path, lab=lab) == 0
    assert not (checkout.path / "calls").exists()
    assert "no guarded API was touched, so nothing was measured" in comment(checkout)


def test_new_api_is_reported_as_such(checkout: Checkout, lab: tuple[str]):
    local = (checkout.path / "stacks/local.yaml").read_text()
    checkout.commit(
        {
            "apis/zig/Dockerfile": "FROM scratch\n",
            "stacks/local.yaml": f"{local}  - name: zig\n    source: apis/zig\n    port: 18083\n",
        }
    )
    assert gate("main", like="local", project=checkout.path, lab=lab) == 0
    assert comment(checkout).startswith("**Gate: zig: new, so there is nothing to compare it with.**")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such-base"], "error: git can't find where HEAD left no-such-base"),
        (["HEAD", "--bogus"], "unrecognized arguments: --bogus"),
    ],
)
def test_no_error_of_the_command_has_the_status_of_a_verdict(tmp_path: Path, arguments: list[str], said: str):
    """They run in a clone, and write nothing there except an empty folder."""
    copy = tmp_path / "copy"
    subprocess.run(["git", "clone", "--quiet", "--shared", ROOT, copy], check=True)
    (copy / "ci").mkdir(exist_ok=True)
    for path in (ROOT / "ci").glob("*.py"):
        (copy / "ci" / path.name).write_text(path.read_text())
    done = subprocess.run(
        [sys.executable, "-m", "ci.gate", *arguments], cwd=copy, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr
