"""`lab run`: measure."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.completion import complete_api, complete_protocol, complete_run
from cli.context import DEFAULT_STACK, FACTS, RUNS, JsonOption, StackOption, open_engine, terminal
from cli.continuous_integration import ARTIFACTS, Job, asked_by_pipeline, plain_console
from cli.progress import under_way
from cli.report import find_run, show_screen
from cli.run_progress import read_duration, run_progress
from documents.errors import RunError
from experiment.planning import protocol_names, read_protocol
from lab.lifecycle.lifecycle import read_lab

DEFAULT_PROTOCOL = "quick"


def run(  # noqa: PLR0917 - typer's options are keywords on the command line
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            "-p",
            help="A protocol's name (article, quick) or the path of its file; quick unless given.",
            autocompletion=complete_protocol,
        ),
    ] = None,
    api: Annotated[
        list[str] | None,
        typer.Option("--api", help="Measure this API alone; may be given again for more.", autocompletion=complete_api),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run instead of beginning one.")] = False,
    run_id: Annotated[
        str | None,
        typer.Argument(
            help="With --resume: which run; the newest of the stack unless given.", autocompletion=complete_run
        ),
    ] = None,
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

    At its end it writes the report and shows the verdicts, as `lab report` does. Ctrl-C, a lost connection or a killed
    controller lose no finished cell: `lab run --resume` goes on. Exits with 1 where no cell of a run is valid.
    """
    # Here, for it takes its time, and the other subcommands don't need it.
    from experiment.running import resume_run, start_run  # noqa: PLC0415

    if run_id is not None and not resume:
        raise typer.BadParameter("A run's id goes with --resume.")
    for option, value in (("--protocol", protocol), ("--api", api or None), ("--seed", seed), ("--budget", budget)):
        if resume and value is not None:
            raise typer.BadParameter(
                f"{option} doesn't go with --resume: protocol, APIs, seed and budget of a run are fixed when it "
                "begins. Leave it out."
            )
    if ci and json:
        raise typer.BadParameter("--ci prints lines for a job's log: --json doesn't go with it.")
    if artifacts is not None and not ci:
        raise typer.BadParameter("The folder of the artefacts goes with --ci.")
    protocol = protocol or DEFAULT_PROTOCOL
    chosen = read_protocol(protocol)
    inventory, secrets = read_lab(open_engine(stack))
    console = plain_console() if ci else terminal()
    with ExitStack() as shown:
        progress = shown.enter_context(run_progress(console, json=json))
        job = None
        if ci:
            asked = asked_by_pipeline(stack, chosen, apis=api or (), order_seed=seed, budget_seconds=budget)
            # A resumed run keeps its own protocol, so it isn't recorded as the run that this pipeline asks for.
            job = shown.enter_context(Job(console, progress, None if resume else asked, artifacts or ARTIFACTS))
        if resume:
            resume_run(find_run(run_id, stack=stack), inventory, secrets, progress=job or progress)
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
    if (finished := progress.finished) is None:
        return
    if finished.void_cells == finished.cells:
        raise RunError(
            f"None of the {finished.cells} cells of the run {finished.run_id} is valid, so there is nothing to report. "
            f"Each cell's reasons are in {finished.directory}/journal.jsonl; `lab verify` and `lab logs` tell more."
        )
    if not ci and not json:
        _report(console, Path(finished.directory))


def _report(console: Console, folder: Path) -> None:
    from analysis.pages.write import PAGE, write_report  # noqa: PLC0415 - it takes its time

    with under_way(console, "writing the report"):
        numbers = write_report(folder, FACTS)
    console.print()
    show_screen(console, numbers, folder / PAGE, run=folder.name)
