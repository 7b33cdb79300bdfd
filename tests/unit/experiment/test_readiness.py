"""When an API counts as ready."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from experiment.bench.readiness import wait_until_ready


@contextmanager
def serving(answer: Callable[[BaseHTTPRequestHandler], None]) -> Generator[str]:
    """The address of a server that answers each GET in this way."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_an_api_is_ready_when_it_answers_with_200_and_no_other_status():
    statuses = [503, 204, 200]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(statuses.pop(0))
        handler.end_headers()

    with serving(answer) as base_url:
        seen = wait_until_ready(base_url, deadline_seconds=10)
    assert seen is None
    assert statuses == []


def test_an_answer_that_can_not_be_decoded_is_none():
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.end_headers()
        handler.wfile.write(b"not gzip")

    with serving(answer) as base_url:
        seen = wait_until_ready(base_url, deadline_seconds=0.1)
    assert seen is not None
    assert seen.startswith("GET /readyz wasn't answered (DecodingError: ")


def test_a_body_without_an_end_is_not_waited_for():
    ends_at = time.monotonic() + 20

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(503)
        handler.end_headers()
        try:
            while time.monotonic() < ends_at:
                handler.wfile.write(b"x")
                time.sleep(0.05)
        except ConnectionError:
            pass

    with serving(answer) as base_url:
        seen = wait_until_ready(base_url, deadline_seconds=0.5)
    assert time.monotonic() < ends_at
    assert seen is not None
    assert seen.startswith("GET /readyz was answered with 503: x")
