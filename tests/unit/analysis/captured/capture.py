"""Captures real wrk runs against a server that stalls; made the files beside it.

    python tests/unit/analysis/captured/capture.py

It needs wrk 4.1.0 and some ten seconds. Everything stays on 127.0.0.1.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

DUMP = """
local ffi = require("ffi")
ffi.cdef("typedef struct { uint64_t count, limit, min, max; uint64_t data[]; } captured_stats;")
function done(summary, latency, requests)
   local stats = ffi.cast("captured_stats **", latency)[0]
   local pairs_of = {}
   for n = 0, tonumber(stats.limit) - 1 do
      if stats.data[n] > 0 then
         pairs_of[#pairs_of + 1] = string.format("[%d,%d]", n, tonumber(stats.data[n]))
      end
   end
   local errors = summary.errors
   io.stderr:write(string.format(
      '{"elapsed_us":%d,"ended_ns":%d,"requests":%d,"bytes":%d,'
      .. '"errors":{"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d},'
      .. '"latency":{"count":%d,"minimum_us":%d,"maximum_us":%d,"histogram":[%s]}}',
      summary.duration, 1000 * summary.duration, summary.requests, summary.bytes,
      errors.connect, errors.read, errors.write, errors.status, errors.timeout,
      tonumber(stats.count), tonumber(stats.min), tonumber(stats.max), table.concat(pairs_of, ",")))
end
"""


class Capture(NamedTuple):
    """One run: how long the server stalls once a second, and wrk's arguments."""

    name: str
    stall_seconds: float
    threads: int
    connections: int
    duration_seconds: int
    timeout_seconds: int


CAPTURES = (
    Capture("stalls", stall_seconds=0.2, threads=2, connections=10, duration_seconds=4, timeout_seconds=2),
    Capture("timeouts", stall_seconds=1.3, threads=1, connections=8, duration_seconds=4, timeout_seconds=1),
    Capture("dropped-connections", stall_seconds=0.1, threads=4, connections=10, duration_seconds=2, timeout_seconds=2),
)


@asynccontextmanager
async def serve(capture: Capture) -> AsyncGenerator[int, None]:
    """A server on a free port of 127.0.0.1, which it yields; it answers nothing at all while it stalls."""
    flowing = asyncio.Event()
    flowing.set()
    answering: set[asyncio.Task[None]] = set()

    async def stall() -> None:
        while True:
            await asyncio.sleep(1)
            flowing.clear()
            await asyncio.sleep(capture.stall_seconds)
            flowing.set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await flowing.wait()
                await asyncio.sleep(0.001)
                writer.write(RESPONSE)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answering.add(asyncio.create_task(answer(reader, writer)))

    stalling = asyncio.create_task(stall())
    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
    stalling.cancel()
    flowing.set()
    await asyncio.gather(*answering)


async def measure(capture: Capture, port: int) -> tuple[bytes, bytes]:
    """Run wrk once: what it printed, and what the script dumped."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(DUMP)
        script.flush()
        process = await asyncio.create_subprocess_exec(
            "wrk",
            f"-t{capture.threads}",
            f"-c{capture.connections}",
            f"-d{capture.duration_seconds}s",
            f"--timeout={capture.timeout_seconds}s",
            "--latency",
            f"--script={script.name}",
            f"http://127.0.0.1:{port}/",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        return await asyncio.wait_for(process.communicate(), timeout=60)


async def run(capture: Capture) -> None:
    """Run wrk and write `<name>.json` (a wrk.json, whose clock begins with the load) and `<name>.txt` (wrk's words)."""
    async with serve(capture) as port:
        printed, dumped = await measure(capture, port)
    result = {
        "version": 2,
        "wrk_version": "4.1.0",
        "workload": "read-post",
        "threads": capture.threads,
        "connections": capture.connections,
        "timeout_seconds": capture.timeout_seconds,
        "duration_seconds": capture.duration_seconds,
        **json.loads(dumped),
        "statuses": None,
    }
    (HERE / f"{capture.name}.json").write_text(json.dumps(result, separators=(",", ":")) + "\n")
    (HERE / f"{capture.name}.txt").write_bytes(printed)


async def main() -> None:
    """Make all captures, one after the other."""
    for capture in CAPTURES:
        await run(capture)


if __name__ == "__main__":
    asyncio.run(main())
