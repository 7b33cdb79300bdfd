"""The implementations that are attacked; each must be as well afterwards as it was before."""

from collections.abc import Iterator

import pytest

from apis.contract.checks import Target
from tests.hostile.next_client import expect_well
from tests.hostile.slow_clients import SlowClients
from tests.stand.fixtures import pytest_generate_tests, stand, target, targets
from tests.stand.stand import Stand

__all__ = ["pytest_generate_tests", "stand", "target", "targets"]


@pytest.fixture(scope="package", autouse=True)
def slow_clients(targets: dict[str, Target]) -> Iterator[SlowClients]:
    """Slow clients of each implementation: their waits overlap with all other tests of this folder."""
    with SlowClients(targets) as clients:
        yield clients


@pytest.fixture(scope="module", autouse=True)
def lives_on(targets: dict[str, Target], stand: Stand) -> Iterator[None]:
    """After the tests of a file the same processes run as before."""
    before = {name: stand.incarnation(name) for name in targets}
    yield
    for name in targets:
        assert stand.incarnation(name) == before[name], f"{name} was restarted:\n{stand.log(name)}"


@pytest.fixture(autouse=True)
def next_client(targets: dict[str, Target]) -> Iterator[None]:
    """After each test the next client gets the right answer."""
    yield
    for one in targets.values():
        expect_well(one)
