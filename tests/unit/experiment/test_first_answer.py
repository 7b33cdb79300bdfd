"""The script that starts a container on the host, with an engine and a container whose faults are known."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from provision.payload import first_answer, text_of
from tests.ports import free_port

ENGINE_SECONDS, NOT_READY_SECONDS = 0.3, 1

CONTAINER = f"""
import http.server, json, os, sys, time
port, bodies, folder = int(sys.argv[1]), sys.argv[2].encode().split(b"; "), sys.argv[3]
there_ns = time.monotonic_ns()
ready_ns = there_ns + {NOT_READY_SECONDS * 1_000_000_000}

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = time.monotonic_ns() > ready_ns
        # The last one for ever.
        answer = b"down" if not ready else bodies.pop(0) if bodies[1:] else bodies[0]
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

with open(folder + "/own-moments.json", "w") as file:
    json.dump([there_ns, ready_ns], file)
with open(folder + "/cgroup.procs", "w") as file:
    file.write(str(os.getpid()))
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
"""Answers 503 at first, and then with one body after the other. It puts itself into its cgroup, as the engine does with
a process of a container, and writes its own moments of the monotonic clock, which all processes of a machine share."""


@pytest.fixture
def machine(tmp_path: Path) -> "Machine":
    return Machine(tmp_path)


class Machine:
    """A folder with a `docker` of its own, and what the script reads of a cgroup."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        (folder / "container.py").write_text(CONTAINER)
        (folder / "memory.stat").write_text("cache 7\nrss 4096\nmapped_file 9\n")

    def engine(self, lines: str) -> None:
        path = self.folder / "docker"
        path.write_text(f"#!/bin/sh\n{textwrap.dedent(lines)}")
        path.chmod(0o755)

    def start(self, *bodies: str) -> None:
        """Have `docker start` start, after some time, a container whose answers have these bodies in turn."""
        container = f"'{sys.executable}' '{self.folder}/container.py' {self.port} '{'; '.join(bodies)}' '{self.folder}'"
        self.engine(f"""
            echo "$*" > '{self.folder}/asked'
            sleep {ENGINE_SECONDS}
            timeout 20 {container} >/dev/null 2>&1 &
        """)

    def run(self, *, deadline_seconds: float = 15) -> "subprocess.CompletedProcess[str]":
        request = {
            "container": "the-api",
            "address": "127.0.0.1",
            "port": self.port,
            "path": "/api/posts/1",
            "body": "right",
            "executable": str(Path(sys.executable).resolve()),
            "cgroup": str(self.folder),
            "memory_stat": str(self.folder / "memory.stat"),
            "memory_field": "rss",
            "rest_seconds": 0,
            "deadline_seconds": deadline_seconds,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-"],
            input=text_of("first_answer", request),
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        processes = self.folder / "cgroup.procs"
        if processes.exists():
            os.kill(int(processes.read_text()), 9)
        return done


def test_the_engines_share_and_the_apis_are_separate(machine: Machine):
    machine.start("right")
    started = time.monotonic_ns()
    done = machine.run()
    assert done.returncode == 0, done.stderr
    moments = TypeAdapter(dict[str, int]).validate_json(done.stdout)
    assert (machine.folder / "asked").read_text() == "start the-api\n"
    assert started < moments["started_ns"] < moments["running_ns"] < moments["answered_ns"]
    assert moments["running_ns"] - moments["started_ns"] > ENGINE_SECONDS * 1e9
    there_ns, ready_ns = json.loads((machine.folder / "own-moments.json").read_text())
    assert there_ns < moments["running_ns"] < ready_ns < moments["answered_ns"]
    assert moments["memory_bytes"] == 4096


def test_a_wrong_answer_is_no_answer(machine: Machine):
    machine.start(*["almost right"] * 20, "right")
    done = machine.run()
    assert (done.returncode, done.stderr) == (0, "")
    _, ready_ns = json.loads((machine.folder / "own-moments.json").read_text())
    # It pauses for a millisecond after each wrong answer.
    assert json.loads(done.stdout)["answered_ns"] > ready_ns + 20_000_000


def test_the_last_answer_is_reported_at_the_deadline(machine: Machine):
    machine.start("almost right")
    # On a machine that stands still, a deadline may be over before the container is there. Then a longer one follows.
    for seconds in (3, 6, 12):
        done = machine.run(deadline_seconds=seconds)
        assert (done.returncode, done.stdout) == (1, "")
        if "it was answered with 200" in done.stderr:
            break
    assert done.stderr.strip() == f"no right answer within {seconds} s: it was answered with 200 and b'almost right'"


def test_a_request_that_is_not_answered_ends_near_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        request = {"address": "127.0.0.1", "port": silent.getsockname()[1], "path": "/", "deadline_seconds": 60}
        began = time.monotonic()
        assert first_answer.ask(request, began + 0.1).startswith("TimeoutError")
    assert time.monotonic() - began < 30


def test_a_process_that_never_runs_is_reported(machine: Machine):
    machine.engine("exit 0")
    done = machine.run(deadline_seconds=1)
    assert done.stderr.strip() == "no right answer within 1 s: its process didn't run"


def test_an_engine_that_refuses_is_reported_in_its_own_words(machine: Machine):
    machine.engine("echo 'No such container: the-api' >&2; exit 1")
    done = machine.run()
    assert (done.returncode, done.stderr.strip()) == (1, "docker start failed: No such container: the-api")
