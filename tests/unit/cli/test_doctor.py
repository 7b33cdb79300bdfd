"""`lab doctor`: what a person and what a program gets to see of the toolchain."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.lab_command import lab, labs
from toolchain.inspection import Finding


def test_programs_get_every_piece_and_people_the_same():
    as_json, shown = labs([["doctor", "--json"], ["doctor"]])
    findings = json.loads(as_json.out)
    assert as_json.status == shown.status == int(any(piece["required"] and piece["remedy"] for piece in findings))
    assert as_json.err == shown.err == ""
    names = [piece["name"] for piece in findings]
    assert len(set(names)) == len(names)
    assert {"python", "pulumi engine", "pulumi language host", "pulumi docker plugin", "docker engine"} <= set(names)
    for piece in findings:
        assert set(piece) == {"name", "path", "version", "origin", "remedy", "required"}
        assert piece["origin"] in {"official", "built", "debian", "pypi", "machine", "made", "missing"}
        assert piece["path"] is None or Path(piece["path"]).is_absolute()
        assert (piece["origin"] != "missing") or piece["remedy"]
        assert piece["name"] in shown.out
    assert "This machine: " in shown.out


def test_missing_docker_engine_fails_with_what_to_do():
    answer = lab("doctor", "--json", environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    assert answer.status == 1
    (engine,) = [piece for piece in json.loads(answer.out) if piece["name"] == "docker engine"]
    assert (engine["origin"], engine["version"]) == ("missing", None)
    assert "make setup" in engine["remedy"]


def test_brackets_in_paths_are_shown_as_they_are(monkeypatch: pytest.MonkeyPatch):
    found = Finding("pulumi engine", Path("/home/[/x]/pulumi"), "3.0", "official", "Run make setup in /home/[x].")
    monkeypatch.setattr("toolchain.inspection.inspect", lambda: (found,))
    shown = lab("doctor").out
    assert "/home/[/x]/pulumi" in shown
    assert "pulumi engine: Run make setup in /home/[x]." in shown
