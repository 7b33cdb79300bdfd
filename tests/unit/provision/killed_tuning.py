"""Tunes a host and kills itself without warning before one of its calls: `killed_tuning.py NUMBER REQUEST|restore …`.

What reaches the disk goes through the functions of `os`; each call of one of them is a moment at which a machine, or
whoever is impatient, may end the process. The number of the last moment is printed by a run that wasn't killed.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from provision.payload.knobs import guard, tuning

CALLS = ("open", "write", "fsync", "replace", "unlink", "close")


def main() -> None:
    deadly, action, *arguments = int(sys.argv[1]), *sys.argv[2:]
    moments = 0

    def deadly_from(call: Callable[..., Any]) -> Callable[..., Any]:
        def act(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - whatever the call takes
            nonlocal moments
            moments += 1
            if moments == deadly:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*arguments, **options)

        return act

    for name in CALLS:
        setattr(os, name, deadly_from(getattr(os, name)))
    if action == "restore":
        with tuning.Lock(arguments[0]):
            tuning.restore(arguments[0], arguments[1])
    else:
        request = json.loads(action)
        root, state = request["root"], request["state"]
        Path(state).mkdir(exist_ok=True)
        with tuning.Lock(state):
            tuning.restore(state, root)
            tuning.begin(root, state, request["program"], request["seconds"])
            guard.start(request["program"], state, root)
            tuning.apply(root, state, request["knobs"])
    sys.stdout.write(str(moments))


main()
