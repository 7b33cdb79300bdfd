"""The A/A twin: what difference the host and the method make where there is none.

In each block one API is measured twice, each in turn. The log ratio of its later cell to its earlier one has two things
to say. Its noise is that of any two cells of this host: where the interval can't get narrower than the margin, no two
APIs can be shown to be the same with so many blocks, and the margin isn't widened for that (a margin taken from a noisy
A/A would make "same" easier on a worse host). And its mean is 0, unless a cell's place in the block matters: an
interval that excludes a ratio of 1 warns of the method, though chance alone makes one of twenty do so.
"""

import numpy as np

from analysis.statistics.block_ratios import BlockLogs, ratio_of, too_few
from analysis.statistics.equivalence import EQUIVALENCE_CONFIDENCE, log_margin
from analysis.statistics.intervals import CONFIDENCE, over_blocks
from analysis.statistics.power import LEAST_BLOCKS
from documents.comparison import TwinComparison


def compare_twin(scenario: str, logs: BlockLogs, *, margin: float) -> TwinComparison:
    """Compare the later cell of the API that a block measured twice with its earlier one, over all blocks.

    The APIs are pooled: each is the twin in too few blocks for an interval of its own. The interval is Student's for
    the mean over blocks, as for two APIs (NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2).

    Args:
        scenario: the load's name.
        logs: what was measured under it.
        margin: what counts as no difference, as a share: 0.03 for ratios from 1/1.03 to 1.03.
    """
    log_ratios = [
        values[1] - values[0] for _, by_api in sorted(logs.items()) for values in by_api.values() if len(values) == 2
    ]
    means = over_blocks(np.array(log_ratios)) if len(log_ratios) >= LEAST_BLOCKS else None
    return TwinComparison(
        scenario=scenario,
        blocks=len(log_ratios),
        ratio=ratio_of(log_ratios, means),
        resolves_margin=means and bool(means.half_width(EQUIVALENCE_CONFIDENCE) < log_margin(margin)),
        excludes_one=means and bool(abs(means.mean) > means.half_width(CONFIDENCE)),
        reason=None if means else too_few(len(log_ratios), "both cells of its twin"),
    )
