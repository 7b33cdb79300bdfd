"""Ends an implementation by a signal while it has work of each kind, and writes down what came of each.

Reads `{"port", "command", "create", "upload", "download"}`: a shell command that sends the signal, and requests in
base64. Before the signal, connections are idle, one doesn't read its answers to `download`, two have sent most of
`create` and of `upload`, and workers send `create` again and again. A second after it all of this is finished.

Writes `{"read": lengths of the answers to `download`, "halves": [the answers to the two], "created": [bodies of all
answers with 201], "cut": answers that were cut off}`.
"""

import asyncio
import base64
import contextlib
import json
import re
import socket
import sys
from typing import Any

IDLE, WORKERS = 20, 10
PATIENCE = 15.0

document: dict[str, Any] = json.load(sys.stdin)
address = ("127.0.0.1", document["port"])
create, upload, download = (base64.b64decode(document[name]) for name in ("create", "upload", "download"))
created: list[str] = []
cut: list[str] = []


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes] | None:
    """One answer; None where the connection was closed before its first octet."""
    head = b""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        if length is not None:
            return int(head.split()[1]), await reader.readexactly(int(length[1]))
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        return int(head.split()[1]), body
    except asyncio.IncompleteReadError as error:
        if head or error.partial:
            cut.append(repr(head + error.partial)[:200])
    except OSError:
        pass
    return None


async def idle() -> None:
    """Ask once, then wait for the end."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: fairground.test\r\n\r\n")
    await answer(reader)
    with contextlib.suppress(OSError):
        await reader.read()


async def half(octets: bytes, signalled: asyncio.Event) -> tuple[int, str] | None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(octets[: len(octets) - 100])
    await signalled.wait()
    await asyncio.sleep(1)
    writer.write(octets[len(octets) - 100 :])
    seen = await answer(reader)
    return None if seen is None else (seen[0], seen[1].decode())


async def slow_reader(signalled: asyncio.Event) -> list[int]:
    """Ask three times, and read nothing until a second after the signal; the lengths of the answers that came then."""
    client = socket.socket()
    # With so small a buffer, an answer isn't written until it is read.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, address)
    reader, writer = await asyncio.open_connection(sock=client, limit=1_024)
    writer.write(download * 3)
    await signalled.wait()
    await asyncio.sleep(1)
    lengths: list[int] = []
    while (seen := await answer(reader)) is not None:
        lengths.append(len(seen[1]))
    writer.close()
    return lengths


async def work() -> None:
    """Create posts, until no connection is taken any more."""
    with contextlib.suppress(OSError):
        while True:
            reader, writer = await asyncio.open_connection(*address)
            seen = (0, b"")
            while seen is not None:
                writer.write(create)
                seen = await answer(reader)
                if seen is not None and seen[0] == 201:
                    created.append(seen[1].decode())
                await asyncio.sleep(0.01)
            writer.close()


async def main() -> dict[str, Any]:
    signalled = asyncio.Event()
    idlers = [asyncio.create_task(idle()) for _ in range(IDLE)]
    halves = [asyncio.create_task(half(octets, signalled)) for octets in (create, upload)]
    reader = asyncio.create_task(slow_reader(signalled))
    workers = [asyncio.create_task(work()) for _ in range(WORKERS)]
    await asyncio.sleep(1)
    done = await asyncio.create_subprocess_shell(document["command"], stdout=asyncio.subprocess.DEVNULL)
    if await done.wait():
        sys.exit(f"{document['command']} ended with {done.returncode}")
    signalled.set()
    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(*halves)
        await asyncio.gather(*idlers, *workers)
        read = await reader
    return {"read": read, "halves": answers, "created": created, "cut": cut}


if __name__ == "__main__":
    json.dump(asyncio.run(main()), sys.stdout)
