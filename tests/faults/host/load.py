"""Keeps a small load on implementations while services fail, and writes down what became of every request.

Reads `{"apis": {name: {"port", "requests": [[kind, octets]]}}, "clients", "interval", "settle",
"actions": [[name, pause, command, service]], "watched": {name: {"port", "greeting", "answers"}}}`; octets are base64.
Each implementation has so many clients, each of which sends a request every `interval` seconds, over a connection of
its own. The actions are shell commands: each begins `pause` seconds after the one before has ended, or if it names a
service, after that one has come back. The first one waits `settle` seconds at most, until each kind of request was
answered quickly. The load ends with the last.

Writes `{"requests": [[api, kind, sent, done, status, cache]], "actions": {name: [begun, ended]},
"watched": {name: [[moment, whether it was up]]}}`. Moments are seconds since the beginning. The status is 0 where the
connection was refused or closed, and -1 where nothing came in time.
"""

import asyncio
import base64
import contextlib
import json
import sys
import time
from typing import Any

LATE = 12.0
QUICK = 0.3
PERIOD = 0.05

document: dict[str, Any] = json.load(sys.stdin)
start = time.monotonic()
requests: list[tuple[str, str, float, float, int, str]] = []
actions: dict[str, tuple[float, float]] = {}
watched: dict[str, list[tuple[float, bool]]] = {name: [] for name in document["watched"]}
over = asyncio.Event()


def now() -> float:
    return time.monotonic() - start


async def ask(port: int, octets: bytes, seconds: float) -> bytes | None:
    """All that comes until the other side closes the connection; None if it doesn't in time."""
    writer = None
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(octets)
            return await reader.read()
    except TimeoutError:
        return None
    except OSError:
        return b""
    finally:
        if writer is not None:
            writer.transport.abort()


async def client(api: str, number: int) -> None:
    port, kinds = document["apis"][api]["port"], document["apis"][api]["requests"]
    interval, turn = document["interval"], number * len(document["apis"][api]["requests"]) // document["clients"]
    await asyncio.sleep(interval * number / document["clients"])
    while not over.is_set():
        kind, octets = kinds[turn % len(kinds)]
        turn += 1
        sent = now()
        received = await ask(port, base64.b64decode(octets), LATE)
        head = (received or b"").partition(b"\r\n\r\n")[0].decode("latin-1").lower()
        status = -1 if received is None else int(head.split()[1]) if head.startswith("http/1.") else 0
        cache = head.partition("\r\nx-cache:")[2].partition("\r\n")[0].strip()
        requests.append((api, kind, sent, now(), status, cache))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), max(0.01, sent + interval - now()))


async def watch(name: str) -> None:
    """Ask a service with the first octets of its protocol, and note when it begins and ends to answer."""
    service = document["watched"][name]
    while not over.is_set():
        asked = asyncio.create_task(greet(service["port"], base64.b64decode(service["greeting"])))
        is_up = (await asked).startswith(tuple(text.encode() for text in service["answers"]))
        if not watched[name] or watched[name][-1][1] != is_up:
            watched[name].append((now(), is_up))
        await asyncio.sleep(PERIOD)


async def greet(port: int, greeting: bytes) -> bytes:
    writer = None
    try:
        async with asyncio.timeout(PERIOD * 4):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(greeting)
            return await reader.read(64)
    except OSError:
        return b""
    finally:
        if writer is not None:
            writer.transport.abort()


def is_warm(api: str) -> bool:
    """Whether each kind was answered, and quickly of late."""
    mine = [request for request in requests if request[0] == api]
    late = [request for request in mine if request[2] > now() - 1 and request[3] - request[2] > QUICK]
    return {request[1] for request in mine} == {kind for kind, _ in document["apis"][api]["requests"]} and not late


async def act() -> None:
    while now() < document["settle"] and not all(map(is_warm, document["apis"])):
        await asyncio.sleep(PERIOD)
    begun = 0.0
    for name, pause, command, service in document["actions"]:
        while service and not any(is_up and moment >= begun for moment, is_up in watched[service]):
            await asyncio.sleep(PERIOD)
        await asyncio.sleep(pause)
        begun = now()
        done = await asyncio.create_subprocess_shell(
            command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await done.communicate()
        if done.returncode:
            sys.exit(f"{command} ended with {done.returncode}: {errors.decode()}")
        actions[name] = (begun, now())
    over.set()


async def main() -> None:
    clients = [client(api, number) for api in document["apis"] for number in range(document["clients"])]
    await asyncio.gather(act(), *clients, *map(watch, watched))


if __name__ == "__main__":
    asyncio.run(main())
    json.dump({"requests": requests, "actions": actions, "watched": watched}, sys.stdout)
