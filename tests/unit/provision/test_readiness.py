"""When the services of a lab count as up. Real ones are waited for by the tests on real containers."""

from collections.abc import Sequence

import pytest

from documents.errors import DeadlineExceededError, HostError, RemoteCommandError
from provision.services.readiness import wait_for_lab, wait_for_postgres, wait_for_redis
from provision.ssh import Completed, Connection
from tests.unit.documents.samples import INVENTORY


class RunningServices(Connection):
    """A connection to a host whose containers run; Redis refuses connections as often as the test says."""

    def __init__(self, *, redis_refuses: int) -> None:
        self.redis_refuses = redis_refuses

    def __str__(self) -> str:
        return "root@here"

    def run(self, command: str | Sequence[str], **_: object) -> Completed:
        if "inspect" in command:
            return Completed("running 0\n", "", 0)
        if "redis-cli" in command:
            if self.redis_refuses > 0:
                self.redis_refuses -= 1
                raise RemoteCommandError("Could not connect to Redis at 127.0.0.1:16379: Connection refused")
            self.redis_refuses = -1
        return Completed("", "", 0)


def test_services_are_up_when_redis_answers_and_not_when_its_container_runs():
    connection = RunningServices(redis_refuses=2)
    wait_for_lab(connection, INVENTORY.model_copy(update={"apis": ()}))
    assert connection.redis_refuses == -1, "it was asked until it answered"


class SilentRedis(RunningServices):
    """A connection to a host whose Redis takes the first connection and says nothing."""

    def run(self, command: str | Sequence[str], **options: object) -> Completed:
        try:
            return super().run(command, **options)
        except RemoteCommandError:
            raise DeadlineExceededError("`docker exec redis` on root@here wasn't done within 20 s.") from None


def test_a_service_that_says_nothing_is_asked_again():
    connection = SilentRedis(redis_refuses=1)
    wait_for_redis(connection, INVENTORY.redis)
    assert connection.redis_refuses == -1


class EndedPostgres(RunningServices):
    """A connection to a host whose PostgreSQL ended at its start."""

    def run(self, command: str | Sequence[str], **_: object) -> Completed:
        if "inspect" in command:
            return Completed("restarting 1\n", "", 0)
        if "docker logs" in command:
            return Completed("FATAL: could not map memory\nHINT: Use less.\n", "", 0)
        raise RemoteCommandError("Container is restarting.")


@pytest.mark.timeout(20)
def test_postgresql_that_ends_at_its_start_is_reported_at_once_with_its_last_lines():
    with pytest.raises(
        HostError, match=r"ended with the status 1\. The last .*: FATAL: could .* / HINT: Use less\. Fix"
    ):
        wait_for_postgres(EndedPostgres(redis_refuses=0), INVENTORY.postgres)
