"""The programs that the lab runs on a host, and the one way to call them.

A program is a file in this folder. It needs Python 3.10 and its standard library alone. One that answers a request has
a function `main`, and `call` calls it. The sampler and the watch run until they are stopped: `provision.load.recording`
starts them as jobs. `hold.py` reads its standard input for as long as it runs; `experiment.bench.run_lock` starts it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from documents.errors import HostError
from provision.ssh import Connection, read_answer

PROGRAMS = Path(__file__).parent
"""The folder of the programs' sources, on the controller."""

HOME = "/var/lib/fairground"
"""The lab's folder on every host, of mode 0700."""

Answer = TypeVar("Answer")


def call(
    connection: Connection,
    program: str,
    request: Mapping[str, object],
    answer: type[Answer] | TypeAdapter[Answer],
    *,
    what: str,
    failure: str,
    remedy: str = "",
    deadline_seconds: float,
    cpus: str | None = None,
    function: str = "main",
) -> Answer:
    """Call a program on a host: one of its functions gets the request and returns the answer.

    Program and request go to the interpreter's standard input, so that no list of processes shows them.

    Args:
        connection: to the host.
        program: the name of the program's file, without its suffix.
        request: a value that JSON can express.
        answer: the shape of the answer.
        what: the name of the answer for messages, such as ``its kernel settings``.
        failure: what has failed if the program does, for messages, such as ``The CPU pinning on h failed``.
        remedy: what to do then, as a sentence.
        deadline_seconds: how long it may take.
        cpus: the CPUs that it runs on, such as ``0,1``; those of the SSH session unless given.
        function: the function that gets the request.

    Raises:
        HostError: the program failed, and the message has the sentence that it ended with; or it answered something of
            another shape.
    """
    command = ["python3", "-I", "-"] if cpus is None else ["taskset", "-c", cpus, "python3", "-I", "-"]
    program_text = text_of(program, request, function)
    done = connection.run(command, input=program_text, deadline_seconds=deadline_seconds, check=False)
    if done.exit_status:
        reason = done.reason.rstrip(".") or f"its program ended with the status {done.exit_status}"
        raise HostError(f"{failure}: {reason}. {remedy}".rstrip())
    return read_answer(answer, done.stdout, what=what, where=connection)


def text_of(program: str, request: Mapping[str, object], function: str = "main") -> str:
    """A program's text, followed by a call of one of its functions that prints the answer as JSON."""
    text = (PROGRAMS / f"{program}.py").read_text(encoding="utf-8")
    return f"{text}\nimport json\nprint(json.dumps({function}(json.loads({json.dumps(request)!r}))))\n"
