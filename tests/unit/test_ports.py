"""A port that a test is given is no other's, in whichever process of the tests it runs."""

import subprocess
import sys

from tests.ports import free_port

TELL = "from tests.ports import free_port; print(*(free_port() for _ in range(120))); input()"


def test_none_is_given_twice_within_a_hundred_nor_in_two_processes():
    mine = [free_port() for _ in range(120)]
    with subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        theirs, _ = one.communicate("\n", timeout=60)
    given = [*mine, *map(int, theirs.split())]
    assert len(given) == len(set(given)) == 240
