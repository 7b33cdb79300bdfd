"""Pairs of turns against two servers."""

import os

import pytest

from benchmarks.pairs import Server, Turn, main, measure, render


def test_a_turn_of_a_minute_or_more_is_read():
    printed = "  6000 requests in 1.00m, 1.2MB read\nRequests/sec:    100.00\n"
    server = Server("http://127.0.0.1:1/", os.getpid())
    [(one, other)] = measure((server, server), ["sh", "-c", f"echo '{printed}'"], 1)
    assert (one.requests_per_second, other.requests_per_second) == (100.0, 100.0)


def test_one_pair_is_refused_because_it_has_no_interval(capsys: pytest.CaptureFixture[str]):
    servers = ["http://127.0.0.1:1/,1", "http://127.0.0.1:2/,2"]
    with pytest.raises(SystemExit) as ended:
        main([*servers, "--pairs", "1"])
    assert ended.value.code == 2
    assert "measure 2 pairs or more" in capsys.readouterr().err


def test_the_ratios_are_those_of_the_pairs_and_not_of_the_medians():
    servers = (Server("http://127.0.0.1:1/", 1), Server("http://127.0.0.1:2/", 2))
    pairs = [(Turn(200, 10), Turn(100, 20)), (Turn(20, 5), Turn(10, 10)), (Turn(2000, 1), Turn(1000, 2))]
    assert render(servers, pairs).splitlines() == [
        "http://127.0.0.1:1/: 200 requests/s, 5.0 µs of CPU each",
        "http://127.0.0.1:2/: 100 requests/s, 10.0 µs of CPU each",
        "first ÷ second, 3 pairs: requests/s 2.000 (2.000 to 2.000), CPU of a request 0.500 (0.500 to 0.500)",
    ]
