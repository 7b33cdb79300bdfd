"""An implementation in small whose bad habits show while a service is away, which a file tells."""

import socket
from dataclasses import dataclass
from pathlib import Path

from tests.stand.pretended import Reader, Serve, answer_octets

_BY_DATABASE = ("user", "list", "create", "update", "login")


@dataclass
class CarelessApi:
    """Answers each kind of request of the load as an implementation does; `habits` are what it does wrongly.

    While `away` exists, PostgreSQL or Redis is away.
    """

    away: Path
    was_away: bool = False

    def kind(self, head: bytes) -> str:
        """Which of the load's kinds a request is."""
        method, path = head.split(b" ")[:2]
        if method == b"PUT":
            return "update"
        if method == b"POST":
            return "login" if path.endswith(b"login") else "create"
        names = {b"/healthz": "healthz", b"/readyz": "readyz"}
        kinds = ((b"/api/posts/", "post"), (b"/api/users/", "user"), (b"/api/posts", "list"))
        return names.get(path) or next(kind for prefix, kind in kinds if path.startswith(prefix))

    def status(self, kind: str, *, is_away: bool) -> int:
        """What such a request gets, without PostgreSQL or with it."""
        if is_away and kind in _BY_DATABASE:
            return 503
        return {"create": 201, "login": 401}.get(kind, 200)

    def cache(self, *, is_away: bool) -> str:
        """The value of X-Cache."""
        return "MISS" if is_away else "HIT"

    def answer(self, kind: str, *, is_away: bool) -> bytes:
        """The answer to a request of a kind."""
        headers = {"X_Cache": self.cache(is_away=is_away)} if kind == "post" else {}
        body = b'{"postgres":"up","redis":"up"}' if kind == "readyz" else b'{"id":1}'
        return answer_octets(self.status(kind, is_away=is_away), body, **headers)

    def serve(self) -> Serve:
        """What a server does with each connection."""

        def serve(client: socket.socket) -> None:
            reader = Reader(client)
            while True:
                head = reader.until(b"\r\n\r\n")
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        reader.exactly(int(line.partition(b":")[2]))
                is_away = self.away.exists()
                self.was_away = self.was_away or is_away
                client.sendall(self.answer(self.kind(head), is_away=is_away))

        return serve


class SmallService:
    """PostgreSQL or Redis in so far as the load watches it: a word while it is there, and the end while it is away."""

    def __init__(self, away: Path, word: bytes) -> None:
        self._away = away
        self._word = word

    def serve(self, client: socket.socket) -> None:
        """What the service does with a connection."""
        client.recv(64)
        if not self._away.exists():
            client.sendall(self._word)
