"""A cloud whose package isn't installed is refused in a sentence that says how to install it."""

import importlib
import sys
import tomllib

import pytest

from documents.errors import LabError
from lab.hosts.cloud import EXTRAS
from toolchain.layout import project_layout


@pytest.mark.parametrize(("kind", "module"), [("aws", "pulumi_aws"), ("hetzner", "pulumi_hcloud")])
def test_component_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, kind: str, module: str):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"lab.hosts.{kind}", raising=False)
    with pytest.raises(LabError) as refusal:
        importlib.import_module(f"lab.hosts.{kind}")
    assert str(refusal.value) == (
        f"A host of the kind {kind} is made with the Python package {EXTRAS[kind]}, which isn't installed here. "
        f"`make setup` installs it; in another environment, run in the checkout: pip install -e '.[{kind}]'"
    )


def test_extras_are_those_of_the_project():
    project = tomllib.loads((project_layout().root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    assert {kind: extras[kind][0].partition(">")[0] for kind in EXTRAS} == EXTRAS
