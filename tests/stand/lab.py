"""A stand in a lab: what runs in the containers of its host, reached over SSH."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from apis.contract.checks import Target
from provision import containers, database
from provision.connection import Connection
from tests.conftest import LiveLab
from tests.stand.stand import FOOTPRINT, Footprint, ServiceCommands, expect_ready, read_footprint

_DEADLINE_SECONDS = 30


class LabStand:
    """See `Stand`; a context manager that opens tunnels, and leaves the lab as it was stood up."""

    def __init__(self, lab: LiveLab, connection: Connection) -> None:
        """Prepare a stand of a lab that is up; the connection is to its host."""
        self._inventory = lab.inventory
        self._secrets = lab.secrets
        self._connection = connection
        self._stack = ExitStack()
        self.targets: dict[str, Target] = {}
        postgres, redis = lab.inventory.postgres.container, lab.inventory.redis.container
        pid_of_redis = f"$(docker inspect --format '{{{{.State.Pid}}}}' {redis})"
        self.commands = ServiceCommands(
            stop_postgres=f"docker stop -t 30 {postgres}",
            start_postgres=f"docker start {postgres}",
            stop_redis=f"docker stop -t 10 {redis}",
            start_redis=f"docker start {redis}",
            freeze_redis=f"kill -STOP {pid_of_redis}",
            thaw_redis=f"kill -CONT {pid_of_redis}",
        )

    def __enter__(self) -> Self:
        inventory, connection = self._inventory, self._connection
        with self._stack as stack:
            stack.callback(self._restore)
            postgres, redis = (
                stack.enter_context(connection.forward(service.port))
                for service in (inventory.postgres, inventory.redis)
            )
            for api in inventory.apis:
                port = stack.enter_context(connection.forward(api.port))
                self.targets[api.name] = Target(
                    name=api.name,
                    base_url=f"http://127.0.0.1:{port}",
                    jwt_secret=self._secrets.jwt_secret,
                    database_url=(
                        f"postgres://{inventory.postgres.user}:{self._secrets.postgres_password}"
                        f"@127.0.0.1:{postgres}/{inventory.postgres.database}"
                    ),
                    redis_url=f"redis://:{self._secrets.redis_password}@127.0.0.1:{redis}/0",
                    pool_size=int(api.environment.get("DB_POOL_SIZE", "32")),
                )
            for target in self.targets.values():
                # The last reset of the database ended all connections, and one may notice that at their next use.
                expect_ready(target)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def postgres_port(self) -> int:
        return self._inventory.postgres.port

    @property
    def redis_port(self) -> int:
        return self._inventory.redis.port

    def port(self, name: str) -> int:
        return self._inventory.api(name).port

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        done = self._connection.run(
            ["python3", "-I", "-c", script.read_text()],
            input=json.dumps(document),
            deadline_seconds=deadline_seconds,
        )
        return json.loads(done.stdout)

    def footprint(self, name: str) -> Footprint:
        document = {"process": containers.main_process_id(self._connection, self._container(name))}
        done = self._connection.run(
            ["python3", "-I", "-c", FOOTPRINT], input=json.dumps(document), deadline_seconds=_DEADLINE_SECONDS
        )
        return read_footprint(done.stdout)

    def incarnation(self, name: str) -> str:
        return str(containers.main_process_id(self._connection, self._container(name)))

    def terminate_command(self, name: str) -> str:
        # Docker takes a container that it sent the stop signal to for stopped on purpose, and doesn't start it again.
        return f"docker kill --signal TERM {self._container(name)}"

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        def status() -> int | None:
            state, code = containers.state(self._connection, self._container(name))
            return code if state == "exited" else None

        waiting = Retrying(
            retry=retry_if_result(lambda status: status is None),
            stop=stop_after_delay(deadline_seconds),
            wait=wait_fixed(0.1),
            retry_error_callback=lambda _: None,
        )
        return waiting(status)

    def start(self, name: str) -> None:
        containers.start(self._connection, self._container(name))
        expect_ready(self.targets[name])

    def uploads(self, name: str) -> int:
        folder = containers.volume_path(self._connection, self._inventory.api(name).upload_volume)
        return len(self._connection.run(["ls", "-A", folder], deadline_seconds=_DEADLINE_SECONDS).stdout.split())

    def log(self, name: str) -> str:
        return containers.logs(self._connection, self._container(name))

    def _container(self, name: str) -> str:
        return self._inventory.api(name).container

    def _restore(self) -> None:
        """Leave everything started, the database as it was seeded, and no uploads."""
        inventory, connection = self._inventory, self._connection
        connection.run(f"{self.commands.thaw_redis} || true", deadline_seconds=_DEADLINE_SECONDS)
        for container in (inventory.postgres.container, inventory.redis.container):
            containers.start(connection, container)
        for api in inventory.apis:
            containers.start(connection, api.container)
            database.empty_uploads(connection, api.upload_volume)
        database.reset(connection, inventory)
