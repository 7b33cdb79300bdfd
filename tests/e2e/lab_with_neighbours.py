"""`lab`, in which work of other processes voids no cell: the hosts of these tests share one machine."""

import sys

from analysis.raw import limits

LAB_WITH_NEIGHBOURS = (sys.executable, "-m", "tests.e2e.lab_with_neighbours")
"""The command that is run as `lab`."""

UNLIKELY = 9.0


def allow_neighbours() -> None:
    """Void no cell for what else is at work on the machine."""
    limits.OTHERS_ON_API_MOST = limits.OTHERS_ON_GENERATOR_MOST = UNLIKELY
    limits.GENERATOR_WAITED_MOST = limits.GENERATOR_BUSY_MOST = UNLIKELY
    # Other virtual machines are neighbours as well.
    limits.STEAL_MOST = UNLIKELY
    limits.LITTLES_LAW_LEAST = 0.0


if __name__ == "__main__":
    # Who imports this file for the function alone may have yet to say where runs are.
    from cli.main import main

    allow_neighbours()
    main()
