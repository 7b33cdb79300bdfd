"""Does the lab find a difference of known size, and report it as large as it is?

    .venv/bin/python -m benchmarks.known_difference [--json] [--page] [--blocks 10] [--seconds 5] [--experiments 1]

The lab `known-difference`, which this stands up, has three APIs. `plain` and `again` are one build of apis/go. `slowed`
is the same API with rounds of hashing before each request, as many as its environment sets. The steps are:

- A/A: `again` and `plain`, with a twin in each block. Nothing differs; the result is printed unedited, with any false
  difference. The half-width of the twin's 95% interval is this host's noise.
- calibration: `plain` and `slowed` with the rounds of the stack document. Their cgroups show the cost of a round.
- difference: the rounds are set so that the added work is worth two of those half-widths, but 4 to 50% of the
  throughput. The lab is brought up with them, and `slowed` is judged against `plain` as `lab gate` judges two builds.

The exit status is 0 if the added work has about that size, `plain` is found to be faster, the interval of the ratio of
throughputs contains the ratio of the CPU of a request by the cgroups, and the API's CPUs were the limit in most cells.
Otherwise it is 1, and 2 after an error. The runs stay in runs/.
"""

import argparse
import json
import math
import shlex
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from analysis.compare import judge_gate
from analysis.raw import read_run
from analysis.report import analyse
from benchmarks.added_work import (
    API_BUSY_LEAST,
    VARIABLE,
    Alike,
    Calibration,
    Difference,
    Estimate,
    cpu_us_per_request,
    judge_alike,
    judge_difference,
    size_rounds,
    twin_half_width,
    wanted_ratio,
    with_rounds,
)
from benchmarks.page import heading, say, write_page
from cli.context import ROOT, RUNS, open_engine
from documents.errors import FairgroundError, LabError
from documents.files import replace_file
from documents.lab import Inventory, Secrets
from documents.report import Report
from documents.run import Protocol, Scenario
from experiment.progress import CellFinished, Event
from experiment.running import git_commit, measure_builds
from lab.lifecycle import read_lab

STACK = "known-difference"
PAGE = "known-difference.md"
PLAIN, AGAIN, SLOWED = "plain", "again", "slowed"

CONNECTIONS = 100
"""Enough to keep the API busy, so that its CPUs are the limit."""

SIZE_TOLERANCE = 1.5
"""The factor by which the added work may miss its size, because only three blocks show the cost of a round."""

LAB = str(ROOT / ".venv/bin/lab")
DOCUMENT = ROOT / "stacks" / f"{STACK}.yaml"
_PROTOCOL = Path(".lab") / f"{STACK}.yaml"
"""In the checkout, so that the commands that a report gives to repeat its run work."""


@dataclass(frozen=True)
class Settings:
    """How much is measured; `seconds` are those of a cell's window, `warm_up` those before it."""

    blocks: int = 10
    calibration_blocks: int = 3
    seconds: int = 5
    warm_up: int = 8
    experiments: int = 1


@dataclass(frozen=True)
class Result:
    """The results in the order of the steps; `half_width` is on the log scale, see `added_work`."""

    alike: tuple[Alike, ...]
    half_width: float
    calibration: Calibration
    wanted_ratio: float
    rounds: int
    predicted_ratio: float
    difference: Difference

    @property
    def sized(self) -> bool:
        """Whether the added work has about the intended size."""
        wanted = -math.log(self.wanted_ratio)
        return wanted / SIZE_TOLERANCE <= self.difference.cpu.log_distance <= wanted * SIZE_TOLERANCE

    @property
    def held(self) -> bool:
        """Whether the difference was found and reported as large as it is, with the API's CPUs as the limit."""
        found = self.difference
        return self.sized and found.found and found.covered and found.api_was_limit


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Does the lab find a difference of known size?")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--page", action="store_true", help=f"also write docs/evidence/{PAGE}")
    parser.add_argument("--blocks", type=int, default=Settings.blocks, help="blocks of A/A and of the difference")
    parser.add_argument(
        "--calibration-blocks", type=int, default=Settings.calibration_blocks, help="blocks of the calibration"
    )
    parser.add_argument("--seconds", type=int, default=Settings.seconds, help="length of each load window")
    parser.add_argument("--warm-up", type=int, default=Settings.warm_up, help="seconds of the same load before it")
    parser.add_argument("--experiments", type=int, default=Settings.experiments, help="A/A experiments")
    arguments = parser.parse_args()
    for option, least in (("blocks", 2), ("calibration_blocks", 2), ("experiments", 1), ("seconds", 1)):
        if getattr(arguments, option) < least:
            parser.error(f"--{option.replace('_', '-')} must be {least} or more")
    settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    commit = git_commit()
    # SIGTERM then raises, so that the stack document is restored.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        result = measure(settings)
        print(render_json(result) if arguments.json else render(result))
        if arguments.page:
            write_page(PAGE, render_page(result, settings, commit))
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    sys.exit(0 if result.held else 1)


def measure(settings: Settings) -> Result:
    """Stand the lab up and measure; it stays up, with the computed rounds.

    Raises:
        FairgroundError: the lab or a run failed, or too few cells are valid.
    """
    _bring_up()
    lab = read_lab(open_engine(STACK))
    alike: list[Alike] = []
    for number in range(1, settings.experiments + 1):
        say(f"A/A experiment {number} of {settings.experiments}")
        report = _measure(lab, AGAIN, _protocol(settings, blocks=settings.blocks))
        alike.append(judge_alike(judge_gate(report, base=PLAIN, candidate=AGAIN), blocks=settings.blocks))
        say("\n".join(_set(_alike_rows(alike[-1]))))
    half_width = twin_half_width(alike)
    say("calibration")
    calibration = _calibrate(lab, _protocol(settings, blocks=settings.calibration_blocks, twin=False))
    wanted = wanted_ratio(half_width)
    rounds = size_rounds(wanted, calibration)
    say(f"{rounds} rounds, for a throughput of {wanted:.3f} times the plain one")
    with sized(rounds):
        _bring_up()
    lab = read_lab(open_engine(STACK))
    report = _measure(lab, SLOWED, _protocol(settings, blocks=settings.blocks))
    return Result(
        alike=tuple(alike),
        half_width=half_width,
        calibration=calibration,
        wanted_ratio=wanted,
        rounds=rounds,
        predicted_ratio=calibration.predicted_ratio(rounds),
        difference=judge_difference(
            judge_gate(report, base=PLAIN, candidate=SLOWED), report.cells, api_cpus=len(lab[0].cores.api)
        ),
    )


def _calibrate(lab: tuple[Inventory, Secrets], protocol: Protocol) -> Calibration:
    report = _measure(lab, SLOWED, protocol)
    return Calibration(
        run_id=report.run_id,
        rounds=int(lab[0].api(SLOWED).environment[VARIABLE]),
        plain_us=cpu_us_per_request(report.cells, PLAIN),
        slowed_us=cpu_us_per_request(report.cells, SLOWED),
    )


def load_of(seconds: int) -> Scenario:
    """Reads of cached posts, which cost mostly the API's CPU, so that its CPUs are the limit."""
    return Scenario(name="read-post", workload="read-post", connections=CONNECTIONS, duration_seconds=seconds)


def _protocol(settings: Settings, *, blocks: int, twin: bool = True) -> Protocol:
    return Protocol(
        version=1,
        name=STACK,
        blocks=blocks,
        warm_up_seconds=settings.warm_up,
        warm_up_least_seconds=settings.warm_up,
        scenarios=(load_of(settings.seconds),),
        twin=twin,
    )


def _measure(lab: tuple[Inventory, Secrets], candidate: str, protocol: Protocol) -> Report:
    replace_file(ROOT / _PROTOCOL, protocol.to_json())
    folder = measure_builds(
        *lab,
        protocol,
        RUNS,
        base=PLAIN,
        candidate=candidate,
        protocol_file=str(_PROTOCOL),
        progress=_show,
    )
    return analyse(read_run(folder))


def _show(event: Event) -> None:
    if isinstance(event, CellFinished):
        rate = "" if event.throughput is None else f": {event.throughput:,.0f}/s"
        voids = "".join(f"; void: {void.message}" for void in event.record.voids)
        say(f"  {event.record.attempt_id}{rate}{voids}")


@contextmanager
def sized(rounds: int) -> Generator[None]:
    """Set the rounds in the stack document during the context.

    It is restored before anything is measured, so that the run's commit isn't marked as changed. The run's inventory
    records the rounds.
    """
    before = DOCUMENT.read_text(encoding="utf-8")
    try:
        replace_file(DOCUMENT, with_rounds(before, rounds))
        yield
    finally:
        replace_file(DOCUMENT, before)


def _bring_up() -> None:
    """Run `lab up`; its output goes to standard error.

    Raises:
        LabError: it failed; its output has the reason.
    """
    command = [LAB, "up", "--stack", STACK]
    if code := subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode:
        raise LabError(f"{shlex.join(command)} failed with {code}.")


def render(result: Result) -> str:
    """The result as text."""
    alike, calibration, found = result.alike, result.calibration, result.difference
    different = sum(experiment.verdict == "better" for experiment in alike)
    cost, share = found.cpu, f"{1 - found.cpu.ratio:.3f} ({1 - found.cpu.high:.3f} to {1 - found.cpu.low:.3f})"
    rows = [
        *(row for experiment in alike for row in _alike_rows(experiment)),
        ("A/A experiments with a (false) difference", f"{different} of {len(alike)}"),
        ("h, the half-width of the twin's 95% interval", f"{result.half_width:.2%}"),
        (f"calibration: run {calibration.run_id}", ""),
        ("  CPU of a request without rounds", f"{calibration.plain_us:.2f} µs"),
        (f"  CPU of a request with {calibration.rounds} rounds", f"{calibration.slowed_us:.2f} µs"),
        ("  CPU of a round", f"{calibration.us_per_round * 1e3:.1f} ns"),
        ("  wanted, throughput slowed / plain", f"{result.wanted_ratio:.3f}"),
        ("  rounds", str(result.rounds)),
        ("  predicted, throughput slowed / plain", f"{result.predicted_ratio:.3f}"),
        (f"difference: run {found.run_id}, {found.throughput.blocks} blocks", ""),
        ("  throughput, slowed / plain", f"{_shown(found.throughput)}  {_said(found)}"),
        ("  CPU of a request, plain", f"{found.plain_us:.2f} µs"),
        ("  CPU of a request, slowed", f"{found.slowed_us:.2f} µs"),
        ("  CPU of a request, plain / slowed", _shown(cost)),
        ("  added share of the slowed build's CPU", f"{share}  worth {cost.log_distance / result.half_width:.1f} h"),
        ("  the twin, later / earlier", _shown(found.twin)),
        ("  API's CPUs busy, middle cell", f"{found.api_busy:.1%}  a limit from {API_BUSY_LEAST:.0%} on"),
        ("  API's CPUs busy, least of all cells", f"{found.api_busy_least:.1%}"),
        ("  cells that PostgreSQL or Redis limited", ", ".join(found.bound_cells) or "none"),
        ("sized", _yes(result.sized)),
        ("found", _yes(found.found)),
        ("covered, by the CPU of the same cells", _yes(found.covered)),
        ("covered, by the calibration's prediction", _yes(_predicted(result))),
        ("API's CPUs were the limit", _yes(found.api_was_limit)),
    ]
    reasons = () if found.found else ("", *found.reasons)
    return "\n".join((*_set(rows), *reasons))


def render_json(result: Result) -> str:
    """The result and the judgements on it as JSON."""
    judged = {
        "sized": result.sized,
        "found": result.difference.found,
        "covered": result.difference.covered,
        "covers_prediction": _predicted(result),
        "api_was_limit": result.difference.api_was_limit,
        "held": result.held,
    }
    return json.dumps(asdict(result) | judged, indent=2)


def render_page(result: Result, settings: Settings, commit: str) -> str:
    """The page for docs/evidence/; names the host, so the lab must be up."""
    changed = [
        word
        for field in fields(Settings)
        if getattr(settings, field.name) != field.default
        for word in (f"--{field.name.replace('_', '-')}", str(getattr(settings, field.name)))
    ]
    command = " ".join(["python -m benchmarks.known_difference", *changed])
    top = heading("A difference of known size", STACK, commit)
    return f"{top}\n\n    {command}\n\n```text\n{render(result)}\n```\n"


def _alike_rows(experiment: Alike) -> Sequence[tuple[str, str]]:
    pair, twin = experiment.pair, experiment.twin
    return (
        (f"A/A: run {experiment.run_id}, {pair.blocks} blocks", ""),
        ("  throughput, again / plain", f"{_shown(pair)}  {_VERDICTS[experiment.verdict]}"),
        ("  the twin, later / earlier", f"{_shown(twin)}  half-width {twin.half_width:.2%}"),
    )


def _set(rows: Sequence[tuple[str, str]]) -> Sequence[str]:
    """Rows as lines with an aligned second column."""
    return [f"{name:<46}{value}".rstrip() for name, value in rows]


_VERDICTS = {"same": "same", "better": "a difference, which is false", "cannot-tell": "can't tell"}


def _said(found: Difference) -> str:
    if found.verdict == "better":
        return f"{PLAIN if found.found else SLOWED} faster"
    return _VERDICTS[found.verdict]


def _predicted(result: Result) -> bool:
    return result.difference.throughput.covers(result.predicted_ratio)


def _shown(estimate: Estimate) -> str:
    return f"{estimate.ratio:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _yes(so: bool) -> str:
    return "yes" if so else "no"


if __name__ == "__main__":
    main()
