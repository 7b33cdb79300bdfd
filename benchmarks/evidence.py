"""The long runs. docs/evidence/ has their last results, with date, commit and host.

    make evidence
    .venv/bin/python -m benchmarks.evidence [--part run] [--part benchmark] [--part known-difference]
        [--part fleet] [--protocol evidence]

- `run`: the facts about building, then a run of ten blocks over all APIs of the lab `local`, with an A/A twin and an
  open loop; the page is its report.
- `benchmark`: `benchmarks.apis` on the lab `benchmark`: all APIs and their floors, alternating.
- `known-difference`: `benchmarks.known_difference` on the lab of that name, with three A/A experiments.
- `fleet`: `benchmarks.fleet`: simulated hosts.

Each part writes its page when it ends, so a failure loses no finished page. The parts after it don't run: give them
with `--part`. If a part finds a defect, its page says so, and the exit status is 1.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from benchmarks import fleet as simulated
from benchmarks import known_difference as known
from benchmarks.page import heading, write_page
from cli.context import ROOT, RUNS
from documents.errors import FairgroundError
from documents.run import MANIFESTS
from experiment.running import git_commit

PARTS = ("run", "benchmark", "known-difference", "fleet")

BENCHMARK_OPTIONS = ("--rounds", "3")

A_A_EXPERIMENTS = 3

_BENCHMARK_STACK = "benchmark"


def main() -> None:
    """Run the chosen parts in order."""
    parser = argparse.ArgumentParser(description="Run the long runs and write docs/evidence/.")
    parser.add_argument("--part", action="append", choices=PARTS, help="a part; all unless given")
    parser.add_argument("--protocol", default="evidence", help="the protocol of the part `run`")
    arguments = parser.parse_args()
    # Before the first page is written, which would mark the commit as changed.
    commit = git_commit()
    parts = {
        "run": lambda: run(arguments.protocol),
        "benchmark": lambda: benchmark(commit),
        "known-difference": lambda: known_difference(commit),
        "fleet": lambda: fleet(commit),
    }
    sound = [parts[name]() for name in PARTS if name in (arguments.part or PARTS)]
    sys.exit(0 if all(sound) else 1)


def run(protocol: str) -> bool:
    """Facts and a run over all APIs of the lab; the page is the run's report."""
    _call([known.LAB, "up"])
    _call([known.LAB, "facts"])
    _call([known.LAB, "run", "--protocol", protocol])
    newest = max(path.parent for path in RUNS.glob(MANIFESTS))
    write_page("run.md", (newest / "report.md").read_text(encoding="utf-8"))
    return True


def benchmark(commit: str) -> bool:
    """All APIs and their floors on one host, alternating; takes the host down afterwards."""
    _call([known.LAB, "up", "--stack", _BENCHMARK_STACK])
    try:
        top = heading("All APIs beside their floors", _BENCHMARK_STACK, commit)
        command = ["-m", "benchmarks.apis", *BENCHMARK_OPTIONS]
        table = _call([sys.executable, *command], capture=True)
    finally:
        _call([known.LAB, "down", "--stack", _BENCHMARK_STACK])
    write_page("benchmark.md", f"{top}\n\n    python {' '.join(command)}\n\n```text\n{table.rstrip()}\n```\n")
    return True


def known_difference(commit: str) -> bool:
    """Two builds of one API that differ by a known amount; takes their host down afterwards."""
    settings = known.Settings(experiments=A_A_EXPERIMENTS)
    try:
        result = known.measure(settings)
        write_page(known.PAGE, known.render_page(result, settings, commit))
    except FairgroundError as error:
        sys.exit(f"error: {error}")
    finally:
        _call([known.LAB, "down", "--stack", known.STACK])
    return result.held


def fleet(commit: str) -> bool:
    """Fleets of simulated hosts; false if the loop's results differ from the drawn values."""
    settings = simulated.Settings()
    result = simulated.simulate(settings, print)
    write_page(simulated.PAGE, simulated.render_page(result, settings, commit))
    return result.held


def _call(command: Sequence[str], *, capture: bool = False) -> str:
    """Run a command of this checkout; its output goes to the terminal unless captured.

    Raises:
        SystemExit: it failed; its output has the reason.
    """
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE if capture else None, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed with {done.returncode}")
    return done.stdout or ""


if __name__ == "__main__":
    main()
