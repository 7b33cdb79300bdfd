"""This machine as a host that is reached without SSH: commands run as processes, files are just written."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from documents.errors import RemoteCommandError
from provision.ssh import Completed, Connection
from provision.ssh.execution import Feed


class LocalHost(Connection):
    """A connection that goes nowhere: what is asked of the host is done here."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def __str__(self) -> str:
        return "root@here"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def run(
        self,
        command: str | Sequence[str],
        *,
        deadline_seconds: float,
        input: bytes | str | Feed | None = None,  # noqa: A002 - as in `Connection.run`
        check: bool = True,
    ) -> Completed:
        argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
        self.commands.append(" ".join(argv))
        assert input is None or isinstance(input, bytes | str), "what is held here ends with this process anyway"
        data = input.encode() if isinstance(input, str) else input
        # Without any data the standard input is empty, never this process's own.
        done = subprocess.run(argv, input=data or b"", capture_output=True, timeout=deadline_seconds, check=False)
        if check and done.returncode != 0:
            raise RemoteCommandError(
                f"`{argv[0]}` on {self} ended with the status {done.returncode}: {done.stderr.decode()}"
            )
        return Completed(done.stdout.decode(), done.stderr.decode(), done.returncode)

    def push_bytes(self, data: bytes, remote: str, mode: int = 0o600) -> None:
        path = Path(remote)
        path.write_bytes(data)
        path.chmod(mode)

    def push(self, local: Path, remote: str, mode: int = 0o644) -> None:
        self.push_bytes(local.read_bytes(), remote, mode)
