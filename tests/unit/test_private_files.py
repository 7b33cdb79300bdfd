"""What holds a secret is its owner's alone, whatever umask the user has."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.hosts import confirm_key
from lab.resources import access
from provision.load import jobs
from tests.unit.provision.local_host import LocalHost

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBf4Yjq3g9dJcd0pWTXnpmJ5rFqvv6lcrYrf0xJ0uzyS"


@pytest.fixture(autouse=True, params=[0o000, 0o022], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    """The mode of everything in a folder, and of the folder itself."""
    return {
        str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *sorted(folder.rglob("*")))
    }


def test_a_confirmed_host_key_is_written_by_its_owner_alone(tmp_path: Path):
    confirm_key(tmp_path / "stack", "10.0.0.1", 22, KEY)
    confirm_key(tmp_path / "stack", "10.0.0.2", 22, KEY)
    assert modes(tmp_path / "stack") == {".": 0o700, "confirmed_hosts": 0o600}


def test_a_user_s_key_and_the_known_hosts_are_their_owner_s_alone(tmp_path: Path):
    folder = tmp_path / "hosts" / "host"
    access.write_files({"folder": str(folder), "private_key": "a key", "known_hosts": "a host"})
    assert modes(folder) == {".": 0o700, access.KEY_NAME: 0o600, "known_hosts": 0o600}


def test_what_a_job_on_a_host_leaves_is_behind_a_folder_of_its_owner_s(tmp_path: Path):
    job = jobs.start(LocalHost(), str(tmp_path / "job"), ["true"], deadline_seconds=20)
    jobs.wait(LocalHost(), job)
    assert modes(tmp_path / "job")["."] == 0o700
