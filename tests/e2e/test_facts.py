"""`lab facts` on the lab of the end-to-end tests: measured once for each image, and nothing left on the host."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter

from analysis.report.report import facts_file_name
from documents.lab.inventory import STACK_LABEL
from documents.run.facts import Facts
from provision.containers import control
from provision.ssh.connection import Connection
from tests.conftest import LAB, ROOT, LiveLab
from tests.e2e.lab_run import API

pytestmark = [pytest.mark.nightly, pytest.mark.builds]

FACTS = ROOT / "facts"
BUILDS, STARTS = 1, 3


@pytest.fixture(scope="module")
def measured(live_lab: LiveLab) -> Iterator[Facts]:
    """The facts of one API, measured again; what was known before of its image is put back at the end."""
    api = live_lab.inventory.api(API)
    path = FACTS / facts_file_name(api)
    before = path.read_bytes() if path.exists() else None
    done = live_lab.run(*("facts", "--api", API, "--again", "--builds", str(BUILDS), "--starts", str(STARTS), "--json"))
    assert done.returncode == 0, done.stdout + done.stderr
    (facts,) = TypeAdapter(list[Facts]).validate_json(done.stdout)
    assert Facts.from_json(path.read_bytes(), name=path.name) == facts
    yield facts
    if before is None:
        path.unlink()
    else:
        path.write_bytes(before)


def once_on(host: Connection, lab: LiveLab) -> list[str]:
    """What is on the host's engine of images and containers that were for a single use."""
    label = f"label={STACK_LABEL}={lab.stack}"
    listings = (
        ["docker", "ps", "--all", "--filter", label, "--format", "{{.Names}}"],
        ["docker", "images", "--filter", label, "--format", "{{.Repository}}"],
    )
    names = [name for listing in listings for name in host.run(listing, deadline_seconds=60).stdout.split()]
    assert "fairground-api-go" in names
    return [name for name in names if "-once-" in name]


def test_the_facts_are_those_of_the_image_and_its_host(live_lab: LiveLab, host: Connection, measured: Facts):
    api = live_lab.inventory.api(API)
    assert (measured.api, measured.image_id, measured.source_sha256) == (API, api.image_id, api.source_sha256)
    size = int(
        host.run(["docker", "image", "inspect", "--format", "{{.Size}}", api.image_id], deadline_seconds=60).stdout
    )
    # The image is the binary and an empty folder: what was built apart is what is in it.
    assert measured.image_bytes == size
    assert measured.building.binary_bytes == pytest.approx(size, rel=0.001)
    assert measured.building.cpus == live_lab.inventory.size.cpus
    assert measured.starting.cpus == live_lab.inventory.cores.api
    assert measured.host.cpus == live_lab.inventory.size.cpus


def test_builds_take_time_and_the_incremental_one_less(measured: Facts):
    (clean,), (incremental,) = measured.building.clean_seconds, measured.building.incremental_seconds
    assert 0.1 < incremental < clean / 2
    assert {"github.com/gin-gonic/gin", "gorm.io/gorm"} < set(measured.building.dependencies)
    assert len(measured.building.dependencies) == len(set(measured.building.dependencies)) > 20


def test_starts_are_distinguished_from_the_engines_work(measured: Facts):
    starting = measured.starting
    assert len(starting.engine_seconds) == len(starting.first_answer_seconds) == len(starting.memory_bytes) == STARTS
    # A process that answers has been started by somebody, has read its configuration and met PostgreSQL.
    assert all(0.01 < seconds < 30 for seconds in starting.engine_seconds)
    assert all(0.001 < seconds < 30 for seconds in starting.first_answer_seconds)
    assert all(1e6 < size < 100e6 for size in starting.memory_bytes)


def test_nothing_is_left_and_the_apis_run(live_lab: LiveLab, host: Connection, measured: Facts):
    assert measured.api == API
    assert once_on(host, live_lab) == []
    assert all(control.state(host, api.container)[0] == "running" for api in live_lab.inventory.apis)


def test_what_is_known_is_not_measured_again(live_lab: LiveLab, measured: Facts):
    started = time.monotonic()
    done = live_lab.run("facts", "--api", API, "--json")
    assert json.loads(done.stdout) == [measured.model_dump(mode="json")]
    assert time.monotonic() - started < 10
    table = live_lab.run("facts", "--api", API).stdout
    assert "Facts about building" in table
    assert "article: Zig's static binary is under 1" in " ".join(table.split())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(
    live_lab: LiveLab, host: Connection, measured: Facts, number: signal.Signals
):
    known = {path: path.read_bytes() for path in FACTS.iterdir()}
    with subprocess.Popen(
        [LAB, "facts", "--stack", live_lab.stack, "--api", API, "--again"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        ends_at = time.monotonic() + 120
        while not any(name.startswith("fairground-once-") for name in running(host, live_lab)):
            assert command.poll() is None, command.communicate()
            assert time.monotonic() < ends_at
            time.sleep(0.1)
        command.send_signal(number)
        _, err = command.communicate(timeout=120)
    assert command.returncode == 130
    assert err.startswith("interrupted: ")
    assert once_on(host, live_lab) == []
    assert all(control.state(host, api.container)[0] == "running" for api in live_lab.inventory.apis)
    assert {path: path.read_bytes() for path in FACTS.iterdir()} == known
    assert measured.image_id


def running(host: Connection, lab: LiveLab) -> list[str]:
    listing = ["docker", "ps", "--filter", f"label={STACK_LABEL}={lab.stack}", "--format", "{{.Names}}"]
    return host.run(listing, deadline_seconds=60).stdout.split()
