"""A server in place of an API: it hands all on to the API, until a file tells it to misbehave with new connections.

Usage: ``misbehaving_server.py PORT API_PORT FILE``. The file's word is ``hang``: every second connection is taken and
never answered; or ``404``: each request is answered so. Without the file it hands on. It runs until it is ended.
"""

import asyncio
import itertools
import sys
from pathlib import Path

NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while octets := await reader.read(65_536):
            writer.write(octets)
            await writer.drain()
    finally:
        writer.close()


async def answer_not_found(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(NOT_FOUND)
        await writer.drain()


async def main() -> None:
    port, api_port, file = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    numbers = itertools.count()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        word = file.read_text().strip() if file.exists() else ""
        try:
            if word == "404":
                await answer_not_found(reader, writer)
            elif word == "hang" and next(numbers) % 2:
                await asyncio.Event().wait()
            else:
                api_reader, api_writer = await asyncio.open_connection("127.0.0.1", api_port)
                await asyncio.gather(hand_on(reader, api_writer), hand_on(api_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(main())
