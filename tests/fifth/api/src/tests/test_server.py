"""The server: what it does with a connection, whatever the application answers."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fifth.process import listen
from fifth.server import Server

GET = b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers at once, but reads the body of what is sent to `/read` before."""
    body = await Request(scope, receive).body() if scope["path"] == "/read" else b""
    await PlainTextResponse(f"{len(body)}")(scope, receive, send)


async def _serve_and_talk(talk: Talk, listener: socket.socket) -> None:
    server = Server(application)
    served = asyncio.create_task(server.serve([listener]))
    host, port = listener.getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(10):
            await talk(reader, writer)
    finally:
        writer.close()
        server.should_exit = True
        await served


def talk_to_the_server(talk: Talk) -> None:
    asyncio.run(_serve_and_talk(talk, listen("127.0.0.1", 0)))


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head of an answer, in small letters, and its body."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    return head, await reader.readexactly(int(length.partition(b":")[2]))


async def pour(writer: asyncio.StreamWriter) -> None:
    """Send chunks, 62 MiB in all."""
    for _ in range(1_000):
        writer.write(b"10000\r\n" + bytes(65_536) + b"\r\n")
        await writer.drain()


def post(path: bytes, length: int, *headers: bytes) -> bytes:
    fields = b"".join(line + b"\r\n" for line in (b"Host: x", b"Content-Length: %d" % length, *headers))
    return b"POST %s HTTP/1.1\r\n%s\r\n" % (path, fields)


def test_a_connection_is_kept_though_a_body_was_not_read():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"/x", 300_000) + bytes(200_000))
        assert (await answer(reader))[1] == b"0"
        writer.write(bytes(100_000) + post(b"/read", 5) + b"12345")
        assert (await answer(reader))[1] == b"5"

    talk_to_the_server(talk)


def test_a_body_without_end_is_cut_off_once_it_has_its_answer():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await answer(reader))[1] == b"0"
        with pytest.raises(ConnectionError):
            await pour(writer)

    talk_to_the_server(talk)


def test_a_client_that_waited_to_be_asked_for_its_body_is_told_of_the_end():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(post(b"/read", 1, b"Expect: 100-continue"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"1")
        head, _ = await answer(reader)
        assert b"connection: close" not in head
        writer.write(post(b"/x", 1, b"Expect: 100-continue"))
        head, _ = await answer(reader)
        assert b"connection: close" in head
        assert await reader.read() == b""

    talk_to_the_server(talk)


@pytest.mark.parametrize(
    "head",
    [
        b"GET http://x/x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /x HTTP/2.0\r\nHost: x\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /x HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 20_000,
    ],
)
def test_a_head_that_is_not_taken_ends_the_connection(head: bytes):
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET)
        await answer(reader)
        writer.write(head)
        refused, _ = await answer(reader)
        assert refused.startswith(b"http/1.1 400 ")
        assert await reader.read() == b""

    talk_to_the_server(talk)


def test_every_method_reaches_the_application_and_every_request_its_answer():
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GET.replace(b"GET", b"x") + post(b"/read", 3) + b"123" + GET)
        assert [(await answer(reader))[1] for _ in range(3)] == [b"0", b"3", b"0"]

    talk_to_the_server(talk)
