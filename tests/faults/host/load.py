"""Keeps a bounded load on implementations while services fail, and writes down what became of every single request.

Reads `{"apis": {name: {"port": …, "requests": [{"kind": …, "octets": base64}]}}, "connections": …, "interval": …,
"settle": …, "rest": …, "actions": [{"name": …, "pause": …, "command": …}],
"watched": {name: {"port": …, "greeting": base64, "up": [first octets]}}}`. Each implementation has so many
connections; on each a request is sent every `interval` seconds, or as soon as the last one was answered. Every fourth
connection is opened anew for each request. The actions follow each other: each begins `pause` seconds after the one
before has ended, the first also waits up to `settle` seconds until each kind of request was answered and posts are
read from the cache, and the load ends `rest` seconds after the last.

Writes `{"requests": [[api, kind, sent, done, outcome, cache]], "actions": {name: [begun, ended]},
"watched": {name: [[moment, whether it was up]]}}`, with moments in seconds since the beginning. An outcome is a status,
or `refused` (no connection), `closed` (ended before the first octet of an answer), `cut` (ended within one), `late`.
"""

import asyncio
import base64
import contextlib
import json
import sys
import time
from collections.abc import Coroutine
from typing import Any

LATE = 15.0
PERIOD = 0.05
FRESH = 4
SETTLED = 16


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Load:
    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.start = time.monotonic()
        self.is_over = False
        self.requests: list[list[Any]] = []
        self.actions: dict[str, list[float]] = {}
        self.watched: dict[str, list[tuple[float, bool]]] = {name: [] for name in document["watched"]}

    def now(self) -> float:
        return time.monotonic() - self.start

    async def run(self) -> dict[str, Any]:
        interval = self.document["interval"]
        workers: list[Coroutine[None, None, None]] = []
        for api in self.document["apis"]:
            count = self.document["connections"]
            workers += [self.work(api, number, interval * number / count) for number in range(count)]
        await asyncio.gather(
            *workers,
            self.act(),
            *(self.watch(name) for name in self.document["watched"]),
        )
        return {"requests": self.requests, "actions": self.actions, "watched": self.watched}

    async def act(self) -> None:
        try:
            await self.settle()
            for action in self.document["actions"]:
                await asyncio.sleep(action["pause"])
                await self.act_once(action)
            await asyncio.sleep(self.document["rest"])
        finally:
            self.is_over = True

    async def settle(self) -> None:
        """Waits until all are warm: a virtual machine that has just been started is slower than Redis may be."""
        deadline = self.now() + self.document["settle"]
        while self.now() < deadline and not all(map(self.is_settled, self.document["apis"])):
            await asyncio.sleep(PERIOD)

    def is_settled(self, api: str) -> bool:
        """Whether each kind was answered, and nearly all that was read from the cache in the last second was there."""
        answered = {request[1] for request in self.requests if request[0] == api}
        if answered != {request["kind"] for request in self.document["apis"][api]["requests"]}:
            return False
        since = self.now() - 1
        caches = [
            cache for name, kind, sent, _, _, cache in self.requests if (name, kind) == (api, "post") and sent > since
        ]
        return len(caches) >= SETTLED and caches.count("hit") >= 0.9 * len(caches)

    async def act_once(self, action: dict[str, Any]) -> None:
        begun = self.now()
        done = await asyncio.create_subprocess_shell(
            action["command"],
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await asyncio.wait_for(done.communicate(), 60)
        if done.returncode:
            sys.exit(f"{action['command']} ended with {done.returncode}: {errors.decode()}")
        self.actions[action["name"]] = [begun, self.now()]

    async def watch(self, name: str) -> None:
        """Asks a service with the first octets of its own protocol; only what it is like to be up is known of it.

        A moment is that of the answer: what a frozen service was asked, it answers once it is thawed.
        """
        service = self.document["watched"][name]
        greeting = base64.b64decode(service["greeting"])
        while not self.is_over:
            is_up = False
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(PERIOD * 4):
                    reader, writer = await asyncio.open_connection("127.0.0.1", service["port"])
                    try:
                        writer.write(greeting)
                        is_up = (await reader.read(64)).startswith(tuple(word.encode() for word in service["up"]))
                    finally:
                        writer.transport.abort()
            states = self.watched[name]
            if not states or states[-1][1] != is_up:
                states.append((self.now(), is_up))
            await asyncio.sleep(PERIOD)

    async def work(self, api: str, number: int, delay: float) -> None:
        port, requests = self.document["apis"][api]["port"], self.document["apis"][api]["requests"]
        streams: Streams | None = None
        turn = number * len(requests) // self.document["connections"]
        await asyncio.sleep(delay)
        while not self.is_over:
            request = requests[turn % len(requests)]
            turn += 1
            sent = self.now()
            outcome, cache, streams = await self.ask(port, base64.b64decode(request["octets"]), streams)
            self.requests.append([api, request["kind"], sent, self.now(), outcome, cache])
            if streams is not None and number % FRESH == 0:
                streams[1].close()
                streams = None
            await asyncio.sleep(max(0.0, sent + self.document["interval"] - self.now()))
        if streams is not None:
            streams[1].close()

    async def ask(
        self, port: int, octets: bytes, streams: Streams | None
    ) -> tuple[int | str, str | None, Streams | None]:
        try:
            reader, writer = streams or await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return "refused", None, None
        received = bytearray()
        try:
            async with asyncio.timeout(LATE):
                writer.write(octets)
                status, fields = await self.answer(reader, received)
        except TimeoutError:
            writer.transport.abort()
            return "late", None, None
        except (ConnectionError, EOFError):
            writer.close()
            return ("cut" if received else "closed"), None, None
        if fields.get("connection") == "close":
            writer.close()
            return status, fields.get("x-cache"), None
        return status, fields.get("x-cache"), (reader, writer)

    async def answer(self, reader: asyncio.StreamReader, received: bytearray) -> tuple[int, dict[str, str]]:
        """Reads an answer to its end; `received` has what came of it, also when it is cut off."""
        while b"\r\n\r\n" not in received:
            received += await self.read(reader)
        head, _, body = received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").lower().split("\r\n")
        fields = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
        left = int(fields.get("content-length", "0")) - len(body)
        while left > 0:
            left -= len(await self.read(reader))
        return int(status.split()[1]), fields

    @staticmethod
    async def read(reader: asyncio.StreamReader) -> bytes:
        octets = await reader.read(65_536)
        if not octets:
            raise EOFError
        return octets


if __name__ == "__main__":
    load = Load(json.load(sys.stdin))
    json.dump(asyncio.run(load.run()), sys.stdout)
