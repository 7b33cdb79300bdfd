"""`lab facts`: measure how the lab's APIs are built and start, one document for each image.

Release builds run in containers of the stage `source`: first with nothing compiled, then after the change of a line.
Starts are those of the API's own container: the time until its first right answer, and its memory at rest afterwards.
Known facts of an image aren't measured again.
"""

import json
import posixpath
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from analysis.report import facts_file_name, find_facts
from apis.contract.checks.answers import Author, Post
from apis.contract.seed import seeded_post, seeded_user
from documents.base import Document
from documents.errors import RunError
from documents.files import replace_file
from documents.lab import ApiService, Inventory, Secrets
from documents.run import Building, Facts, Nanoseconds, Starting
from documents.stack import Implementation
from experiment.bench import RemoteBench, connected_load_hosts
from experiment.facts.sources import changed_file, count_lines, read_implementation
from experiment.running import git_commit, hold_host
from provision.containers import control
from provision.images import build, hash_build_context
from provision.payload import call
from provision.services import database, wait_for_api
from provision.ssh import Amount, Connection, connect, matching, unexpected
from provision.system import read_identity

SOURCE_STAGE = "source"

_BUILD_SECONDS = 1800
_FOUND_CHARACTERS = 1500

_SCRIPT = r"""
set -eu
build=$1 artifacts=$2 list=$3 changed=$4
made=${artifacts%% *}
now() { read -r uptime idle </proc/uptime; echo "$uptime"; }

content() { find $artifacts -type f -exec cat {} +; }

[ -e "$changed" ]
[ ! -e "$made" ] || { echo "$made is there before anything is built" >&2; exit 1; }
echo "began $(now)"
sh -c "$build" >&2
echo "built $(now)"
echo "bytes $(content | wc -c)"
echo "first $(sha256sum <"$made")"
listed=$(sh -c "$list")
echo "$listed" | sort -u | sed '/^ *$/d; s/^/dependency /'
cat >"$changed"
echo "changed $(now)"
sh -c "$build" >&2
echo "rebuilt $(now)"
echo "second $(sha256sum <"$made")"
"""
"""Runs in the container, with the changed file on its standard input. /proc/uptime is a monotonic clock, exact to a
hundredth of a second. No path of an artifact has a blank."""


_SECONDS = r"\d{1,9}\.\d\d"
_PRINTED = rf"""began (?P<began>{_SECONDS})
built (?P<built>{_SECONDS})
bytes (?P<bytes>\d{{1,18}})
first (?P<first>[0-9a-f]+)  -
(?P<dependencies>(?:dependency .*\n)*)changed (?P<changed>{_SECONDS})
rebuilt (?P<rebuilt>{_SECONDS})
second (?P<second>[0-9a-f]+)  -"""


@dataclass(frozen=True)
class ContainerBuild:
    """A clean build and the following incremental one, as the script printed them."""

    clean_seconds: float
    incremental_seconds: float
    binary_bytes: int
    dependencies: tuple[str, ...]


def measure_building(
    connection: Connection,
    inventory: Inventory,
    implementation: Implementation,
    folder: Path,
    *,
    repetitions: int,
    progress: Callable[[str], None],
) -> Building:
    """Build an implementation repeatedly on all of the host's CPUs.

    Raises:
        RunError: the build failed, needs a network, or gives the same binary after the change.
        HostError: the host failed, or a build took more than half an hour.
    """
    builds: list[ContainerBuild] = []
    progress("compilers and dependencies")
    with build.built(connection, inventory, folder, target=SOURCE_STAGE) as image:
        for number in range(1, repetitions + 1):
            progress(f"clean build {number} of {repetitions}, then an incremental one")
            builds.append(_build(connection, inventory, implementation, folder, image))
    return Building(
        cpus=inventory.size.cpus,
        clean_seconds=tuple(made.clean_seconds for made in builds),
        incremental_seconds=tuple(made.incremental_seconds for made in builds),
        changed_file=implementation.build.change.file,
        binary_bytes=builds[-1].binary_bytes,
        dependencies=builds[-1].dependencies,
    )


def _build(
    connection: Connection, inventory: Inventory, implementation: Implementation, folder: Path, image: str
) -> ContainerBuild:
    given = implementation.build
    done = control.run_once(
        connection,
        image,
        ["sh", "-c", _SCRIPT, "build", given.command, " ".join(given.artifacts), given.dependencies, given.change.file],
        stack=inventory.stack,
        cpus=inventory.size.cpus,
        input=changed_file(folder, implementation),
        deadline_seconds=_BUILD_SECONDS,
    )
    if done.exit_status:
        raise RunError(
            f"The build of {folder.name} in its stage {SOURCE_STAGE} failed with status {done.exit_status}. It has no "
            "network: everything that it needs must be in that stage, and not in a cache mount. Its last output: "
            f"{done.stderr.strip()[-_FOUND_CHARACTERS:] or 'nothing'}"
        )
    return parse_build(done.stdout, folder.name, posixpath.basename(given.change.file))


def parse_build(output: str, name: str, changed: str) -> ContainerBuild:
    """Parse the output of the script.

    Raises:
        RunError: both builds gave the same binary.
        HostError: the script didn't finish, or printed something else.
    """
    what = f"both builds of {name}"
    found = matching(_PRINTED, output, what=what, where=f"The build container of {name}")
    moments = [float(found[moment]) for moment in ("began", "built", "changed", "rebuilt")]
    if moments != sorted(moments):
        raise unexpected(output, what=what, where=f"The build container of {name}")
    if found["first"] == found["second"]:
        raise RunError(
            f"The change of {changed} didn't change the binary of {name}, so it doesn't change compiled code. Name "
            "another one in its implementation.yaml."
        )
    return ContainerBuild(
        clean_seconds=round(moments[1] - moments[0], 2),
        incremental_seconds=round(moments[3] - moments[2], 2),
        binary_bytes=int(found["bytes"]),
        dependencies=tuple(line.removeprefix("dependency ") for line in found["dependencies"].splitlines()),
    )


REST_SECONDS = 5
"""The time from the first answer to the reading of the memory, in which an API finishes its start."""

_POST_ID = 1
_ANSWER_SECONDS = 60
_DEADLINE_SECONDS = 30


class Start(Document):
    """One start by the host's CLOCK_MONOTONIC, and the memory in bytes some seconds later."""

    started_ns: Nanoseconds
    running_ns: Nanoseconds
    answered_ns: Nanoseconds
    memory_bytes: Amount


def measure_starting(
    connection: Connection,
    inventory: Inventory,
    api: ApiService,
    *,
    repetitions: int,
    progress: Callable[[str], None],
) -> Starting:
    """Start the API's container repeatedly; at the end it is stopped.

    Redis is emptied before each start, so that the first answer needs PostgreSQL.

    Args:
        connection: to the host.
        inventory: the lab.
        api: the API, whose container is stopped.
        repetitions: how many starts count, after one that reads the files from disk.
        progress: called with the current step.

    Raises:
        HostError: the API doesn't start, or gives no right answer within a minute.
    """
    progress("a first start")
    control.start(connection, api.container)
    wait_for_api(connection, api, inventory.api_address)
    request = _request(connection, api, inventory.api_address)
    starts: list[Start] = []
    for number in range(1, repetitions + 1):
        progress(f"start {number} of {repetitions}")
        control.stop(connection, api.container)
        database.flush_cache(connection, inventory.redis)
        starts.append(_start(connection, inventory, api, request))
    control.stop(connection, api.container)
    return Starting(
        cpus=inventory.cores.api,
        engine_seconds=tuple((start.running_ns - start.started_ns) / 1e9 for start in starts),
        first_answer_seconds=tuple((start.answered_ns - start.running_ns) / 1e9 for start in starts),
        rest_seconds=REST_SECONDS,
        memory_bytes=tuple(start.memory_bytes for start in starts),
    )


def _request(connection: Connection, api: ApiService, address: str) -> dict[str, object]:
    """The request to the script on the host, from facts that only a running container shows."""
    process_id = control.main_process_id(connection, api.container)
    cgroup = control.cgroup(connection, api.container)
    executable = connection.run(
        ["readlink", f"/proc/{process_id}/exe"], deadline_seconds=_DEADLINE_SECONDS
    ).stdout.strip()
    return {
        "container": api.container,
        "address": address,
        "port": api.port,
        "path": f"/api/posts/{_POST_ID}",
        "body": _expected_body(),
        "executable": executable,
        "cgroup": cgroup.directories["memory"],
        "memory_stat": cgroup.memory_file,
        "memory_field": "rss" if cgroup.version == 1 else "anon",
        "rest_seconds": REST_SECONDS,
        "deadline_seconds": _ANSWER_SECONDS,
    }


def _start(connection: Connection, inventory: Inventory, api: ApiService, request: Mapping[str, object]) -> Start:
    start = call(
        connection,
        "first_answer",
        request,
        Start,
        what=f"a start of the API {api.name}",
        failure=f"The API {api.name} gave no right answer after its start on {connection}",
        remedy=f"Look at its log: `lab logs {api.name}`.",
        deadline_seconds=_ANSWER_SECONDS + REST_SECONDS + _DEADLINE_SECONDS,
        cpus=inventory.cores.cpu_list("system"),
    )
    if not start.started_ns <= start.running_ns <= start.answered_ns:
        raise unexpected(start.to_json(), what=f"a start of the API {api.name}", where=connection)
    return start


def _expected_body() -> str:
    """A seeded post as JSON; an answer may differ in the order of members and in whitespace."""
    post = seeded_post(_POST_ID)
    document = Post(
        id=post.id,
        author=Author(id=post.author_id, username=seeded_user(post.author_id).username),
        title=post.title,
        body=post.body,
        version=1,
        created_at=post.created_at,
        updated_at=post.created_at,
    )
    return json.dumps(document.model_dump(), ensure_ascii=False, separators=(",", ":"))


RELEASE_TARGETS = (None, "api")
"""The targets of a Dockerfile that implementation.yaml describes: the last stage, with or without its name."""

ShowStep = Callable[[str, str], None]
"""Called with the API's name and the current step."""


def measure_facts(
    inventory: Inventory,
    secrets: Secrets,
    *,
    project: Path,
    folder: Path,
    apis: Collection[str] = (),
    again: bool = False,
    builds: int,
    starts: int,
    progress: ShowStep,
) -> list[Facts]:
    """Measure the facts of the lab's APIs that the folder doesn't have yet, and return all facts.

    Meanwhile the host is held and all APIs are stopped. Whatever ends it, Ctrl-C included, starts the APIs again and
    keeps the facts of each API that was finished.

    Args:
        inventory: the lab.
        secrets: the lab's secrets.
        project: the checkout, with the APIs' sources.
        folder: the folder with the facts, which is created if it is missing.
        apis: names of those to measure; all with a release target unless given.
        again: whether to measure known facts again.
        builds: how many clean builds of each.
        starts: how many starts of each.
        progress: called with each step.

    Raises:
        RunError: the lab has no API of such a name, its sources have changed since it was stood up, its build fails, or
            something else holds the host.
        DocumentError: an implementation's document isn't valid.
        HostError: the host can't be reached or failed.
    """
    chosen = choose_apis(inventory, apis)
    known = {api.name: None if again else find_facts(folder, api) for api in chosen}
    waiting = [api for api in chosen if known[api.name] is None]
    implementations = {api.name: _read_unchanged(project, inventory, api) for api in waiting}
    if waiting:
        with connect(inventory.host) as connection, connected_load_hosts(inventory) as load_hosts:
            bench = RemoteBench(connection, inventory, secrets, load_hosts=load_hosts)

            def measure() -> None:
                bench.stop_apis()
                for api in waiting:
                    known[api.name] = facts = _measure(
                        connection,
                        inventory,
                        api,
                        implementations[api.name],
                        project,
                        builds=builds,
                        starts=starts,
                        progress=lambda what, name=api.name: progress(name, what),
                    )
                    _write(folder, api, facts)

            hold_host(bench, "lab facts", measure)
    return [facts for facts in known.values() if facts is not None]


def choose_apis(inventory: Inventory, apis: Collection[str]) -> Sequence[ApiService]:
    """The APIs to measure, in the lab's order.

    Raises:
        RunError: there is no API of such a name, or implementation.yaml doesn't describe the target of its image.
    """
    services = {api.name: api for api in inventory.apis}
    if unknown := sorted(set(apis) - services.keys()):
        raise RunError(f"The lab {inventory.stack} has no API {', '.join(unknown)}; it has {', '.join(services)}.")
    chosen = [api for api in inventory.apis if api.name in apis or not apis]
    released = [api for api in chosen if api.target in RELEASE_TARGETS]
    if (apis and len(released) < len(chosen)) or not released:
        other = next(api for api in chosen if api not in released)
        raise RunError(
            f"{other.name} is built from the target {other.target} of {other.source}, and implementation.yaml there "
            "describes only the target api: name another API."
        )
    return released


def _read_unchanged(project: Path, inventory: Inventory, api: ApiService) -> Implementation:
    """The document of an API's implementation; refuses sources that have changed since the image was built."""
    if hash_build_context(project / api.source) != api.source_sha256:
        raise RunError(
            f"{api.source} has changed since its image was built, so its facts wouldn't be those of the image. "
            f"Run `lab up --stack {inventory.stack}` first."
        )
    return read_implementation(project, api.source)


def _measure(
    connection: Connection,
    inventory: Inventory,
    api: ApiService,
    implementation: Implementation,
    project: Path,
    *,
    builds: int,
    starts: int,
    progress: Callable[[str], None],
) -> Facts:
    source = project / api.source
    code_lines, test_lines = count_lines(source, implementation.lines)
    measured_at = datetime.now(UTC)
    building = measure_building(connection, inventory, implementation, source, repetitions=builds, progress=progress)
    starting = measure_starting(connection, inventory, api, repetitions=starts, progress=progress)
    return Facts(
        api=api.name,
        language=implementation.language,
        source=api.source,
        source_sha256=api.source_sha256,
        image_id=api.image_id,
        environment=api.environment,
        measured_at=measured_at,
        git_commit=git_commit(),
        stack=inventory.stack,
        host=read_identity(connection),
        image_bytes=build.image_bytes(connection, api.image_id),
        code_lines=code_lines,
        test_lines=test_lines,
        building=building,
        starting=starting,
    )


def _write(folder: Path, api: ApiService, facts: Facts) -> None:
    try:
        folder.mkdir(exist_ok=True)
        replace_file(folder / facts_file_name(api), facts.to_json())
    except OSError as error:
        raise RunError(f"{folder} can't be written: {error}. Check its disk's space and its mode.") from error
