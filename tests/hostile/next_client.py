"""The client who comes after an attack."""

from apis.contract.checks import Target
from apis.contract.checks.wire import Wire, request_octets
from apis.contract.seed import seeded_user
from tests.differential.world import written


def user_body(number: int) -> bytes:
    """What a client gets who asks for a seeded user."""
    user = seeded_user(number)
    return written({"id": user.id, "username": user.username, "created_at": user.created_at})


def expect_well(target: Target) -> None:
    """Ask as the next client does, who knows nothing of an attack, and gets the right answer."""
    with Wire(target.base_url, timeout=10) as wire:
        wire.send(request_octets("GET /api/users/7"))
        answer = wire.require_answer("GET /api/users/7")
    assert (answer.status, answer.body) == (200, user_body(7)), f"{target.name}, the next client: {answer}"
