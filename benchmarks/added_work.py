"""How much work to add to one of two builds so that a run should just distinguish them, and whether it did.

Pure: from the numbers of runs to a number of rounds, and to a judgement.

The amount is measured in half-widths of the A/A twin's 95% interval, on the log scale on which intervals are computed:
a difference of one half-width would be found in half of all runs, one of two in nearly all of them.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from analysis.raw import limits
from documents.errors import AnalysisError, DocumentError
from documents.report import CellNumbers, Gate, Measure, PairComparison, TwinComparison, Verdict

HALF_WIDTHS = 2
"""What the difference should be worth."""

LEAST_SHARE = 0.04
"""Of the slowed build's CPU, however quiet the host is: less could rightly be called the same, at a margin of 3%."""

MOST_SHARE = 0.5
"""And however noisy it is: a host on which that isn't found can't tell builds apart."""

MOST_ROUNDS = 1_000_000
"""What the slowed build takes (apis/go/cmd/slowed)."""

VARIABLE = "SLOWED_ROUNDS"

API_BUSY_LEAST = limits.SERVICE_BUSY_LEAST
"""Of the API's CPUs: beyond, they are the limit, as those of a service are."""

TWIN_BLOCKS_LEAST = 0.5
"""Of the planned ones. The half-width of two or three is that of their small number, and not the host's."""


@dataclass(frozen=True)
class Estimate:
    """A ratio with its 95% interval, over `blocks` blocks."""

    ratio: float
    low: float
    high: float
    blocks: int

    @property
    def half_width(self) -> float:
        """Half the width of the interval on the log scale: 0.03 is some 3%."""
        return (math.log(self.high) - math.log(self.low)) / 2

    @property
    def log_distance(self) -> float:
        """How far the ratio is from 1 on the log scale, up or down."""
        return abs(math.log(self.ratio))

    def covers(self, ratio: float) -> bool:
        """Whether the interval holds a ratio."""
        return self.low <= ratio <= self.high


@dataclass(frozen=True)
class Alike:
    """An A/A experiment: one build as two entries of the stack, and in each block one of these measured twice.

    `pair` is the throughput of one entry over the other's, `verdict` what the lab says of them, and `twin` the later
    cell over the earlier one. Both ratios are 1 in truth.
    """

    run_id: str
    pair: Estimate
    verdict: Verdict
    twin: Estimate


@dataclass(frozen=True)
class Calibration:
    """What a round costs, by the CPU for each request, in microseconds, without rounds and with a known number."""

    run_id: str
    rounds: int
    plain_us: float
    slowed_us: float

    @property
    def us_per_round(self) -> float:
        """Microseconds of the API's CPU that a round adds to a request."""
        return (self.slowed_us - self.plain_us) / self.rounds

    def predicted_ratio(self, rounds: int) -> float:
        """The CPU of a request without rounds over that with so many: by how much throughput should fall."""
        return self.plain_us / (self.plain_us + rounds * self.us_per_round)


@dataclass(frozen=True)
class Difference:
    """Two builds of which one does more work, as one run distinguished them.

    `throughput` is the slowed build's over the plain one's, `verdict` what the lab says of them and `found` whether it
    says that the plain one is faster. `cpu` is the plain build's CPU for a request over the slowed one's, by their
    cgroups, in the same cells: 1 less it is the share of the slowed build's CPU that was added. `plain_us` and
    `slowed_us` are that CPU in microseconds, geometric means over cells. `api_busy` is how much of its CPUs the API
    used in the middle one of a build's cells, of the build that used less; `api_busy_least` how much in the cell in
    which that was least, both as a share of them; `bound_cells` are cells in which PostgreSQL or Redis was the limit as
    well. `reasons` are the lab's own sentences.
    """

    run_id: str
    throughput: Estimate
    verdict: Verdict
    found: bool
    cpu: Estimate
    twin: Estimate
    plain_us: float
    slowed_us: float
    api_busy: float
    api_busy_least: float
    bound_cells: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def covered(self) -> bool:
        """Whether the interval of the throughput holds what the added share of CPU alone would make of it."""
        return self.throughput.covers(self.cpu.ratio)

    @property
    def api_was_limit(self) -> bool:
        """Whether the API's CPUs were the limit in most cells of both builds, and nothing else was in any."""
        return self.api_busy >= API_BUSY_LEAST and not self.bound_cells


def judge_alike(gate: Gate, *, blocks: int) -> Alike:
    """What an A/A experiment of so many planned blocks showed.

    Raises:
        AnalysisError: too few cells are valid to tell how much the host scatters.
    """
    pair, twin = _pair(gate, "throughput"), _estimate(gate.twins[0], gate)
    if twin.blocks < TWIN_BLOCKS_LEAST * blocks:
        raise AnalysisError(
            f"In the run {gate.run_id} only {twin.blocks} of {blocks} blocks have both cells of their twin, so it "
            "isn't known how much this host scatters. The run's report says what voided the others; it takes a machine "
            "that does nothing else."
        )
    return Alike(run_id=gate.run_id, pair=_estimate(pair, gate), verdict=pair.verdict, twin=twin)


def twin_half_width(alike: Sequence[Alike]) -> float:
    """The half-width that the twins of A/A experiments showed: the root of the mean of their squares.

    Squares, for it is the variance of which several experiments give a mean. One experiment gives its own.
    """
    return math.sqrt(sum(experiment.twin.half_width**2 for experiment in alike) / len(alike))


def cpu_us_per_request(cells: Sequence[CellNumbers], api: str) -> float:
    """The API's CPU for a request, by its cgroup, in microseconds: the geometric mean over its cells.

    Raises:
        AnalysisError: the API has no valid cell.
    """
    costs = [cell.usage["api"].cpu_cores / cell.throughput * 1e6 for cell in cells if cell.api == api]
    if not costs:
        raise AnalysisError(f"No cell of {api} is valid, so nothing is known of its CPU. The run's report says why.")
    return float(np.exp(np.mean(np.log(costs))))


def wanted_ratio(half_width: float) -> float:
    """The ratio of throughputs that the added work is to make: two half-widths on the log scale, within bounds."""
    return min(max(math.exp(-HALF_WIDTHS * half_width), 1 - MOST_SHARE), 1 - LEAST_SHARE)


def size_rounds(wanted: float, calibration: Calibration) -> int:
    """The fewest rounds for each request that bring a throughput that the API's CPU limits down to a share of it.

    Throughput is CPUs ÷ CPU for a request, so c microseconds become c / wanted.

    Raises:
        AnalysisError: rounds cost nothing that could be measured, or more of them are needed than the API takes.
    """
    if calibration.us_per_round <= 0:
        raise AnalysisError(
            f"In the run {calibration.run_id} a request cost {calibration.plain_us:.2f} µs of CPU without rounds and "
            f"{calibration.slowed_us:.2f} µs with {calibration.rounds}: no round has a price. Give the stack's "
            f"{VARIABLE} a larger number, or use a quieter host."
        )
    rounds = math.ceil(calibration.plain_us * (1 / wanted - 1) / calibration.us_per_round)
    if rounds > MOST_ROUNDS:
        raise AnalysisError(
            f"A throughput of {wanted:.3f} times the plain one takes {rounds:,} rounds a request, and the API takes "
            f"{MOST_ROUNDS:,}: the A/A experiments are too noisy. Use a quieter host or more blocks."
        )
    return rounds


def with_rounds(document: str, rounds: int) -> str:
    """The text of a stack document with another number of rounds, and nothing else changed.

    Raises:
        DocumentError: it doesn't give the number exactly once.
    """
    changed, count = re.subn(rf'^( +{VARIABLE}: )"[0-9]+"$', rf'\g<1>"{rounds}"', document, flags=re.MULTILINE)
    if count != 1:
        raise DocumentError(
            f'The stack document gives {VARIABLE} {count} times as a number in quotes (`{VARIABLE}: "200"`); it is to '
            "be there once, in the environment of the slowed API."
        )
    return changed


def judge_difference(gate: Gate, cells: Sequence[CellNumbers], *, api_cpus: int) -> Difference:
    """Judge what a run says of a plain build, the gate's base, and a slowed one, its candidate.

    Args:
        gate: the judgement on throughput alone, under one load.
        cells: the run's valid cells.
        api_cpus: how many CPUs the API has.

    Raises:
        AnalysisError: too few cells are valid for an interval.
    """
    pair = _pair(gate, "throughput")
    return Difference(
        run_id=gate.run_id,
        throughput=_estimate(pair, gate),
        verdict=pair.verdict,
        found=pair.better == gate.base.name,
        cpu=_estimate(_pair(gate, "requests_per_cpu_second"), gate),
        twin=_estimate(gate.twins[0], gate),
        plain_us=cpu_us_per_request(cells, gate.base.name),
        slowed_us=cpu_us_per_request(cells, gate.candidate.name),
        api_busy=min(_busy(cells, build.name) for build in (gate.base, gate.candidate)) / api_cpus,
        api_busy_least=min(cell.usage["api"].cpu_cores for cell in cells) / api_cpus,
        bound_cells=tuple(cell.cell_id for cell in cells if cell.bound_by),
        reasons=gate.reasons,
    )


def _busy(cells: Sequence[CellNumbers], api: str) -> float:
    return median(cell.usage["api"].cpu_cores for cell in cells if cell.api == api)


def _pair(gate: Gate, measure: Measure) -> PairComparison:
    """The one comparison by a measure; a gate under several loads has more, and this isn't made for one."""
    [pair] = [finding.pair for finding in gate.findings if finding.measure == measure]
    return pair


def _estimate(compared: PairComparison | TwinComparison, gate: Gate) -> Estimate:
    ratio = compared.ratio
    if ratio is None or ratio.interval_95 is None:
        raise AnalysisError(f"The run {gate.run_id} shows no interval. {compared.reason} Its report says more.")
    return Estimate(ratio=ratio.value, low=ratio.interval_95.low, high=ratio.interval_95.high, blocks=compared.blocks)
