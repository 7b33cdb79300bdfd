"""`lab` for whoever follows the docs in a test: on the tests' own lab, and with protocols that take seconds.

`docs_lab.py STACK PROTOCOLS RUNS ARGUMENT…`: `lab ARGUMENT…` but for that. What the docs call `mine`, or leave to the
default, is the stack; the lab's own protocols, and one in the reader's home, are that of the folder PROTOCOLS that is
named by the subcommand; the two builds of a gate are two of that lab's, and what is verified is one. Runs are in the
folder RUNS, and those that the docs name are its newest ones but for a gate's.
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from cli.main import main
from experiment.protocol_file import protocol_names
from tests.e2e.go_lab import BASE, SAME
from tests.e2e.load_host_run import allow_neighbours

_BUILDS = {"base": BASE, "candidate": SAME}
_WITHOUT_STACK = frozenset({"doctor", "report", "compare", "runs", "history", "--install-completion"})


def translate(arguments: Sequence[str], stack: str, protocol: str, runs: Sequence[str]) -> Iterator[str]:
    """The arguments as they are right here; `runs` are the ids of those that there are, the newest last."""
    named = sorted({word for word in arguments if _is_run(word)})
    newest = runs[len(runs) - len(named) :]
    for before, word in zip(("", *arguments), arguments, strict=False):
        if before == "--protocol":
            yield protocol if word in protocol_names() or word.startswith("/") else word
        elif before == "--stack":
            yield stack
        elif word in named:
            yield newest[named.index(word)]
        else:
            yield _BUILDS.get(word, word)
    if arguments == ["verify"]:
        # Another one of that lab's is behind something slow.
        yield BASE
    if arguments[0] in {"run", "gate"} and not {"--protocol", "--resume", "--run"} & {*arguments}:
        yield from ("--protocol", protocol)
    if "--stack" not in arguments and arguments[0] not in _WITHOUT_STACK:
        yield from ("--stack", stack)


def _is_run(word: str) -> bool:
    """Whether a word is the id of a run, which begins with date and time."""
    date, _, rest = word.partition("-")
    return len(date) == len("20261124") and (date + rest[:6]).isdigit()


def keep_runs_in(folder: Path) -> None:
    """Have every subcommand find its runs, and write them, in a folder."""
    for name, module in sys.modules.items():
        if name.startswith("cli.") and hasattr(module, "RUNS"):
            module.RUNS = folder  # pyright: ignore[reportAttributeAccessIssue]


if __name__ == "__main__":
    allow_neighbours()
    stack, protocols, runs, *arguments = sys.argv[1:]
    protocol = f"{protocols}/{arguments[0]}.yaml"
    keep_runs_in(Path(runs))
    ids = sorted(path.parent.name for path in Path(runs).glob("*-run/manifest.json"))
    sys.argv = ["lab", *translate(arguments, stack, protocol, ids)]
    main()
