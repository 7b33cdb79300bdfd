"""A stand in a lab: the containers of its host, reached over SSH."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from documents.lab.inventory import Inventory, Secrets
from provision.containers import control
from provision.services import database
from provision.ssh.connection import Connection
from tests.conftest import LiveLab
from tests.contract.instances import ContainerLauncher, Launcher
from tests.stand.stand import Api, ServiceCommands, drop_commands, expect_ready

_DEADLINE_SECONDS = 60


def _signal_all(signal: str, container: str) -> str:
    """Signal a container's first process and its children, which is all that PostgreSQL and Redis have."""
    pid = f"$(docker inspect --format '{{{{.State.Pid}}}}' {container})"
    # pkill ends with 1 where there is no child, or one has ended by itself.
    return f"pid={pid}; kill -{signal} $pid && {{ pkill -{signal} -P $pid || [ $? -eq 1 ]; }}"


def services_of(inventory: Inventory, secrets: Secrets, *, postgres_port: int, redis_port: int) -> dict[str, str]:
    """A lab's services in an API's environment, at these ports of the loopback interface."""
    postgres = inventory.postgres
    login = f"{postgres.user}:{secrets.postgres_password}"
    return {
        "DATABASE_URL": f"postgres://{login}@127.0.0.1:{postgres_port}/{postgres.database}",
        "REDIS_URL": f"redis://:{secrets.redis_password}@127.0.0.1:{redis_port}/0",
        "JWT_SECRET": secrets.jwt_secret,
    }


def launcher_of(connection: Connection, inventory: Inventory, secrets: Secrets, name: str) -> Launcher:
    """Starts further processes of an API on a lab's host."""
    services = services_of(inventory, secrets, postgres_port=inventory.postgres.port, redis_port=inventory.redis.port)
    return ContainerLauncher(connection, inventory.api(name), services, inventory.size.cpus)


class LabStand:
    """See `Stand`; a context manager that opens tunnels, and leaves the lab as it was stood up."""

    def __init__(self, lab: LiveLab, connection: Connection) -> None:
        """Prepare a stand of a lab that is up; the connection is to its host."""
        self._inventory = lab.inventory
        self._secrets = lab.secrets
        self._connection = connection
        self._stack = ExitStack()
        self.apis: dict[str, Api] = {}
        self.postgres_port, self.redis_port = lab.inventory.postgres.port, lab.inventory.redis.port
        postgres, redis = lab.inventory.postgres.container, lab.inventory.redis.container
        self.commands = ServiceCommands(
            stop_postgres=f"docker stop -t 30 {postgres}",
            start_postgres=f"docker start {postgres}",
            kill_postgres=f"docker kill {postgres}",
            freeze_postgres=_signal_all("STOP", postgres),
            thaw_postgres=_signal_all("CONT", postgres),
            stop_redis=f"docker stop -t 10 {redis}",
            start_redis=f"docker start {redis}",
            kill_redis=f"docker kill {redis}",
            freeze_redis=_signal_all("STOP", redis),
            thaw_redis=_signal_all("CONT", redis),
        )

    def __enter__(self) -> Self:
        inventory = self._inventory
        with self._stack as stack:
            stack.callback(self._restore)
            postgres, redis = (
                stack.enter_context(self._connection.forward(port)) for port in (self.postgres_port, self.redis_port)
            )
            services = services_of(inventory, self._secrets, postgres_port=postgres, redis_port=redis)
            for service in inventory.apis:
                port = stack.enter_context(self._connection.forward(service.port))
                api = Api(
                    name=service.name,
                    base_url=f"http://127.0.0.1:{port}",
                    database_url=services["DATABASE_URL"],
                    redis_url=services["REDIS_URL"],
                    jwt_secret=services["JWT_SECRET"],
                )
                # The last reset of the database ended all connections, and an API may notice that at their next use.
                expect_ready(api)
                self.apis[service.name] = api
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def port(self, name: str) -> int:
        return self._inventory.api(name).port

    def run(self, command: str) -> None:
        self._connection.run(command, deadline_seconds=_DEADLINE_SECONDS)

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        done = self._connection.run(
            ["python3", "-I", "-c", script.read_text()], input=json.dumps(document), deadline_seconds=deadline_seconds
        )
        return json.loads(done.stdout)

    def process(self, name: str) -> int:
        return control.main_process_id(self._connection, self._container(name))

    def terminate_command(self, name: str) -> str:
        # Docker takes a container that it sent the stop signal to as stopped on purpose, and doesn't start it again.
        return f"docker kill --signal TERM {self._container(name)}"

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        def status() -> int | None:
            state, code = control.state(self._connection, self._container(name))
            return code if state == "exited" else None

        waiting = Retrying(
            retry=retry_if_result(lambda status: status is None),
            stop=stop_after_delay(deadline_seconds),
            wait=wait_fixed(0.1),
            retry_error_callback=lambda _: None,
        )
        return waiting(status)

    def start(self, name: str) -> None:
        control.start(self._connection, self._container(name))
        expect_ready(self.apis[name])

    def log(self, name: str) -> str:
        return control.logs(self._connection, self._container(name))

    def launcher(self, name: str) -> Launcher:
        return launcher_of(self._connection, self._inventory, self._secrets, name)

    def _container(self, name: str) -> str:
        return self._inventory.api(name).container

    def _restore(self) -> None:
        """Leave everything started and reachable, the database as it was seeded, and no uploads."""
        inventory, connection = self._inventory, self._connection
        ends = [drop_commands(port)[1] for port in (self.postgres_port, self.redis_port)]
        for command in (*ends, self.commands.thaw_redis, self.commands.thaw_postgres):
            connection.run(f"({command}) 2>/dev/null || true", deadline_seconds=_DEADLINE_SECONDS)
        for container in (inventory.postgres.container, inventory.redis.container):
            control.start(connection, container)
        for api in inventory.apis:
            control.start(connection, api.container)
            database.empty_uploads(connection, api.upload_volume)
        database.reset(connection, inventory)
