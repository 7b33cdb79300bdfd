"""The open loop: its rates, from the closed loop's throughput, and the numbers of one window, from its raw files.

In a closed loop a connection that waits for a slow answer sends nothing, so the requests that would have met the same
stall are missing: coordinated omission (Gil Tene, "How not to measure latency"). In the open loop each request is due
at a fixed time, and its latency runs from then, as in wrk2. It includes the wait for a free connection, or for a late
generator.

The rates are shares of the slowest API's throughput, the same for all APIs, so that each can keep up. With shares of
its own throughput, each API would be measured under another load.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from analysis.cells.cells import measure_host
from analysis.formatting import counted, listing
from analysis.raw import FEW_RESPONSES, SAMPLED_ROLES, CellFiles, Histogram, Run, histogram_of
from analysis.statistics import linear_estimate, log_estimate
from documents.errors import AnalysisError
from documents.report import Estimate, OpenLoopMeasurements, OpenLoopNumbers, OpenLoopReport, OpenLoopSummary
from documents.run import OPEN_LOOP_FILE, OpenLoopCell, OpenLoopHistogram, OpenLoopRate, OpenLoopResult


@dataclass(frozen=True)
class CommonRates:
    """The slowest API, the geometric mean of its throughput in requests a second, and the rates for all APIs."""

    slowest: str
    throughput: float
    rates: tuple[OpenLoopRate, ...]


def common_rates(throughputs: Mapping[str, Sequence[Sequence[float]]], shares: Iterable[float]) -> CommonRates | None:
    """The rates at which all APIs are measured.

    A rate is rounded down to three significant digits and to whole requests a second. If two shares give the same rate,
    the second is left out.

    Args:
        throughputs: for each API and each block with a valid cell of it, the throughput of these cells, in requests a
            second; an API without a block counts as not measured. Their mean is the report's: a block in which the API
            was the twin counts once.
        shares: of the slowest API's throughput, rising.

    Returns:
        None if no API was measured.
    """
    means = {api: log_estimate(blocks, name="throughput").value for api, blocks in throughputs.items() if blocks}
    if not means:
        return None
    slowest = min(means, key=lambda api: (means[api], api))
    rates: dict[int, OpenLoopRate] = {}
    for share in shares:
        rate = _rounded(share * means[slowest])
        rates.setdefault(rate, OpenLoopRate(share=share, rate=rate))
    return CommonRates(slowest, means[slowest], tuple(rates.values()))


def _rounded(rate: float) -> int:
    # 0.57 of 100 is a little less than 57 in floating point, and must not give 56.
    whole = max(math.floor(rate + 1e-6), 1)
    step = 10 ** max(len(str(whole)) - 3, 0)
    return whole // step * step


def read_durations(durations: OpenLoopHistogram, *, name: str) -> Histogram:
    """Read a histogram into arrays, and compare it with its sums.

    Raises:
        AnalysisError: the generator can't have written it.
    """
    found = histogram_of(durations.histogram, lambda why: _invalid(name, why))
    # Not in 64 bits, which a sum may exceed.
    total = sum(count for _, count in durations.histogram)
    if total != durations.count:
        raise _invalid(name, f"a histogram holds {total} durations, but {durations.count} were counted")
    ends = (int(found.values[0]), int(found.values[-1])) if total else (0, 0)
    if ends != (durations.minimum_us, durations.maximum_us):
        raise _invalid(name, f"a histogram is from {ends[0]} to {ends[1]} µs, and its minimum and maximum differ")
    return found


def measure_open_loop(cell: OpenLoopCell, files: CellFiles) -> OpenLoopNumbers:
    """Compute a cell's numbers from its raw files.

    Raises:
        AnalysisError: the numbers can't be computed; names the file and, if there is one, the line.
        DocumentError: `open-loop.json` or `watch.json` is invalid.
    """
    name = f"{files.folder}{OPEN_LOOP_FILE}"
    result = OpenLoopResult.from_json(files.result_json, name=name)
    _check_result(result, cell, name)
    latency = read_durations(result.latency, name=name)
    lateness = read_durations(result.lateness, name=name)
    if lateness.count != result.requests or latency.count != result.requests - result.errors.total:
        raise _invalid(
            name,
            f"of {result.requests} requests {result.errors.total} weren't answered, but it holds {latency.count} "
            f"latencies and {lateness.count} times of sending",
        )
    if latency.count == 0:
        raise AnalysisError(
            f"{name} has no latency of any answer: there is nothing to compute. Measure the cell again."
        )
    host = measure_host(files, result)
    return OpenLoopNumbers(
        cell_id=cell.id,
        attempt=files.attempt,
        block=cell.block,
        api=cell.api,
        rate=cell.rate,
        achieved_rate=result.throughput,
        latency=latency.summary(),
        lateness_p99_us=float(lateness.percentile(990)),
        connections_opened=result.connections_opened,
        usage=host.usage,
        generator_saturation=host.generator_saturation,
        bound_by=host.bound_by,
        watch=host.watch,
        load_hosts=host.load_hosts,
    )


def summarise_open_loop(run: Run) -> OpenLoopReport | None:
    """The open loop of a run; None if it has none, or its rates aren't known yet.

    Raises:
        AnalysisError: a raw file of a valid cell can't be used.
        DocumentError: such a file is invalid.
    """
    protocol, plan = run.manifest.protocol, run.open_loop_plan
    if protocol.open_loop is None or plan is None:
        return None
    numbers = {
        cell.id: measure_open_loop(cell, run.cell_files(cell, record))
        for cell in plan.cells
        if (record := run.records.get(cell.id)) is not None and record.valid
    }
    apis = [api.name for api in run.subjects]
    return OpenLoopReport(
        scenario=protocol.window_of(protocol.open_loop),
        blocks=protocol.open_loop.blocks,
        slowest=plan.slowest,
        throughput=plan.throughput,
        rates=plan.rates,
        summaries=tuple(_summarise(run, plan.cells, api, rate.rate, numbers) for rate in plan.rates for api in apis),
        cells=tuple(numbers.values()),
    )


def about_open_loop(run: Run, found: OpenLoopReport | None) -> Iterator[str]:
    """Caveats of the open loop, in sentences.

    Args:
        run: the run.
        found: the result of `summarise_open_loop`.
    """
    asked = run.manifest.protocol.open_loop
    if asked is None:
        return
    if found is None:
        yield (
            "The open loop hasn't begun. Its rates are known once the closed loop is finished; “lab run --resume” "
            "measures it."
        )
        return
    if found.slowest is None:
        yield "There is no open loop: no API has a valid cell under the load that sets its rates."
        return
    if len(found.rates) < len(asked.shares):
        yield (
            f"The open loop has {counted(len(found.rates), 'rate')} for {len(asked.shares)} shares. In whole requests "
            f"a second several shares of {found.slowest}'s throughput are the same rate, and each rate was measured "
            "once."
        )
    seconds = found.scenario.duration_seconds
    if few := [f"{rate.rate:,}" for rate in found.rates if rate.rate * seconds < FEW_RESPONSES]:
        yield (
            f"Windows of the open loop have fewer than {FEW_RESPONSES:,} requests at {len(few)} of "
            f"{counted(len(found.rates), 'rate')}. p99.9 is the single slowest answer at {listing(few)} requests/s."
        )
    most = found.scenario.connections
    if closed := Counter(cell.api for cell in found.cells if cell.connections_opened > most):
        listed = ", ".join(f"{count} of {api}" for api, count in closed.items())
        yield (
            f"Connections were closed in {closed.total()} of the open loop's {len(found.cells)} valid cells. More were "
            f"opened there than the {most} that may be open at a time: {listed}. A request whose connection was closed "
            "before its answer began may have been sent twice, without a trace."
        )


def _summarise(
    run: Run, cells: Sequence[OpenLoopCell], api: str, rate: int, numbers: Mapping[str, OpenLoopNumbers]
) -> OpenLoopSummary:
    planned = [cell for cell in cells if (cell.api, cell.rate) == (api, rate)]
    finished = [cell for cell in planned if cell.id in run.records]
    valid = [numbers[cell.id] for cell in planned if cell.id in numbers]
    return OpenLoopSummary(
        api=api,
        rate=rate,
        cells=len(valid),
        void_cells=len(finished) - len(valid),
        unfinished_cells=len(planned) - len(finished),
        void_attempts=sum(not record.valid for cell in planned for record in run.attempts[cell.id]),
        measured=_measurements(valid) if valid else None,
    )


def _measurements(cells: Sequence[OpenLoopNumbers]) -> OpenLoopMeasurements:
    # A block has each API at each rate once, so each cell is a block.
    def log(name: str, read: Callable[[OpenLoopNumbers], float]) -> Estimate:
        return log_estimate([[read(cell)] for cell in cells], name=name)

    def linear(read: Callable[[OpenLoopNumbers], float]) -> Estimate:
        return linear_estimate([[read(cell)] for cell in cells])

    return OpenLoopMeasurements(
        achieved_rate=log("achieved rate", lambda cell: cell.achieved_rate),
        p50_us=log("open-loop p50 latency", lambda cell: cell.latency.p50_us),
        p90_us=log("open-loop p90 latency", lambda cell: cell.latency.p90_us),
        p99_us=log("open-loop p99 latency", lambda cell: cell.latency.p99_us),
        p999_us=log("open-loop p99.9 latency", lambda cell: cell.latency.p999_us),
        # It may be 0, which has no logarithm.
        lateness_p99_us=linear(lambda cell: cell.lateness_p99_us),
        cpu_cores={role: linear(lambda cell, role=role: cell.usage[role].cpu_cores) for role in SAMPLED_ROLES},
    )


def _check_result(result: OpenLoopResult, cell: OpenLoopCell, name: str) -> None:
    scenario = cell.scenario
    found = (result.workload, result.rate, result.connections, result.duration_seconds)
    planned = (scenario.workload, cell.rate, scenario.connections, scenario.duration_seconds)
    if found != planned:
        raise AnalysisError(
            f"{name} is of the workload {found[0]} at {found[1]} requests/s over {found[2]} connections for "
            f"{found[3]} s, but the plan has {planned[0]} at {planned[1]} requests/s over {planned[2]} connections for "
            f"{planned[3]} s. Restore the cell's own file or measure it again."
        )
    if result.ended_ns <= result.started_ns:
        raise _invalid(name, f"it ended at {result.ended_ns} ns and began at {result.started_ns} ns")
    if result.sent_in_window > result.requests:
        raise _invalid(
            name, f"{result.sent_in_window} requests were sent in the window, and only {result.requests} in all"
        )
    if result.requests > result.rate * result.duration_seconds:
        raise _invalid(name, f"{result.requests} requests were sent, and fewer were due")


def _invalid(name: str, why: str) -> AnalysisError:
    return AnalysisError(f"{name} can't be a result of the open loop's generator: {why}. Measure the cell again.")
