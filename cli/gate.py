"""`lab gate`: whether a candidate may replace its base, for continuous integration."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cli.context import (
    DEFAULT_STACK,
    RUNS,
    JsonOption,
    StackOption,
    as_rich,
    complete_api,
    complete_measure,
    complete_protocol,
    complete_run,
    open_engine,
    print_document,
    terminal,
)
from cli.report import find_run

if TYPE_CHECKING:
    from rich.console import Console

    from documents.report import Gate, Measure

GATE_PROTOCOL = "ten-blocks"


def gate(  # noqa: PLR0917 - typer's options are keywords on the command line
    base: Annotated[
        str, typer.Argument(help="The API of the stack with the current code.", autocompletion=complete_api)
    ],
    candidate: Annotated[
        str, typer.Argument(help="The API of the stack with the changed code.", autocompletion=complete_api)
    ],
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            "-p",
            help="A name or the path of a file; ten-blocks unless given.",
            autocompletion=complete_protocol,
        ),
    ] = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            "--measure",
            help="Judge by this measure; throughput unless given; repeatable.",
            autocompletion=complete_measure,
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option(
            "--run", help="Judge this run, by its id or folder, instead of measuring.", autocompletion=complete_run
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Draw the order of the cells from this number.")] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", help="Write a summary in Markdown into this file.")
    ] = None,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Measure two builds of one API, interleaved, and judge the candidate by its base.

    Exits with 0 if the candidate is shown to be the same or better under every load, with 1 if it is significantly
    worse, with 2 if the run can't tell, and with 3 if there is no answer, because cells are void or missing, or because
    of an error.
    """
    if run is not None and (protocol is not None or seed is not None):
        raise typer.BadParameter("--run judges a run that was measured before. Leave out --protocol and --seed.")
    from analysis.compare import JUDGED, judge_gate
    from analysis.pages.gate import render_gate_markdown
    from analysis.pages.html import write_page
    from analysis.raw import read_run
    from analysis.report import analyse
    from documents.report import GATE_STATUSES

    measures: Sequence[Measure] = [_known(name) for name in measure] if measure else JUDGED
    console = terminal(quiet=json)
    if run is not None:
        folder = find_run(run)
    else:
        folder = _measure(console, stack, protocol or GATE_PROTOCOL, base=base, candidate=candidate, seed=seed)
    judged = judge_gate(analyse(read_run(folder)), base=base, candidate=candidate, judged=measures)
    if json:
        print_document(judged)
    _show(console, judged)
    if summary is not None:
        write_page(summary, render_gate_markdown(judged))
    raise typer.Exit(GATE_STATUSES[judged.outcome])


def _known(name: str) -> "Measure":
    from documents.report import Measure

    known: tuple[Measure, ...] = get_args(Measure)
    for measure in known:
        if measure == name:
            return measure
    raise typer.BadParameter(f"There is no measure {name}; the measures: {', '.join(known)}.")


def _measure(console: "Console", stack: str, protocol: str, *, base: str, candidate: str, seed: int | None) -> Path:
    from cli.run_progress import run_progress
    from experiment.planning import protocol_file, read_protocol
    from experiment.running import measure_builds
    from lab.lifecycle import read_lab

    document = read_protocol(protocol)
    inventory, secrets = read_lab(open_engine(stack))
    with run_progress(console) as progress:
        return measure_builds(
            inventory,
            secrets,
            document,
            RUNS,
            base=base,
            candidate=candidate,
            protocol_file=protocol_file(protocol),
            order_seed=seed,
            progress=progress,
        )


def _show(console: "Console", judged: "Gate") -> None:
    from analysis.pages.gate import gate_table, outcome_line, twin_lines

    table = gate_table(judged)
    console.print(as_rich(table))
    console.print(table.note, style="dim", markup=False)
    for line in twin_lines(judged):
        console.print(line, markup=False)
    if judged.caveats:
        console.print("Before you quote these numbers:")
    for caveat in judged.caveats:
        console.print(f"- {caveat}", markup=False)
    for reason in judged.reasons:
        console.print(reason, markup=False, soft_wrap=True)
    console.print(outcome_line(judged), markup=False, soft_wrap=True)
