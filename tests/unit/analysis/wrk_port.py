"""What wrk 4.1.0 does to its latencies, line for line from src/stats.c and src/wrk.c; our measure."""

from decimal import ROUND_HALF_UP, Decimal


def interval_of(elapsed_us: int, requests: int, connections: int) -> int | None:
    """`interval` in wrk.c: None where wrk doesn't correct."""
    return elapsed_us // (requests // connections) if requests // connections > 0 else None


def stats_correct(data: list[int], expected: int) -> list[int]:
    """`stats_correct` in stats.c on a copy of `data`, whose last entry is that of the maximum."""
    data = list(data)
    n = expected * 2
    while n < len(data):
        count = data[n]
        m = n - expected
        while count and m > expected:
            data[m] += count
            m -= expected
        n += 1
    return data


def stats_percentile(pairs: list[tuple[int, int]], percent: Decimal) -> int:
    """`stats_percentile` in stats.c, with exact instead of extended-precision arithmetic; round() goes away from 0."""
    count = sum(number for _, number in pairs)
    rank = int((percent / 100 * count + Decimal("0.5")).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    total = 0
    for value, number in pairs:
        total += number
        if total >= rank:
            return value
    return 0


def to_dense(pairs: list[tuple[int, int]]) -> list[int]:
    """Pairs of (latency, count) as wrk's array."""
    data = [0] * (max((value for value, _ in pairs), default=-1) + 1)
    for value, count in pairs:
        data[value] += count
    return data


def to_pairs(data: list[int]) -> list[tuple[int, int]]:
    """wrk's array as pairs of (latency, count)."""
    return [(value, count) for value, count in enumerate(data) if count]
