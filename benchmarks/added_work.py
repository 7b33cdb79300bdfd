"""How much work to add to one of two builds so that a run just distinguishes them, and whether it did.

Pure functions, from the numbers of runs to a number of rounds and to a judgement.

The amount is in half-widths of the A/A twin's 95% interval, on the log scale. A difference of one half-width is found
in half of all runs, one of two half-widths in nearly all.
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
"""The size of the difference."""

LEAST_SHARE = 0.04
"""The least share of the slowed build's CPU; with less, *same* would be right at a margin of 3%."""

MOST_SHARE = 0.5
"""The greatest share; a host on which that isn't found can't compare builds."""

MOST_ROUNDS = 1_000_000
"""The most that the slowed build accepts (apis/go/cmd/slowed)."""

VARIABLE = "SLOWED_ROUNDS"

API_BUSY_LEAST = limits.SERVICE_BUSY_LEAST
"""From this share of the API's CPUs on, they are the limit, as with a service."""

TWIN_BLOCKS_LEAST = 0.5
"""The least share of planned blocks. With two or three blocks, their number determines the half-width, not the host."""


@dataclass(frozen=True)
class Estimate:
    """A ratio with its 95% interval, over `blocks` blocks."""

    ratio: float
    low: float
    high: float
    blocks: int

    @property
    def half_width(self) -> float:
        """Half the width of the interval on the log scale: 0.03 is about 3%."""
        return (math.log(self.high) - math.log(self.low)) / 2

    @property
    def log_distance(self) -> float:
        """The absolute log of the ratio."""
        return abs(math.log(self.ratio))

    def covers(self, ratio: float) -> bool:
        """Whether the interval contains a ratio."""
        return self.low <= ratio <= self.high


@dataclass(frozen=True)
class Alike:
    """An A/A experiment: one build as two entries of the stack, one of them twice in each block.

    `pair` is the ratio of the two entries' throughputs, `verdict` the lab's verdict on it, and `twin` the ratio of the
    later cell to the earlier one. Both true ratios are 1.
    """

    run_id: str
    pair: Estimate
    verdict: Verdict
    twin: Estimate


@dataclass(frozen=True)
class Calibration:
    """The cost of a round, from the CPU of a request in microseconds without rounds and with a known number."""

    run_id: str
    rounds: int
    plain_us: float
    slowed_us: float

    @property
    def us_per_round(self) -> float:
        """Microseconds of the API's CPU that a round adds to a request."""
        return (self.slowed_us - self.plain_us) / self.rounds

    def predicted_ratio(self, rounds: int) -> float:
        """The CPU of a request without rounds over that with this number: the expected ratio of throughputs."""
        return self.plain_us / (self.plain_us + rounds * self.us_per_round)


@dataclass(frozen=True)
class Difference:
    """One run's comparison of two builds, one of which does more work.

    Attributes:
        run_id: the run.
        throughput: the slowed build's over the plain one's.
        verdict: the lab's verdict on them.
        found: whether the plain build was found to be faster.
        cpu: the plain build's CPU for a request over the slowed one's, by their cgroups, in the same cells. 1 minus
            this ratio is the added share of the slowed build's CPU.
        twin: the later cell of the twin over the earlier one.
        plain_us: the plain build's CPU for a request in microseconds, the geometric mean over cells.
        slowed_us: the same of the slowed build.
        api_busy: the share of its CPUs that the API used in its median cell, of the build that used less.
        api_busy_least: that share in the cell with the least.
        bound_cells: cells in which PostgreSQL or Redis was also a limit.
        reasons: the lab's reasons for its outcome.
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
        """Whether the interval of the throughput's ratio contains the ratio that the added CPU alone would give."""
        return self.throughput.covers(self.cpu.ratio)

    @property
    def api_was_limit(self) -> bool:
        """Whether the API's CPUs were the limit in most cells of both builds, and nothing else in any."""
        return self.api_busy >= API_BUSY_LEAST and not self.bound_cells


def judge_alike(gate: Gate, *, blocks: int) -> Alike:
    """The result of an A/A experiment with this number of planned blocks.

    Raises:
        AnalysisError: too few cells are valid to know the host's noise.
    """
    pair, twin = _pair(gate, "throughput"), _estimate(gate.twins[0], gate)
    if twin.blocks < TWIN_BLOCKS_LEAST * blocks:
        raise AnalysisError(
            f"In the run {gate.run_id} only {twin.blocks} of {blocks} blocks have both cells of their twin, so this "
            "host's noise isn't known. The run's report has the reasons; use a machine that does nothing else."
        )
    return Alike(run_id=gate.run_id, pair=_estimate(pair, gate), verdict=pair.verdict, twin=twin)


def twin_half_width(alike: Sequence[Alike]) -> float:
    """The half-width of the twins of A/A experiments: the root of the mean of their squares, because variances add."""
    return math.sqrt(sum(experiment.twin.half_width**2 for experiment in alike) / len(alike))


def cpu_us_per_request(cells: Sequence[CellNumbers], api: str) -> float:
    """The API's CPU for a request, by its cgroup, in microseconds: the geometric mean over its cells.

    Raises:
        AnalysisError: the API has no valid cell.
    """
    costs = [cell.usage["api"].cpu_cores / cell.throughput * 1e6 for cell in cells if cell.api == api]
    if not costs:
        raise AnalysisError(f"No cell of {api} is valid, so its CPU isn't known. The run's report has the reason.")
    return float(np.exp(np.mean(np.log(costs))))


def wanted_ratio(half_width: float) -> float:
    """The ratio of throughputs that the added work should give: two half-widths on the log scale, within bounds."""
    return min(max(math.exp(-HALF_WIDTHS * half_width), 1 - MOST_SHARE), 1 - LEAST_SHARE)


def size_rounds(wanted: float, calibration: Calibration) -> int:
    """The fewest rounds per request that reduce a throughput limited by the API's CPU to this share.

    Throughput is CPUs ÷ CPU of a request, so c microseconds become c / wanted.

    Raises:
        AnalysisError: the cost of rounds is too small to be measured, or more are needed than the API accepts.
    """
    if calibration.us_per_round <= 0:
        raise AnalysisError(
            f"In the run {calibration.run_id} a request cost {calibration.plain_us:.2f} µs of CPU without rounds and "
            f"{calibration.slowed_us:.2f} µs with {calibration.rounds}: the cost of a round is too small to be "
            f"measured. Give the stack's {VARIABLE} a larger number, or use a quieter host."
        )
    rounds = math.ceil(calibration.plain_us * (1 / wanted - 1) / calibration.us_per_round)
    if rounds > MOST_ROUNDS:
        raise AnalysisError(
            f"A throughput of {wanted:.3f} times the plain one needs {rounds:,} rounds a request, and the API accepts "
            f"{MOST_ROUNDS:,}: the A/A experiments are too noisy. Use a quieter host or more blocks."
        )
    return rounds


def with_rounds(document: str, rounds: int) -> str:
    """The text of a stack document with another number of rounds.

    Raises:
        DocumentError: it doesn't give the number exactly once.
    """
    changed, count = re.subn(rf'^( +{VARIABLE}: )"[0-9]+"$', rf'\g<1>"{rounds}"', document, flags=re.MULTILINE)
    if count != 1:
        raise DocumentError(
            f'The stack document sets {VARIABLE} {count} times to a number in quotes (`{VARIABLE}: "200"`). Set it '
            "once, in the environment of the slowed API."
        )
    return changed


def judge_difference(gate: Gate, cells: Sequence[CellNumbers], *, api_cpus: int) -> Difference:
    """Judge a run's result for a plain build, the gate's base, and a slowed one, its candidate.

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
    """The comparison by a measure; the gate has a single load."""
    [pair] = [finding.pair for finding in gate.findings if finding.measure == measure]
    return pair


def _estimate(compared: PairComparison | TwinComparison, gate: Gate) -> Estimate:
    ratio = compared.ratio
    if ratio is None or ratio.interval_95 is None:
        raise AnalysisError(f"The run {gate.run_id} shows no interval. {compared.reason} Its report has details.")
    return Estimate(ratio=ratio.value, low=ratio.interval_95.low, high=ratio.interval_95.high, blocks=compared.blocks)
