"""Compute the report from a run's folder and the facts about building."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.cells import (
    MeasuredCell,
    measure,
    mostly_bound_by,
    series_steps,
    summarise_open_loop,
    summarise_warm_ups,
)
from analysis.claims import Evidence, article, judge_claims
from analysis.raw import ONE_IN, SAMPLED_ROLES, Run
from analysis.report.caveats import article_note, caveats_of, grade_of, hardware_differences, other_differences
from analysis.statistics import (
    compare_all,
    has_ratio,
    linear_estimate,
    log_estimate,
    share_interval,
    spread_of,
    value_of,
)
from documents.errors import AnalysisError, DocumentError
from documents.lab import ApiService, short_image_id
from documents.report import (
    BuildingFacts,
    CellNumbers,
    Estimate,
    FailureShare,
    Latency,
    LatencyDistribution,
    LatencyEstimate,
    LoadHostReport,
    Measurements,
    PublishedNumber,
    Report,
    ScenarioSummary,
    Subject,
    TimeSeries,
)
from documents.run import (
    WRK_FILE,
    CellRecord,
    Facts,
    HostIdentity,
    Scenario,
    WrkResult,
    describe_control,
    is_failure,
)


def facts_file_name(api: ApiService) -> str:
    """The name of an API's document in the folder of facts, which depends on the API's image."""
    return f"{api.name}-{short_image_id(api.image_id)}.json"


def find_facts(folder: Path, api: ApiService) -> Facts | None:
    """The facts of an API, by its image and its environment; None without any.

    Raises:
        AnalysisError: the document can't be read.
        DocumentError: the document is invalid.
    """
    path = folder / facts_file_name(api)
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AnalysisError(f"{path} can't be read: {error.strerror}. Remove it and run `lab facts`.") from error
    facts = Facts.from_json(text, name=str(path))
    found = (facts.api, facts.image_id, facts.environment)
    return facts if found == (api.name, api.image_id, api.environment) else None


def summarise_facts(facts: Facts, host: HostIdentity) -> BuildingFacts:
    """The report's part of an API's facts; `host` is the run's."""
    building, starting = facts.building, facts.starting
    return BuildingFacts(
        api=facts.api,
        language=facts.language,
        measured_at=facts.measured_at,
        git_commit=facts.git_commit,
        same_host=not facts.host.changes(host),
        build_cpus=len(building.cpus),
        clean_build_seconds=spread_of(building.clean_seconds),
        incremental_build_seconds=spread_of(building.incremental_seconds),
        changed_file=building.changed_file,
        binary_bytes=building.binary_bytes,
        image_bytes=facts.image_bytes,
        code_lines=facts.code_lines,
        test_lines=facts.test_lines,
        dependencies=len(building.dependencies),
        first_answer_seconds=spread_of(starting.first_answer_seconds),
        engine_seconds=spread_of(starting.engine_seconds),
        rest_seconds=starting.rest_seconds,
        rest_memory_bytes=spread_of(starting.memory_bytes),
    )


def analyse(run: Run, facts_directory: Path | None = None) -> Report:
    """Compute the report of a run, finished or not, from its raw files; each is read once, and all are verified.

    Args:
        run: the run.
        facts_directory: the folder of `lab facts`; the report includes the facts of the run's images.

    Raises:
        AnalysisError: a raw file is missing, damaged or changed; names file and line.
        DocumentError: a document of the run or a raw file of a valid cell is invalid; names the file and the members at
            fault.
    """
    manifest, protocol, inventory = run.manifest, run.manifest.protocol, run.manifest.inventory
    subjects = run.subjects
    measured = {
        cell.id: measure(cell, run.cell_files(cell, record))
        for cell in run.closed_cells
        if (record := run.records.get(cell.id)) is not None and record.valid
    }
    summaries = tuple(
        _summarise(run, api.name, scenario, measured) for scenario in protocol.scenarios for api in subjects
    )
    numbers = tuple(cell.numbers for cell in measured.values())
    unfinished = [cell for cell in run.cells if cell.id not in run.records]
    open_loop = summarise_open_loop(run)
    article_numbers = _article_numbers(summaries)
    comparisons = compare_all(
        numbers,
        apis=[api.name for api in subjects],
        scenarios=[scenario.name for scenario in protocol.scenarios],
        margin=protocol.margin,
        bound_by_postgres=mostly_bound_by("postgres", numbers),
        failed=[(summary.api, summary.scenario) for summary in summaries if summary.failures.failed],
    )
    building = tuple(
        summarise_facts(facts, run.host.before)
        for api in subjects
        if facts_directory is not None and (facts := find_facts(facts_directory, api)) is not None
    )
    caveats = caveats_of(run, summaries, numbers, unfinished, comparisons, open_loop=open_loop)
    warm_ups = summarise_warm_ups(run)
    run.verify()
    return Report(
        run_id=manifest.run_id,
        started_at=manifest.started_at,
        git_commit=manifest.git_commit,
        stack=inventory.stack,
        protocol=protocol.name,
        protocol_file=manifest.protocol_file,
        blocks=len({cell.block for cell in run.closed_cells}),
        budget_seconds=manifest.budget_seconds,
        attempts=protocol.attempts,
        margin=protocol.margin,
        warm_up_seconds=protocol.warm_up_seconds,
        order_seed=manifest.order_seed,
        request_seed=protocol.request_seed,
        scenarios=protocol.scenarios,
        apis=tuple(
            Subject(
                name=api.name,
                source=api.source,
                source_sha256=api.source_sha256,
                image_id=api.image_id,
                environment=api.environment,
                varied=api.varied,
            )
            for api in subjects
        ),
        host_kind=inventory.host.kind,
        host=run.host.before,
        size=inventory.size,
        cores=inventory.cores,
        grade=grade_of(inventory, run.host.knobs, subjects),
        control=describe_control(run.host.knobs),
        knobs=run.host.knobs,
        load_hosts=tuple(
            LoadHostReport(
                kind=load_host.host.kind,
                generator=load_host.generator,
                system=load_host.system,
                before=record.before,
                after=record.after,
                differences=(
                    *hardware_differences(run.host.before, record.before.identity),
                    *other_differences(run.host.before, record.before.identity),
                ),
            )
            for load_host, record in zip(inventory.load_hosts, run.host.load_hosts, strict=True)
        ),
        postgres_settings=inventory.postgres.settings,
        caveats=caveats,
        summaries=summaries,
        open_loop=open_loop,
        article=article_numbers,
        article_note=article_note(run),
        comparisons=comparisons,
        claims=judge_claims(
            Evidence(
                size=inventory.size,
                cores=inventory.cores,
                generator_shares=inventory.generator_shares(inventory.cores),
                scenarios=protocol.scenarios,
                numbers=article_numbers,
                comparisons=comparisons,
                building=building,
            )
        ),
        warm_ups=warm_ups,
        building=building,
        cells=numbers,
        void_attempts=run.void_attempts(),
        void_cells=run.void_cells(),
        short_blocks=run.short_blocks(),
        unfinished_cells=tuple(cell.id for cell in unfinished),
        tool_versions=manifest.tool_versions,
    )


def _summarise(run: Run, api: str, scenario: Scenario, measured: dict[str, MeasuredCell]) -> ScenarioSummary:
    planned = [cell for cell in run.closed_cells if cell.api == api and cell.scenario == scenario]
    records = [run.records[cell.id] for cell in planned if cell.id in run.records]
    void = [record for cell in planned for record in run.attempts[cell.id] if not record.valid]
    valid = [measured[cell.id] for cell in planned if cell.id in measured]
    blocks = _by_block(valid)
    return ScenarioSummary(
        api=api,
        scenario=scenario.name,
        cells=len(valid),
        blocks=len(blocks),
        void_cells=len(records) - len(valid),
        unfinished_cells=len(planned) - len(records),
        void_attempts=len(void),
        failures=_failures([run.attempts[cell.id] for cell in planned]),
        errors=_sum_of([cell.numbers.errors for cell in valid] + [_errors_of_void(run, record) for record in void]),
        measured=_measurements([[cell.numbers for cell in cells] for cells in blocks]) if blocks else None,
        series=_series(scenario, blocks) if blocks else None,
        distribution=_distribution(blocks) if blocks else None,
    )


def _failures(attempts_of_cells: Sequence[Sequence[CellRecord]]) -> FailureShare:
    failed = sum(any(is_failure(record.voids) for record in attempts) for attempts in attempts_of_cells)
    cells = sum(any(record.valid or is_failure(record.voids) for record in attempts) for attempts in attempts_of_cells)
    low, high = share_interval(failed, cells)
    return FailureShare(failed=failed, cells=cells, low=low, high=high)


def _by_block(cells: Iterable[MeasuredCell]) -> list[list[MeasuredCell]]:
    """The cells of each block: one, or two if it measured the API twice."""
    blocks: defaultdict[int, list[MeasuredCell]] = defaultdict(list)
    for cell in cells:
        blocks[cell.numbers.block].append(cell)
    return list(blocks.values())


def _sum_of(counts: Iterable[int | None]) -> int | None:
    """The sum; None if one of them is unknown."""
    known = list(counts)
    return None if None in known else sum(count for count in known if count is not None)


def _errors_of_void(run: Run, record: CellRecord) -> int | None:
    """Count wrk's errors in a void attempt: 0 if it ended before wrk was started.

    None if wrk left no readable result, for example because the API refused every connection: the number is unknown.
    """
    if WRK_FILE not in record.files:
        return None if any(void.reason == "generator-failed" for void in record.voids) else 0
    try:
        return WrkResult.from_json(run.raw_file(record, WRK_FILE), name=run.name_of(record, WRK_FILE)).errors.total
    except DocumentError:
        # Most likely the attempt is void because of it; the report needs only the others.
        return None


def _measurements(blocks: Sequence[Sequence[CellNumbers]]) -> Measurements:
    def log(name: str, read: Callable[[CellNumbers], float]) -> Estimate:
        return log_estimate([[read(cell) for cell in cells] for cells in blocks], name=name)

    def linear(read: Callable[[CellNumbers], float]) -> Estimate:
        return linear_estimate([[read(cell) for cell in cells] for cells in blocks])

    def latency(name: str, read: Callable[[CellNumbers], Latency]) -> LatencyEstimate:
        return LatencyEstimate(
            mean_us=log(f"{name} mean latency", lambda cell: read(cell).mean_us),
            p50_us=log(f"{name} p50 latency", lambda cell: read(cell).p50_us),
            p90_us=log(f"{name} p90 latency", lambda cell: read(cell).p90_us),
            p99_us=log(f"{name} p99 latency", lambda cell: read(cell).p99_us),
            p999_us=log(f"{name} p99.9 latency", lambda cell: read(cell).p999_us),
        )

    return Measurements(
        throughput=log("throughput", lambda cell: cell.throughput),
        raw=latency("raw", lambda cell: cell.raw),
        corrected=latency("corrected", lambda cell: cell.corrected),
        cpu_cores={role: linear(lambda cell, role=role: cell.usage[role].cpu_cores) for role in SAMPLED_ROLES},
        memory_mean_bytes=linear(lambda cell: cell.usage["api"].memory_mean_bytes),
        memory_peak_bytes=linear(lambda cell: cell.usage["api"].memory_peak_bytes),
        page_cache_mean_bytes=linear(lambda cell: cell.usage["api"].page_cache_mean_bytes),
        littles_law=linear(lambda cell: cell.littles_law),
        generator_saturation=linear(lambda cell: cell.generator_saturation),
        requests_per_cpu_second=(
            log("requests a CPU second", lambda cell: value_of(cell, "requests_per_cpu_second"))
            if all(has_ratio(cell, "requests_per_cpu_second") for cells in blocks for cell in cells)
            else None
        ),
    )


def _series(scenario: Scenario, blocks: Sequence[Sequence[MeasuredCell]]) -> TimeSeries:
    def mean(read: Callable[[MeasuredCell], NDArray[np.float64]]) -> NDArray[np.float64]:
        of_blocks = [np.mean([read(cell) for cell in cells], axis=0) for cells in blocks]
        return np.asarray(np.mean(of_blocks, axis=0))

    return TimeSeries(
        step_seconds=float(mean(lambda cell: np.array(cell.load_seconds))) / series_steps(scenario.duration_seconds),
        cpu_cores=tuple(mean(lambda cell: cell.cpu_cores).tolist()),
        memory_bytes=tuple(mean(lambda cell: cell.memory_bytes).tolist()),
    )


def _distribution(blocks: Sequence[Sequence[MeasuredCell]]) -> LatencyDistribution | None:
    """The distribution as far as every cell has it; None if a cell has too few responses."""
    shown = min(len(cell.raw_tail) for cells in blocks for cell in cells)
    if not shown:
        return None

    def mean(read: Callable[[MeasuredCell], NDArray[np.float64]]) -> tuple[float, ...]:
        # A latency below a microsecond counts as 0, and so does a geometric mean that includes one.
        with np.errstate(divide="ignore"):
            of_blocks = [np.mean([np.log(read(cell)[:shown]) for cell in cells], axis=0) for cells in blocks]
        return tuple(np.exp(np.mean(of_blocks, axis=0)).tolist())

    return LatencyDistribution(
        one_in=ONE_IN[:shown],
        raw_us=mean(lambda cell: cell.raw_tail),
        corrected_us=mean(lambda cell: cell.corrected_tail),
    )


_MEASURED: dict[str, Callable[[Measurements], Estimate]] = {
    "throughput": lambda measured: measured.throughput,
    "memory_mean": lambda measured: measured.memory_mean_bytes,
    # The article measured with wrk, which prints corrected percentiles.
    "p99": lambda measured: measured.corrected.p99_us,
}
"""This run's number for each of the article's measures."""


def _article_numbers(summaries: Sequence[ScenarioSummary]) -> tuple[PublishedNumber, ...]:
    """The article's numbers, each with this run's number of the API and load of the same name."""
    measured = {(summary.api, summary.scenario): summary.measured for summary in summaries}
    if not any(load in article.LOADS for _, load in measured):
        return ()
    return tuple(
        PublishedNumber(
            api=api,
            scenario=column.load,
            measure=column.measure,
            published=column.values[api],
            measured=found and _MEASURED[column.measure](found),
        )
        for api in article.STACKS
        for column in article.COLUMNS
        for found in [measured.get((api, column.load))]
    )
