"""The implementations that are attacked; each must be as well afterwards as it was before."""

from collections.abc import Iterator

import pytest

from apis.contract.checks import Target
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.seed import seeded_user
from tests.differential.world import written
from tests.hostile.slow_clients import SlowClients
from tests.stand.fixtures import pytest_generate_tests, stand, target, targets
from tests.stand.stand import Stand

__all__ = ["pytest_generate_tests", "stand", "target", "targets"]


@pytest.fixture(scope="package", autouse=True)
def slow_clients(targets: dict[str, Target]) -> Iterator[SlowClients]:
    """Slow clients of each implementation: their waits overlap with all other tests of this folder."""
    with SlowClients(targets) as clients:
        yield clients


@pytest.fixture(autouse=True)
def lives_on(targets: dict[str, Target], stand: Stand) -> Iterator[None]:
    """After each test the same processes run, and the next client gets the right answer."""
    before = {name: stand.incarnation(name) for name in targets}
    yield
    for name, one in targets.items():
        user = seeded_user(7)
        body = written({"id": user.id, "username": user.username, "created_at": user.created_at})
        with Wire(one.base_url, timeout=10) as wire:
            wire.send(request_octets("GET /api/users/7"))
            answer = wire.require_answer("GET /api/users/7")
        assert (answer.status, answer.body) == (200, body), f"{name}, the next client: {answer}"
        assert stand.incarnation(name) == before[name], f"{name} was started anew:\n{stand.log(name)}"
