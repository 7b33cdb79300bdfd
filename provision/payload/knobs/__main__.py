"""Runs on the host: kernel settings for the time of a run. Standard library only, Python 3.10 or newer.

The controller lays this package there as one file and runs it with one of

    read REQUEST              what each knob is
    apply REQUEST             put back what an earlier run left, take a lease, start the guard, set the knobs
    renew STATE ROOT SECONDS  let the lease hold for so many seconds from now on
    left STATE                what has yet to be put back
    restore STATE ROOT        put all back and end the lease
    lapse STATE ROOT          the same, unless a lease holds
    guard STATE ROOT LOCK     wait until the lease lapses, then put all back; LOCK is its lock's descriptor

and reads one line of JSON. A request has `root`, `state`, `program`, `seconds` and `knobs`. A failure ends with the
status 1 and a sentence on standard error.
"""

import json
import os
import sys
from typing import Any

from provision.payload.knobs import guard, tuning
from provision.payload.knobs.journal import write_whole
from provision.payload.knobs.lease import Lease


def main() -> None:
    """Do what the arguments say."""
    action, *arguments = sys.argv[1:]
    if action in {"read", "apply"}:
        request = json.loads(arguments[0])
        answer = apply(request) if action == "apply" else tuning.read(request["root"], request["knobs"])
    elif action == "renew":
        answer = renew(arguments[0], arguments[1], float(arguments[2]))
    elif action == "left":
        answer = left(arguments[0])
    elif action == "restore":
        answer = restore(arguments[0], arguments[1])
    elif action == "lapse":
        answer = {"restored": guard.lapse(arguments[0], arguments[1])}
    elif action == "guard":
        guard.watch(arguments[0], arguments[1], int(arguments[2]))
        return
    else:
        sys.exit(f"this program knows no action {action!r}")
    print(json.dumps(answer))  # noqa: T201 - this line is the answer


def apply(request: "dict[str, Any]") -> "dict[str, Any]":
    """Set the knobs; the answer has `knobs`, the `boot` entry's kind, and what was put back before, as `earlier`."""
    root, state, program = request["root"], request["state"], request["program"]
    os.makedirs(state, mode=0o700, exist_ok=True)  # noqa: PTH103 - a text
    with tuning.Lock(state):
        earlier = tuning.restore(state, root)
        at_boot = tuning.begin(root, state, program, request["seconds"])
        guard.start(program, state, root)
        return {"earlier": earlier, "boot": at_boot, "knobs": tuning.apply(root, state, request["knobs"])}


def renew(state: str, root: str, seconds: float) -> "dict[str, Any]":
    """Renew the lease if it still holds, and see that a guard is at work; the answer is whether it held."""
    if not os.path.isdir(state):  # noqa: PTH112 - a text
        return {"held": False}
    with tuning.Lock(state):
        lease = Lease(state)
        remaining = lease.remaining_seconds()
        if remaining is None or remaining <= 0:
            return {"held": False}
        write_whole(lease.path, lease.text(seconds))
        guard.start(sys.argv[0], state, root)
        return {"held": True}


def left(state: str) -> "list[dict[str, Any]]":
    """What has yet to be put back, if there is anything."""
    if not os.path.isdir(state):  # noqa: PTH112 - a text
        return []
    with tuning.Lock(state):
        return tuning.left(state)


def restore(state: str, root: str) -> "dict[str, Any]":
    """Put all back, if there is anything."""
    if not os.path.isdir(state):  # noqa: PTH112 - a text
        return {"restored": 0, "failed": [], "damaged": False}
    with tuning.Lock(state):
        return tuning.restore(state, root)


main()
