"""The commands that Redis runs, as its MONITOR tells them: in their order, with arguments and sender."""

import ast
import re
import secrets
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import redis

from apis.contract.checks.model import CheckFailedError

Command = tuple[str, ...]
"""A command's name in upper case and its arguments; of SET the options behind key and value in upper case, too."""

_HANDSHAKE = frozenset({"AUTH", "CLIENT", "COMMAND", "HELLO", "PING", "SELECT"})
"""What a client library sends of its own on a new connection, before it is used."""

_LINE = re.compile(rb"\+[\d.]+ \[\d+ (?P<sender>[^\]]+)\] (?P<words>.*)")
_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"')

_PATIENCE = 15.0
"""Seconds that may pass between two commands while an action goes on: more than any request takes."""


class Monitor:
    """A connection on which Redis tells of every command that any client sends."""

    def __init__(self, url: str, client: redis.Redis) -> None:
        """Begin to listen.

        Args:
            url: of Redis.
            client: a client with one connection, whose own commands aren't told.

        Raises:
            CheckFailedError: Redis refused.
            OSError: Redis can't be reached.
        """
        self._client = client
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 6379), _PATIENCE)
        self._lines = self._socket.makefile("rb")
        if parts.password:
            self._ask("AUTH", unquote(parts.username or "") or "default", unquote(parts.password))
        self._ask("MONITOR")

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()
        self._socket.close()

    def commands_of(
        self, action: Callable[[], object], *, seen: Callable[[Command], None] | None = None
    ) -> list[Command]:
        """What clients sent while an action went on, without the handshakes of new connections.

        Args:
            action: sends requests, and returns when they are answered.
            seen: is called with each command as soon as Redis ran it, while the action goes on.

        Raises:
            OSError: Redis told nothing for some seconds.
        """
        used = self._connected()
        start, end = secrets.token_hex(8), secrets.token_hex(8)
        commands: list[Command] = []

        def act() -> None:
            try:
                action()
            finally:
                self._client.echo(end)  # pyright: ignore[reportUnknownMemberType]

        with ThreadPoolExecutor(1) as pool:
            self._client.echo(start)  # pyright: ignore[reportUnknownMemberType]
            own = self._skip_to(start)
            acting = pool.submit(act)
            while True:
                sender, command = self._next()
                if command[1:] == (end,):
                    break
                if sender == own or (command[0] in _HANDSHAKE and sender not in used):
                    continue
                used.add(sender)
                commands.append(command)
                if seen is not None:
                    seen(command)
            acting.result()
        return commands

    def _connected(self) -> set[str]:
        """The addresses of the clients that are connected: their handshake is over."""
        listed = cast("list[dict[str, Any]]", self._client.client_list())  # pyright: ignore[reportUnknownMemberType]
        return {str(client["addr"]) for client in listed}

    def _skip_to(self, mark: str) -> str:
        while True:
            sender, command = self._next()
            if command[1:] == (mark,):
                return sender

    def _next(self) -> tuple[str, Command]:
        line = self._lines.readline().rstrip(b"\r\n")
        match = _LINE.fullmatch(line)
        if match is None:
            raise CheckFailedError(f"Redis's MONITOR: expected a command, saw {line[:80]!r}.")
        # Redis writes each word as C does, which Python reads as its own.
        words = [bytes(ast.literal_eval(f"b{word.decode('ascii')}")) for word in _WORD.findall(match["words"])]
        name, *arguments = [word.decode(errors="replace") for word in words]
        if name.upper() == "SET":
            arguments[2:] = [option.upper() for option in arguments[2:]]
        return match["sender"].decode(), (name.upper(), *arguments)

    def _ask(self, *words: str) -> None:
        encoded = [word.encode() for word in words]
        parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)]
        self._socket.sendall(b"".join(parts))
        answer = self._lines.readline()
        if answer != b"+OK\r\n":
            raise CheckFailedError(f"Redis refused {words[0]}: {answer.decode(errors='replace').strip()}")
