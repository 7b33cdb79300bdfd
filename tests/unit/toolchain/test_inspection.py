import time
from pathlib import Path

from toolchain.inspection import inspect
from toolchain.layout import Layout
from toolchain.versions import VERSIONS


def test_everything_that_the_lab_needs_is_found_and_the_look_is_quick(installed: Layout):
    began = time.monotonic()
    findings = {finding.name: finding for finding in inspect(installed)}
    assert time.monotonic() - began < 2
    assert [finding for finding in findings.values() if finding.required and not finding.good] == []
    assert findings["pulumi docker plugin"].version == VERSIONS.docker_plugin
    assert findings["pulumi engine"].path == installed.tools / "pulumi"
    assert findings["pulumi engine"].origin in {"official", "built"}


def test_what_is_missing_has_a_remedy(tmp_path: Path):
    findings = {finding.name: finding for finding in inspect(Layout(root=tmp_path, cache=tmp_path))}
    for name in ("python packages", "pulumi engine", "pulumi language host", "pulumi docker plugin", "pulumi state"):
        finding = findings[name]
        assert (finding.origin, finding.path, finding.good) == ("missing", None, False)
        assert "make setup" in str(finding.remedy)


def test_passphrase_that_others_can_read_is_told(tmp_path: Path):
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
