"""Ranks as ranges: how well and how badly an API may stand, given what is known.

A list from 1 to 4 would claim an order of any two. Neighbours in it are often "the same" or undecided, and neither
passes on: A may be the same as B, B the same as C, and A better than C. So an API's best rank is 1 more than the number
of those that are better than it, and its worst is the number of all less those that it is better than: "1 to 2".

If each of these orderings holds, each true rank lies in its range; Holm's correction keeps the probability that one of
them doesn't hold at 5% (Al Mohamad, Goeman and van Zwet 2022, "Simultaneous confidence intervals for ranks with
application to ranking institutions", Biometrics 78:238, who count in the same way after another test of all pairs).
"""

from collections.abc import Collection, Sequence

from documents.comparison import RankRange


def rank_ranges(apis: Sequence[str], better_than: Collection[tuple[str, str]]) -> tuple[RankRange, ...]:
    """Each API's best and worst possible rank; the best first, by name where two have the same range.

    What follows is used as well: if A is better than B and B better than C, A is better than C, though the test of
    A against C alone may not have found it. Void cells can make pairs rest on different blocks and contradict each
    other (A better than B, B than C, C than A); APIs in such a circle aren't ordered among themselves.

    Args:
        apis: all names.
        better_than: pairs of a better API and a worse one.
    """
    reached = {api: _reached(api, better_than) for api in apis}
    above = {api: {other for other in apis if api in reached[other] and other not in reached[api]} for api in apis}
    below = {api: {other for other in apis if api in above[other]} for api in apis}
    ranges = [RankRange(api=api, best=1 + len(above[api]), worst=len(apis) - len(below[api])) for api in apis]
    return tuple(sorted(ranges, key=lambda rank: (rank.best, rank.worst, rank.api)))


def _reached(start: str, better_than: Collection[tuple[str, str]]) -> set[str]:
    """All that are worse than `start`, directly or by way of others."""
    reached: set[str] = set()
    unseen = [start]
    while unseen:
        current = unseen.pop()
        new = {worse for better, worse in better_than if better == current} - reached
        reached |= new
        unseen += new
    return reached
