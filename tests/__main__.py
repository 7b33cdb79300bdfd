"""All tests: `python -m tests [OPTION…]`, whose options are pytest's.

Those that need no lab run beside each other, while the lab of the others is stood up; half of the time that this takes
goes into downloads, and into compilers that keep one CPU busy. Then come those on the lab, and those with the mark
`alone`, with the machine to themselves. The results are in `.lab/tests/`, in JUnit's format.
"""

import subprocess
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.conftest import ROOT, STACK, stand_up, take_down

RESULTS = ROOT / ".lab" / "tests"


def main() -> int:
    """Run both parts; the status is pytest's, of the first that failed."""
    parser = ArgumentParser(add_help=False)
    parser.add_argument("--stack", default=STACK)
    stack = parser.parse_known_args()[0].stack
    RESULTS.mkdir(parents=True, exist_ok=True)
    for result in RESULTS.glob("*.xml"):
        result.unlink()
    with ThreadPoolExecutor(1) as pool:
        standing = pool.submit(stand_up, stack)
        try:
            # The tests of a file may share what they are about: they stay with one process.
            beside = run("beside", "-m", "not lab and not alone", "--numprocesses=logical", "--dist=loadfile")
        except KeyboardInterrupt:
            standing.exception()
            take_down(stack)
            raise
        standing.result()
    alone = run("alone", "-m", "lab or alone")
    failed = {beside, alone} - {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}
    return min(failed) if failed else min(beside, alone)


def run(name: str, *options: str) -> int:
    """Run pytest on one part, with the options that were given; returns its status."""
    command = [sys.executable, "-m", "pytest", f"--junitxml={RESULTS / name}.xml", *options, *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
