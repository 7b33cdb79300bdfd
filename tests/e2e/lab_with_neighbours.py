"""`lab`, but that no cell is void for what else is at work on the machine: a lab's hosts are neighbours on it here."""

import sys

from cli.main import main
from tests.e2e.load_host_run import allow_neighbours

LAB_WITH_NEIGHBOURS = (sys.executable, "-m", "tests.e2e.lab_with_neighbours")
"""The command that is run as `lab`."""

if __name__ == "__main__":
    allow_neighbours()
    main()
