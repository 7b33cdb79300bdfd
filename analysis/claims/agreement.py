"""A measured interval against a published value.

The article gives its numbers to two or three digits, and no interval. So each stands for a band, the value within 5%,
and a claim has one of three ends:

- the whole 95% interval lies in the band: *reproduced*;
- the whole interval lies outside: *contradicted*;
- it reaches over an edge, or there is none: *can't tell*.

It isn't enough for *reproduced* that the interval meets the band. A wide interval meets everything, and noise would
reproduce the article best on the worst host. That is the reasoning of the equivalence test (Schuirmann 1987, Journal of
Pharmacokinetics and Biopharmaceutics 15:657), with the 95% interval in place of its 90% one: a true value outside of
the band is called reproduced in 2.5% of the runs at most, and one inside of it contradicted in 5% at most.

The band is on the log scale, as the margin of a comparison is: from 1 / 1.05 to 1.05 of the value. So it doesn't matter
which of two APIs a ratio has above the line.

Why 5%: rounding moves a number of the article by up to 1.7%, and the ratio of two by twice that. The nearest two of its
throughputs differ by 9%: with a band of 10%, two equal ones would lie in the band of that ratio.
"""

from documents.claims import ClaimOutcome
from documents.comparison import Interval

TOLERANCE = 0.05


def band(published: float) -> Interval:
    """What counts as the published value: it, divided and multiplied by 1.05."""
    return Interval(low=published / (1 + TOLERANCE), high=published * (1 + TOLERANCE))


def agreement(published: float, measured: Interval | None) -> ClaimOutcome:
    """Judge an interval of a positive quantity, None where there is none, against the published value."""
    if measured is None:
        return "cannot-tell"
    allowed = band(published)
    if allowed.low <= measured.low and measured.high <= allowed.high:
        return "reproduced"
    if measured.high < allowed.low or allowed.high < measured.low:
        return "contradicted"
    return "cannot-tell"


def place_text(outcome: ClaimOutcome, published: str) -> str:
    """Where the interval lies, as the end of a sentence; `published` is the value in words."""
    around = f"within {TOLERANCE:.0%} of the article's {published}"
    return {
        "reproduced": f"all of it {around}",
        "contradicted": f"none of it {around}",
        "cannot-tell": f"only a part of it {around}",
        "not-comparable": "",
    }[outcome]
