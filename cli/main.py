"""The entry of the `lab` command, and how every error ends."""

import errno
import os
import signal
import sys
import traceback
from types import FrameType

import typer
from rich.console import Console
from rich.text import Text

from cli.subcommands import Subcommands
from documents.errors import FairgroundError

_ROOM = "Make room there and run the same command again: what was finished is kept."
_RIGHTS = "See that it is yours to use and that its disk isn't mounted read-only, then run the same command again."

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
"""What to do about what a machine refuses; everything else is a defect of the lab's."""


def tell_system_error(error: OSError) -> str | None:
    """What happened, where, and what to do about it; None for an error that no machine's state explains."""
    remedy = _REMEDIES.get(error.errno or 0)
    if remedy is None:
        return None
    # A write to a terminal or a pipe has no name to tell.
    place = "The command's output" if error.filename is None else os.fsdecode(error.filename)
    return f"{place}: {error.strerror}. {remedy}"


EXIT_FAILED = 1
EXIT_INTERRUPTED = 130

EXIT_WITHOUT_ANSWER = {"gate": 3}
"""The status of any error of a subcommand whose statuses 1 and 2 are answers: an error must not be taken for one."""

GOES_ON = {
    "run": "`lab run --resume` goes on with a run that had begun",
    "gate": "`lab run --resume` goes on with a run that had begun, and `lab gate --run` judges it",
}
"""What goes on after Ctrl-C, where it isn't the same command: that would begin another run."""

app = typer.Typer(
    name="lab",
    cls=Subcommands,
    help="Stand a test lab up, measure one REST API in several languages on it, and say how sure the answer is.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def _lab() -> None:
    """Stand a test lab up, measure one REST API in several languages on it, and say how sure the answer is."""


def main() -> None:
    """Run the command; errors made on purpose, and what the machine refuses, are told without a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    subcommand = sys.argv[1] if len(sys.argv) > 1 else None
    without_answer = EXIT_WITHOUT_ANSWER.get(subcommand or "")
    try:
        status = _run(console, without_answer)
    except Exception:
        if without_answer is None:
            raise
        # Python itself would end with 1.
        traceback.print_exc()
        status = without_answer
    if status == EXIT_INTERRUPTED:
        then = GOES_ON.get(subcommand or "", "the same command goes on from there")
        console.print(f"interrupted: what was finished is kept; {then}.", markup=False)
    sys.exit(status)


def _run(console: Console, without_answer: int | None) -> int:
    """Run the command and tell its error, if any, in one sentence; returns the exit status."""
    failed = EXIT_FAILED if without_answer is None else without_answer
    try:
        return app(standalone_mode=False) or 0
    except FairgroundError as error:
        _tell(console, str(error))
        return failed
    except typer.Abort:
        # Ctrl-C, or the end of the input, while a question waited for its answer.
        return EXIT_INTERRUPTED
    except OSError as error:
        if (sentence := tell_system_error(error)) is None:
            raise
        _tell(console, sentence)
        return failed
    except typer.TyperException as error:
        # Without a message it is `lab` alone, and the help is on the terminal already.
        if message := error.format_message():
            _tell(console, f"{message.rstrip('.')}. Try `{_command_of(error)} --help`.")
        return error.exit_code if without_answer is None else without_answer


def _command_of(error: typer.TyperException) -> str:
    """The command whose help tells how it is used, as far as the command line named one: ``lab run``."""
    path: str = getattr(getattr(error, "ctx", None), "command_path", "lab")
    return path


def _tell(console: Console, message: str) -> None:
    console.print(Text.assemble(("error: ", "red"), message))


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """A polite request to end is treated as Ctrl-C: clean up, keep what is finished."""
    raise KeyboardInterrupt
