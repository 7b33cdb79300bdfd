from pathlib import Path

from toolchain import apt
from toolchain.inspection import Finding, inspect
from toolchain.layout import Layout
from toolchain.pulumi_tools import Piece, write_record
from toolchain.versions import VERSIONS

PULUMI_PIECES = (
    "pulumi engine",
    "pulumi language host",
    "pulumi language host executor",
    "pulumi dynamic provider launcher",
    "pulumi docker plugin",
)


def test_everything_that_the_lab_needs_is_found(installed: Layout):
    findings = {finding.name: finding for finding in inspect(installed)}
    assert [finding for finding in findings.values() if finding.required and not finding.good] == []
    assert set(findings) == {
        "python",
        "python packages",
        *PULUMI_PIECES,
        "docker engine",
        "pulumi state",
        *(package.name for package in (apt.DOCKER_CLIENT, *apt.LAB, *apt.TEST)),
    }
    assert findings["pulumi docker plugin"].version == VERSIONS.docker_plugin
    assert findings["pulumi dynamic provider launcher"].path == installed.tools / "pulumi-resource-pulumi-python"
    assert findings["pulumi engine"].path == installed.tools / "pulumi"
    assert findings["pulumi engine"].origin in {"official", "built"}


def test_what_is_missing_has_a_remedy(tmp_path: Path):
    findings = {finding.name: finding for finding in inspect(Layout(root=tmp_path, cache=tmp_path))}
    for name in ("python packages", *PULUMI_PIECES, "pulumi state"):
        finding = findings[name]
        assert (finding.origin, finding.path, finding.good) == ("missing", None, False)
        assert "make setup" in str(finding.remedy)


def test_language_host_is_good_only_if_what_it_runs_is_there(tmp_path: Path, installed: Layout):
    layout = Layout(root=tmp_path / "a checkout", cache=tmp_path)
    executor, launcher = (layout.tools / f"pulumi-language-python{end}" for end in ("-exec", ""))
    layout.python.parent.mkdir(parents=True)
    layout.tools.mkdir(parents=True)
    for file in ("pyproject.toml", "requirements.lock"):
        (layout.root / file).write_text((installed.root / file).read_text())
    launcher.write_text(
        f"#!/bin/sh\nexec '{layout.python}' -P -m toolchain.language_host --executor '{executor}' \"$@\"\n"
    )
    piece = Piece("pulumi", "built", VERSIONS.pulumi_engine, "/opt/pulumi")
    write_record(layout, piece, piece)

    def finding(name: str = "pulumi language host") -> Finding:
        return next(finding for finding in inspect(layout) if finding.name == name)

    for needed in (layout.python, executor):
        assert finding().remedy == f"It runs {needed}, which isn't there. Run: make setup"
        needed.touch()
    assert finding().good
    executor.unlink()
    assert not finding().good
    assert finding("pulumi language host executor").origin == "missing"
    launcher.write_bytes(b"\x7fELF")
    assert finding().remedy == f"It runs {executor}, which isn't there. Run: make setup"


def test_passphrase_that_others_can_read_is_reported(tmp_path: Path):
    layout = Layout(root=tmp_path, cache=tmp_path)
    stack = layout.state / ".pulumi" / "stacks" / "fairground" / "local.json"
    stack.parent.mkdir(parents=True)
    stack.touch()
    layout.passphrase.touch(mode=0o644)
    layout.passphrase.chmod(0o644)
    finding = next(finding for finding in inspect(layout) if finding.name == "pulumi state")
    assert "chmod 600" in str(finding.remedy)
    layout.passphrase.chmod(0o600)
    finding = next(finding for finding in inspect(layout) if finding.name == "pulumi state")
    assert finding.good
