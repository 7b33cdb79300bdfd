"""`lab run`: measure."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from analysis.pages.numbers import listing
from cli.budget import budget_lines, read_duration
from cli.context import DEFAULT_STACK, RUNS, JsonOption, StackOption, open_engine, terminal
from cli.continuous_integration import ARTIFACTS, Job, asked_by_pipeline, plain_console
from cli.progress import UnderWay, elapsed, under_way
from cli.report import find_run
from documents.errors import RunError
from documents.open_loop import OpenLoopCell
from experiment.events import BudgetFitted, CellFinished, CellStarted, Event, PhaseStarted, RunFinished, RunStarted
from experiment.protocol_file import protocol_names, read_protocol
from lab.lifecycle.lifecycle import read_lab


def run(  # noqa: PLR0917 - typer's options are keywords on the command line
    protocol: Annotated[
        str, typer.Option("--protocol", "-p", help="A protocol's name (article, quick) or the path of its file.")
    ] = "quick",
    api: Annotated[
        list[str] | None, typer.Option("--api", help="Measure this API alone; may be given again for more.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run instead of beginning one.")] = False,
    run_id: Annotated[str | None, typer.Argument(help="With --resume: which run; the newest unless given.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Draw the order of the cells from this number.")] = None,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            metavar="TIME",
            parser=read_duration,
            help="Measure as many whole blocks as fit into this time (90m, 2h, 1h30m), and say what they can resolve.",
        ),
    ] = None,
    ci: Annotated[
        bool,
        typer.Option(
            "--ci", help="As part of a job: plain lines, the report at the end, artefacts, the run's id last."
        ),
    ] = False,
    artifacts: Annotated[
        Path | None,
        typer.Option("--artifacts", metavar="DIR", help="With --ci: where they go; artifacts/ unless given."),
    ] = None,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Measure the lab's APIs by a protocol and write runs/ID/.

    Ctrl-C, a lost connection or a killed controller lose no finished cell: `lab run --resume` goes on. Exits with 1
    where no cell of a run is valid.
    """
    # Here, for it takes its time, and the other subcommands don't need it.
    from experiment.run import resume_run, start_run  # noqa: PLC0415

    if run_id is not None and not resume:
        raise typer.BadParameter("A run's id goes with --resume.")
    if api and resume:
        raise typer.BadParameter("The APIs of a run are fixed when it begins: --api doesn't go with --resume.")
    if budget is not None and resume:
        raise typer.BadParameter("The budget of a run is fixed when it begins: --budget doesn't go with --resume.")
    if ci and json:
        raise typer.BadParameter("--ci prints lines for a job's log: --json doesn't go with it.")
    if artifacts is not None and not ci:
        raise typer.BadParameter("The folder of the artefacts goes with --ci.")
    chosen = read_protocol(protocol)
    inventory, secrets = read_lab(open_engine(stack))
    console = plain_console() if ci else terminal()
    with ExitStack() as shown:
        progress = JsonProgress() if json else RunProgress(console, shown.enter_context(under_way(console, "starting")))
        job = None
        if ci:
            asked = asked_by_pipeline(stack, chosen, apis=api or (), order_seed=seed, budget_seconds=budget)
            job = shown.enter_context(Job(console, progress, asked, artifacts or ARTIFACTS))
        if resume:
            resume_run(find_run(run_id), inventory, secrets, progress=job or progress)
        elif job is None or not job.goes_on(inventory, secrets):
            start_run(
                inventory,
                secrets,
                chosen,
                RUNS,
                protocol_file=None if protocol in protocol_names() else protocol,
                apis=api or (),
                order_seed=seed,
                budget_seconds=budget,
                progress=job or progress,
            )
    if (finished := progress.finished) is not None and finished.void_cells == finished.cells:
        raise RunError(
            f"None of the {finished.cells} cells of the run {finished.run_id} is valid, so there is nothing to report. "
            f"Each cell's reasons are in {finished.directory}/journal.jsonl; `lab verify` and `lab logs` tell more."
        )


class JsonProgress:
    """Prints each event as one line of JSON."""

    def __init__(self) -> None:
        self.finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Print one event."""
        if isinstance(event, RunFinished):
            self.finished = event
        typer.echo(event.model_dump_json())


class RunProgress:
    """Shows each cell as a line, and what is under way as a live one."""

    def __init__(self, console: Console, doing: UnderWay) -> None:
        self._console = console
        self._doing = doing
        self._start = time.monotonic()
        self._cells = 0
        self._attempts = 1
        self.finished: RunFinished | None = None

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case BudgetFitted():
                for line in budget_lines(event):
                    self._console.print(line, markup=False)
            case RunStarted():
                self._cells, self._attempts = event.cells, event.attempts
                done = f", {event.finished} of them done already" if event.finished else ""
                self._console.print(
                    f"Run {event.run_id}: {event.cells} cells{done}, in {event.directory}", markup=False
                )
            case CellStarted():
                self._doing.become(f"cell {event.cell.number} of {self._cells}{_again(event.attempt)}: {event.cell.id}")
            case PhaseStarted():
                phase = event.phase.replace("_", " ")
                self._doing.become(f"cell {event.cell_id} of {self._cells}{_again(event.attempt)}: {phase}")
            case CellFinished():
                self._show(event)
            case RunFinished():
                self.finished = event
                self._console.print(
                    f"{elapsed(self._start)}  done{_said_of_voids(event)}; `lab report` shows the numbers.",
                    markup=False,
                    soft_wrap=True,
                )

    def _show(self, event: CellFinished) -> None:
        rate = "" if event.throughput is None else f"{event.throughput:>12,.0f} requests/s"
        place = f"{event.cell.number:>3}/{self._cells}"
        self._console.print(f"{elapsed(self._start)}  {place}  {event.record.attempt_id:<32}{rate}", markup=False)
        for void in event.record.voids:
            self._console.print(f"              void: {void.message}", markup=False, soft_wrap=True)
        if not event.record.valid and self._attempts > 1:
            made = f"attempt {event.record.attempt} of {self._attempts} was void"
            left = event.record.attempt < self._attempts
            block = f"block {event.cell.block}{' of the open loop' if isinstance(event.cell, OpenLoopCell) else ''}"
            self._console.print(
                f"              {made}: {'run again' if left else f'{block} stays short'}",
                markup=False,
            )


def _again(attempt: int) -> str:
    """How an attempt is told beside its cell: the first isn't."""
    return f", attempt {attempt}" if attempt > 1 else ""


def _said_of_voids(event: RunFinished) -> str:
    """What was void in a run, and which blocks lack a cell by it."""
    if not event.void_attempts:
        return ""
    said = f", {event.void_attempts} void attempt{'' if event.void_attempts == 1 else 's'}"
    for blocks, of_which in ((event.short_blocks, ""), (event.short_open_loop_blocks, " of the open loop")):
        if blocks:
            plural = "" if len(blocks) == 1 else "s"
            said += f", short block{plural} {listing([str(block) for block in blocks])}{of_which}"
    return said
