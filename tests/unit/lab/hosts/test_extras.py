"""A cloud whose package isn't installed is refused in a sentence that says how to install it."""

import importlib
import sys
import tomllib
from typing import get_args

import pytest

from documents.errors import LabError
from documents.lab.host import CloudKind
from lab.hosts.cloud import CLOUDS
from toolchain.layout import project_layout

PROJECT = tomllib.loads((project_layout().root / "pyproject.toml").read_text(encoding="utf-8"))
KINDS: tuple[CloudKind, ...] = get_args(CloudKind)


def module_of(kind: CloudKind) -> str:
    return CLOUDS[kind].package.replace("-", "_")


@pytest.mark.parametrize("kind", KINDS)
def test_component_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, kind: CloudKind):
    monkeypatch.setitem(sys.modules, module_of(kind), None)
    monkeypatch.delitem(sys.modules, f"lab.hosts.{kind}", raising=False)
    with pytest.raises(LabError) as refusal:
        importlib.import_module(f"lab.hosts.{kind}")
    package = CLOUDS[kind].package
    assert str(refusal.value) == (
        f"A host of the kind {kind} is made with the Python package {package}, which isn't installed here. "
        f"`make setup` installs it; in another environment, run in the checkout: pip install -e '.[{kind}]'"
    )


def test_extras_are_those_of_the_project():
    extras = PROJECT["project"]["optional-dependencies"]
    assert {kind: extras[kind][0].partition(">")[0] for kind in KINDS} == {
        kind: cloud.package for kind, cloud in CLOUDS.items()
    }
    assert extras["work"][0] == f"fairground[{','.join(KINDS)}]"


def test_the_package_of_each_cloud_is_imported_by_its_component_alone():
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one["name"] == "Only the component of a cloud imports its package")
    assert contract["forbidden_modules"] == [module_of(kind) for kind in KINDS]
    assert contract["ignore_imports"] == [f"lab.hosts.{kind} -> {module_of(kind)}" for kind in KINDS]
