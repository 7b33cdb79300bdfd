"""The process: its log, its signals, its threads, its uploads, and what it does without its services."""

import re
from collections import Counter
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from apis.contract.checks import Target
from apis.contract.checks.answers import Health, Readiness
from apis.contract.checks.expect import expect_json, expect_problem
from apis.contract.checks.problems import UNAVAILABLE
from tests.contract.instances import Launcher
from tests.contract.observed import PLANTED, Observed, log_of, observe

MISSING_FILE = r"(?i)no such file|NoSuchFileException|FileNotFound"
"""How the languages say it: the operating system's words, Java's exception, Zig's error."""


@pytest.fixture(scope="module")
def observed(launcher: Launcher, target: Target) -> Observed:
    return observe(launcher, target)


def times(lines: list[dict[str, Any]], level: str) -> list[float]:
    return sorted(datetime.fromisoformat(line["time"]).timestamp() for line in lines if line["level"] == level)


def test_each_line_of_the_log_is_an_object_with_time_level_and_message(observed: Observed):
    lines = observed.thorough.log + observed.terse.log + log_of(observed.alone.stdout)
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3,9}Z", line["time"])
        assert line["level"] in {"error", "warn", "info"}
        assert isinstance(line["message"], str)
    assert len(lines) > 20


def test_at_info_each_request_leaves_one_line(observed: Observed):
    lines = [line for line in observed.thorough.log if line["message"] == "request"]
    seen = [(line["method"], line["path"], line["status"]) for line in lines]
    logins = [entry for entry in seen if entry == ("POST", "/api/auth/login", 401)]
    told = [entry for entry in seen if entry not in logins]
    wanted = [entry for entry in observed.requests if entry != ("POST", "/api/auth/login", 401)]
    assert Counter(entry for entry in told if entry != ("GET", "/healthz", 200)) == Counter(
        entry for entry in wanted if entry != ("GET", "/healthz", 200)
    )
    assert len(logins) > 24
    for line in lines:
        assert line["level"] == "info"
        assert type(line["duration_ms"]) in {int, float}
        assert line["duration_ms"] >= 0


def test_at_warn_only_a_request_that_failed_leaves_a_line(observed: Observed):
    # A warning that Redis was slow is no request's.
    lines = [line for line in observed.terse.log if line["level"] != "warn"]
    assert [line["level"] for line in lines] == ["error"]
    assert re.search(MISSING_FILE, str(lines[0])), "the cause isn't told"


def test_nothing_secret_is_ever_logged(observed: Observed):
    for ended in (observed.thorough.ended, observed.terse.ended, observed.alone):
        written = ended.stdout + ended.stderr
        for what, secret in (observed.secrets | {"the password of a service that is away": PLANTED}).items():
            assert len(secret) > 7
            assert secret not in written, f"the log has {what}"
        assert "$argon2id$" not in written
        assert not re.search(r"eyJ[\w-]+\.eyJ", written)


def test_nothing_is_written_to_standard_error(observed: Observed):
    assert (observed.thorough.ended.stderr, observed.terse.ended.stderr, observed.alone.stderr) == ("", "", "")


def test_without_services_it_starts_and_answers_what_needs_none(observed: Observed):
    for path, answer, seconds in observed.outage:
        assert seconds < 3.5, path
        if path == "/healthz":
            expect_json(answer, 200, Health)
        elif path == "/readyz":
            expect_json(answer, 503, Readiness)
            assert answer.body == b'{"postgres":"down","redis":"down"}'
        else:
            expect_problem(answer, UNAVAILABLE)
    assert len({path for path, _, _ in observed.outage}) == 6
    assert observed.alone.exit_code == 0


def test_readiness_that_is_refused_leaves_a_line_with_the_cause(observed: Observed):
    assert observed.unready, "nothing was logged"
    for line in observed.unready:
        assert [name for name in line if name not in {"time", "level", "message"} and line[name]], line


@pytest.mark.parametrize("level", ["error", "warn"])
def test_an_outage_is_logged_at_most_once_a_second(observed: Observed, level: str):
    seen = times(log_of(observed.alone.stdout), level)
    assert seen, "nothing was logged"
    gaps = [later - earlier for earlier, later in pairwise(seen)]
    assert all(gap > 0.95 for gap in gaps), gaps


def test_a_signal_closes_idle_connections_and_refuses_new_ones(observed: Observed):
    for ending in (observed.thorough, observed.terse):
        assert ending.idle_closed
        assert ending.refuses


def test_what_is_in_flight_at_sigterm_is_finished(observed: Observed):
    ending = observed.thorough
    assert ending.answer is not None
    assert ending.answer.status == 200
    assert ending.ended.exit_code == 0
    assert ending.seconds < 8


def test_what_is_not_finished_ten_seconds_after_a_signal_is_cut_off(observed: Observed):
    ending = observed.terse
    assert ending.answer is None
    assert ending.ended.exit_code == 0
    assert 9 < ending.seconds < 14


def test_one_hash_is_computed_at_a_time_for_each_cpu_of_the_mask(observed: Observed):
    assert observed.runnable
    for cpus, runnable in observed.runnable.items():
        assert runnable == cpus


def test_an_upload_that_stops_leaves_nothing(observed: Observed):
    assert observed.left == set()


def test_only_uploads_with_a_row_have_content(observed: Observed):
    assert len(observed.stored) == 2
    assert observed.uploads == observed.stored
    for name in observed.uploads:
        assert re.fullmatch(r"[0-9a-f]{32}", name)
