"""From cells to verdicts: blocks, void cells, the twin, the family of tests, and reasons for no verdict."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from analysis.statistics.comparison import compare, verdict_text
from analysis.statistics.inference import blocks_to_detect, blocks_to_show_same, holm, power_to_show_same
from documents.errors import AnalysisError
from documents.report.comparison import BlocksNeeded, Measure, PairComparison, TwinComparison
from documents.report.numbers import CellNumbers, Latency, Usage
from tests.unit.analysis.reports import NOISE

LATENCY = Latency(mean_us=1, p50_us=1, p90_us=1, p99_us=1, p999_us=1)


def a_cell(block: int, api: str, throughput: float, *, scenario: str = "light") -> CellNumbers:
    used = Usage(cpu_cores=1, memory_mean_bytes=1, memory_peak_bytes=1, page_cache_mean_bytes=0)
    return CellNumbers(
        cell_id=f"{block:03d}-{api}-{scenario}",
        block=block,
        api=api,
        scenario=scenario,
        requests=1,
        throughput=throughput,
        raw=LATENCY,
        corrected=LATENCY,
        errors=0,
        statuses=None,
        usage={"api": used},
        littles_law=1.0,
        generator_saturation=0.5,
    )


def blocks_of(throughputs: Mapping[str, Sequence[float]], scenario: str = "light") -> list[CellNumbers]:
    """For each API its throughput block by block; NaN where the cell is void."""
    return [
        a_cell(block, api, value, scenario=scenario)
        for api, values in throughputs.items()
        for block, value in enumerate(values, start=1)
        if not math.isnan(value)
    ]


def scattered(ratio: float, noise: Sequence[float] = NOISE, factor: float = 1.0) -> list[float]:
    return [1000 * ratio * math.exp(factor * value) for value in noise]


def compared(cells: Sequence[CellNumbers], apis: Sequence[str] = ("go", "rust"), measure: Measure = "throughput"):
    scenarios = list(dict.fromkeys(cell.scenario for cell in cells)) or ["light"]
    return compare(cells, apis=apis, scenarios=scenarios, measure=measure, margin=0.03)


def the_pair(cells: Sequence[CellNumbers], measure: Measure = "throughput") -> PairComparison:
    (pair,) = compared(cells, measure=measure).pairs
    return pair


def the_twin(cells: Sequence[CellNumbers]) -> TwinComparison:
    (twin,) = compared(cells).twins
    return twin


def test_ratio_is_the_geometric_mean_of_the_blocks_and_what_blocks_share_cancels():
    shared = (1.0, 0.5, 2.0, 1.3, 0.9, 1.1)
    rust = [value * share for value, share in zip(scattered(1.2), shared, strict=True)]
    pair = the_pair(blocks_of({"go": [1000 * share for share in shared], "rust": rust}))
    assert (pair.first, pair.second, pair.blocks) == ("go", "rust", 6)
    assert pair.ratio is not None
    assert pair.ratio.value == pytest.approx(1 / 1.2)
    assert pair.ratio.noise == pytest.approx(np.std(NOISE, ddof=1))
    assert pair.verdict == "better"
    assert pair.better == "rust"
    assert verdict_text(pair, "throughput") == "rust faster"


@pytest.mark.parametrize(
    ("go", "failed", "verdict", "better"),
    [
        (1000, (), "same", None),
        (1000, ("go",), "cannot-tell", None),
        (1000, ("rust",), "cannot-tell", None),
        (1200, ("rust",), "better", "go"),
        (1200, ("go",), "cannot-tell", None),
        (800, ("go",), "better", "rust"),
        (800, ("go", "rust"), "cannot-tell", None),
    ],
)
def test_an_api_that_failed_may_be_the_worse_one_and_nothing_else(
    go: float, failed: tuple[str, ...], verdict: str, better: str | None
):
    """What it failed in is missing from the ratio."""
    cells = blocks_of({"go": [go] * 6, "rust": scattered(1.0, factor=0.1)})
    places = [(api, "light") for api in failed]
    found = compare(cells, apis=("go", "rust"), scenarios=["light"], measure="throughput", margin=0.03, failed=places)
    [pair] = found.pairs
    assert (pair.verdict, pair.better, pair.failed) == (verdict, better, failed)
    assert pair.ratio is not None


def test_a_failure_under_another_load_leaves_the_verdict():
    cells = blocks_of({"go": [1000] * 6, "rust": scattered(1.0, factor=0.1)})
    found = compare(
        cells,
        apis=("go", "rust"),
        scenarios=["light"],
        measure="throughput",
        margin=0.03,
        failed=[("go", "heavy"), ("zig", "light")],
    )
    assert [pair.verdict for pair in found.pairs] == ["same"]


def test_neither_found_nor_excluded_is_cannot_tell_with_the_blocks_that_would():
    pair = the_pair(blocks_of({"go": [1000] * 6, "rust": scattered(1.04, factor=6)}))
    assert (pair.verdict, pair.better, pair.reason) == ("cannot-tell", None, None)
    assert verdict_text(pair, "throughput") == "can't tell"
    noise = 6 * float(np.std(NOISE, ddof=1))
    # The interval of a standard deviation of six values has chi-square's 10 and 90% with five degrees of freedom.
    low, high = (noise * math.sqrt(5 / chi_square) for chi_square in (9.236, 1.610))
    assert pair.blocks_to_detect is not None
    assert pair.blocks_to_show_same is not None
    assert pair.blocks_to_detect == BlocksNeeded(
        blocks=blocks_to_detect(math.log(1.04), noise, significance=0.05),
        low=blocks_to_detect(math.log(1.04), low, significance=0.05),
        high=blocks_to_detect(math.log(1.04), high, significance=0.05),
    )
    assert pair.blocks_to_show_same == BlocksNeeded(
        blocks=blocks_to_show_same(noise, margin=0.03),
        low=blocks_to_show_same(low, margin=0.03),
        high=blocks_to_show_same(high, margin=0.03),
    )
    assert min(pair.blocks_to_detect.low or 0, pair.blocks_to_show_same.low or 0) > 6


def test_a_difference_must_be_significant_after_holms_correction_for_all_pairs_and_loads():
    """By itself the difference has p = 0.01. Under five loads with nothing else to find, it isn't enough."""
    rust = scattered(1.062, factor=4)
    alone = compared(blocks_of({"go": [1000] * 6, "rust": rust}))
    assert alone.pairs[0].p_adjusted == alone.pairs[0].p_value
    assert alone.pairs[0].p_value == pytest.approx(0.02, abs=0.015)
    assert alone.pairs[0].verdict == "better"
    others = [
        cell
        for load in ("a", "b", "c", "d")
        for cell in blocks_of({"go": [1000] * 6, "rust": scattered(1.0, factor=4)}, scenario=load)
    ]
    among = compared([*blocks_of({"go": [1000] * 6, "rust": rust}), *others])
    assert among.tests == 5
    assert [pair.p_adjusted for pair in among.pairs] == pytest.approx(
        holm(np.array([pair.p_value for pair in among.pairs], dtype=np.float64))
    )
    assert among.pairs[0].verdict == "cannot-tell"
    found, interval = among.pairs[0].ratio, among.pairs[0].interval
    assert found is not None
    assert found.interval_95 is not None
    assert interval is not None
    assert found.interval_95.high < 1 < interval.high, "the interval agrees with the verdict"
    assert alone.pairs[0].interval == (alone.pairs[0].ratio and alone.pairs[0].ratio.interval_95)
    assert among.pairs[0].blocks_to_detect is not None
    assert among.pairs[0].blocks_to_detect.blocks == blocks_to_detect(
        math.log(1.062), 4 * float(np.std(NOISE, ddof=1)), significance=0.05 / 5
    )


@pytest.mark.parametrize(("blocks", "verdict"), [(4, "cannot-tell"), (5, "same")])
def test_fewer_than_five_blocks_never_show_the_same(blocks: int, verdict: str):
    """A significant difference within the margin is no verdict either: it is known to be small."""
    for rust in ([1000.0] * blocks, scattered(1.01, NOISE[:blocks], factor=0.01)):
        pair = the_pair(blocks_of({"go": [1000] * blocks, "rust": rust}))
        assert pair.p_equivalence is not None
        assert pair.p_equivalence < 0.05
        assert (pair.verdict, pair.better) == (verdict, None)
    assert pair.p_adjusted is not None
    assert pair.p_adjusted < 0.05
    assert (pair.blocks_to_show_same and pair.blocks_to_show_same.blocks) == (5 if blocks < 5 else None)


# Void cells


def test_a_block_with_a_void_cell_counts_for_the_pairs_that_it_has():
    cells = blocks_of(
        {"go": [1000] * 6, "rust": [math.nan, *scattered(1)[1:]], "zig": [*scattered(1)[:4], math.nan, math.nan]}
    )
    found = compared(cells, ("go", "rust", "zig"))
    assert [(pair.first, pair.second, pair.blocks) for pair in found.pairs] == [
        ("go", "rust", 5),
        ("go", "zig", 4),
        ("rust", "zig", 3),
    ]
    without_block_1 = [cell for cell in cells if cell.block > 1 and cell.api != "zig"]
    assert found.pairs[0].ratio == the_pair(without_block_1).ratio


@pytest.mark.parametrize(
    ("rust", "blocks", "reason"),
    [
        ([math.nan] * 2, 0, "No block has valid cells of both go and rust; an interval needs 2 blocks."),
        ([1300, math.nan], 1, "One block alone has valid cells of both go and rust; an interval needs 2 blocks."),
    ],
)
def test_too_few_blocks_are_cannot_tell_with_a_reason(rust: list[float], blocks: int, reason: str):
    pair = the_pair(blocks_of({"go": [1000, 1000], "rust": rust}))
    assert (pair.verdict, pair.blocks, pair.reason) == ("cannot-tell", blocks, reason)
    assert (pair.p_value, pair.p_adjusted, pair.p_equivalence) == (None, None, None)
    assert (pair.blocks_to_detect, pair.blocks_to_show_same) == (None, None)
    if blocks == 1:
        assert pair.ratio is not None
        assert pair.ratio.value == pytest.approx(1 / 1.3)
        assert (pair.ratio.interval_95, pair.ratio.interval_90, pair.ratio.noise) == (None, None, None)
    else:
        assert pair.ratio is None


def test_a_pair_that_failed_makes_no_other_test_easier():
    full = {"go": [1000.0] * 6, "rust": scattered(1.2), "zig": scattered(1.4)}
    failed = {**full, "zig": [math.nan] * 6}
    apis = ("go", "rust", "zig")
    assert compared(blocks_of(failed), apis).tests == 3
    pair = compared(blocks_of(failed), apis).pairs[0]
    assert pair.p_value is not None
    assert pair.p_adjusted == pytest.approx(3 * pair.p_value)


# The twin


def twins_of(first: Sequence[float], second: Sequence[float]) -> list[CellNumbers]:
    """Blocks that begin with one cell of the twin and end with the other; Go and Rust are it in turn."""
    return [
        cell
        for block, (one, other) in enumerate(zip(first, second, strict=True), start=1)
        for twin, single in [("go", "rust") if block % 2 else ("rust", "go")]
        for cell in (a_cell(block, twin, one), a_cell(block, single, 1000), a_cell(block, twin, other))
    ]


def test_the_twins_value_is_the_geometric_mean_of_its_cells():
    pair = the_pair(twins_of([900, 1000], [1600, 1000]))
    assert pair.ratio is not None
    assert pair.ratio.value == pytest.approx(math.exp((math.log(1.2) + 0) / 2))


def test_a_twin_with_a_void_cell_counts_by_the_other_and_gives_no_a_a_ratio():
    cells = twins_of([1000] * 4, [1000] * 4)
    cells.remove(a_cell(1, "go", 1000))
    assert the_pair(cells).blocks == 4
    assert the_twin(cells).blocks == 3


def test_the_twins_noise_says_how_often_equal_apis_are_shown_to_be_the_same():
    twin = the_twin(twins_of([1000] * 6, scattered(1)))
    assert (twin.blocks, twin.excludes_one, twin.reason) == (6, False, None)
    noise = float(np.std(NOISE, ddof=1))
    assert twin.power_to_show_same == pytest.approx(power_to_show_same(0, noise, 6, margin=0.03))
    assert 0.9 < (twin.power_to_show_same or 0) < 1
    assert twin.ratio is not None
    assert twin.ratio.value == pytest.approx(1)


def test_later_cells_that_are_slower_warn_of_the_method():
    twin = the_twin(twins_of([1000] * 6, scattered(0.95)))
    assert twin.excludes_one
    assert twin.ratio is not None
    assert twin.ratio.value == pytest.approx(0.95), "the later cell over the earlier one"


# Latency


def test_the_deviation_of_a_latency_is_a_microsecond_or_more():
    """Two blocks have 20 and 21 µs, as whole numbers often do; that isn't a certain difference of 5%."""

    def cells(go: int, rust: int) -> list[CellNumbers]:
        found = [(block, *one) for block in (1, 2) for one in (("go", go), ("rust", rust))]
        return [
            a_cell(block, api, 1000).model_copy(update={"raw": LATENCY.model_copy(update={"p50_us": value})})
            for block, api, value in found
        ]

    pair = the_pair(cells(20, 21), "p50")
    assert (pair.verdict, pair.p_value) == ("cannot-tell", pytest.approx(0.39, abs=0.01))
    assert pair.ratio is not None
    assert pair.ratio.noise == pytest.approx(math.log(21 / 20))
    assert the_pair(cells(20_000, 21_000), "p50").verdict == "better"


def test_what_has_no_ratio_is_refused():
    with pytest.raises(AnalysisError, match="The throughput of the cell 002-go-light isn't above 0"):
        compared([a_cell(1, "go", 1000), a_cell(2, "go", 0)])
