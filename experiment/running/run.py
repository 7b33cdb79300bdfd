"""Start or resume a run, or measure two builds of one API in a run of their own."""

import secrets as random_secrets
import subprocess
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from analysis.raw import read_run
from analysis.statistics import LEAST_BLOCKS
from documents.errors import RunError
from documents.lab import Inventory, Secrets
from documents.run import (
    UNKNOWN_COMMIT,
    HostRecord,
    LoadHostRecord,
    Manifest,
    Plan,
    Protocol,
    Workload,
)
from experiment.bench import Bench, open_bench, require_identical
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.planning import (
    fit,
    make_plan,
    read_earlier,
    require_subjects,
    subjects_of,
    with_subjects,
    without_subjects,
)
from experiment.record import RunWriter, in_use, new_run_id
from experiment.running.cell import RunContext
from experiment.running.holding import hold_host
from experiment.running.loop import Loop, Progress, finished_event, started_event
from experiment.workloads import RequestFile, build_requests, share_of_connections

Planner = Callable[[Protocol, Sequence[str], int], Plan]
"""Makes the plan of a run from its protocol, the names of its APIs and the seed of its order."""

Opener = Callable[[Inventory, Secrets], AbstractContextManager[Bench]]
"""Opens the host that a run measures on."""


def _context(
    manifest: Manifest,
    host: HostRecord,
    inventory: Inventory,
    secrets: Secrets,
    requests: Iterable[RequestFile],
    *,
    clock: Clock,
) -> RunContext:
    return RunContext(
        inventory=inventory,
        secrets=secrets,
        protocol=manifest.protocol,
        token_users={file.workload: file.users for file in requests},
        wrk_version=manifest.tool_versions["wrk"],
        clock=clock,
        load_hosts=host.load_hosts,
    )


def _build_all(protocol: Protocol) -> list[RequestFile]:
    workloads: set[Workload] = {scenario.workload for scenario in protocol.scenarios}
    return [build_requests(workload, protocol.request_seed) for workload in sorted(workloads)]


def _require_same_lab(manifest: Manifest, inventory: Inventory, requests: Iterable[RequestFile]) -> None:
    """Refuse a lab that differs from the one of the manifest: all cells of a run need the same conditions.

    Variants follow from the lab and the protocol in the manifest. The host's address may have changed; its identity is
    read from the host itself.
    """
    then, now = (
        document.model_dump(exclude={"host": True, "load_hosts": {"__all__": {"host"}}})
        for document in (without_subjects(manifest.inventory), inventory)
    )
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        raise RunError(
            f"The run {manifest.run_id} can't be resumed, because the lab has changed: {', '.join(changed)}. Restore "
            "the lab to its earlier state, or start a new run."
        )
    if {file.workload: file.sha256 for file in requests} != manifest.requests_sha256:
        raise RunError(
            f"The run {manifest.run_id} can't be resumed, because this version of the lab makes other requests. Check "
            f"out the commit {manifest.git_commit}, or start a new run."
        )


def _require_same_host(manifest: Manifest, host: HostRecord, bench: Bench) -> None:
    changed = [*host.before.changes(bench.read_identity())]
    looks = bench.look_at_load_hosts()
    for number, (load_host, look) in enumerate(zip(host.load_hosts, looks, strict=True), start=1):
        changed += [f"of load host {number} {text}" for text in load_host.before.identity.changes(look.identity)]
    versions = bench.read_tool_versions()
    for tool in sorted(manifest.tool_versions | versions):
        if manifest.tool_versions.get(tool) != versions.get(tool):
            changed.append(f"{tool} was {manifest.tool_versions.get(tool)} and is {versions.get(tool)}")
    if changed:
        raise RunError(
            f"The run {manifest.run_id} can't be resumed, because the host has changed: {'; '.join(changed)}. Start a "
            "new run."
        )


_PROJECT = Path(__file__).parents[2]


def start_run(
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    protocol_file: str | None = None,
    apis: Collection[str] = (),
    order_seed: int | None = None,
    budget_seconds: int | None = None,
    progress: Progress,
    planner: Planner = make_plan,
    clock: Clock = SYSTEM_CLOCK,
    opener: Opener | None = None,
    commit: str | None = None,
) -> Path:
    """Measure the lab's APIs by a protocol.

    During the run, only the API under test runs. Whatever ends the run, Ctrl-C included, ends the load on the host,
    starts the APIs again, and keeps every finished cell for `resume_run`.

    Args:
        inventory: the lab.
        secrets: the lab's secrets; the run's folder has none of them.
        protocol: what to measure.
        runs_directory: where the run's folder is created.
        protocol_file: the protocol's file, for the record; None for one of the lab's own.
        apis: names of those to measure; all unless given.
        order_seed: the seed of the cells' order; random unless given. The plan records it.
        budget_seconds: the wall time that the run may take; the number of whole blocks that fit replaces the
            protocol's.
        progress: called with each event.
        planner: differs for a run that is one of several whose orders depend on each other.
        clock: gives the times in the run's files.
        opener: `open_bench` unless given.
        commit: for the record; the project's unless given.

    Returns:
        The run's folder.

    Raises:
        RunError: the lab has no API of such a name, the budget is too small for two blocks, another run holds the host,
            or the folder can't be created.
        HostError: the host can't be reached or failed.
    """
    commit = commit or git_commit()
    with (opener or open_bench)(inventory, secrets) as bench:
        subjects = subjects_of(inventory, protocol, apis, bench.read_physical_cores)
        inventory, measured = with_subjects(inventory, subjects), [api.name for api in subjects]
        kept_seconds = 0.0
        if budget_seconds is not None:
            earlier = read_earlier(runs_directory, inventory, protocol, measured)
            fitted = fit(protocol, measured, budget_seconds, earlier)
            progress(fitted)
            protocol, kept_seconds = protocol.model_copy(update={"blocks": fitted.blocks}), fitted.open_loop_seconds
        for scenario in protocol.scenarios:
            share_of_connections(scenario.connections, max(len(inventory.load_hosts), 1))
        requests = _build_all(protocol)
        started_at = clock.now()
        run_id = new_run_id(protocol.name, started_at)
        seed = random_secrets.randbelow(2**32) if order_seed is None else order_seed
        plan = planner(protocol, measured, seed)

        def measure() -> Path:
            manifest = Manifest(
                run_id=run_id,
                started_at=started_at,
                git_commit=commit,
                protocol=protocol,
                protocol_file=protocol_file,
                budget_seconds=budget_seconds,
                open_loop_seconds=kept_seconds,
                inventory=inventory,
                order_seed=seed,
                requests_sha256={file.workload: file.sha256 for file in requests},
                tool_versions=bench.read_tool_versions(),
            )
            host = HostRecord(
                before=bench.read_identity(),
                load_hosts=tuple(LoadHostRecord(before=look) for look in bench.look_at_load_hosts()),
            )
            require_identical(host)
            writer = RunWriter.create(runs_directory, manifest, host, plan, clock)
            context = _context(manifest, host, inventory, secrets, requests, clock=clock)
            with in_use(writer.path):
                writer.journal.append("run-started")
                Loop(bench, read_run(writer.path), writer, context, progress).measure(requests)
            return writer.path

        return hold_host(bench, f"run {run_id}", measure)


def resume_run(
    run_directory: Path,
    inventory: Inventory,
    secrets: Secrets,
    *,
    progress: Progress,
    clock: Clock = SYSTEM_CLOCK,
    opener: Opener | None = None,
    commit: str | None = None,
) -> Path:
    """Measure the unfinished cells of a run, in their planned order; a finished run has none.

    The lab must be the one that the run began on. See `start_run` for `opener` and `commit`.

    Returns:
        The run's folder.

    Raises:
        RunError: the folder isn't a run, its raw files were changed, the lab or its host has changed, or another run
            holds the host.
        DocumentError: a document of the run isn't valid.
        HostError: the host can't be reached or failed.
    """
    commit = commit or git_commit()
    with (opener or open_bench)(inventory, secrets) as bench:
        run, writer = read_run(run_directory), RunWriter(run_directory, clock)
        manifest = run.manifest
        requests = _build_all(manifest.protocol)
        _require_same_lab(manifest, inventory, requests)
        inventory = with_subjects(inventory, manifest.inventory.apis)

        def measure() -> Path:
            _require_same_host(manifest, run.host, bench)
            writer.journal.append("run-resumed", message=f"by the commit {commit}")
            context = _context(manifest, run.host, inventory, secrets, requests, clock=clock)
            Loop(bench, run, writer, context, progress).measure(requests)
            return run_directory

        with in_use(run_directory):
            run.verify()
            if not run.is_finished:
                return hold_host(bench, f"run {manifest.run_id}", measure)
        progress(started_event(run))
        progress(finished_event(run))
        return run_directory


def git_commit() -> str:
    """The project's commit, followed by ``-dirty`` if the tree has changes; ``unknown`` without git."""
    try:
        commit = _git("rev-parse", "HEAD")
        return f"{commit}-dirty" if _git("status", "--porcelain") else commit
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN_COMMIT


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=_PROJECT, check=True, capture_output=True, text=True).stdout.strip()


def measure_builds(
    inventory: Inventory,
    secrets: Secrets,
    protocol: Protocol,
    runs_directory: Path,
    *,
    base: str,
    candidate: str,
    protocol_file: str | None = None,
    order_seed: int | None = None,
    progress: Progress,
) -> Path:
    """Measure two APIs of the lab, or of the protocol's variants, in a run of their own.

    `base` is the name of the API or variant with the current code, `candidate` that of the changed code. The other
    arguments, the result and further errors are those of `start_run`.

    Raises:
        RunError: both names are the same, the lab lacks one of them, or the protocol has a single block.
    """
    if base == candidate:
        raise RunError(f"{base} can't be compared with itself: name two APIs of the stack, the base and the candidate.")
    if protocol.blocks < LEAST_BLOCKS:
        raise RunError(
            f"The protocol {protocol.name} has one block, from which nothing can be judged: how much a repetition "
            f"would differ is unknown. Give it {LEAST_BLOCKS} blocks or more, better ten."
        )
    require_subjects(inventory, protocol, (base, candidate))
    return start_run(
        inventory,
        secrets,
        protocol,
        runs_directory,
        protocol_file=protocol_file,
        apis=(base, candidate),
        order_seed=order_seed,
        progress=progress,
    )
