"""The format of numbers and names on every page; units are in the headings."""

from documents.report import Estimate, FailureShare, Interval, Spread
from documents.run import Scenario

MISSING = "\N{EN DASH}"

FACTOR_FROM = 2.0
"""From this ratio on, a factor is easier to read than a percentage: 12 times, not 1,100% more."""


SMALL_BELOW = 0.1
"""Below this ratio, a thousandth would hide how small it is: 0.0004, not 0.000."""


MOST_NAMES = 5
"""In a sentence with more names than these, their number says more."""


def plain(value: float) -> str:
    """A number with three significant digits, at most three decimals, and no digit rounded off before the point.

    For example 0.012, 0.812, 4.07, 43.2 and 12,345.
    """
    for bound, digits in ((0.9995, 3), (9.995, 2), (99.95, 1)):
        if abs(value) < bound:
            return f"{value:.{digits}f}"
    return f"{value:,.0f}"


def ratio_text(ratio: float) -> str:
    """A ratio to a thousandth near 1, because a hundredth is a third of the margin; else to two or three digits."""
    if round(ratio, 3) < SMALL_BELOW:
        return f"{ratio:.2g}"
    return f"{ratio:.3f}" if round(ratio, 3) < FACTOR_FROM else plain(ratio)


def ratio_interval(ends: Interval) -> str:
    """A ratio's interval."""
    return f"{ratio_text(ends.low)} to {ratio_text(ends.high)}"


def interval(estimate: Estimate, per: float = 1) -> str:
    """An estimate's 95% interval, each end divided by `per`; empty without one."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{plain(estimate.low / per)} to {plain(estimate.high / per)}"


def in_brackets(estimate: Estimate, per: float = 1) -> str:
    """The same interval to follow a number in a sentence: `` (95% interval 9 to 15)``; empty without one."""
    ends = interval(estimate, per)
    return f" (95% interval {ends})" if ends else ""


def spread_range(spread: Spread, per: float = 1) -> str:
    """The smallest and the largest value, each divided by `per`; empty for a single one."""
    return f"{plain(spread.least / per)} to {plain(spread.most / per)}" if spread.count > 1 else ""


def percent(value: float) -> str:
    """A measured share as a whole percentage."""
    return f"{value:.0%}"


def exact_percent(share: float) -> str:
    """A share that somebody chose, such as a margin, as a percentage with all its digits: 3%, 2.5%."""
    return f"{100 * share:g}%"


def counted(number: int, noun: str) -> str:
    """A number of things: `1 cell`, `3 cells`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_are(number: int) -> str:
    """The verb of a number of things."""
    return "is" if number == 1 else "are"


def was_were(number: int) -> str:
    """The verb of a number of things, in the past."""
    return "was" if number == 1 else "were"


def has_have(number: int) -> str:
    """The verb *have* of a number of things."""
    return "has" if number == 1 else "have"


def capital(text: str) -> str:
    """Text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


def failure_text(failures: FailureShare) -> str:
    """In how many cells an API failed, with the interval of the share: ``3 of 30 cells (2.1 to 26.5%)``."""
    ends = f"{100 * failures.low:.1f} to {100 * failures.high:.1f}%"
    return f"{failures.failed} of {counted(failures.cells, 'cell')} ({ends})"


def load_text(scenario: Scenario) -> str:
    """A load in words: `light, 10 connections`."""
    return f"{scenario.name}, {scenario.connections} connections"


def listing(names: list[str]) -> str:
    """Names in a sentence: `a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
