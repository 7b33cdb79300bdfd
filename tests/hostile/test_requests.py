"""Each implementation answers what is meant to break it as it answers everything else."""

import pytest

from apis.contract.checks import Target
from tests.differential.runner import Runner
from tests.hostile.attacks import ATTACKS


@pytest.mark.parametrize("attack", ATTACKS)
def test_attack_gets_the_answer_of_the_contract(implementation: str, target: Target, attack: str):
    with Runner({implementation: target}) as runner:
        runner.run(ATTACKS[attack]())
