"""`lab`, but that its host is a bench in memory, and all that it writes is in the folder that LAB_IN_MEMORY names."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import cli.run
import experiment.run
from cli import continuous_integration
from cli.main import main
from tests.unit.experiment.fake_bench import INVENTORY, SECRETS, FakeBench

LAB_IN_MEMORY = (sys.executable, "-m", "tests.unit.cli.lab_in_memory")
"""The command that is run as `lab`."""


@contextmanager
def _open_bench(*_lab: object) -> Generator[FakeBench]:
    yield FakeBench()


def _open_engine(_stack: str) -> object:
    return None


def _read_lab(_engine: object) -> tuple[object, object]:
    return INVENTORY, SECRETS


if __name__ == "__main__":
    folder = Path(os.environ["LAB_IN_MEMORY"])
    for module, name, value in (
        (experiment.run, "open_bench", _open_bench),
        (cli.run, "open_engine", _open_engine),
        (cli.run, "read_lab", _read_lab),
        (cli.run, "RUNS", folder / "runs"),
        (cli.run, "ARTIFACTS", folder / "artifacts"),
        (continuous_integration, "RUNS", folder / "runs"),
        (continuous_integration, "FACTS", folder / "facts"),
        (continuous_integration, "_RECORD", folder / "pipeline-run.json"),
    ):
        setattr(module, name, value)
    main()
