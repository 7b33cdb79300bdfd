"""apis/go by the tools of its own language: formatted, vetted, and its own tests green.

They run with the machine's Go, or with the one that the toolchain gets from PyPI where there is none.
"""

import os
import subprocess
from pathlib import Path

import pytest

from toolchain.console import Step
from toolchain.go_toolchain import Go, ensure_go
from toolchain.layout import project_layout

_MODULE = Path(__file__).parents[2] / "apis" / "go"
_STATICCHECK = "honnef.co/go/tools/cmd/staticcheck@v0.7.0"


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    return ensure_go(Step("Go", tmp_path_factory.mktemp("go") / "go.log"), project_layout())


def run(go: Go, *arguments: str) -> str:
    environment = {**os.environ, **go.environment, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
    done = subprocess.run(
        [go.command, *arguments], cwd=_MODULE, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sources_are_formatted(go: Go):
    gofmt = go.command.with_name("gofmt")
    listed = subprocess.run([gofmt, "-l", "."], cwd=_MODULE, capture_output=True, text=True, check=True)
    assert listed.stdout == ""


def test_vet_finds_nothing(go: Go):
    run(go, "vet", "./...")


def test_staticcheck_finds_nothing(go: Go):
    run(go, "run", _STATICCHECK, "./...")


def test_own_tests_pass(go: Go):
    assert "ok" in run(go, "test", "./...")
