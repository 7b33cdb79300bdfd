"""One generated stream of requests goes to all implementations, and nobody can tell their answers apart.

`FAIRGROUND_DIFFERENTIAL_PROGRAMS` may ask for more programs than the normal run has, which are then drawn anew each
time; a program has six requests on average, and each implementation gets all of them.
"""

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from apis.contract.checks import Target
from tests.differential.runner import Runner
from tests.differential.strategies.programs import SHORTEST, programs
from tests.differential.template import Step

_VARIABLE = "FAIRGROUND_DIFFERENTIAL_PROGRAMS"
_ASKED = os.environ.get(_VARIABLE)
_PROGRAMS = 500 if _ASKED is None else int(_ASKED)

_LEAST = 5 if _ASKED is None else SHORTEST
"""Requests for each program: of the normal run's stream, which is always the same, and of one that is drawn anew."""

_LATE = 0.01
"""The share of requests that Redis may be late for, on a machine that is busy."""


@pytest.fixture(scope="module")
def runner(targets: dict[str, Target]) -> Iterator[Runner]:
    with Runner(targets) as runner:
        yield runner


@pytest.mark.timeout(600 if _ASKED is None else 86_400)
def test_implementations_answer_alike_and_as_the_contract_says(
    runner: Runner, record_property: Callable[[str, object], None]
):
    @settings(
        max_examples=_PROGRAMS,
        derandomize=_ASKED is None,
        deadline=None,
        phases=[Phase.reuse, Phase.generate, Phase.shrink],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(programs)
    def run(program: list[Step]) -> None:
        runner.run(program)

    run()
    record_property("requests to each implementation", runner.requests)
    assert runner.requests >= _LEAST * _PROGRAMS
    assert runner.late_caches <= _LATE * runner.requests
