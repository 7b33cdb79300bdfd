"""Pairs of turns against two servers."""

from benchmarks.pairs import Server, Turn, render


def test_the_ratios_are_those_of_the_pairs_and_not_of_the_medians():
    servers = (Server("http://127.0.0.1:1/", 1), Server("http://127.0.0.1:2/", 2))
    pairs = [(Turn(200, 10), Turn(100, 20)), (Turn(20, 5), Turn(10, 10)), (Turn(2000, 1), Turn(1000, 2))]
    assert render(servers, pairs).splitlines() == [
        "http://127.0.0.1:1/: 200 requests/s, 5.0 µs of CPU each",
        "http://127.0.0.1:2/: 100 requests/s, 10.0 µs of CPU each",
        "first ÷ second, 3 pairs: requests/s 2.000 (2.000 to 2.000), CPU of a request 0.500 (0.500 to 0.500)",
    ]
