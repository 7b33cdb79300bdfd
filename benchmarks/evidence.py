"""The long runs, whose last results stand with date and host in docs/evidence/.

    make evidence
    .venv/bin/python -m benchmarks.evidence [--part run] [--part benchmark] [--part known-difference]
        [--part fuzzing] [--part fleet] [--protocol evidence]

- `run`: the facts about building, then a run of ten blocks over all APIs of the lab `local`, with the A/A twin in each
  and an open loop after them; the page is its report.
- `benchmark`: `benchmarks.apis` on the lab `benchmark`: all APIs and their floors, alternating.
- `known-difference`: `benchmarks.known_difference` on the lab of that name: three A/A experiments as they come out, and
  is a difference of known size found?
- `fuzzing`: the differential test with many more programs and another seed, schemathesis with many more requests, and
  many more damaged answers of hosts and files of runs.
- `fleet`: `benchmarks.fleet`, which measures nothing: simulated hosts, through the loop and by the thousand.

Each part writes its own page when it is done, so that what ends it loses no other. A part that finds a defect writes
that too, and the exit code is 1.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from benchmarks import fleet as simulated
from benchmarks import known_difference as known
from benchmarks.page import heading, write_page
from cli.context import DEFAULT_STACK, ROOT, RUNS
from documents.errors import FairgroundError
from documents.run import MANIFESTS
from experiment.running import git_commit

PARTS = ("run", "benchmark", "known-difference", "fuzzing", "fleet")

BENCHMARK_ROUNDS = 3
BENCHMARK_WARM_UP_SECONDS = 20
"""A JVM that shares one core with its compiler needs them; an API that is compiled before doesn't mind."""

A_A_EXPERIMENTS = 3

DIFFERENTIAL_PROGRAMS = 6000
SCHEMATHESIS_EXAMPLES = 200
DAMAGED_EXAMPLES = 2000

_LAB = str(ROOT / ".venv/bin/lab")
_BENCHMARK_STACK = "benchmark"


def main() -> None:
    """Run the parts that are asked for, in order."""
    parser = argparse.ArgumentParser(description="The long runs, whose last results stand in docs/evidence/.")
    parser.add_argument("--part", action="append", choices=PARTS, help="a part; all unless given")
    parser.add_argument("--protocol", default="evidence", help="the protocol of the part `run`")
    arguments = parser.parse_args()
    # Before the first page is written, for that page isn't part of what is measured.
    commit = git_commit()
    parts = {
        "run": lambda: run(arguments.protocol),
        "benchmark": lambda: benchmark(commit),
        "known-difference": lambda: known_difference(commit),
        "fuzzing": lambda: fuzzing(commit),
        "fleet": lambda: fleet(commit),
    }
    sound = [parts[name]() for name in PARTS if name in (arguments.part or PARTS)]
    sys.exit(0 if all(sound) else 1)


def run(protocol: str) -> bool:
    """Facts and a run over all APIs of the lab; the page is the run's report."""
    _call([_LAB, "up"])
    _call([_LAB, "facts"])
    _call([_LAB, "run", "--protocol", protocol])
    _call([_LAB, "report"])
    newest = max(path.parent for path in RUNS.glob(MANIFESTS))
    write_page("run.md", (newest / "report.md").read_text(encoding="utf-8"))
    return True


def benchmark(commit: str) -> bool:
    """All APIs and their floors on one host, alternating; that host is taken down again."""
    _call([_LAB, "up", "--stack", _BENCHMARK_STACK])
    try:
        top = heading("All APIs beside their floors", _BENCHMARK_STACK, commit)
        options = ["--rounds", str(BENCHMARK_ROUNDS), "--warm-up", str(BENCHMARK_WARM_UP_SECONDS)]
        command = ["-m", "benchmarks.apis", *options]
        table = _call([sys.executable, *command], capture=True)
    finally:
        _call([_LAB, "down", "--stack", _BENCHMARK_STACK])
    write_page("benchmark.md", f"{top}\n\n    python {' '.join(command)}\n\n```text\n{table.rstrip()}\n```\n")
    return True


def known_difference(commit: str) -> bool:
    """Two builds of one API that differ by a known amount, distinguished or not; their host is taken down again."""
    settings = known.Settings(experiments=A_A_EXPERIMENTS)
    try:
        result = known.measure(settings)
        write_page(known.PAGE, known.render_page(result, settings, commit))
    except FairgroundError as error:
        sys.exit(f"error: {error}")
    finally:
        _call([_LAB, "down", "--stack", known.STACK])
    return result.held


def fuzzing(commit: str) -> bool:
    """All tests by random input, longer than the tests run them; false where they found something."""
    _call([_LAB, "up"])
    top = heading("Longer fuzzing", DEFAULT_STACK, commit)
    rows = [
        _fuzz(
            "tests/differential/test_differential.py",
            {"FAIRGROUND_DIFFERENTIAL_PROGRAMS": str(DIFFERENTIAL_PROGRAMS)},
        ),
        _fuzz(
            "tests/contract/test_schemathesis.py",
            {"FAIRGROUND_SCHEMATHESIS_EXAMPLES": str(SCHEMATHESIS_EXAMPLES)},
        ),
        *(
            _fuzz(f"tests/unit/{name}.py", {"FAIRGROUND_FUZZ_EXAMPLES": str(DAMAGED_EXAMPLES)})
            for name in ("provision/test_fuzz", "analysis/test_fuzz", "analysis/test_fuzz_open_loop")
        ),
    ]
    table = ["| test | asked for | tests | failed | minutes |", "|---|---|---:|---:|---:|", *(row for row, _ in rows)]
    write_page("fuzzing.md", "\n".join([top, "", *table]) + "\n")
    return all(sound for _, sound in rows)


def fleet(commit: str) -> bool:
    """Fleets of simulated hosts; false where the loop didn't give what was drawn for it."""
    settings = simulated.Settings()
    result = simulated.simulate(settings, print)
    write_page(simulated.PAGE, simulated.render_page(result, settings, commit))
    return result.held


def _fuzz(tests: str, asked: Mapping[str, str]) -> tuple[str, bool]:
    """A row of the table, and whether nothing was found."""
    results = ROOT / ".lab" / "evidence.xml"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", tests, "--stack", DEFAULT_STACK, "--keep-lab", "--timeout=7200"]
    began = time.monotonic()
    code = subprocess.run(
        [*command, f"--junitxml={results}"], cwd=ROOT, env={**os.environ, **asked}, check=False
    ).returncode
    minutes = (time.monotonic() - began) / 60
    suite = next(ElementTree.parse(results).iter("testsuite"))  # noqa: S314 - pytest's own file
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    settings = ", ".join(f"`{name}={value}`" for name, value in asked.items())
    return f"| `{tests}` | {settings} | {suite.get('tests')} | {failed} | {minutes:.1f} |", code == 0


def _call(command: Sequence[str], *, capture: bool = False) -> str:
    """Run a command of this checkout; its output goes to the terminal unless captured.

    Raises:
        SystemExit: it failed; what it wrote says why.
    """
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE if capture else None, text=True, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed with {done.returncode}")
    return done.stdout or ""


if __name__ == "__main__":
    main()
