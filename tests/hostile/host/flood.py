"""Sends hostile octets over many connections, and counts what comes of each kind.

Reads `{"port": …, "connections": …, "kinds": {name: {"octets": base64, "times": …, "wait": seconds}}}`. Each time, a
connection of its own is opened, the octets are sent, the status of an answer is awaited for `wait` seconds, and the
connection is reset. Writes `{name: {outcome: times}}`: a status, `closed`, `silent` or `refused`.
"""

import asyncio
import base64
import json
import sys
from collections import Counter
from typing import Any


async def send_once(port: int, octets: bytes, wait: float) -> str:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return "refused"
    try:
        writer.write(octets)
        head = b""
        async with asyncio.timeout(wait):
            while b"\r\n" not in head:
                received = await reader.read(4_096)
                if not received:
                    return "closed"
                head += received
        return head.split(b" ")[1].decode("latin-1")[:3]
    except TimeoutError:
        return "silent"
    except (ConnectionError, IndexError):
        return "closed"
    finally:
        writer.transport.abort()


async def flood(document: dict[str, Any]) -> dict[str, dict[str, int]]:
    counts = {name: Counter[str]() for name in document["kinds"]}
    kinds = {name: (base64.b64decode(kind["octets"]), kind["wait"]) for name, kind in document["kinds"].items()}
    left = [name for name, kind in document["kinds"].items() for _ in range(kind["times"])]

    async def work() -> None:
        while left:
            name = left.pop()
            octets, wait = kinds[name]
            counts[name][await send_once(document["port"], octets, wait)] += 1

    await asyncio.gather(*(work() for _ in range(document["connections"])))
    return {name: dict(counter) for name, counter in counts.items()}


if __name__ == "__main__":
    json.dump(asyncio.run(flood(json.load(sys.stdin))), sys.stdout)
