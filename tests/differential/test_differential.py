"""One stream of generated requests goes to all implementations, and each answers it as the contract says.

`FAIRGROUND_DIFFERENTIAL_PROGRAMS` may ask for another number of programs, which are then drawn with a new seed. A
program has six requests on average.
"""

import os
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.differential.runner import Runner
from tests.differential.steps import Step
from tests.differential.strategies import programs
from tests.stand.stand import Api

_ASKED = os.environ.get("FAIRGROUND_DIFFERENTIAL_PROGRAMS")
_PROGRAMS = 150 if _ASKED is None else int(_ASKED)

_LATE = 0.01
"""The share of requests for which Redis may be passed over, on a machine that is busy."""


@pytest.mark.timeout(600 if _ASKED is None else 86_400)
def test_implementations_answer_alike(apis: Mapping[str, Api]):
    with Runner(apis) as runner:

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
        # With fewer the stream proves little.
        assert runner.requests >= 3 * _PROGRAMS
        assert runner.late <= _LATE * runner.requests
