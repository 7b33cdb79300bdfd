"""All tests: `python -m tests [OPTION…]`, whose options are pytest's.

They run in three parts. Those that need no lab run beside each other, while the lab of the others is stood up; half of
the time that this takes goes into downloads, and into compilers that keep one CPU busy. Then come those on the lab, and
beside them those that break a small one of their own, and those that have whole runs on labs of their own: many of all
these wait more than they compute. At last come those with the mark `alone`, with the machine to themselves. The results
are in `.lab/tests/`, in JUnit's format.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO

import pytest

from tests.conftest import ROOT, STACK, stand_up, take_down

RESULTS = ROOT / ".lab" / "tests"


def main() -> int:
    """Run all parts; the status is pytest's, the least of those that failed."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--stack", default=STACK)
    parser.add_argument("--keep-lab", action="store_true")
    options = parser.parse_known_args()[0]
    # Hundreds of processes are started, and each would compile the project anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    RESULTS.mkdir(parents=True, exist_ok=True)
    for result in RESULTS.iterdir():
        result.unlink()
    try:
        with ThreadPoolExecutor(1) as pool:
            standing = pool.submit(stand_up, options.stack)
            # The tests of a file may share what they are about: they stay with one process.
            statuses = [run("without-lab", "-m", "not lab and not alone", "--numprocesses=logical", "--dist=loadfile")]
        standing.result()
        statuses += run_beside(
            ("on-lab", "-m", "lab and not small_lab and not own_lab and not alone", "--lab-stands"),
            ("on-small-lab", "-m", "small_lab and not alone"),
            ("on-own-labs", "-m", "own_lab and not alone", "--lab-stands"),
        )
        statuses.append(run("alone", "-m", "alone", "--lab-stands"))
    finally:
        if not options.keep_lab:
            take_down(options.stack)
    failed = set(statuses) - {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    return min(failed or statuses)


def command_of(name: str, *options: str) -> list[str]:
    """The command of one part: pytest's options for it, and those that were given."""
    return [sys.executable, "-m", "pytest", f"--junitxml={RESULTS / name}.xml", *options, *sys.argv[1:]]


def run(name: str, *options: str) -> int:
    """Run one part; returns pytest's status."""
    return subprocess.run(command_of(name, *options), cwd=ROOT, check=False).returncode


def run_beside(first: Sequence[str], *others: Sequence[str]) -> list[int]:
    """Run parts beside each other; what the others print is shown once the first has ended, and they have."""
    with ExitStack() as stack:
        beside: list[tuple[subprocess.Popen[bytes], IO[str]]] = []
        for name, *options in others:
            log = stack.enter_context((RESULTS / f"{name}.log").open("w+"))
            process = subprocess.Popen(command_of(name, *options), cwd=ROOT, stdout=log, stderr=log)
            beside.append((stack.enter_context(process), log))
        statuses = [run(*first)]
        for process, log in beside:
            statuses.append(process.wait())
            log.seek(0)
            print(log.read(), flush=True)  # noqa: T201 - it is pytest's own
    return statuses


if __name__ == "__main__":
    sys.exit(main())
