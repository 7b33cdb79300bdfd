"""Whatever a host answers: what it meant, or an error that names the host; no other exception, and no wrong number."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.errors import FairgroundError, HostError
from experiment.facts import measure
from experiment.facts.measure import parse_build
from provision.containers import cgroups, control, inspection
from provision.containers.cgroups import Cgroup
from provision.containers.control import HostDocker
from provision.containers.inspection import read_running
from provision.images import build
from provision.kernel import tuning
from provision.kernel.knobs import knobs_of
from provision.kernel.tuning import KnobPaths
from provision.load import jobs, network, recording, wrk
from provision.load.jobs import Job
from provision.services import settings, variants
from provision.ssh import Completed, Connection, transfer
from provision.ssh.answers import read_answer
from provision.ssh.execution import Feed
from provision.system import base_image, changes, engine, identity, packages, pinning, preparation
from tests.unit.damage import TRAPS, altered, damaged, examples, garbled, numbers_in
from tests.unit.documents.samples import INVENTORY
from tests.unit.lab.drifting import IMAGE, IMAGE_ID, INSPECTED

HOST = "root@answering"


class Answering(Connection):
    """A host that gives one answer to whatever it is asked."""

    def __init__(self, answer: bytes | str) -> None:
        self.answer = answer if isinstance(answer, str) else answer.decode(errors="replace")

    def __str__(self) -> str:
        return HOST

    def run(
        self,
        command: str | Sequence[str],  # noqa: ARG002 - whatever it is
        *,
        deadline_seconds: float,  # noqa: ARG002
        input: bytes | str | Feed | None = None,  # noqa: A002, ARG002 - as in `Connection.run`
        check: bool = True,  # noqa: ARG002
    ) -> Completed:
        return Completed(self.answer, "", 0)

    def push_bytes(self, data: bytes, remote: str, mode: int = 0o600) -> None:
        """There is nothing to copy it to."""

    def push(self, local: Path, remote: str, mode: int = 0o644) -> None:
        """There is nothing to copy it to."""


LAYOUT = INVENTORY.cores
V1 = Cgroup(version=1, directories={"cpuacct": "/sys/fs/cgroup/cpuacct/x", "memory": "/sys/fs/cgroup/memory/x"})
V2 = Cgroup(version=2, directories=dict.fromkeys(("cpuacct", "memory"), "/sys/fs/cgroup/x"))
JOB = Job(
    directory="/var/lib/fairground/run/job",
    deadline_seconds=10.0,
    supervisor_id=10,
    process_id=11,
)
KNOBS = knobs_of(LAYOUT)[:2]
FILE = {"path": "/proc/sys/vm/swappiness", "value": "1", "as_wanted": True}
SET = {"path": FILE["path"], "before": "60", "during": "1", "as_wanted": True, "refused": None}
SHA = "5" * 64

IDENTITY = {
    "cpu_model": "A CPU",
    "cpu_list": "0-3",
    "sibling_lists": ["0,2", "1,3"],
    "numa_list": "0",
    "microcode": "0x1",
    "memory_bytes": 16_000_000_000,
    "swap_bytes": 0,
    "available_memory_bytes": 8_000_000_000,
    "kernel": "6.1.0",
    "operating_system": "Debian GNU/Linux 12 (bookworm)",
    "cgroup_version": 2,
    "cgroup_limits": {"memory.max": "max"},
    "open_files": "1024 4096",
    "irqbalance": False,
    "own_kernel": True,
    "steal_seconds": 0.25,
    "mitigations": {"meltdown": "Not affected"},
    "settings": {"vm.swappiness": "60"},
}
EXCHANGED = {
    "count": 200,
    "minimum_us": 20.5,
    "median_us": 30.0,
    "p99_us": 90.25,
    "maximum_us": 400.0,
    "at_ns": 123_456_789,
    "offset_ns": -5_000_000,
    "wall_offset_ns": 77,
    "delay_ns": 20_500,
}
CARRIED = {
    "start": {"version": "iperf 3.12", "timestamp": {"time": "now"}},
    "end": {"sum_received": {"bits_per_second": 9.4e9, "bytes": 1}, "sum_sent": {}},
}
POSTGRES = {
    "settings": {
        "shared_buffers": {"value": "16384", "unit": "8kB", "shown": "128MB", "kind": "integer", "source": "default"}
    },
    "altered": {"work_mem": "4MB"},
    "overrides": [{"role": None, "database": "fairground", "name": "work_mem", "value": "1MB"}],
    "databases": ["fairground"],
    "seeded_contract": SHA,
}
EFFECTIVE = {
    "cpus": "0-1",
    "memory_bytes": 2**31,
    "cpu_quota": 1.5,
    "processes": [{"process_id": 77, "name": "api", "lists": ["0", "1"]}],
}
RUNNING = {
    "containers": [{"inspect": INSPECTED, "effective": EFFECTIVE}],
    "images": {IMAGE_ID: IMAGE},
    "own": EFFECTIVE | {"processes": []},
}
CHANGES = {
    "stack": "local",
    "lab": "0123",
    "held": True,
    "earlier": [],
    "made_folder": True,
    "packages": ["docker.io"],
    "memberships": ["anna:docker"],
    "cgroups": [],
    "build_cache": ["abc"],
}
BUILT = (
    "began 100.10\nbuilt 141.35\nbytes 24400000\nfirst 0123  -\ndependency example.test/one\n"
    "dependency example.test/two\nchanged 141.40\nrebuilt 144.90\nsecond 4567  -\n"
)


def read_images(connection: Connection) -> object:
    return read_running(connection, "local", names=[], images=[])


DOCUMENTS: dict[str, tuple[object, Callable[[Connection], object]]] = {
    "identity": (IDENTITY, identity.read_identity),
    "resources": (IDENTITY, identity.read_resources),
    "spin": (
        [{"cpu": 0, "wall_ns": 9, "cpu_ns": 8}, {"cpu": 1, "wall_ns": 9, "cpu_ns": 8}],
        lambda one: recording.spin(one, (0, 1)),
    ),
    "threads": (
        [{"role": "api", "process_id": 77, "thread_id": 78, "command": "api", "cpu_list": "0-1"}],
        lambda one: pinning.read_back(one, LAYOUT, {"api": V2}),
    ),
    "postgres": (POSTGRES, lambda one: settings.read_postgres(one, INVENTORY.postgres)),
    "running": (RUNNING, read_images),
    "an image": ([IMAGE], lambda one: inspection.inspect_image(one, IMAGE_ID)),
    "removed variants": ([], lambda one: variants.remove(one, INVENTORY)),
    "changes": (CHANGES, changes.read_changes),
    "knobs read": (
        [{"name": knob.name, "files": [FILE]} for knob in KNOBS],
        lambda one: tuning.read(one, KNOBS, settable=True, paths=KnobPaths()),
    ),
    "knobs set": (
        {
            "earlier": {"restored": 1, "failed": [], "damaged": False},
            "boot": "systemd",
            "knobs": [{"name": knob.name, "files": [SET]} for knob in KNOBS],
        },
        lambda one: tuning.tune(one, KNOBS, seconds=60, paths=KnobPaths()),
    ),
    "lease": ({"held": True}, lambda one: tuning.renew(one, seconds=60, paths=KnobPaths())),
    "knobs left": (
        [{"path": "/proc/sys/vm/swappiness", "before": "60", "value": "1"}],
        lambda one: tuning.read_left(one, paths=KnobPaths()),
    ),
    "knobs restored": (
        {"restored": 2, "failed": [], "damaged": False},
        lambda one: tuning.restore(one, paths=KnobPaths()),
    ),
    "job": (
        json.loads(JOB.to_json()),
        lambda one: jobs.start(one, JOB.directory, ["true"], cpus=[0], deadline_seconds=JOB.deadline_seconds),
    ),
    "status of a job": (
        {
            "state": "ended",
            "status": {"outcome": "ended", "exit_status": 0, "started_ns": 5, "ended_ns": 9},
            "supervisor_id": 10,
        },
        lambda one: jobs.wait(one, JOB),
    ),
    "exchanged": (
        EXCHANGED,
        lambda one: network.ask(one, "10.0.0.1", 40_000, "token", 200),
    ),
    "carried": (
        CARRIED,
        lambda one: read_answer(network.Carried, one.run([], deadline_seconds=1).stdout, what="bandwidth", where=one),
    ),
    "start": (
        {"started_ns": 1, "running_ns": 5, "answered_ns": 9, "memory_bytes": 1024},
        lambda one: read_answer(measure.Start, one.run([], deadline_seconds=1).stdout, what="a start", where=one),
    ),
}

TEXTS: dict[str, tuple[str, Callable[[Connection], object]]] = {
    "state of a container": ("running 0\n", lambda one: control.state(one, "api")),
    "first process": ("4711\n", lambda one: control.main_process_id(one, "api")),
    "folder of a volume": ("/var/lib/docker/volumes/up/_data\n", lambda one: control.volume_path(one, "up")),
    "cgroup of version 1": (
        "4:memory:/docker/x\n3:cpu,cpuacct:/docker/x\n0::/\n",
        lambda one: cgroups.of_process(one, 1),
    ),
    "cgroup of version 2": ("0::/docker/x\n", lambda one: cgroups.of_host(one, "lab")),
    "CPU time of version 1": ("123456789\n", lambda one: cgroups.cpu_seconds(one, V1)),
    "CPU time of version 2": (
        "usage_usec 1234567\nuser_usec 1000000\nsystem_usec 234567\n",
        lambda one: cgroups.cpu_seconds(one, V2),
    ),
    "id of an image": (f"sha256:{SHA}\n", lambda one: build.find_image(HostDocker(one), "fairground-api:1")),
    "size of an image": ("123456789\n", lambda one: build.image_bytes(one, "fairground-api:1")),
    "owner of a folder of an image": (
        "drwxr-xr-x 65532/65532       0 2026-11-27 10:00 uploads/\n",
        lambda one: inspection.folder_owner(one, "local", IMAGE_ID, "/uploads"),
    ),
    "containers with other CPUs": ("2\n", lambda one: variants.set_container_cpus(one, {"fairground-redis": "1"})),
    "moved threads": ("12\n", lambda one: pinning.apply(one, LAYOUT, {"api": V2})),
    "things with a label": (
        "0a1b fairground-api-go\n0a1c fairground-redis\n",
        lambda one: engine.find_labelled_on_host(one, "local"),
    ),
    "build cache": ("abc def* ghi \n", engine.list_records),
    "version of Redis and PostgreSQL": (
        "postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n",
        lambda one: identity.read_tool_versions(one, INVENTORY),
    ),
    "tools": ("Python 3.11.2\n", preparation.tool_versions),
    "version of wrk": ("wrk 4.1.0 [epoll] Copyright\n", preparation.read_wrk_version),
    "settings of Redis": (
        "# maxmemory\nmaxmemory\n100\n# unheard\n\n# save\nsave\n\n",
        lambda one: settings.read_redis(one, INVENTORY.redis, ["maxmemory", "unheard", "save"]),
    ),
    "base image": (
        f"pulling\nsha256:{SHA} bootstrapped\n",
        lambda one: base_image.make_base_image_on_host(one, "debian", "base"),
    ),
    "installed packages": (
        "installed docker.io\nconfig-files wrk\nnot-installed jq\n",
        lambda one: packages.purge(one, ("docker.io", "wrk")),
    ),
    "SHA-256 of a file": (f"{SHA}  /var/x\n", lambda one: transfer.remote_sha256(one, "/var/x")),
    "builds": (BUILT, lambda one: parse_build(one.run([], deadline_seconds=1).stdout, HOST, "main.go")),
    "seconds of a warm-up": (
        "0 0 10\n1 0 12\n0 1 11\n1 1 13\n",
        lambda one: wrk.series_of(one.run([], deadline_seconds=1).stdout, 2),
    ),
}
"""What a host prints, and who reads it. Which command it is the answer to, a damaged host doesn't mind."""


def read_or_refused(answer: bytes | str, read: Callable[[Connection], object]) -> None:
    refusal, found = HOST, None
    try:
        found = read(Answering(answer))
    except FairgroundError as error:
        refusal = str(error)
    assert HOST in refusal or JOB.directory in refusal, "the host or the file is named"
    for number in numbers_in(found):
        assert math.isfinite(number)
        assert number >= -(2**63)


SEVERAL = {"version of Redis and PostgreSQL", "tools"}
"""Those that ask for several things, so that one answer can't be right for all."""


@pytest.mark.parametrize("name", [*DOCUMENTS, *sorted(TEXTS.keys() - SEVERAL)])
def test_what_a_sound_host_answers_is_read(name: str):
    if name in DOCUMENTS:
        document, read = DOCUMENTS[name]
        read(Answering(json.dumps(document)))
    else:
        text, read = TEXTS[name]
        read(Answering(text))


@pytest.mark.parametrize("name", DOCUMENTS)
@examples(25)
@given(data=st.data())
def test_any_document_is_read_or_refused(name: str, data: st.DataObject):
    document, read = DOCUMENTS[name]
    text = json.dumps(document).encode()
    answer = data.draw(st.one_of(altered(text), damaged(text), st.binary(max_size=30)))
    read_or_refused(answer, read)


@pytest.mark.parametrize("name", TEXTS)
@examples(25)
@given(data=st.data())
def test_any_text_is_read_or_refused(name: str, data: st.DataObject):
    text, read = TEXTS[name]
    answer = data.draw(st.one_of(garbled(text), damaged(text.encode()), st.binary(max_size=30), st.sampled_from(TRAPS)))
    read_or_refused(answer, read)


amounts = st.integers(min_value=0, max_value=10**17)


@examples(100)
@given(usage=amounts, others=st.permutations(["user_usec", "system_usec", "nr_periods", "nr_throttled"]))
def test_the_cpu_time_is_that_of_the_cgroup_whatever_stands_around_it(usage: int, others: list[str]):
    lines = [f"usage_usec {usage}", *(f"{name} 7" for name in others)]
    for place in range(len(lines)):
        text = "\n".join([*lines[1 : place + 1], lines[0], *lines[place + 1 :]]) + "\n"
        assert cgroups.cpu_seconds(Answering(text), V2) == usage / 1e6
    assert cgroups.cpu_seconds(Answering(f"{usage}\n"), V1) == usage / 1e9


def test_a_cpu_time_that_is_given_twice_is_refused():
    with pytest.raises(HostError, match="answered 'usage_usec 1"):
        cgroups.cpu_seconds(Answering("usage_usec 1\nusage_usec 2\n"), V2)


@examples(100)
@given(
    counts=st.lists(st.tuples(amounts, amounts), max_size=6),
    data=st.data(),
)
def test_a_series_is_that_of_all_threads_in_any_order_of_their_lines(
    counts: list[tuple[int, int]], data: st.DataObject
):
    lines = [f"{thread} {second} {pair[thread]}" for second, pair in enumerate(counts) for thread in (0, 1)]
    noise = [f"7 {len(counts)} 99", "0 1", "٣ 0 5", "wrk said something"]
    text = "\n".join(data.draw(st.permutations([*lines, *noise]))) + "\n"
    assert wrk.series_of(text, 2) == tuple(map(sum, counts))


@examples(100)
@given(
    st.dictionaries(
        st.from_regex(r"[a-z-]{1,12}", fullmatch=True),
        st.none() | st.from_regex(r"[ -~]{0,12}", fullmatch=True),
        min_size=1,
        max_size=5,
    )
)
def test_each_setting_of_redis_gets_its_own_value(values: dict[str, str | None]):
    answer = "".join(
        f"# {name}\n" + ("\n" if value is None else f"{name}\n{value}\n") for name, value in values.items()
    )
    found = settings.read_redis(Answering(answer), INVENTORY.redis, list(values))
    assert found == {name: value for name, value in values.items() if value is not None}


def test_a_folder_that_is_not_the_volumes_own_is_never_emptied():
    for answer in ("/", "/var/lib/docker/volumes", "/var/lib/docker/volumes/other/_data", "null", ""):
        with pytest.raises(HostError, match="was asked for the folder of the volume up"):
            control.volume_path(Answering(answer), "up")


def test_docker_s_inspection_of_one_container_is_read_and_of_none_refused():
    assert inspection.read_container(json.dumps([INSPECTED]), where=HOST).id == INSPECTED["Id"]
    for text in ("[]", "null", "{}", json.dumps([INSPECTED, INSPECTED]), json.dumps([INSPECTED | {"Config": None}])):
        with pytest.raises(HostError, match=HOST):
            inspection.read_container(text, where=HOST)


def test_knobs_that_nobody_asked_for_are_refused():
    answer = [{"name": knob.name, "files": [FILE]} for knob in reversed(KNOBS)]
    with pytest.raises(HostError, match="was asked for 2 kernel settings"):
        tuning.read(Answering(json.dumps(answer)), KNOBS, settable=True, paths=KnobPaths())


def test_a_spin_on_another_cpu_is_refused():
    spins = [{"cpu": 0, "wall_ns": 9, "cpu_ns": 8}] * 2
    with pytest.raises(HostError, match=r"a calibration spin on the CPUs \[0, 1\]"):
        recording.spin(Answering(json.dumps(spins)), (0, 1))
