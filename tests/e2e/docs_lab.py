"""`lab` for whoever follows the docs in a test: on the tests' own lab, and mostly by protocols that take seconds.

`docs_lab.py STACK FOLDER BASE CANDIDATE ARGUMENT…`: `lab ARGUMENT…` except for that. What the docs call `mine`, or
leave to the default, is the stack. `quick` is measured as it is, of the two builds; the lab's other protocols, and one
in the reader's home, are that of FOLDER/protocols for the subcommand. The two builds of a gate are BASE and CANDIDATE,
and BASE is what is verified, as `go` is. Runs, facts and summaries are in FOLDER, and the runs that the docs name are
its newest ones, of a gate or of the others.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cli import context
from experiment.planning.subjects import protocol_names
from tests.e2e.lab_with_neighbours import allow_neighbours

_WITHOUT_STACK = frozenset({"doctor", "report", "compare", "runs", "history", "--install-completion"})


def translate(arguments: Sequence[str], stack: str, folder: Path, builds: Mapping[str, str]) -> Iterator[str]:
    """The arguments as they are right here."""
    name = "gate" if arguments[0] == "gate" else "run"
    protocol, runs = f"{folder}/protocols/{name}.yaml", runs_in(folder, name)
    named = sorted({word for word in arguments if is_run(word)})
    newest = runs[len(runs) - len(named) :]
    for before, word in zip(("", *arguments), arguments, strict=False):
        if before == "--protocol":
            yield protocol if word in {*protocol_names()} - {"quick"} or word.startswith("/") else word
            if word == "quick":
                yield from ("--api", builds["base"], "--api", builds["candidate"])
        elif before == "--stack":
            yield stack
        elif before == "--summary":
            yield f"{folder}/{word}"
        elif word in named:
            yield newest[named.index(word)]
        else:
            yield builds.get(word, word)
    if arguments == ["verify"]:
        # The floor among them doesn't keep the contract.
        yield builds["base"]
    if arguments[0] in {"run", "gate"} and not {"--protocol", "--resume", "--run"} & {*arguments}:
        yield from ("--protocol", protocol)
    if "--stack" not in arguments and arguments[0] not in _WITHOUT_STACK:
        yield from ("--stack", stack)


def is_run(word: str) -> bool:
    """Whether a word is the id of a run, which begins with date and time."""
    date, _, rest = word.partition("-")
    return len(date) == len("20261124") and (date + rest[:6]).isdigit()


def runs_in(folder: Path, protocol: str) -> list[str]:
    """The ids of a reader's runs for a gate, or of the others, the newest last."""
    names = (protocol,) if protocol == "gate" else (protocol, "quick")
    return sorted(path.parent.name for name in names for path in folder.glob(f"runs/*-{name}/manifest.json"))


def keep_in(folder: Path) -> None:
    """Have all that is imported from now on find runs and facts in a folder, and write them there."""
    for name in ("RUNS", "FACTS"):
        setattr(context, name, folder / name.lower())


def follow() -> None:
    """Run `lab` as this file says."""
    stack, place, base, candidate, *arguments = sys.argv[1:]
    folder = Path(place)
    keep_in(folder)
    # It takes in where runs are as it is imported.
    from cli.main import main  # noqa: PLC0415

    sys.argv = ["lab", *translate(arguments, stack, folder, {"go": base, "base": base, "candidate": candidate})]
    main()


if __name__ == "__main__":
    allow_neighbours()
    follow()
