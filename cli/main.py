"""The entry of the `lab` command, and how every error ends.

A subcommand is imported when it runs: the help and the shell's completion need none of them.
"""

import errno
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from cli.context import require_subcommand
from documents.errors import FairgroundError

HELP = {
    "doctor": "Show each tool that the lab needs: its path, its version, and how to get it if it's missing.",
    "up": "Stand the lab up, or bring it up to its document.",
    "verify": "Check that the APIs keep the contract, or with --drift that the lab is as declared.",
    "tune": "Set the host's kernel settings for a measurement, for some time; a run does this itself.",
    "run": "Measure the lab's APIs by a protocol and write runs/ID/.",
    "report": "Compute a run's numbers from its raw files, write its report, and show the verdicts.",
    "compare": "Compare two runs: the same APIs under the same loads, the second over the first.",
    "gate": "Measure two builds of one API, interleaved, and judge the candidate by its base.",
    "runs": "List the runs, mark those to keep, and remove old ones.",
    "history": "Draw runs over time: throughput and p99 of each API under each load.",
    "facts": "Measure build time, size, lines of code, dependencies, start and memory at rest of the APIs.",
    "logs": "Show the last lines that the services and the APIs wrote.",
    "api": "Work on an implementation of the API.",
    "schema": "Write the JSON Schemas of the lab's documents, and the fields that the docs list.",
    "down": "Remove everything that the lab made, also after a failed or killed `lab up`.",
}


class Subcommands(TyperGroup):
    """A group that imports a subcommand only when it is called."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - typer's own
        # Typer cuts a help that isn't marked as short.
        options["commands"] = {name: TyperCommand(name=name, short_help=text) for name, text in HELP.items()}
        super().__init__(**options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's types are private in typer
        """Find the subcommand of the arguments, and import it."""
        if args and args[0] in HELP:
            self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> None:
        """Import a subcommand."""
        imported = _import(name)
        if isinstance(imported, typer.Typer):
            app = imported
        else:
            app = typer.Typer(add_completion=False, rich_markup_mode=None)
            app.command(name)(imported)
        command = typer.main.get_command(app)
        command.name = name
        self.commands[name] = command


def _import(name: str) -> "Callable[..., object] | typer.Typer":  # noqa: PLR0912 - one case for each
    match name:
        case "doctor":
            from cli.doctor import doctor as command
        case "up":
            from cli.up import up as command
        case "verify":
            from cli.verify import verify as command
        case "tune":
            from cli.tune import tune as command
        case "run":
            from cli.run import run as command
        case "report":
            from cli.report import report as command
        case "compare":
            from cli.compare import compare as command
        case "gate":
            from cli.gate import gate as command
        case "runs":
            from cli.runs import app as command
        case "history":
            from cli.history import history as command
        case "facts":
            from cli.facts import facts as command
        case "logs":
            from cli.logs import logs as command
        case "api":
            from cli.api import api as command
        case "schema":
            from cli.schema import schema as command
        case "down":
            from cli.down import down as command
        case _:
            raise AssertionError(f"cli/main.py imports nothing for the subcommand {name}")
    return command


_ROOM = "Make room there and run the same command again: finished work is kept."
_RIGHTS = "Check its mode and that its disk isn't mounted read-only, then run the same command again."

_REMEDIES = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "Raise the limit of a file's size (ulimit -f) or make room, and run the same command again.",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EIO: "The disk may be damaged: look at the kernel's log.",
    errno.EMFILE: "Raise the limit of open files (ulimit -n) and run the same command again.",
}
"""The remedies for system errors; any other error is a defect of the lab."""


def explain_system_error(error: OSError) -> str | None:
    """What happened, where, and the remedy; None for an error that the machine's state doesn't explain."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    # A write to a terminal or a pipe has no file name.
    place = "The command's output" if error.filename is None else os.fsdecode(error.filename)
    return f"{place}: {error.strerror}. {remedy}"


EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

EXIT_WITHOUT_ANSWER = {"gate": 3}
"""The exit status of an error of a subcommand whose statuses 1 and 2 are answers: that of `GATE_STATUSES`, whose import
would take as long as all of the help."""

CONTINUES_BY = {
    "run": "`lab run --resume` continues a run that had begun",
    "gate": "`lab run --resume` continues a run that had begun, and `lab gate --run` judges it",
}
"""How to continue after Ctrl-C; other subcommands continue if they are called again."""

app = typer.Typer(
    name="lab",
    cls=Subcommands,
    add_completion=True,
    pretty_exceptions_enable=False,
    # Typer's boxes around the help import a parser of Markdown and a highlighter of code: as much CPU as all the rest.
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _lab(context: typer.Context) -> None:
    """Stand a test lab up, measure one REST API in several languages on it, and say how sure the answer is."""
    require_subcommand(context)


def main() -> None:
    """Run the command; errors raised on purpose and system errors are shown without a traceback."""
    # SIGTERM as Ctrl-C: clean up, and keep finished work.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    subcommand = sys.argv[1] if len(sys.argv) > 1 else None
    without_answer = EXIT_WITHOUT_ANSWER.get(subcommand or "")
    try:
        status = _run(without_answer)
    except SystemExit as error:
        # A closed pipe ends the command with 1, too.
        if without_answer is None or not error.code:
            raise
        status = without_answer
    except Exception:
        if without_answer is None:
            raise
        # Otherwise Python would exit with 1.
        traceback.print_exc()
        status = without_answer
    if status == EXIT_INTERRUPTED:
        then = CONTINUES_BY.get(subcommand or "", "the same command continues from there")
        typer.echo(f"interrupted: finished work is kept; {then}.", err=True)
    sys.exit(status)


def _run(without_answer: int | None) -> int:
    """Run the command and show its error, if any, in one sentence; returns the exit status."""
    failed = EXIT_FAILED if without_answer is None else without_answer
    try:
        return app(standalone_mode=False) or 0
    except FairgroundError as error:
        _show_error(str(error))
        return failed
    except typer.Abort:
        # Ctrl-C, or the end of the input, at a question.
        return EXIT_INTERRUPTED
    except OSError as error:
        if (sentence := explain_system_error(error)) is None:
            raise
        _show_error(sentence)
        return failed
    except typer.TyperException as error:
        _show_error(f"{error.format_message().rstrip('.')}. Try `{_command_of(error)} --help`.")
        return error.exit_code if without_answer is None else without_answer


def _command_of(error: typer.TyperException) -> str:
    """The command of an error, as far as the command line names one: ``lab run``."""
    path: str = getattr(getattr(error, "ctx", None), "command_path", "lab")
    return path


def _show_error(message: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, highlight=False, soft_wrap=True).print(Text.assemble(("error: ", "red"), message))
