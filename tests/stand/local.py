"""A stand on this machine: implementations that the tests start, over services that were started by hand."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field

from documents.base import Document, Port
from tests.contract.instances import Launcher, ProcessLauncher
from tests.stand.stand import Api, ServiceCommands, expect_ready

_RUN_SECONDS = 60


class LocalApi(Document):
    """An implementation: the command that starts it, its port, and what is added to its environment."""

    name: str
    command: tuple[str, ...]
    port: Port
    environment: dict[str, str] = Field(default_factory=dict)


class LocalStandDocument(Document):
    """What a file that describes a stand on this machine has."""

    database_url: str
    redis_url: str
    jwt_secret: str
    services: ServiceCommands
    apis: tuple[LocalApi, ...]


class LocalStand:
    """See `Stand`; a context manager that starts the implementations, and ends them."""

    def __init__(self, document: LocalStandDocument, folder: Path) -> None:
        """Prepare a stand whose uploads and logs are in `folder`."""
        self._services = {
            "DATABASE_URL": document.database_url,
            "REDIS_URL": document.redis_url,
            "JWT_SECRET": document.jwt_secret,
        }
        self._documents = {api.name: api for api in document.apis}
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()
        self.apis = {
            api.name: Api(
                name=api.name,
                base_url=f"http://127.0.0.1:{api.port}",
                database_url=document.database_url,
                redis_url=document.redis_url,
                jwt_secret=document.jwt_secret,
            )
            for api in document.apis
        }
        self.commands = document.services
        self.postgres_port = urlsplit(document.database_url).port or 5432
        self.redis_port = urlsplit(document.redis_url).port or 6379

    def __enter__(self) -> Self:
        with self._stack:
            for name in self.apis:
                self.start(name)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def port(self, name: str) -> int:
        return self._documents[name].port

    def run(self, command: str) -> None:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=_RUN_SECONDS)
        assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr}"

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        return run_here(script, document, deadline_seconds=deadline_seconds)

    def process(self, name: str) -> int:
        return self._processes[name].pid

    def terminate_command(self, name: str) -> str:
        return f"kill -TERM {self._processes[name].pid}"

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        try:
            return self._processes[name].wait(deadline_seconds)
        except subprocess.TimeoutExpired:
            return None

    def start(self, name: str) -> None:
        running = self._processes.get(name)
        if running is not None and running.poll() is None:
            return
        api = self._documents[name]
        uploads = self._folder / f"{name}-uploads"
        uploads.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            **self._services,
            "PORT": str(api.port),
            "UPLOAD_DIR": str(uploads),
            "LOG_LEVEL": "warn",
            **api.environment,
        }
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(api.command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._processes[name] = process
        self._stack.callback(_end, process)
        expect_ready(self.apis[name])

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")

    def launcher(self, name: str) -> Launcher:
        api = self._documents[name]
        return ProcessLauncher(api.command, self._services, api.port, sorted(os.sched_getaffinity(0)))


def run_here(script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
    """Run a script on this machine, see `Stand.run_script`."""
    done = subprocess.run(
        [sys.executable, "-I", script],
        input=json.dumps(document).encode(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=deadline_seconds,
    )
    return json.loads(done.stdout)


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
