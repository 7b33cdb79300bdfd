"""What a host's tools say that they are."""

import os
from pathlib import Path

import pytest

from provision.system.preparation import read_wrk_version, tool_versions
from tests.unit.provision.local_host import LocalHost

SCRIPTS = {
    "docker": "echo 28.5.2",
    "ssh": "echo 'OpenSSH_10.0p2 Debian-7, OpenSSL 3.5.1 1 Jul 2025' >&2",
    "wrk": """echo "ERROR: ld.so: object 'x.so' cannot be preloaded: ignored." >&2
echo 'wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer'
echo 'Usage: wrk <options> <url>'
exit 1""",
}


def test_wrk_has_one_version_on_the_labs_host_and_on_load_hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, lines in SCRIPTS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{lines}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert tool_versions(LocalHost())["wrk"] == "debian/4.1.0-3+b2"
    assert read_wrk_version(LocalHost()) == "debian/4.1.0-3+b2"
