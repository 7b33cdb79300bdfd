"""`lab run`: measure. With `--ci` a run is part of a job in continuous integration, and leaves its artifacts."""

import os
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Self

import typer

from cli.context import (
    DEFAULT_STACK,
    FACTS,
    ROOT,
    RUNS,
    JsonOption,
    StackOption,
    complete_api,
    complete_protocol,
    complete_run,
    open_engine,
    terminal,
)
from cli.progress import under_way
from cli.report import find_run, show_screen
from documents.errors import AnalysisError, DocumentError, FairgroundError, RunError
from documents.files import replace_file, replacing

if TYPE_CHECKING:
    from rich.console import Console

    from documents.lab import Inventory, Secrets
    from documents.run import PipelineRun, Protocol
    from experiment.progress import Event
    from experiment.running import Progress

ARTIFACTS = ROOT / "artifacts"

REPORT_FILES = ("report.html", "report.md", "report.json")
SUMMARY, RUN_ID, ARCHIVE = "summary.md", "run-id", "run.tar.gz"
ARTIFACT_FILES = (*REPORT_FILES, SUMMARY, RUN_ID, ARCHIVE)
"""The artifacts of a job, which it removes from their folder when it begins."""

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file whose Markdown GitHub shows on the job's page."""

_RECORD = ROOT / ".lab" / "pipeline-run.json"


def plain_console() -> "Console":
    """The console of a job: no colours and no live line, whatever the runner's environment sets."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True, no_color=True, force_terminal=False, force_interactive=False)


def asked_by_pipeline(
    stack: str, protocol: "Protocol", *, apis: Sequence[str], order_seed: int | None, budget_seconds: int | None
) -> "PipelineRun | None":
    """The pipeline's request for a run; None outside of a pipeline."""
    from documents.run import PipelineRun
    from experiment.running import git_commit

    pipeline = this_pipeline(os.environ)
    if pipeline is None:
        return None
    return PipelineRun(
        pipeline=pipeline,
        git_commit=git_commit(),
        stack=stack,
        protocol=protocol,
        apis=tuple(apis),
        order_seed=order_seed,
        budget_seconds=budget_seconds,
    )


def this_pipeline(environment: Mapping[str, str]) -> str | None:
    """The name of the pipeline and its job, the same when it is restarted; None outside of a pipeline.

    GitHub gives a rerun the same GITHUB_RUN_ID, and GitLab a retried job the same CI_PIPELINE_ID.
    """
    for names in (
        ("GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_JOB"),
        ("CI_PROJECT_ID", "CI_PIPELINE_ID", "CI_JOB_NAME"),
    ):
        values = [environment.get(name) for name in names]
        if all(values):
            return " ".join(map(str, values))
    return None


class CiJob:
    """A run as part of a CI job: passes each event on, and writes the artifacts at the end of its context.

    Whatever ends the run, its folder is packed. The report is written unless the run was interrupted, because a runner
    kills a cancelled job some seconds later.
    """

    def __init__(self, console: "Console", progress: "Progress", asked: "PipelineRun | None", artifacts: Path) -> None:
        self._console = console
        self._progress = progress
        self._asked = asked
        self._artifacts = artifacts
        self._folder: Path | None = None

    def __enter__(self) -> Self:
        self._artifacts.mkdir(parents=True, exist_ok=True)
        # Otherwise the artifacts of the last job would be kept as this one's if it fails at once.
        for name in ARTIFACT_FILES:
            (self._artifacts / name).unlink(missing_ok=True)
        return self

    def __call__(self, event: "Event") -> None:
        """Record the run's folder, and pass the event on."""
        from experiment.progress import RunStarted

        if isinstance(event, RunStarted):
            self._folder = Path(event.directory)
            replace_file(self._artifacts / RUN_ID, f"{event.run_id}\n")
            if self._asked is not None:
                record = self._asked.model_copy(update={"run_id": event.run_id})
                replace_file(_RECORD, record.to_json())
        self._progress(event)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._folder is None:
            return
        try:
            if kind is None:
                self._report(self._folder)
            elif issubclass(kind, FairgroundError):
                self._report_if_possible(self._folder)
        finally:
            _pack(self._folder, self._artifacts / ARCHIVE)
            self._console.print(f"run_id={self._folder.name}", markup=False)

    def resume(self, inventory: "Inventory", secrets: "Secrets") -> bool:
        """Resume the unfinished run that this pipeline began before, if any; returns whether it did.

        The request must be the same, and `resume_run` must find lab and host unchanged. Otherwise a new run begins.

        Raises:
            RunError: the resumed run failed.
            HostError: the host can't be reached or failed.
        """
        from analysis.raw import read_run
        from experiment.running import resume_run

        folder = self._begun_before()
        try:
            if folder is None or read_run(folder).is_finished:
                return False
            self._console.print(f"This pipeline began the run {folder.name} before, and continues it.", markup=False)
            resume_run(folder, inventory, secrets, progress=self)
        except (AnalysisError, DocumentError, RunError) as error:
            if self._folder is not None:
                raise
            self._console.print(f"A new run begins instead. {error}", markup=False)
            return False
        return True

    def _begun_before(self) -> Path | None:
        """The folder of the run that this pipeline began with the same request, finished or not."""
        from documents.run import PipelineRun

        if self._asked is None or self._asked.git_commit.endswith("-dirty"):
            return None
        try:
            record = PipelineRun.from_json(_RECORD.read_bytes(), name=str(_RECORD))
        except (FileNotFoundError, DocumentError):
            # There is none, or another version of the lab wrote it.
            return None
        folder = RUNS / record.run_id
        same = record == self._asked.model_copy(update={"run_id": record.run_id})
        return folder if same and folder.is_dir() else None

    def _report_if_possible(self, folder: Path) -> None:
        try:
            self._report(folder)
        except FairgroundError as error:
            self._console.print(f"There is no report: {error}", markup=False)

    def _report(self, folder: Path) -> None:
        from analysis.pages.html import write_page, write_report
        from analysis.pages.markdown import render_summary

        report = write_report(folder, FACTS)
        for name in REPORT_FILES:
            write_page(self._artifacts / name, (folder / name).read_text(encoding="utf-8"))
        summary = render_summary(report)
        write_page(self._artifacts / SUMMARY, summary)
        if shown := os.environ.get(STEP_SUMMARY):
            with Path(shown).open("a", encoding="utf-8") as page:
                page.write(summary)
        show_screen(self._console, report, self._artifacts / "report.html", run=folder.name)


def _pack(folder: Path, archive: Path) -> None:
    """Pack a run's folder into an archive, which appears in one step."""
    with replacing(archive) as file, tarfile.open(fileobj=file, mode="w:gz") as packed:
        packed.add(folder, arcname=folder.name)


DEFAULT_PROTOCOL = "quick"


def read_duration(text: str) -> int:
    """The seconds of a length of time such as `1h30m`."""
    from documents.base import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


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
        typer.Option("--api", help="Measure only this API; repeatable.", autocompletion=complete_api),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run instead of beginning one.")] = False,
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
            "--ci", help="As part of a job: plain lines, the report at the end, artifacts, the run's id last."
        ),
    ] = False,
    artifacts: Annotated[
        Path | None,
        typer.Option("--artifacts", metavar="DIR", help="With --ci: the artifacts' folder; artifacts/ unless given."),
    ] = None,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Measure the lab's APIs by a protocol and write runs/ID/.

    At its end it writes the report and shows the verdicts, like `lab report`. Ctrl-C, a lost connection or a killed
    controller lose no finished cell: `lab run --resume` continues. Exits with 1 if no cell of the run is valid.
    """
    if run_id is not None and not resume:
        raise typer.BadParameter("A run's id needs --resume.")
    for option, value in (("--protocol", protocol), ("--api", api or None), ("--seed", seed), ("--budget", budget)):
        if resume and value is not None:
            raise typer.BadParameter(
                f"{option} doesn't go with --resume: protocol, APIs, seed and budget of a run are fixed when it "
                "begins. Leave it out."
            )
    if ci and json:
        raise typer.BadParameter("--ci prints lines for a job's log: --json doesn't go with it.")
    if artifacts is not None and not ci:
        raise typer.BadParameter("--artifacts needs --ci.")
    from cli.run_progress import run_progress
    from experiment.planning import protocol_file, read_protocol
    from experiment.running import resume_run, start_run
    from lab.lifecycle import read_lab

    protocol = protocol or DEFAULT_PROTOCOL
    chosen = read_protocol(protocol)
    inventory, secrets = read_lab(open_engine(stack))
    console = plain_console() if ci else terminal()
    with ExitStack() as shown:
        progress = shown.enter_context(run_progress(console, json=json))
        job = None
        if ci:
            asked = None
            # A resumed run keeps its own protocol, so it isn't recorded as the run that this pipeline asks for.
            if not resume:
                asked = asked_by_pipeline(stack, chosen, apis=api or (), order_seed=seed, budget_seconds=budget)
            job = shown.enter_context(CiJob(console, progress, asked, artifacts or ARTIFACTS))
        if resume:
            resume_run(find_run(run_id, stack=stack), inventory, secrets, progress=job or progress)
        elif job is None or not job.resume(inventory, secrets):
            start_run(
                inventory,
                secrets,
                chosen,
                RUNS,
                protocol_file=protocol_file(protocol),
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
            f"Each cell's reasons are in {finished.directory}/journal.jsonl; `lab verify` and `lab logs` show more."
        )
    if not ci and not json:
        _report(console, Path(finished.directory))


def _report(console: "Console", folder: Path) -> None:
    from analysis.pages.html import PAGE, write_report

    with under_way(console, "writing the report"):
        numbers = write_report(folder, FACTS)
    console.print()
    show_screen(console, numbers, folder / PAGE, run=folder.name)
