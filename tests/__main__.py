"""All tests: `python -m tests [OPTION…]`, whose options are pytest's.

They run in three parts. Those that need no lab run beside each other, while the lab of the others is stood up; half of
the time that this takes goes into downloads, and into compilers that keep one CPU busy. Then come those on the lab,
those that hold APIs to time limits first, and beside them, lab by lab, those that have one of their own, and those that
only build there. At last come those with the mark `alone`, with the machine to themselves. The results are in
`.lab/tests/`, in JUnit's format.
"""

import os
import subprocess
import sys
from argparse import ArgumentParser
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest

from tests.conftest import OWN_LABS, ROOT, STACK, stand_up, take_down

RESULTS = ROOT / ".lab" / "tests"

_WAITING = 1
"""As many more processes than CPUs as there are tests that wait for a host: a sixth of the time there was nothing to
compute."""


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
            processes = f"--numprocesses={(os.cpu_count() or 1) + _WAITING}"
            statuses = [run("without-lab", "-m", "not lab and not alone", processes, "--dist=loadfile")]
        standing.result()
        on_lab, beside = "lab and not alone", (*OWN_LABS, "builds")
        alike = f"{on_lab} and not ({' or '.join(beside)})"
        statuses += run_beside(
            [
                ("in-time", "-m", f"{alike} and in_time", "--lab-stands"),
                ("on-lab", "-m", f"{alike} and not in_time", "--lab-stands"),
            ],
            [(f"on-{name.replace('_', '-')}", "-m", f"{on_lab} and {name}", "--lab-stands") for name in beside],
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


def run(name: str, *options: str, log: bool = False) -> int:
    """Run one part, and show what it prints or write it into its log; returns pytest's status."""
    with (RESULTS / f"{name}.log").open("w") if log else nullcontext() as output:
        return subprocess.run(
            command_of(name, *options), cwd=ROOT, stdout=output, stderr=output, check=False
        ).returncode


def run_beside(parts: Sequence[Sequence[str]], others: Sequence[Sequence[str]]) -> list[int]:
    """Run parts in their order, and others beside them, two at a time; what the others print is shown at the end.

    Of three, each waits long for its turn: an API gets no CPU within the contract's 50 ms too often, and loads go wrong
    and are made again.
    """
    waiting = deque(others)

    def run_those_that_wait() -> list[int]:
        statuses: list[int] = []
        while True:
            try:
                part = waiting.popleft()
            except IndexError:
                return statuses
            statuses.append(run(*part, log=True))

    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(run_those_that_wait)
        statuses = [*(run(*part) for part in parts), *run_those_that_wait(), *beside.result()]
    for name, *_ in others:
        print((RESULTS / f"{name}.log").read_text(), flush=True)  # noqa: T201 - it is pytest's own
    return statuses


if __name__ == "__main__":
    sys.exit(main())
