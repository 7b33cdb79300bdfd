"""The noise of one host, estimated from measured cells: the simulated hosts have it.

The cells are those of two runs of ten blocks from docs/evidence/known-difference.md: Go's `read-post` on one quiet
machine of two cores. The log of a cell's throughput is modelled as

    level of the API + disturbance of its block + a random walk at its moment + noise of the cell,

which is `benchmarks.simulated_world.World`. The method of moments estimates the three variances: it makes the
expected values of three sums of squares equal to the measured ones (Searle, Casella and McCulloch 1992, "Variance
components"). Two runs give imprecise estimates. They say nothing about how two hosts differ: no two of one kind were
ever measured.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

MEASURED_PLACES = 3
"""Cells of a block: two builds, and one of them a second time."""

_Cells = tuple[tuple[str, int], ...]
"""Each cell's build and its requests a second, in the order in which they were measured."""


def _cells(builds: str, throughputs: str) -> _Cells:
    return tuple(zip(builds.split(), map(int, throughputs.split()), strict=True))


MEASURED: dict[str, _Cells] = {
    "20261127-005430-known-difference": _cells(
        "again plain plain plain again again plain again plain again plain again plain again plain "
        "again again plain again plain plain plain again again plain plain again again again plain",
        "28622 28085 28899 28529 29334 28369 28469 29326 29001 28412 29104 29319 29304 31098 30200 "
        "29401 29922 29367 30480 31125 30085 30432 30006 30557 30889 31460 31698 31255 29722 29896",
    ),
    "20261127-010400-known-difference": _cells(
        "slowed plain plain plain slowed slowed slowed plain plain slowed plain slowed plain slowed plain "
        "plain slowed slowed plain plain slowed plain slowed slowed plain plain slowed slowed slowed plain",
        "28475 31147 30061 30111 28344 28904 29455 29245 29681 29203 31173 29221 30962 29336 28904 "
        "30340 29110 28386 29849 31292 30553 31860 31327 30851 31298 29547 29087 28467 27682 29988",
    ),
}
"""By the run's id."""


@dataclass(frozen=True)
class Components:
    """Standard deviations on the log scale: of a cell, of a block, and of the random walk's step between cells."""

    cell: float
    block: float
    walk: float


def measured_components() -> Components:
    """The components of the host that was measured."""
    return components_of([_logs(cells) for cells in MEASURED.values()], [_others(cells) for cells in MEASURED.values()])


def components_of(logs: Sequence[NDArray[np.float64]], others: Sequence[NDArray[np.bool_]]) -> Components:
    """Estimate the components of a host from runs of two builds on it; a negative variance is set to 0.

    Args:
        logs: for each run, the logs of its cells' throughputs, in the order in which they were measured.
        others: for each run, which cells are not of the plain build.
    """
    moments = [_moments(*run) for run in zip(logs, others, strict=True)]
    expected = [_expected_moments(of_run) for of_run in others]
    variances = np.linalg.solve(_mean(expected), _mean(moments))
    cell, block, walk = map(math.sqrt, np.maximum(variances, 0.0))
    return Components(cell=cell, block=block, walk=walk)


def measured_level() -> float:
    """The geometric mean of the plain build's throughput over both runs, in requests a second."""
    plain = [rate for build, rate in chain.from_iterable(MEASURED.values()) if build == "plain"]
    return math.exp(float(np.mean(np.log(plain))))


def _mean(arrays: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.asarray(np.mean(np.stack(arrays), axis=0))


def _logs(cells: _Cells) -> NDArray[np.float64]:
    return np.array([math.log(rate) for _, rate in cells])


def _others(cells: _Cells) -> NDArray[np.bool_]:
    return np.array([build != "plain" for build, _ in cells])


def _squares(others: NDArray[np.bool_]) -> tuple[NDArray[np.float64], ...]:
    """The matrices Q of three sums of squares y'Qy, none of which depends on the level of a build.

    They are the residuals within blocks, the differences of neighbouring blocks, and the scatter of all blocks.
    """
    cells = len(others)
    blocks = np.kron(np.eye(cells // MEASURED_PLACES), np.ones((MEASURED_PLACES, 1)))
    least_squares = np.linalg.pinv(np.column_stack([blocks, others]))
    within = np.eye(cells) - np.column_stack([blocks, others]) @ least_squares
    # The effects of the blocks, estimated by least squares together with the build's.
    effects = least_squares[:-1]
    steps = np.diff(effects, axis=0)
    centred = effects - effects.mean(axis=0)
    return (
        within / np.trace(within),
        steps.T @ steps / len(steps),
        centred.T @ centred / (len(effects) - 1),
    )


def _moments(logs: NDArray[np.float64], others: NDArray[np.bool_]) -> NDArray[np.float64]:
    return np.array([logs @ square @ logs for square in _squares(others)])


def _expected_moments(others: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The expected value of each sum of squares for each variance of 1: the trace of Q times the covariance."""
    cells = len(others)
    moment = np.arange(1, cells + 1)
    covariances = (
        np.eye(cells),
        np.kron(np.eye(cells // MEASURED_PLACES), np.ones((MEASURED_PLACES, MEASURED_PLACES))),
        np.minimum.outer(moment, moment),
    )
    return np.array([[np.trace(square @ covariance) for covariance in covariances] for square in _squares(others)])
