"""Runs the tests: `python -m tests [--nightly] [OPTION…]`, whose other options are pytest's.

The gate is all tests without the mark `nightly`; with `--nightly` those run too, by random seeds and for longer.

1. `make check` runs. Beside that, the lab of the tests begins to go up, and the small lab goes up and down. If format,
   lint or types are wrong, that is the end.
2. Tests without a lab run in several processes, and at night what the docs say to do is done. Beside these, and as soon
   as the lab of the tests stands, everything that compiles runs (mark `builds`), on both labs, and all that needs a lab
   and no quiet.
3. When no compiler is left at work, the tests that hold time limits (mark `in_time`) run one by one. Beside them run
   the tests on labs of their own.
4. What failed in `in_time` runs once more with nothing beside it, and both results are printed. The second one counts.
5. Tests that measure something on this machine (mark `alone`) run with nothing beside them.

Each run keeps its results in a folder of its own below `.lab/tests/`: JUnit files, logs, durations, and `times.md`.
"""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.conftest import IN_TIME_FOLDERS, LAB_FOLDERS, OWN_LABS, ROOT, STACK, stand_up, take_down
from tests.times import Part, describe, read_outcomes

RESULTS = ROOT / ".lab" / "tests"

_KEPT = 20
"""How many runs' results are kept."""

_WAITING = 1
"""One process more than CPUs: tests wait for hosts, and a sixth of the time no process computed."""

UP_AND_DOWN = "tests/e2e/small/test_1_up_and_down.py"
"""The tests on the small lab that need nothing of the lab of the tests, so they don't wait for it."""

NIGHTLY = {
    "FAIRGROUND_NIGHTLY": "1",
    "FAIRGROUND_DIFFERENTIAL_PROGRAMS": "6000",
    "FAIRGROUND_SCHEMATHESIS_EXAMPLES": "200",
}
"""What makes the random tests of a nightly run random, and longer."""


@dataclass
class Run:
    """One run of the tests.

    Attributes:
        folder: Its results.
        options: Passed on to pytest.
        nightly: Whether it has all tests.
    """

    folder: Path
    options: Sequence[str]
    nightly: bool
    parts: list[Part] = field(default_factory=list[Part])
    failed: bool = False

    def check(self) -> int:
        """Check format, lint and types, and return the exit status."""
        began = time.monotonic()
        status = subprocess.run(["make", "--no-print-directory", "check"], cwd=ROOT, check=False).returncode
        self.parts.append(Part("check", time.monotonic() - began))
        return status

    def stand_up(self, stack: str) -> None:
        """Stand the lab of the tests up."""
        began = time.monotonic()
        stand_up(stack)
        self.parts.append(Part("lab up", time.monotonic() - began))

    def part(self, name: str, marks: str, *options: str, shown: bool = True, again: str | None = None) -> int:
        """Run one part of the tests, and return pytest's exit status.

        Args:
            name: Its name, also that of its files.
            marks: pytest's expression of marks that chooses its tests.
            options: More options of pytest's.
            shown: Whether its output is printed while it runs, or at its end.
            again: The part whose failed tests alone are run.
        """
        files, cache = self.folder / name, self.folder / (again or name)
        began = time.monotonic()
        with nullcontext() if shown else files.with_suffix(".log").open("w") as output:
            status = subprocess.run(
                [
                    *(sys.executable, "-m", "pytest", "-m", marks if self.nightly else f"({marks}) and not nightly"),
                    *(f"--junitxml={files}.xml", f"--durations-file={files}.tsv", "-o", f"cache_dir={cache}.cache"),
                    *([] if again is None else ["--last-failed"]),
                    *(*options, *self.options),
                ],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                check=False,
            ).returncode
        if not shown:
            print(files.with_suffix(".log").read_text(), flush=True)  # noqa: T201 - it is pytest's
        self.parts.append(Part(name, time.monotonic() - began))
        return status

    def require(self, status: int) -> None:
        """Make the run fail unless a part's tests passed, or none of it is in this tier."""
        if status not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            self.failed = True


def main() -> int:
    """Run the tests; the status is 0 if at least one ran and none failed."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--nightly", action="store_true")
    options, passed_on = parser.parse_known_args()
    parser.add_argument("--stack", default=STACK)
    parser.add_argument("--keep-lab", action="store_true")
    lab = parser.parse_known_args()[0]
    # Hundreds of processes are started, and each would compile the project again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if options.nightly:
        os.environ.update(NIGHTLY)
    folder = RESULTS / datetime.now(UTC).strftime("%Y-%m-%dT%H%M%SZ")
    folder.mkdir(parents=True)
    for old in sorted(path for path in RESULTS.iterdir() if path.is_dir())[:-_KEPT]:
        subprocess.run(["rm", "-r", "--", str(old)], check=True)
    run = Run(folder, passed_on, options.nightly)
    began = time.monotonic()
    try:
        run_parts(run, lab.stack)
    finally:
        if not lab.keep_lab:
            take_down(lab.stack)
    outcomes = read_outcomes(folder)
    page = describe(folder, run.parts, outcomes, seconds=time.monotonic() - began)
    (folder / "times.md").write_text(page)
    if options.nightly:
        (ROOT / "docs" / "evidence" / "nightly.md").write_text(page)
    print(page)  # noqa: T201
    # The form that continuous integration reads.
    print(f"{outcomes.passed} passed, {len(outcomes.failed)} failed", flush=True)  # noqa: T201
    return int(run.failed or bool(outcomes.failed) or outcomes.passed == 0)


def run_parts(run: Run, stack: str) -> None:
    """Run all parts, some beside others where that harms none; each is given only the folders of its tests."""
    without_lab, on_lab = "not lab and not alone", "lab and not alone"
    shared = f"{on_lab} and not ({' or '.join(OWN_LABS)})"
    processes = f"--numprocesses={(os.cpu_count() or 1) + _WAITING}"
    stands = "--lab-stands"

    def use_small_lab(name: str, marks: str, *options: str) -> int:
        return run.part(name, f"{on_lab} and small_lab and {marks}", *options, stands, shown=False)

    def build_on_small_lab() -> int:
        standing.result()
        return use_small_lab("builds-small-lab", "builds", *LAB_FOLDERS, f"--ignore={UP_AND_DOWN}")

    def use_lab() -> int:
        standing.result()
        return run.part("on-lab", f"{shared} and not in_time", *LAB_FOLDERS, stands, shown=False)

    # Each lab takes one part at a time.
    with ThreadPoolExecutor(1) as small_lab, ThreadPoolExecutor(1) as lab:
        standing = lab.submit(run.stand_up, stack)
        building = [small_lab.submit(use_small_lab, "up-and-down", "builds", UP_AND_DOWN)]
        if run.check():
            sys.exit("Format, lint or types are wrong: see above. The tests were broken off.")
        building += [small_lab.submit(build_on_small_lab), lab.submit(use_lab)]
        # The tests of a file may share what they are about: they stay with one process.
        run.require(run.part("without-lab", without_lab, processes, "--dist=loadfile"))
        if run.nightly:
            run.require(run.part("docs-walk", f"{on_lab} and builds and walked_lab", *LAB_FOLDERS, stands))
        for part in building:
            run.require(part.result())
        others = small_lab.submit(use_small_lab, "small-lab", "not builds", *LAB_FOLDERS)
        in_time = run.part("in-time", f"{shared} and in_time", *IN_TIME_FOLDERS, stands)
        if run.nightly:
            run.require(run.part("docs-by-hand", f"{on_lab} and walked_lab and not builds", *LAB_FOLDERS, stands))
        run.require(others.result())
    if in_time == pytest.ExitCode.TESTS_FAILED:
        in_time = run.part("in-time-again", f"{shared} and in_time", *IN_TIME_FOLDERS, stands, again="in-time")
    run.require(in_time)
    run.require(run.part("alone", "alone", stands))


if __name__ == "__main__":
    sys.exit(main())
