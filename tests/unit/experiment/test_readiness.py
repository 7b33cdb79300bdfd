"""When an API counts as ready."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

from experiment.bench.readiness import wait_until_ready


def test_an_api_is_ready_when_it_answers_with_200_and_no_other_status():
    statuses = [503, 204, 200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0))
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        seen = wait_until_ready(f"http://127.0.0.1:{server.server_address[1]}", deadline_seconds=10)
        server.shutdown()
    assert seen is None
    assert statuses == []
