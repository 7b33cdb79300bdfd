"""Opens many connections to an implementation, and asks correct requests while they are open.

Reads `{"port", "process", "crowd": [{"count", "first", "again", "every", "times", "is_gone"}], "prompt", "seconds",
"probes": {name: octets}}`. Octets are base64. Each client of the crowd sends `first`, then `times` times `again`, one
every `every` seconds; it never reads what comes back. One that `is_gone` closes its connection behind `first`. When
all have sent `first`, `/healthz` is asked until it answers within `prompt` seconds: what came all at once has then been
let in. Then each probe is asked over a connection of its own, one after the other, for `seconds`.

Writes `{"opened", "let_in", "probes": [[name, status, seconds]], "cpu", "memory": [before, most]}`: connections that
were opened, the seconds until `/healthz` was prompt, the answers with 0 as the status of one that never came, the CPU
seconds of the process since the crowd began, and bytes that it holds alone.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
import re
import resource
import socket
import sys
import time
from pathlib import Path
from typing import Any

AT_ONCE = 100
PATIENCE = 10.0
PERIOD = 0.05
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

document: dict[str, Any] = json.load(sys.stdin)
address = ("127.0.0.1", document["port"])
opened: list[socket.socket] = []
places = asyncio.Semaphore(AT_ONCE)


def memory() -> int:
    """Bytes that are the process's own, and files in its /tmp, which is memory in a container."""
    folder = Path("/proc", str(document["process"]))
    fields = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    held = 1024 * sum(int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem"))
    theirs = folder / "root/tmp"
    if theirs.stat().st_dev != Path("/tmp").stat().st_dev:  # noqa: S108
        held += sum(file.stat().st_size for file in theirs.rglob("*") if file.is_file())
    return held


def cpu() -> float:
    """Seconds of a CPU that the process has used, without what a JVM's compilers have."""
    ticks = 0
    for task in Path("/proc", str(document["process"]), "task").iterdir():
        _, name, fields = re.split(r"\((.*)\)", (task / "stat").read_text())
        if "Compiler" not in name:
            ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


async def begin(kind: dict[str, Any]) -> socket.socket | None:
    """Open a connection and send the first octets, as far as they are taken."""
    loop = asyncio.get_running_loop()
    # With so small a buffer, what isn't read stays with the implementation.
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    client.setblocking(False)
    async with places:
        try:
            await asyncio.wait_for(loop.sock_connect(client, address), PATIENCE)
            opened.append(client)
            await asyncio.wait_for(loop.sock_sendall(client, kind["first"]), PATIENCE)
        except OSError:
            return None
        if kind["is_gone"]:
            client.close()
            return None
        return client


async def go_on(kind: dict[str, Any], client: socket.socket) -> None:
    with contextlib.suppress(OSError):
        for _ in range(kind["times"]):
            await asyncio.sleep(kind["every"])
            await asyncio.get_running_loop().sock_sendall(client, kind["again"])


async def ask(octets: bytes) -> int:
    writer = None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(octets)
            line = await reader.readline()
            while await reader.read(65_536):
                pass
            return int(line.split()[1])
    except (OSError, IndexError, ValueError):
        return 0
    finally:
        if writer is not None:
            writer.transport.abort()


async def main() -> dict[str, Any]:
    before = most = memory()
    used = cpu()
    kinds = [kind | {name: base64.b64decode(kind[name]) for name in ("first", "again")} for kind in document["crowd"]]
    crowd = [kind for kind in kinds for _ in range(kind["count"])]
    random.Random(1).shuffle(crowd)  # noqa: S311
    clients = await asyncio.gather(*map(begin, crowd))
    pairs = [(kind, client) for kind, client in zip(crowd, clients, strict=True) if client is not None]
    going = [asyncio.create_task(go_on(kind, client)) for kind, client in pairs]
    start = time.monotonic()
    while (let_in := time.monotonic() - start) < PATIENCE:
        asked = time.monotonic()
        if await ask(HEALTH) == 200 and time.monotonic() - asked < document["prompt"]:
            break
        await asyncio.sleep(PERIOD)
    answers: list[tuple[str, int, float]] = []
    ends = time.monotonic() + document["seconds"]
    while time.monotonic() < ends:
        for name, octets in document["probes"].items():
            start = time.monotonic()
            status = await ask(base64.b64decode(octets))
            answers.append((name, status, time.monotonic() - start))
        most = max(most, memory())
        await asyncio.sleep(PERIOD)
    for task in going:
        task.cancel()
    await asyncio.gather(*going, return_exceptions=True)
    for client in opened:
        client.close()
    memories = [before, most]
    return {"opened": len(opened), "let_in": let_in, "probes": answers, "cpu": cpu() - used, "memory": memories}


if __name__ == "__main__":
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    json.dump(asyncio.run(main()), sys.stdout)
