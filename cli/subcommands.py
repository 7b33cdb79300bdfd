"""The subcommands of `lab`, each imported when it runs: the help and the shell's completion need none of them."""

from collections.abc import Callable
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

HELP = {
    "doctor": "Show each tool that the lab needs: its path, its version, and how to get it if it's missing.",
    "up": "Stand the lab up, or bring it up to its document.",
    "verify": "Check that the APIs keep the contract, or with --drift that the lab is as declared.",
    "tune": "Set the host's kernel settings for a measurement, for some time; a run does so by itself.",
    "run": "Measure the lab's APIs by a protocol and write runs/ID/.",
    "report": "Compute a run's numbers from its raw files, write its report, and show the verdicts.",
    "compare": "Compare two runs: the same APIs under the same loads, the second over the first.",
    "gate": "Measure two builds of one API, interleaved, and judge the candidate by its base.",
    "runs": "List the runs, mark those that are to be kept, and remove old ones.",
    "history": "Draw runs over time: throughput and p99 of each API under each load.",
    "facts": "Measure build time, size, lines of code, dependencies, start and memory at rest of the APIs.",
    "logs": "Show the last lines that PostgreSQL, Redis and the APIs wrote.",
    "api": "Work on an implementation of the API.",
    "schema": "Write the JSON Schemas of the lab's documents, and the fields that the docs list.",
    "down": "Remove everything that the lab made, also after a half-failed or killed `lab up`.",
}


class Subcommands(TyperGroup):
    """A group whose subcommands are names and help until one is asked for."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - typer's own
        options["commands"] = {name: TyperCommand(name=name, help=text) for name, text in HELP.items()}
        super().__init__(**options)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - click's types are private in typer
        """Find the subcommand that the arguments begin with, and import it."""
        if args and args[0] in HELP:
            self.load(args[0])
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> None:
        """Import a subcommand."""
        imported = _import(name)
        if isinstance(imported, typer.Typer):
            app = imported
        else:
            app = typer.Typer(add_completion=False)
            app.command(name)(imported)
        command = typer.main.get_command(app)
        command.name = name
        self.commands[name] = command


def _import(name: str) -> "Callable[..., object] | typer.Typer":  # noqa: PLR0911, PLR0912 - one line for each
    match name:
        case "doctor":
            from cli.doctor import doctor

            return doctor
        case "up":
            from cli.up import up

            return up
        case "verify":
            from cli.verify import verify

            return verify
        case "tune":
            from cli.tune import tune

            return tune
        case "run":
            from cli.run import run

            return run
        case "report":
            from cli.report import report

            return report
        case "compare":
            from cli.compare import compare

            return compare
        case "gate":
            from cli.gate import gate

            return gate
        case "runs":
            from cli.runs import app

            return app
        case "history":
            from cli.history import history

            return history
        case "facts":
            from cli.facts import facts

            return facts
        case "logs":
            from cli.logs import logs

            return logs
        case "api":
            from cli.api import api

            return api
        case "schema":
            from cli.schema import schema

            return schema
        case _:
            from cli.down import down

            return down
