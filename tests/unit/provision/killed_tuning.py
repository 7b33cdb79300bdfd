"""Tunes a host and kills itself without warning before one of its calls: `killed_tuning.py NUMBER REQUEST|restore …`.

What reaches the disk goes through the functions of `os`; each call of one of them is a moment at which a machine, or
whoever is impatient, may end the process. The number of the last moment is printed by a run that wasn't killed.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from provision.payload import kernel

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
        kernel.restore({"state": arguments[0], "root": arguments[1]})
    else:
        kernel.apply(json.loads(action))
    sys.stdout.write(str(moments))


main()
