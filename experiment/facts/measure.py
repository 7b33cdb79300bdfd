"""`lab facts`: measure what isn't known yet of how the lab's APIs are built and start, one document for each image."""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from analysis.report import facts_file_name, find_facts
from documents.errors import RunError
from documents.files import replace_file
from documents.lab import ApiService, Inventory, Secrets
from documents.run import Facts
from documents.stack import Implementation
from experiment.bench import RemoteBench, connected_load_hosts
from experiment.facts.building import measure_building
from experiment.facts.sources import count_lines, read_implementation
from experiment.facts.starting import measure_starting
from experiment.running import git_commit, hold_host
from provision.images import build, hash_build_context
from provision.ssh import Connection, connect
from provision.system import read_identity

RELEASE_TARGETS = (None, "api")
"""The targets of a Dockerfile that an implementation's document tells of: the last stage, by name or without."""

Progress = Callable[[str, str], None]
"""Is told of each step: the API's name, and what is done."""


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
    progress: Progress,
) -> list[Facts]:
    """Measure the facts of the lab's APIs that the folder doesn't have yet, and return them all.

    While it goes on, the host is held as by a run, and all APIs are stopped. Whatever ends it, Ctrl-C included, they
    are started again, and the facts of each API that was finished are kept.

    Args:
        inventory: the lab as it stands.
        secrets: the lab's secrets.
        project: the checkout, with the APIs' sources.
        folder: where the facts are kept; made where it isn't there.
        apis: names of those to measure; all that a release target is built of unless given.
        again: whether to measure what is known as well.
        builds: how many clean builds of each.
        starts: how many starts of each.
        progress: is told of each step.

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
        RunError: one that is named isn't there, or is built of a target that no implementation's document tells of.
    """
    services = {api.name: api for api in inventory.apis}
    if unknown := sorted(set(apis) - services.keys()):
        raise RunError(f"The lab {inventory.stack} has no API {', '.join(unknown)}; it has {', '.join(services)}.")
    chosen = [api for api in inventory.apis if api.name in apis or not apis]
    released = [api for api in chosen if api.target in RELEASE_TARGETS]
    if (apis and len(released) < len(chosen)) or not released:
        other = next(api for api in chosen if api not in released)
        raise RunError(
            f"{other.name} is built of the target {other.target} of {other.source}, and implementation.yaml there "
            "tells of the target api alone: name another API."
        )
    return released


def _read_unchanged(project: Path, inventory: Inventory, api: ApiService) -> Implementation:
    """The document of an API's implementation, if the sources are still those of its image."""
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
        raise RunError(f"{folder} can't be written to: {error}. See that its disk has room and is yours.") from error
