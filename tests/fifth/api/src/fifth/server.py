"""uvicorn, with the limits that the contract sets and uvicorn leaves open.

Its protocol on h11, and not the faster one on httptools: that one takes no method but those that it knows, where the
contract wants a 405.
"""

import asyncio
import signal
import socket
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

_LARGEST_HEAD = 18 * 1_024
_HEAD_SECONDS = 10
_BODY_SECONDS = 10
_IDLE_SECONDS = 60
_ANSWER_SECONDS = 120
_IGNORED_OCTETS = 4 * 1_024 * 1_024
"""How much of a body that was answered without it is read and thrown away, so that the connection can be kept."""

_DRAIN_SECONDS = 10

_VERSIONS = frozenset({b"1.0", b"1.1"})


class StrictConnection(h11.Connection):
    """h11's reading of requests, without what the contract has refused before routing."""

    def next_event(self) -> Any:  # noqa: ANN401 - as h11 has it
        """The next event.

        Raises:
            h11.RemoteProtocolError: the client sent what isn't taken.
        """
        before = len(self.trailing_data[0]) if self.their_state is h11.IDLE else 0
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._refuse(event, before - len(self.trailing_data[0]))
        return event

    def send(self, event: Any) -> Any:  # noqa: ANN401 - as h11 has it
        """Write an event.

        A client that waits to be asked for its body, and is answered without it, may send it or not: which of the two
        it does can't be told from what comes next on the connection.
        """
        if isinstance(event, h11.Response) and self.they_are_waiting_for_100_continue:
            headers = [*event.headers, (b"connection", b"close")]
            event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
        return super().send(event)

    def _refuse(self, request: h11.Request, octets: int) -> None:
        names = {name for name, _ in request.headers}
        if octets > _LARGEST_HEAD:
            raise h11.RemoteProtocolError("the head is too large", 431)
        if request.http_version not in _VERSIONS:
            raise h11.RemoteProtocolError("another version of HTTP", 505)
        if request.method == b"CONNECT" or not request.target.startswith(b"/"):
            raise h11.RemoteProtocolError("the target isn't in origin form")
        if {b"content-length", b"transfer-encoding"} <= names:
            raise h11.RemoteProtocolError("lengths that contradict each other")


class Protocol(H11Protocol):
    """A connection that isn't waited for without end."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.conn = StrictConnection(h11.SERVER, _LARGEST_HEAD)
        self._awaited: str | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._write_deadline: asyncio.TimerHandle | None = None
        self._ignored = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection is idle until something is sent."""
        super().connection_made(transport)
        self._await("request", _IDLE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._await(None, 0)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, and wait for what is missing now."""
        if self._is_too_much(data):
            self.transport.abort()
            return
        super().data_received(data)
        self._await_more()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request. uvicorn itself sends this answer chunked."""
        headers = [("content-length", "0"), ("connection", "close")]
        for event in (h11.Response(status_code=400, headers=headers, reason=msg), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        super().on_response_complete()
        self._await_more()

    def shutdown(self) -> None:
        """Close the connection, once it has its answer."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.cycle.keep_alive = False

    def pause_writing(self) -> None:
        """The client takes its answer slowly."""
        super().pause_writing()
        self._write_deadline = self.loop.call_later(_ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The client has taken nearly all."""
        super().resume_writing()
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    def _is_too_much(self, data: bytes) -> bool:
        """Whether the rest of a body that has its answer goes on and on."""
        is_ignored = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        self._ignored = self._ignored + len(data) if is_ignored else 0
        return self._ignored > _IGNORED_OCTETS

    def _await_more(self) -> None:
        if self.transport.is_closing():
            self._await(None, 0)
        elif self.conn.their_state is h11.SEND_BODY:
            self._await("body", _BODY_SECONDS)
        elif self.conn.their_state is not h11.IDLE:
            self._await(None, 0)
        elif not self.conn.trailing_data[0]:
            self._await("request", _IDLE_SECONDS)
        # However it trickles: the time is that of the whole head.
        elif self._awaited != "head":
            self._await("head", _HEAD_SECONDS)

    def _await(self, awaited: str | None, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._awaited = awaited
        self._deadline = None if awaited is None else self.loop.call_later(seconds, self._give_up)

    def _give_up(self) -> None:
        # It is the application that doesn't read.
        if self._awaited == "body" and self.flow.read_paused:
            self._await("body", _BODY_SECONDS)
        else:
            self.transport.close()


class Server(uvicorn.Server):
    """A server that ends when it is asked to, with what was in flight answered, as any program that succeeded."""

    def __init__(self, application: ASGIApp) -> None:
        super().__init__(
            Config(
                application,
                http=Protocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_IDLE_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in flight; what isn't finished in time is cut off."""
        cut_off = asyncio.get_running_loop().call_later(_DRAIN_SECONDS, self._cut_off)
        await super().shutdown(sockets)
        cut_off.cancel()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Have both signals end the server. uvicorn would raise them again at its end, and the process die of them."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)
        yield

    def _stop(self) -> None:
        self.should_exit = True

    def _cut_off(self) -> None:
        """Leave nobody waiting. uvicorn itself would answer what it cancels, and call it an error."""
        self.force_exit = True
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for task in self.server_state.tasks:
            task.cancel()
