"""Claims that facts about building answer: sizes, times against limits, and which is longest."""

from dataclasses import replace

import pytest

from analysis.claims.lines import CLAIMS
from tests.unit.analysis.claims_builder import NOTHING, SMALL, outcome_of, spread, with_facts

FOUR: dict[str, dict[str, object]] = {
    "kotlin": {"clean_build_seconds": spread(15, 16, 17)},
    "go": {"clean_build_seconds": spread(40, 41, 42)},
    "rust": {"clean_build_seconds": spread(240, 250, 260)},
    "zig": {"clean_build_seconds": spread(13, 13.5, 14)},
}


@pytest.mark.parametrize(
    ("size", "outcome", "why"),
    [
        (285_000, "reproduced", "The binary of zig has 285,000 bytes, fewer than 1,000,000."),
        (999_999, "reproduced", "The binary of zig has 999,999 bytes, fewer than 1,000,000."),
        (1_000_000, "cannot-tell", "under 1 MB if that is 1,048,576 bytes, and not if 1,000,000."),
        (1_048_576, "contradicted", "The binary of zig has 1,048,576 bytes, not fewer than 1,048,576."),
    ],
)
def test_a_binary_is_under_1_mb_whichever_is_meant(size: int, outcome: str, why: str):
    found = outcome_of(with_facts(zig={"binary_bytes": size, "build_cpus": 2}), "binary-size", "zig-under-1-mb")
    assert found.outcome == outcome
    assert found.why.endswith(why)


def test_facts_that_were_not_measured_are_not_comparable_and_name_the_command():
    for line in ("binary-size", "start-up", "compiling"):
        for claim in CLAIMS[line]:
            outcome, why = claim.judge(NOTHING)
            assert outcome == "not-comparable"
            assert "“lab facts” measures what is missing." in why
    outcome, why = outcome_of(with_facts(rust={}), "compiling", "order-rust-go")
    assert (outcome, why) == ("not-comparable", "Not measured: go; “lab facts” measures what is missing.")


@pytest.mark.parametrize(
    ("name", "times", "outcome"),
    [
        ("go-at-once", (0.024, 0.030, 0.1), "reproduced"),
        ("go-at-once", (0.09, 0.095, 0.11), "cannot-tell"),
        ("go-at-once", (0.11, 0.12, 0.13), "contradicted"),
        ("go-at-once", (0.02,), "cannot-tell"),
        ("jvm-noticeable", (1.8, 1.9, 2.4), "reproduced"),
        ("jvm-noticeable", (0.09, 0.2, 0.3), "cannot-tell"),
        ("jvm-noticeable", (0.05, 0.06, 0.07), "contradicted"),
    ],
)
def test_a_start_is_at_once_or_noticeable(name: str, times: tuple[float, ...], outcome: str):
    api = "go" if name.startswith("go") else "kotlin"
    found = outcome_of(with_facts(**{api: {"first_answer_seconds": spread(*times)}}), "start-up", name)
    assert found.outcome == outcome


def test_fewer_cpus_than_the_article_s_say_nothing_of_a_long_time_and_all_the_more_of_a_short_one():
    few: dict[str, object] = {"build_cpus": 2}
    found = outcome_of(with_facts(go=few), "compiling", "go-nearly-at-once")
    assert found.outcome == "not-comparable"
    assert found.why.endswith(
        "beyond 10.0 s, but in a lab of 2 CPUs instead of the article's 8, where it would take less time."
    )
    assert outcome_of(with_facts(go=few), "compiling", "go-nearly-at-once-again").outcome == "reproduced"
    slow = few | FOUR["rust"]
    assert outcome_of(with_facts(rust=slow), "compiling", "rust-slowly").outcome == "not-comparable"
    quick = few | {"clean_build_seconds": spread(4, 5, 6)}
    assert outcome_of(with_facts(rust=quick), "compiling", "rust-slowly").outcome == "contradicted"
    assert outcome_of(with_facts(rust=FOUR["rust"]), "compiling", "rust-slowly").outcome == "reproduced"


@pytest.mark.parametrize(
    ("rust", "go", "outcome"),
    [
        ((240, 250, 260), (40, 41, 42), "reproduced"),
        ((40, 41, 42), (240, 250, 260), "contradicted"),
        ((40, 41, 43), (42, 44, 45), "cannot-tell"),
        ((40, 41, 42), (42, 43, 44), "cannot-tell"),
        ((240,), (40,), "cannot-tell"),
        ((240, 250), (40, 41), "cannot-tell"),
        ((240, 250), (39, 40, 41), "cannot-tell"),
        ((240, 250), (37, 38, 39, 40, 41), "reproduced"),
    ],
)
def test_a_build_is_longer_where_all_its_times_are(rust: tuple[float, ...], go: tuple[float, ...], outcome: str):
    evidence = with_facts(rust={"clean_build_seconds": spread(*rust)}, go={"clean_build_seconds": spread(*go)})
    assert outcome_of(evidence, "compiling", "order-rust-go").outcome == outcome


def test_the_longest_of_four_is_longer_than_each_on_any_host():
    evidence = replace(with_facts(**FOUR), size=SMALL)
    found = outcome_of(evidence, "compiling", "order-rust-all")
    assert found.outcome == "reproduced"
    assert found.why.startswith("Clean build time: rust 250 s (240 to 260), zig 13.5 s (13.0 to 14.0), go 41.0 s")
    slower = with_facts(**FOUR | {"kotlin": {"clean_build_seconds": spread(300, 310, 320)}})
    assert outcome_of(slower, "compiling", "order-rust-all").outcome == "contradicted"
    later = with_facts(kotlin={"first_answer_seconds": spread(1.8, 1.9, 2.0)}, go={})
    assert outcome_of(later, "start-up", "order-kotlin-go").outcome == "reproduced"


@pytest.mark.parametrize(
    ("repetitions", "outcome", "said"),
    [
        ({"rust": 10, "zig": 2, "go": 2, "kotlin": 2}, "reproduced", ""),
        (
            {"rust": 2, "zig": 2, "go": 10, "kotlin": 10},
            "cannot-tell",
            "chance alone gives this order once in 6 times.",
        ),
    ],
)
def test_too_few_repetitions_are_those_of_a_pair_that_is_judged(repetitions: dict[str, int], outcome: str, said: str):
    times = {api: spread(*[300.0 if api == "rust" else 20.0] * count) for api, count in repetitions.items()}
    evidence = with_facts(**{api: {"clean_build_seconds": found} for api, found in times.items()})
    found = outcome_of(evidence, "compiling", "order-rust-all")
    assert found.outcome == outcome
    assert ("Too few repetitions" in found.why) == bool(said)
    assert said in found.why


def test_times_of_two_hosts_are_not_put_in_an_order():
    elsewhere = with_facts(**FOUR | {"go": {**FOUR["go"], "same_host": False}})
    found = outcome_of(elsewhere, "compiling", "order-rust-go")
    assert found.outcome == "not-comparable"
    assert found.why.startswith("Measured on another host than the run: go.")


def test_hours_of_work_are_not_comparable_whatever_is_measured():
    judged = {claim.name: claim.judge(with_facts(**FOUR)).outcome for claim in CLAIMS["effort"]}
    assert judged == dict.fromkeys(("hours-kotlin", "hours-go", "hours-rust", "hours-zig"), "not-comparable")
