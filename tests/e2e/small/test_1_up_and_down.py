"""The small lab as a container with an echo: stood up from nothing, changed, lost, and taken down with a receipt.

The tests go in this order, and the first finds nothing but what the host built before. Each begins with the lab as its
document has it, whatever the last one left.
"""

import re
import signal

import pytest

from documents.lab import Drift
from lab.lifecycle import read_lab
from tests.e2e.scratch import (
    HOST,
    INTERRUPTED,
    KILLED,
    NAME,
    await_container,
    docker,
    finish,
    left_on_engine,
    on_host,
    slow_build,
)
from tests.e2e.small_lab import SmallLab

pytestmark = pytest.mark.builds

POSTGRES, REDIS, ECHO = "fairground-postgres", "fairground-redis", "fairground-api-echo"


def test_up_from_nothing_whose_engine_is_killed_is_completed_by_the_next(small_lab: SmallLab):
    small_lab.describe()
    small_lab.down_if_up()
    process = small_lab.begin_up("creating host (")
    # It is there before it is started, and only then recorded.
    await_container(HOST)
    small_lab.kill_engine()
    assert finish(process) == (1, KILLED)
    assert len(small_lab.locks()) == 1
    small_lab.up_clean()
    assert small_lab.locks() == []


def test_bad_document_is_one_sentence_with_file_line_and_key(small_lab: SmallLab):
    small_lab.describe({"wrokers": 3})
    before = left_on_engine()
    try:
        said = small_lab.refusal("up")
        assert re.match(rf"stacks/{NAME}\.yaml:\d+: wrokers: no such key; remove it or fix its spelling", said)
    finally:
        small_lab.describe()
    assert left_on_engine() == before


def test_drift_is_named_with_its_remedy_and_without_a_secret(small_lab: SmallLab):
    small_lab.describe()
    small_lab.standing()
    on_host("docker", "update", "--memory=512m", "--memory-swap=512m", REDIS)
    done = small_lab.lab("verify", "--drift", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert {
        (one.subject, one.what, one.declared, one.effective, one.remedy)
        for one in Drift.from_json(done.stdout, name="the command's output").differences
    } == {
        ("redis", "its memory limit", "none", "512 MiB", "run `lab up`"),
        ("redis", "its memory and swap limit", "none", "512 MiB", "run `lab up`"),
    }
    secrets = read_lab(small_lab.engine)[1]
    for secret in (secrets.postgres_password, secrets.redis_password, secrets.jwt_secret):
        assert secret not in done.stdout
    small_lab.up()
    assert on_host("docker", "inspect", "--format={{.HostConfig.Memory}}", REDIS) == "0"


def test_interrupt_ends_with_one_sentence_and_the_next_up_rebuilds_the_changed_api_alone(small_lab: SmallLab):
    small_lab.describe()
    before = small_lab.standing()
    others = [on_host("docker", "inspect", "--format", "{{.Id}}", name) for name in (POSTGRES, REDIS)]
    small_lab.describe(dockerfile=slow_build(3))
    process = small_lab.begin_up("creating echo-image")
    process.send_signal(signal.SIGINT)
    assert finish(process) == (130, INTERRUPTED)
    assert small_lab.locks() == []

    small_lab.describe()
    (small_lab.sources / "echo" / "api").open("a").write("# changed\n")
    after = small_lab.up()
    assert after.apis[0].source_sha256 != before.apis[0].source_sha256
    assert [on_host("docker", "inspect", "--format", "{{.Id}}", name) for name in (POSTGRES, REDIS)] == others
    assert (after.host, after.base_image_id) == (before.host, before.base_image_id)
    assert on_host("docker", "inspect", "--format", "{{.Image}}", ECHO) == after.apis[0].image_id
    # What was replaced is gone.
    assert before.apis[0].image_id not in on_host("docker", "images", "--quiet", "--no-trunc").split()


@pytest.mark.nightly
def test_host_that_is_gone_is_made_again_with_all_that_was_on_it(small_lab: SmallLab):
    small_lab.describe()
    before = small_lab.standing()
    docker("rm", "--force", HOST)
    small_lab.up_clean()
    assert small_lab.inventory() == before
    assert set(on_host("docker", "ps", "--format", "{{.Names}}").split()) == {ECHO, REDIS, POSTGRES}


def test_down_leaves_nothing_but_what_its_receipt_says_was_kept_and_the_next_up_uses_it(small_lab: SmallLab):
    small_lab.describe()
    before = small_lab.standing()
    host_image = docker("inspect", "--format", "{{.Image}}", HOST)
    receipt = small_lab.down()
    kept = left_on_engine()
    # Load hosts that were there before have volumes as well.
    assert {thing.partition(":")[0] for thing in kept} >= {
        f"image fairground-{NAME}-base",
        f"image fairground-{NAME}-host",
        f"volume {HOST}-images",
    }
    assert {thing.split()[0] for thing in kept} == {"image", "volume"}
    assert receipt[0] == "made  17 resources on record"
    assert sorted(line for line in receipt if line.startswith("kept")) == [
        f"kept  {thing} (build_cache: keep)" for thing in kept
    ]
    assert receipt[-1] == "left  nothing"
    assert not small_lab.ssh_folder.exists()

    after = small_lab.up()
    assert docker("inspect", "--format", "{{.Image}}", HOST) == host_image
    assert [after.base_image_id, after.postgres.image_id, after.redis.image_id] == [
        before.base_image_id,
        before.postgres.image_id,
        before.redis.image_id,
    ]
    # Its keys are its own all the same.
    assert after.host.host_public_key != before.host.host_public_key
