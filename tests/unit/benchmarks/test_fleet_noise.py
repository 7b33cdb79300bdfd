"""What the simulated hosts are made of: the cells are those of the evidence, and their noise is told rightly."""

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from analysis.statistics.intervals import CONFIDENCE, over_blocks
from analysis.statistics.simulation import World, measure_world
from benchmarks.fleet_noise import MEASURED, PLACES, components_of, measured_components
from benchmarks.simulation import williams_orders
from tests.conftest import ROOT


def test_the_cells_are_those_of_the_evidence():
    """Its page has the ratio of both builds and of the twin, with their intervals, for each of the two runs."""
    page = (ROOT / "docs" / "evidence" / "known-difference.md").read_text(encoding="utf-8")
    for run, cells in MEASURED.items():
        told = page[page.index(f"run {run}, 10 blocks") :]
        shown = [re.search(rf"{row} +(\S+ \(\S+ to \S+\))", told) for row in (r"/ plain", "the twin, later / earlier")]
        blocks = [cells[first : first + PLACES] for first in range(0, len(cells), PLACES)]
        ratios, twins = list[float](), list[float]()
        for block in blocks:
            logs = [(build == "plain", math.log(rate)) for build, rate in block]
            mean = {plain: np.mean([log for own, log in logs if own is plain]) for plain in (True, False)}
            ratios.append(float(mean[False] - mean[True]))
            [twin] = [(one, two) for (a, one), (b, two) in [*pairwise(logs), (logs[0], logs[2])] if a is b]
            twins.append(twin[1] - twin[0])
        for found, match in zip((ratios, twins), shown, strict=True):
            means = over_blocks(np.array(found))
            ends = [float(means.mean + side * means.half_width(CONFIDENCE)) for side in (0, -1, 1)]
            value, low, high = map(math.exp, ends)
            assert match is not None
            assert match[1] == f"{value:.3f} ({low:.3f} to {high:.3f})"


@pytest.mark.parametrize(("cell", "block", "walk"), [(0.02, 0.013, 0.01), (0.02, 0.0, 0.02), (0.01, 0.03, 0.0)])
def test_components_of_simulated_cells_are_those_that_were_put_in(cell: float, block: float, walk: float):
    """In many runs; one of ten blocks knows them badly."""
    world = World(levels=(0.0, 0.3), cell_noise=cell, block_noise=block, walk=walk)
    orders = np.array([loads[:1] for loads in williams_orders(2, 600, 10, seed=3)], dtype=np.intp)
    logs = measure_world(world, orders, np.random.default_rng(4))
    found = components_of([*logs.reshape(600, -1)], [*(orders.reshape(600, -1) == 1)])
    assert found.cell == pytest.approx(cell, rel=0.05)
    assert found.block == pytest.approx(block, abs=0.002)
    assert found.walk == pytest.approx(walk, abs=0.002)


def test_no_level_of_a_build_is_in_the_noise():
    measured = [np.array([math.log(rate) for _, rate in cells]) for cells in MEASURED.values()]
    others = [np.array([build != "plain" for build, _ in cells]) for cells in MEASURED.values()]
    moved = [logs + 3 + 0.5 * of for logs, of in zip(measured, others, strict=True)]
    assert components_of(moved, others).walk == pytest.approx(measured_components().walk)
    assert components_of(moved, others).cell == pytest.approx(measured_components().cell)
