"""Runs on the host: a fixed piece of work on each CPU, for calibration. Standard library only, Python 3.10 or newer.

A request is

    {"cpus": [0, 1]}

and the answer has for each of the CPUs, which all work at the same time, how long its fastest piece of work took: by
the clock, `wall_ns`, and as CPU time, `cpu_ns`.
"""

import hashlib
import json
import os
import sys
import time
from typing import Any

PIECES, ROUNDS = 10, 70_000
"""Some 0.2 s together if the CPU has instructions for SHA-256, and three times that if not. It is the same everywhere,
so that differences are the host's."""


def main(request: "dict[str, Any]") -> "list[dict[str, int]]":
    """Do what the request says, in a process for each CPU."""
    running: list[tuple[int, int]] = []
    for cpu in request["cpus"]:
        reader, writer = os.pipe()
        process = os.fork()
        if process == 0:
            try:
                os.write(writer, json.dumps(spin(cpu)).encode())
                os._exit(0)
            except OSError as error:
                os.write(2, f"no spin on the CPU {cpu}: {error}\n".encode())
                os._exit(1)
        os.close(writer)
        running.append((process, reader))
    answers: list[bytes] = []
    for process, reader in running:
        with os.fdopen(reader, "rb") as answer:
            answers.append(answer.read())
        os.waitpid(process, 0)
    if not all(answers):
        # The process of that CPU has said why.
        sys.exit(1)
    return [json.loads(answer) for answer in answers]


def spin(cpu: int) -> "dict[str, int]":
    """Do the pieces of work on one CPU; the fastest of them counts.

    A piece uses registers and the first cache only, so that its length depends on the CPU. A short disturbance, as a
    process that starts on the sibling of the physical core, doesn't affect all pieces.
    """
    os.sched_setaffinity(0, {cpu})
    hashlib.pbkdf2_hmac("sha256", b"spin", b"spin", ROUNDS // 2)
    fastest = min((piece() for _ in range(PIECES)), key=lambda took: took["cpu_ns"])
    return {"cpu": cpu, **fastest}


def piece() -> "dict[str, int]":
    """Do a piece of work; returns its time by the clock, and its CPU time."""
    wall, used = time.monotonic_ns(), time.process_time_ns()
    hashlib.pbkdf2_hmac("sha256", b"spin", b"spin", ROUNDS)
    return {"wall_ns": time.monotonic_ns() - wall, "cpu_ns": time.process_time_ns() - used}
