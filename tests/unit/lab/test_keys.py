"""The lab's secrets and its SSH files, made by the real engine."""

import io
import json
import re
import shutil
import stat
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key, load_ssh_public_key

from lab.lifecycle.engine import read_outputs
from lab.lifecycle.state import ensure_stack
from lab.resources.access import (
    KEY_NAME,
    KNOWN_HOSTS_NAME,
    SECRET_OUTPUTS,
    _CredentialsProvider,  # pyright: ignore[reportPrivateUsage]
)
from tests.unit.lab.engine_room import EngineRoom

TWO_LABS = """
import pulumi
from lab.resources import Credentials
from lab.resources.access import SECRET_OUTPUTS

for name in ("one", "two"):
    made = Credentials(name)
    outputs = (*SECRET_OUTPUTS, "user_public_key", "host_public_key")
    pulumi.export(name, {output: getattr(made, output) for output in outputs})
"""

SSH_FILES = """
from pathlib import Path

import pulumi
from lab.resources import SshFiles

for name in ("whole", "changed", "lost", "open"):
    SshFiles(name, folder=str(Path(name).resolve()), private_key=pulumi.Output.secret("key\\n"), known_hosts="known\\n")
"""


@pytest.fixture(autouse=True)
def _stack(room: EngineRoom) -> None:
    ensure_stack(room.engine)


def test_two_labs_share_no_secret_and_a_lab_keeps_its_own(room: EngineRoom):
    room.write(TWO_LABS)
    room.up()
    outputs = read_outputs(room.engine)
    one, two = outputs["one"], outputs["two"]
    assert not set(one.values()) & set(two.values())
    assert len(set(one.values())) == len(one)
    for made in (one, two):
        assert re.fullmatch(r"[0-9a-f]{48}", made["postgres_password"])
        assert re.fullmatch(r"[0-9a-f]{48}", made["redis_password"])
        assert re.fullmatch(r"[0-9a-f]{64}", made["jwt_secret"])
        for whose in ("user", "host"):
            private, public = made[f"{whose}_private_key"], made[f"{whose}_public_key"]
            key = paramiko.Ed25519Key.from_private_key(io.StringIO(private))
            assert f"{key.get_name()} {key.get_base64()}" == public
            loaded = load_ssh_private_key(private.encode(), password=None)
            assert loaded.public_key() == load_ssh_public_key(public.encode())

    assert room.up() == []
    assert read_outputs(room.engine) == outputs
    shown = room.engine.query("stack", "output", "--json")
    kept = "\n".join(path.read_text(errors="replace") for path in room.engine.root.rglob("*") if path.is_file())
    for name in SECRET_OUTPUTS:
        assert one[name] not in shown
        # A private key would stand in JSON with its line ends escaped.
        assert json.dumps(one[name]).strip('"') not in kept
        assert one[name].splitlines()[min(1, one[name].count("\n"))] not in kept
    assert one["host_public_key"] in shown


def test_secrets_outlive_a_change_of_the_code_that_created_them():
    older, newer = {"__provider": "older"}, {"__provider": "newer"}
    assert _CredentialsProvider().diff("credentials-1", older, newer).changes is False


@pytest.mark.nightly
def test_ssh_files_are_their_owner_s_alone_and_a_refresh_finds_what_was_altered(room: EngineRoom):
    room.write(SSH_FILES)
    room.up()
    root = room.engine.root
    assert (root / "whole" / KEY_NAME).read_text() == "key\n"
    assert (root / "whole" / KNOWN_HOSTS_NAME).read_text() == "known\n"
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [root / "whole", *(root / "whole").iterdir()]}
    assert modes == {
        root / "whole": 0o700,
        root / "whole" / KEY_NAME: 0o600,
        root / "whole" / KNOWN_HOSTS_NAME: 0o600,
    }

    (root / "changed" / KNOWN_HOSTS_NAME).write_bytes(b"known\n\xff")
    shutil.rmtree(root / "lost")
    (root / "open" / KEY_NAME).chmod(0o644)
    room.operate("refresh", "--yes", "--skip-preview")
    made = {step.name for step in room.up() if step.done == "created"}
    assert made == {"changed", "lost", "open"}
    for name in ("whole", "changed", "lost", "open"):
        assert (root / name / KNOWN_HOSTS_NAME).read_bytes() == b"known\n"
        assert stat.S_IMODE((root / name / KEY_NAME).stat().st_mode) == 0o600

    room.operate("destroy", "--yes", "--skip-preview")
    assert not [name for name in ("whole", "changed", "lost", "open") if Path(root / name).exists()]
