import base64
import bz2
import gzip
import io
import json
import lzma
import stat
import subprocess
import sys
import tarfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from apis.contract.tokens import mint_token
from provision.ssh.connection import Connection
from tests.conftest import ROOT, LiveLab, run_lab
from tests.docker import docker
from tests.e2e.command_lines import CommandLines
from tests.e2e.measured_run import MeasuredRun
from tests.e2e.secret_search import SecretSearch, in_container

PLANTED = "3f9a1c6e5b7d2048" * 3

STATE = ROOT / ".lab"
PASSPHRASE = STATE / "passphrase"


@pytest.fixture(scope="module")
def user_key(live_lab: LiveLab) -> Path:
    path = live_lab.inventory.host.private_key_path
    assert path is not None
    return Path(path)


@pytest.fixture
def search(live_lab: LiveLab, host: Connection, user_key: Path) -> SecretSearch:
    """The search for every secret of the lab."""
    host_key = host.run(["cat", "/etc/ssh/ssh_host_ed25519_key"], deadline_seconds=30).stdout
    return SecretSearch(
        {
            "PostgreSQL's password": live_lab.secrets.postgres_password,
            "Redis's password": live_lab.secrets.redis_password,
            "the JWT secret": live_lab.secrets.jwt_secret,
            "the user's private key": user_key.read_text(),
            "the host's private key": host_key,
            "the passphrase": PASSPHRASE.read_text(),
        }
    )


def packed(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


PLAIN = f"password={PLANTED}".encode()


# Their names are words: what pytest makes of bytes would be in its results, which are searched, too.
@pytest.mark.nightly
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN, id="plain"),
        pytest.param(base64.b64encode(PLAIN), id="base64"),
        pytest.param(base64.b64encode(b"x" + PLAIN + b"yy"), id="base64-shifted-by-one"),
        pytest.param(base64.b64encode(b"xx" + PLAIN + b"y"), id="base64-shifted-by-two"),
        pytest.param(gzip.compress(PLAIN), id="gzip"),
        pytest.param(bz2.compress(PLAIN), id="bzip2"),
        pytest.param(lzma.compress(packed("etc/secret", PLAIN)), id="archive-in-xz"),
        pytest.param(packed("etc/secret", PLAIN), id="archive"),
        pytest.param(packed(f"etc/{PLANTED}", b""), id="name-in-an-archive"),
        pytest.param(packed("layer.tar", packed("etc/secret", PLAIN)), id="archive-in-an-archive"),
        pytest.param(
            packed("blobs/layer", gzip.compress(packed("etc/secret.gz", gzip.compress(b"\0" * 70_000 + PLAIN)))),
            id="gzip-in-an-archive-in-gzip-in-an-archive",
        ),
        pytest.param(mint_token(PLANTED[:40], 1, "someone").encode(), id="token"),
    ],
)
def test_the_search_finds_what_is_planted(data: bytes):
    searching = SecretSearch({"the planted secret": PLANTED})
    [found] = searching.in_stream(io.BytesIO(data), "here")
    assert found.startswith("here")
    assert found.endswith(("holds the planted secret", "holds a token"))
    assert PLANTED not in found.removeprefix("here")


@pytest.mark.nightly
def test_what_the_search_cannot_look_into_is_reported():
    searching = SecretSearch({"the planted secret": PLANTED})
    packed_with_zstandard = b"\x28\xb5\x2f\xfd" + PLAIN[:10]
    [found] = searching.in_stream(io.BytesIO(packed("layer", packed_with_zstandard)), "here")
    assert found.startswith("here:layer is packed with Zstandard")


@pytest.mark.nightly
def test_the_search_finds_a_private_key_in_files_and_json(tmp_path: Path, user_key: Path, search: SecretSearch):
    key = user_key.read_text()
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "state.json").write_text(json.dumps({"key": key}))
    (tmp_path / "public").write_text(key.splitlines()[1])
    (tmp_path / "own").write_text(key)
    found, files = search.in_folder(tmp_path, exempt=[tmp_path / "own"])
    assert found == [f"{tmp_path}/below/state.json holds the user's private key"]
    assert files == 2


@pytest.mark.nightly
@pytest.mark.alone
def test_the_watch_sees_the_command_line_of_a_short_process():
    searching = SecretSearch({"the planted secret": PLANTED})
    with CommandLines() as command_lines:
        time.sleep(0.1)
        subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.05)", PLANTED], check=True)
    assert list(searching.in_bytes(b"\n".join(command_lines.seen), "it"))


@pytest.mark.nightly
def test_the_search_finds_a_secret_in_a_layer_of_an_image():
    tag = f"fairground-planted:{uuid.uuid4().hex[:12]}"
    docker("import", "-", tag, given=packed("etc/secret", PLAIN))
    try:
        found = list(in_images(SecretSearch({"the planted secret": PLANTED}), ["docker"], [tag]))
    finally:
        docker("rmi", tag)
    assert len(found) == 1
    assert "etc/secret holds the planted secret" in found[0]


def in_images(search: SecretSearch, command: list[str], images: list[str]) -> Iterator[str]:
    """Search the images of an engine: their configuration, their history and every file of every layer."""
    for image in images:
        shown = subprocess.run([*command, "history", "--no-trunc", image], check=True, capture_output=True).stdout
        assert shown.count(b"\n") > 1
        yield from search.in_bytes(shown, f"the history of {image}")
    with subprocess.Popen([*command, "save", *images], stdout=subprocess.PIPE) as saving:
        assert saving.stdout is not None
        yield from search.in_stream(saving.stdout, "image")
    assert saving.returncode == 0


@pytest.mark.alone
@pytest.mark.usefixtures("measured")
def test_plain_state_and_logs_hold_no_secret(live_lab: LiveLab, search: SecretSearch, user_key: Path):
    assert stat.S_IMODE(STATE.stat().st_mode) == 0o700, "nobody else looks into the state"
    for own in (PASSPHRASE, user_key):
        assert stat.S_IMODE(own.stat().st_mode) == 0o600, "a secret's own file is its owner's alone"
    found, files = search.in_folder(STATE, exempt=[PASSPHRASE, user_key])
    assert found == []
    assert files > 20
    configuration = ROOT / f"Pulumi.{live_lab.stack}.yaml"
    assert search.in_text(configuration.read_text(), str(configuration)) == []


@pytest.mark.alone
def test_runs_and_reports_hold_no_secret(measured: MeasuredRun, search: SecretSearch):
    assert run_lab(["report", str(measured.folder)]).returncode == 0
    found, files = search.in_folder(measured.folder)
    assert found == []
    written = {path.name for path in measured.folder.iterdir()}
    assert written >= {"manifest.json", "journal.jsonl", "report.json", "report.md", "report.html"}
    assert files >= 7 + 4 * len(measured.records)


@pytest.mark.alone
def test_no_command_line_holds_a_secret_while_a_run_goes_on(measured: MeasuredRun, search: SecretSearch):
    seen = b"\n".join(measured.command_lines)
    for command in (b"wrk\0", b"sampler.py", b"psql\0", b"postgres: ", b"/api\0", b"docker\0exec", b"run\0--stack"):
        assert command in seen, "both the controller's processes and the host's were watched"
    assert list(search.in_bytes(seen, "a command line")) == []


@pytest.mark.alone
def test_no_command_prints_a_secret_or_passes_one_in_a_command_line(
    measured: MeasuredRun, live_lab: LiveLab, search: SecretSearch
):
    commands = (
        ("up", "--json"),
        ("verify", live_lab.inventory.apis[0].name, "--only", "users", "--json"),
        ("logs", "--lines", "10000", "--json"),
    )
    with CommandLines() as command_lines:
        shown = [live_lab.run(*command) for command in commands]
        shown.append(run_lab(["report", str(measured.folder), "--format", "csv"]))
        shown.append(run_lab(["doctor", "--json"]))
    for completed in shown:
        assert completed.stdout, completed.args
        assert search.in_text(completed.stdout + completed.stderr, " ".join(map(str, completed.args))) == []
    assert search.in_text(measured.stdout, "lab run --json") == []
    assert b"pulumi\0up" in b"\n".join(command_lines.seen)
    assert list(search.in_bytes(b"\n".join(command_lines.seen), "a command line")) == []


@pytest.mark.alone
@pytest.mark.usefixtures("measured")
def test_no_log_on_the_host_holds_a_secret(live_lab: LiveLab, host: Connection, search: SecretSearch):
    logs = host.run(
        "for log in /var/log/*.log $(docker ps --all --quiet | xargs -n 1 docker inspect --format {{.LogPath}});"
        ' do cat "$log"; done',
        deadline_seconds=60,
    ).stdout
    assert "Accepted publickey for root" in logs
    assert search.in_text(logs, "a log of the host") == []
    outer = docker("logs", f"fairground-{live_lab.stack}-host")
    assert search.in_text(outer, "the log of the host's container") == []


@pytest.mark.alone
@pytest.mark.usefixtures("measured")
def test_what_a_run_leaves_on_the_host_holds_no_secret_and_nobody_else_can_change_it(
    live_lab: LiveLab, host: Connection, search: SecretSearch
):
    container = f"fairground-{live_lab.stack}-host"
    assert list(in_container(search, container)) == []
    found = host.run(
        ["find", "/var/lib/fairground", "/root", "/etc", "-perm", "/022", "!", "-type", "l"], deadline_seconds=60
    )
    assert found.stdout.split() == []


@pytest.mark.nightly
def test_no_image_holds_a_secret(live_lab: LiveLab, search: SecretSearch):
    inventory = live_lab.inventory
    host_image = docker("inspect", "--format", "{{.Image}}", f"fairground-{live_lab.stack}-host").strip()
    assert list(in_images(search, ["docker"], [host_image])) == []
    inner = [
        inventory.base_image_id,
        inventory.postgres.image_id,
        inventory.redis.image_id,
        *(api.image_id for api in inventory.apis),
    ]
    on_host = ["docker", "exec", f"fairground-{live_lab.stack}-host", "docker"]
    assert list(in_images(search, on_host, inner)) == []
