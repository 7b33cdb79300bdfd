"""A stand on this machine: implementations that are started by the tests, over services that were started by hand."""

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

from apis.contract.checks import Target
from documents.base import Document, Port
from tests.stand.pretended import run_here
from tests.stand.stand import FOOTPRINT, Footprint, ServiceCommands, expect_ready, read_footprint

_LOG_OCTETS = 8_192


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
        self._document = document
        self._apis = {api.name: api for api in document.apis}
        self._folder = folder
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stack = ExitStack()
        self.targets = {
            api.name: Target(
                name=api.name,
                base_url=f"http://127.0.0.1:{api.port}",
                jwt_secret=document.jwt_secret,
                database_url=document.database_url,
                redis_url=document.redis_url,
            )
            for api in document.apis
        }
        self.commands = document.services

    def __enter__(self) -> Self:
        with self._stack:
            for name in self._apis:
                self.start(name)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def postgres_port(self) -> int:
        return urlsplit(self._document.database_url).port or 5432

    @property
    def redis_port(self) -> int:
        return urlsplit(self._document.redis_url).port or 6379

    def port(self, name: str) -> int:
        return self._apis[name].port

    def run_script(self, script: Path, document: Mapping[str, object], *, deadline_seconds: float) -> dict[str, Any]:
        return run_here(script, document, deadline_seconds=deadline_seconds)

    def footprint(self, name: str) -> Footprint:
        done = subprocess.run(
            [sys.executable, "-I", "-c", FOOTPRINT],
            input=json.dumps({"process": self._processes[name].pid}),
            capture_output=True,
            text=True,
            check=True,
        )
        return read_footprint(done.stdout)

    def incarnation(self, name: str) -> str:
        process = self._processes[name]
        return f"{process.pid} {process.poll()}"

    def terminate_command(self, name: str) -> str:
        return f"kill -TERM {self._processes[name].pid}"

    def wait_for_exit(self, name: str, *, deadline_seconds: float) -> int | None:
        try:
            return self._processes[name].wait(deadline_seconds)
        except subprocess.TimeoutExpired:
            return None

    def start(self, name: str) -> None:
        api = self._apis[name]
        running = self._processes.get(name)
        if running is not None and running.poll() is None:
            return
        uploads = self._uploads_path(name)
        uploads.mkdir(exist_ok=True)
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": self._document.database_url,
            "REDIS_URL": self._document.redis_url,
            "JWT_SECRET": self._document.jwt_secret,
            "PORT": str(api.port),
            "UPLOAD_DIR": str(uploads),
            "LOG_LEVEL": "warn",
            **api.environment,
        }
        with self._log_path(name).open("ab") as log:
            process = subprocess.Popen(api.command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._processes[name] = process
        self._stack.callback(_end, process)
        expect_ready(self.targets[name])

    def uploads(self, name: str) -> int:
        return len(list(self._uploads_path(name).iterdir()))

    def log(self, name: str) -> str:
        return self._log_path(name).read_bytes()[-_LOG_OCTETS:].decode(errors="replace")

    def _uploads_path(self, name: str) -> Path:
        return self._folder / f"{name}-uploads"

    def _log_path(self, name: str) -> Path:
        return self._folder / f"{name}.log"


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
