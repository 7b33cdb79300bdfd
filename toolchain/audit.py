"""Check whether a locked dependency has a known vulnerability: ``make audit``.

Each language has its own tool, and each tool needs published data. Without that, a lock is reported as not audited. The
exit status is 0 if everything was audited and nothing was found, 1 if a vulnerability is known, and 3 if none is known
and something couldn't be audited. make prints ``Error 1`` or ``Error 3``; its own status is 2 after both.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from documents.errors import ToolchainError
from toolchain.console import step
from toolchain.go_toolchain import find_go, json_objects
from toolchain.layout import Layout, project_layout
from toolchain.pulumi_tools import BUILD_TAGS, BUILT_PACKAGES, lay_out_sources

VULNERABLE = 1
NOT_AUDITED = 3

PIP_AUDIT = "pip-audit==2.10.1"
GOVULNCHECK = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
GO_REPORTS = "golang.org/x/vulndb@latest"
"""The reports of vuln.go.dev as a module, for a machine that reaches only the Go module proxy."""

GO_MODULES = {
    "apis/go": "./...",
    "experiment/workloads/vegeta": "./...",
    "toolchain/go_tools": " ".join([f"-tags={BUILD_TAGS}", *BUILT_PACKAGES]),
}
"""Modules, each with the packages that are built from it, and how."""

PYTHON_LOCKS = (
    "requirements.lock",
    "apis/go/requirements.txt",
    "apis/zig/requirements.txt",
    "experiment/workloads/vegeta/requirements.txt",
)
"""The last three have a compiler each, and nothing else."""
RUST_LOCK = "apis/rust/Cargo.lock"
KOTLIN_LOCK = "apis/kotlin/pom.xml"

LOCKS = (*PYTHON_LOCKS, *(f"{module}/go.sum" for module in GO_MODULES), RUST_LOCK, KOTLIN_LOCK)
"""All that are audited."""

_DEADLINE_SECONDS = 900


@dataclass(frozen=True)
class Audited:
    """The known vulnerabilities of one lock, and what couldn't be audited; each in words without a full stop."""

    lock: str
    known: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


Answer = subprocess.CompletedProcess[str]
"""A tool's output and exit status."""

Found = tuple[tuple[str, ...], tuple[str, ...]]
"""The known vulnerabilities of a lock, and what wasn't audited."""

Run = Callable[[Sequence[str], Path], Answer]
"""Runs a command in a folder; see `run`."""


def main() -> None:
    """Audit every lock, print the results, and exit with the status that sums them up."""
    found: list[Audited] = []
    for one in audit(project_layout(), run):
        found.append(one)
        print("\n".join(describe(one)), flush=True)  # noqa: T201 - the command's output
    sys.exit(status_of(found))


def audit(layout: Layout, run: Run) -> Iterator[Audited]:
    """Audit every lock of the project, one after the other."""
    for lock in PYTHON_LOCKS:
        yield audit_python(layout, lock, run)
    for module, packages in GO_MODULES.items():
        yield audit_go(layout, module, packages, run)
    yield audit_by(run, layout, RUST_LOCK, ["cargo", "audit", "--json", "--file", RUST_LOCK], read_cargo_audit)
    kotlin = ["osv-scanner", "scan", "source", "--format=json", f"--lockfile={KOTLIN_LOCK}"]
    yield audit_by(run, layout, KOTLIN_LOCK, kotlin, read_osv_scanner)


def audit_python(layout: Layout, lock: str, run: Run) -> Audited:
    """Audit packages locked with their hashes by pip-audit, which queries PyPI for each version."""
    uv = str(layout.python.with_name("uv"))
    options = ["--disable-pip", "--no-deps", "--progress-spinner=off", "--format=json", f"--requirement={lock}"]
    return audit_by(run, layout, lock, [uv, "tool", "run", PIP_AUDIT, *options], read_pip_audit)


def audit_go(layout: Layout, module: str, packages: str, run: Run) -> Audited:
    """Audit what is built of a Go module by govulncheck, which reports the vulnerable functions that are called.

    If vuln.go.dev can't be reached, its reports come from the module in which they are published too.
    """
    lock = f"{module}/go.sum"
    [minimum] = re.findall(r"^go (\S+)$", (layout.root / module / "go.mod").read_text(), re.MULTILINE)
    go = find_go(minimum)
    if go is None:
        return Audited(lock, unseen=(f"there is no Go {minimum} or newer",))
    with tempfile.TemporaryDirectory() as place:
        if module == "toolchain/go_tools":
            try:
                with step(f"Sources of {module}", layout.log) as current:
                    lay_out_sources(current, go, Path(place))
                    current.done("laid out")
            except (ToolchainError, subprocess.CalledProcessError) as error:
                return Audited(lock, unseen=(str(error),))
            module = place
        command = [str(go.command), "run", GOVULNCHECK, "-format=json", "-C", module]
        found = audit_by(run, layout, lock, [*command, *packages.split()], read_govulncheck)
        if not found.unseen:
            return found
        try:
            downloaded = run([str(go.command), "mod", "download", "-json", GO_REPORTS], layout.root)
        except subprocess.TimeoutExpired:
            late = f"{GO_REPORTS} wasn't downloaded within {_DEADLINE_SECONDS} s"
            return Audited(lock, unseen=(*found.unseen, late))
        folder = _member(downloaded.stdout, "Dir")
        if folder is None:
            return Audited(lock, unseen=(*found.unseen, f"{GO_REPORTS} can't be downloaded: {_last_line(downloaded)}"))
        reports = f"-db=file://{folder}/data/osv"
        return audit_by(run, layout, lock, [*command, reports, *packages.split()], read_govulncheck)


def audit_by(
    run: Run, layout: Layout, lock: str, command: Sequence[str], read: Callable[[Answer], Found | None]
) -> Audited:
    """Run a tool; without an answer, the lock counts as not audited."""
    try:
        answer = run(command, layout.root)
    except FileNotFoundError:
        return Audited(lock, unseen=(f"{command[0]} isn't installed",))
    except subprocess.TimeoutExpired:
        return Audited(lock, unseen=(f"{command[0]} wasn't done within {_DEADLINE_SECONDS} s",))
    try:
        found = read(answer)
    except (ValueError, KeyError, TypeError, AttributeError):
        found = None
    if found is None:
        return Audited(lock, unseen=(f"{Path(command[0]).name} gave no result: {_last_line(answer)}",))
    return Audited(lock, *found)


def read_pip_audit(answer: Answer) -> Found:
    """The result of pip-audit. It skips a package that its service doesn't know, and still exits with 0."""
    known: list[str] = []
    skipped: list[str] = []
    for package in json.loads(answer.stdout)["dependencies"]:
        if "skip_reason" in package:
            skipped.append(package["name"])
            continue
        for one in package["vulns"]:
            known.append(f"{package['name']} {package['version']}: {one['id']}, {_fixed_in(one['fix_versions'])}")
    unseen = (f"PyPI has no data on {len(skipped)} packages, such as {skipped[0]}",) if skipped else ()
    return tuple(known), unseen


def read_govulncheck(answer: Answer) -> Found | None:
    """The result of govulncheck: vulnerabilities whose code the module calls, without those in unused code."""
    known: dict[tuple[str, str], str] = {}
    has_config = False
    for message in json_objects(answer.stdout):
        has_config = has_config or "config" in message
        if "finding" in message:
            finding = message["finding"]
            place = finding["trace"][0]
            if "function" in place:
                fixed = [finding["fixed_version"]] if finding.get("fixed_version") else []
                text = f"{place['module']} {place['version']}: {finding['osv']}, {_fixed_in(fixed)}"
                known[finding["osv"], place["module"]] = text
    return (tuple(known[key] for key in sorted(known)), ()) if has_config and answer.returncode == 0 else None


def read_cargo_audit(answer: Answer) -> Found:
    """The result of cargo-audit."""
    listed = json.loads(answer.stdout)["vulnerabilities"]["list"]
    known = (
        f"{one['package']['name']} {one['package']['version']}: {one['advisory']['id']}, "
        f"{_fixed_in(one['versions']['patched'])}"
        for one in listed
    )
    return tuple(known), ()


def read_osv_scanner(answer: Answer) -> Found | None:
    """The result of osv-scanner; any status but 0 and 1 means that it didn't audit."""
    if answer.returncode not in {0, 1}:
        return None
    packages = [package for result in json.loads(answer.stdout)["results"] for package in result["packages"]]
    known = (
        f"{one['package']['name']} {one['package']['version']}: {vulnerability['id']}"
        for one in packages
        for vulnerability in one["vulnerabilities"]
    )
    return tuple(known), ()


def describe(audited: Audited) -> Iterator[str]:
    """The lines that describe the result of one lock."""
    yield from (f"{audited.lock}: VULNERABLE: {one}" for one in audited.known)
    yield from (f"{audited.lock}: NOT AUDITED: {one}" for one in audited.unseen)
    if not audited.known and not audited.unseen:
        yield f"{audited.lock}: no known vulnerability"


def status_of(found: Sequence[Audited]) -> int:
    """The exit status for all results."""
    if any(one.known for one in found):
        return VULNERABLE
    return NOT_AUDITED if any(one.unseen for one in found) else 0


def run(command: Sequence[str], folder: Path) -> Answer:
    """Run a tool in a folder.

    Raises:
        FileNotFoundError: it isn't installed.
        TimeoutExpired: it wasn't done within a quarter of an hour.
    """
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_DEADLINE_SECONDS)


def _member(text: str, name: str) -> str | None:
    try:
        return json.loads(text)[name]
    except (ValueError, KeyError):
        return None


def _fixed_in(versions: Sequence[str]) -> str:
    return f"fixed in {' or '.join(versions)}" if versions else "fixed nowhere"


def _last_line(answer: Answer) -> str:
    # `go run` ends with the status of its program, which says less than the line before.
    said = re.sub(r"\s*^exit status \d+$", "", answer.stderr.strip(), flags=re.MULTILINE)
    return (said or answer.stdout.strip() or "it wrote nothing").rpartition("\n")[2][:300]


if __name__ == "__main__":
    main()
