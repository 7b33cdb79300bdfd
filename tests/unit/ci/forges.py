"""A code forge on loopback: the comments of one change, by the REST API of GitHub or of GitLab."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import parse_qs, urlsplit

TOKEN = "secret-of-the-job"


@dataclass
class Forge:
    """What the forge has, how it answers, and what it was asked."""

    collection: str
    comment: str
    update: str
    header: tuple[str, str]
    page: int = 100
    status: int | None = None
    answer: bytes | None = None
    comments: dict[int, str | None] = field(default_factory=dict[int, "str | None"])
    asked: list[str] = field(default_factory=list[str])
    url: str = ""

    def add(self, body: str | None) -> int:
        """Add a comment; returns its id."""
        number = 1_000 + len(self.comments)
        self.comments[number] = body
        return number


def github(url: str = "") -> Forge:
    return Forge(
        collection="/repos/team/lab/issues/7/comments",
        comment="/repos/team/lab/issues/comments/",
        update="PATCH",
        header=("Authorization", f"Bearer {TOKEN}"),
        url=url,
    )


def gitlab(url: str = "") -> Forge:
    return Forge(
        collection="/projects/5/merge_requests/7/notes",
        comment="/projects/5/merge_requests/7/notes/",
        update="PUT",
        header=("PRIVATE-TOKEN", TOKEN),
        url=url,
    )


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self._refused():
            return
        forge, query = self._forge, parse_qs(urlsplit(self.path).query)
        if urlsplit(self.path).path != forge.collection:
            self._send(404, b"{}")
            return
        size, page = min(int(query["per_page"][0]), forge.page), int(query["page"][0])
        listed = [{"id": number, "body": body, "more": True} for number, body in forge.comments.items()]
        shown, left = listed[(page - 1) * size : page * size], len(listed) > page * size
        # It leads elsewhere, where nobody listens: whoever follows it has handed the token on.
        link = '<http://127.0.0.1:9/next>; rel="next"' if left else ""
        self._send(200, forge.answer or json.dumps(shown).encode(), link)

    def do_POST(self) -> None:
        if not self._refused() and self.path == self._forge.collection:
            number = self._forge.add(self._body())
            self._send(201, json.dumps({"id": number}).encode())

    def _change(self) -> None:
        if not self._refused():
            number = int(self.path.removeprefix(self._forge.comment))
            assert number in self._forge.comments
            self._forge.comments[number] = self._body()
            self._send(200, b"{}")

    do_PATCH = do_PUT = _change  # noqa: N815 - the server's names

    @property
    def _forge(self) -> Forge:
        return cast("_Server", self.server).forge

    def _refused(self) -> bool:
        self._forge.asked.append(f"{self.command} {urlsplit(self.path).path}")
        name, value = self._forge.header
        status = 401 if self.headers[name] != value else self._forge.status
        if self.command in {"PATCH", "PUT"} and self.command != self._forge.update:
            status = 405
        if status is not None:
            self._send(status, b'{"message": "no"}')
        return status is not None

    def _body(self) -> str:
        return str(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"])

    def _send(self, status: int, content: bytes, link: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if link:
            self.send_header("Link", link)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Tests are quiet."""


class _Server(ThreadingHTTPServer):
    forge: Forge


@contextmanager
def serving(forge: Forge) -> Generator[Forge]:
    """Let a forge answer while the context is open."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.forge = forge
        forge.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
