"""What an audit makes of its tools' answers: never "no known vulnerability" for a lock that wasn't audited."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from documents.errors import ToolchainError
from tests.conftest import ROOT
from toolchain import audit, console
from toolchain.audit import Answer, Audited
from toolchain.go_toolchain import Go
from toolchain.layout import Layout

LAYOUT = Layout(root=Path("/checkout"), cache=Path("/cache"))


def ended(stdout: str, stderr: str, status: int) -> Answer:
    """A tool that has ended."""
    return Answer([], status, stdout, stderr)


def pip(*dependencies: dict[str, Any]) -> Answer:
    return ended(json.dumps({"dependencies": dependencies, "fixes": []}), "", 0)


SOUND: dict[str, Any] = {"name": "httpx", "version": "0.28.1", "vulns": []}
SKIPPED: dict[str, Any] = {
    "name": "jinja2",
    "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (3.1.2)",
}
VULNERABLE: dict[str, Any] = {
    "name": "jinja2",
    "version": "3.1.2",
    "vulns": [{"id": "GHSA-h5c8-rqwp-cp95", "fix_versions": ["3.1.3"], "aliases": [], "description": ""}],
}


def test_a_known_vulnerability_is_reported_with_its_fix():
    assert audit.read_pip_audit(pip(SOUND, VULNERABLE)) == (("jinja2 3.1.2: GHSA-h5c8-rqwp-cp95, fixed in 3.1.3",), ())


def test_what_pip_audit_skips_was_not_looked_at_though_its_status_is_0():
    assert audit.read_pip_audit(pip(SOUND)) == ((), ())
    assert audit.read_pip_audit(pip(SOUND, SKIPPED)) == ((), ("PyPI has no data on 1 packages, such as jinja2",))


CONFIG = '{"config": {"scanner_name": "govulncheck"}}\n'


def finding(**place: str) -> str:
    here = {"module": "a", "version": "v5.8.0", **place}
    found = {"osv": "GO-2026-1", "fixed_version": "v5.9.2", "trace": [here]}
    return json.dumps({"finding": found}, indent=2) + "\n"


def test_of_a_go_module_counts_what_is_called():
    calls = finding(function="F") + finding(function="G") + finding(module="stdlib", version="v1.26.8", function="H")
    assert audit.read_govulncheck(ended(CONFIG + finding() + calls, "", 0)) == (
        ("a v5.8.0: GO-2026-1, fixed in v5.9.2", "stdlib v1.26.8: GO-2026-1, fixed in v5.9.2"),
        (),
    )
    assert audit.read_govulncheck(ended(CONFIG + finding(), "", 0)) == ((), ())


@pytest.mark.parametrize("answer", [ended("", "no such host", 1), ended(CONFIG, "no packages", 1), ended("", "", 0)])
def test_a_govulncheck_that_came_to_no_end_looked_at_nothing(answer: Answer):
    assert audit.read_govulncheck(answer) is None


def test_cargo_audit_and_osv_scanner_are_read():
    rust: dict[str, Any] = {
        "package": {"name": "rsa", "version": "0.9.10"},
        "advisory": {"id": "RUSTSEC-2023-0071"},
        "versions": {"patched": []},
    }
    answer = ended(json.dumps({"vulnerabilities": {"list": [rust]}}), "", 1)
    assert audit.read_cargo_audit(answer) == (("rsa 0.9.10: RUSTSEC-2023-0071, fixed nowhere",), ())
    package = {"package": {"name": "a:b", "version": "1"}, "vulnerabilities": [{"id": "GHSA-x"}]}
    text = json.dumps({"results": [{"packages": [package]}]})
    assert audit.read_osv_scanner(ended(text, "", 1)) == (("a:b 1: GHSA-x",), ())
    assert audit.read_osv_scanner(ended(text, "", 127)) is None


def answering(answer: Answer | Exception):
    def run(_command: Sequence[str], _folder: Path) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return run


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (FileNotFoundError(), "cargo isn't installed"),
        (subprocess.TimeoutExpired("cargo", 900), "cargo wasn't done within 900 s"),
        (ended("", "warning\nerror: couldn't fetch the database", 1), "cargo gave no result: error: couldn't fetch"),
        (ended("", "govulncheck: no packages\nexit status 2\n", 1), "cargo gave no result: govulncheck: no packages"),
        (ended("[]", "", 0), "cargo gave no result: []"),
        (ended("", "", 0), "cargo gave no result: it wrote nothing"),
    ],
)
def test_a_tool_that_does_not_answer_looked_at_nothing(answer: Answer | Exception, reason: str):
    found = audit.audit_by(answering(answer), LAYOUT, "Cargo.lock", ["cargo"], audit.read_cargo_audit)
    (unseen,) = found.unseen
    assert unseen.startswith(reason)
    assert list(audit.describe(found)) == [f"Cargo.lock: NOT AUDITED: {unseen}"]


def test_go_s_reports_are_taken_from_the_module_proxy_where_the_database_is_away(monkeypatch: pytest.MonkeyPatch):
    layout, asked = Layout(root=ROOT, cache=LAYOUT.cache), list[list[str]]()

    def run(command: Sequence[str], _folder: Path) -> Answer:
        asked.append(list(command))
        if "download" in command:
            return ended('{"Dir": "/modules/vulndb"}', "", 0)
        return ended(CONFIG, "", 0) if "-db=file:///modules/vulndb/data/osv" in command else ended("", "refused", 1)

    monkeypatch.setattr(audit, "find_go", _find_go)
    assert audit.audit_go(layout, "apis/go", "./...", run) == Audited("apis/go/go.sum")
    assert len(asked) == 3
    away = answering(ended("", "no route", 1))
    assert audit.audit_go(layout, "apis/go", "./...", away).unseen[1].endswith("can't be downloaded: no route")


def test_reports_whose_download_hangs_leave_the_module_not_audited(monkeypatch: pytest.MonkeyPatch):
    def run(command: Sequence[str], _folder: Path) -> Answer:
        if "download" in command:
            raise subprocess.TimeoutExpired(command, 900)
        return ended("", "refused", 1)

    monkeypatch.setattr(audit, "find_go", _find_go)
    found = audit.audit_go(Layout(root=ROOT, cache=LAYOUT.cache), "apis/go", "./...", run)
    assert found.unseen[1] == "golang.org/x/vulndb@latest wasn't downloaded within 900 s"


@pytest.mark.parametrize(
    "error", [ToolchainError("No module of Go's can be downloaded."), subprocess.CalledProcessError(1, ["go"])]
)
def test_sources_that_cannot_be_laid_out_are_not_audited_and_their_step_is_closed(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(audit, "find_go", _find_go)
    monkeypatch.setattr(audit, "lay_out_sources", fail)
    layout = Layout(root=ROOT, cache=LAYOUT.cache)
    found = audit.audit_go(layout, "toolchain/go_tools", "./...", answering(AssertionError()))
    assert found.unseen == (str(error),)
    assert console._open == []  # pyright: ignore[reportPrivateUsage]


def _find_go(_minimum: str) -> Go:
    return Go(Path("/usr/bin/go"))


def test_the_status_distinguishes_a_known_vulnerability_from_what_was_not_checked():
    sound, unseen, known = Audited("a"), Audited("b", unseen=("x",)), Audited("c", known=("y",))
    assert audit.status_of([sound]) == 0
    assert audit.status_of([sound, unseen]) == audit.NOT_AUDITED == 3
    assert audit.status_of([sound, unseen, known]) == audit.VULNERABLE == 1
    assert list(audit.describe(sound)) == ["a: no known vulnerability"]


def test_every_lock_of_the_project_is_audited():
    ignored = {"apis/go/checks/go.sum"}  # a linter's, for a test alone
    locks = {
        str(path.relative_to(ROOT))
        for pattern in ("**/go.sum", "**/Cargo.lock", "**/pom.xml", "**/requirements*.txt", "*.lock")
        for path in ROOT.glob(pattern)
        # What is under tests/ is in nothing that a lab runs.
        if not {".venv", ".lab", "target", "node_modules", "tests"} & set(path.relative_to(ROOT).parts)
    }
    assert locks - ignored == {*audit.LOCKS}
