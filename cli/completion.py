"""What a shell completes: the values of options and arguments, as far as a look at this checkout tells them.

Whatever can't be told completes to nothing: a shell that waits for words must not get an error among them.
"""

from collections.abc import Iterable
from typing import get_args

import typer

from cli.context import DEFAULT_STACK, ROOT, RUNS
from documents.errors import FairgroundError
from documents.report import Measure
from documents.run import MANIFESTS
from experiment.planning import protocol_names
from lab.stack_file import read_stack


def complete_run(incomplete: str) -> list[str]:
    """The ids of the runs, the newest first."""
    return _that_begin(sorted((path.parent.name for path in RUNS.glob(MANIFESTS)), reverse=True), incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    """The names of the lab's own protocols; a path of another one is the shell's to complete."""
    return _that_begin(protocol_names(), incomplete)


def complete_measure(incomplete: str) -> list[str]:
    """The measures by which a gate judges."""
    return _that_begin(get_args(Measure), incomplete)


def complete_api(context: typer.Context, incomplete: str) -> list[str]:
    """The APIs of the stack that the command line names so far, or of the one that is taken where it names none."""
    return _that_begin(_apis_of(context), incomplete)


def complete_log(context: typer.Context, incomplete: str) -> list[str]:
    """What of that stack writes a log."""
    return _that_begin(("postgres", "redis", *_apis_of(context)), incomplete)


def complete_check(incomplete: str) -> list[str]:
    """The groups of the contract's checks, and each check where the word has a group already."""
    # Here, for it takes its time, and the others don't need it.
    from apis.contract.checks import all_checks  # noqa: PLC0415

    checks = all_checks()
    names = sorted(check.name for check in checks) if "." in incomplete else sorted({check.group for check in checks})
    return _that_begin(names, incomplete)


def _apis_of(context: typer.Context) -> list[str]:
    try:
        return [api.name for api in read_stack(ROOT, context.params.get("stack") or DEFAULT_STACK).apis]
    except FairgroundError:
        return []


def _that_begin(words: Iterable[str], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
