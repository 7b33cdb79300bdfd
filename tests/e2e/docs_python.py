"""`python` for whoever follows the docs on benchmarks in a test: on a lab of the tests, and over in a minute or two.

`docs_python.py STACK FOLDER LAB ARGUMENT…`: `python ARGUMENT…` except for that. All labs that a benchmark asks for are
the stack, LAB is what it calls as `lab`, and windows and blocks are as few as will do. Runs and pages of
evidence are in FOLDER, and a run that the docs name is its newest one. Anything but a benchmark is run as it is.
"""

import runpy
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from documents.run.protocol import Protocol
from tests.conftest import ROOT
from tests.e2e.docs_lab import is_run, keep_in, runs_in
from tests.e2e.lab_run import ATTEMPTS_MOST
from tests.e2e.lab_with_neighbours import allow_neighbours

TIMEOUT_SECONDS = 20
"""Of a request: the machine is busy with other tests."""

FEW = {
    "benchmarks.harness": ("--pairs", "2", "--seconds", "1"),
    "benchmarks.apis": ("--rounds", "2", "--seconds", "1", "--warm-up", "1", "--api", "plain"),
    "benchmarks.fleet": ("--experiments", "1", "--blocks", "2"),
    "benchmarks.known_difference": ("--blocks", "2", "--calibration-blocks", "2", "--seconds", "1", "--warm-up", "1"),
}
"""Options that make a benchmark short, put behind those of the docs."""

ON_A_LAB = {"benchmarks.harness", "benchmarks.apis"}
"""The benchmarks that have an option for the lab."""


def benchmark(name: str, options: Sequence[str], stack: str, folder: Path, lab: str) -> None:
    """Run a benchmark as this file says."""
    keep_in(folder)
    allow_neighbours()
    _set(import_module("benchmarks.page"), PAGES=folder / "evidence")
    module = import_module(name)
    shorten = SHORTENED.get(name)
    if shorten is not None:
        shorten(module, stack, lab)
    runs = runs_in(folder, "run")
    sys.argv = [
        name,
        *(str(folder / "runs" / runs[-1]) if _is_named_run(option) else option for option in options),
        *FEW.get(name, ()),
        *(("--stack", stack) if name in ON_A_LAB else ()),
    ]
    if hasattr(module, "main"):
        module.main()
    else:
        runpy.run_module(name, run_name="__main__")


def _is_named_run(option: str) -> bool:
    name = option.removeprefix("runs/")
    return name != option and (name == "RUN" or is_run(name))


def _patient(module: ModuleType, _stack: str, _lab: str) -> None:
    for user in (module, import_module("benchmarks.plain_wrk")):
        if hasattr(user, "TIMEOUT_SECONDS"):
            _set(user, TIMEOUT_SECONDS=TIMEOUT_SECONDS)


def _known_difference(module: ModuleType, stack: str, lab: str) -> None:
    patient: Callable[..., Protocol] = module._protocol

    def protocol(*arguments: object, **options: object) -> Protocol:
        return patient(*arguments, **options).model_copy(
            update={"timeout_seconds": TIMEOUT_SECONDS, "attempts": ATTEMPTS_MOST}
        )

    _set(
        module,
        STACK=stack,
        DOCUMENT=ROOT / "stacks" / f"{stack}.yaml",
        _PROTOCOL=Path(".lab") / f"{stack}.json",
        LAB=lab,
        _protocol=protocol,
    )


def _evidence(module: ModuleType, stack: str, lab: str) -> None:
    call: Callable[..., str] = module._call

    def call_but_for_facts(command: Sequence[str], *, capture: bool = False) -> str:
        # They are of sources, and what that lab measures was built elsewhere; tests/e2e/test_facts.py measures them.
        return "" if list(command) == [lab, "facts"] else call(command, capture=capture)

    _set(module, BENCHMARK_OPTIONS=FEW["benchmarks.apis"], _BENCHMARK_STACK=stack, _call=call_but_for_facts)
    _set(import_module("benchmarks.known_difference"), LAB=lab)
    simulated = import_module("benchmarks.fleet")

    @dataclass(frozen=True)
    class Few(simulated.Settings):
        experiments: int = 1
        blocks: int = 2

    _set(simulated, Settings=Few)


SHORTENED: Mapping[str, Callable[[ModuleType, str, str], None]] = {
    "benchmarks.harness": _patient,
    "benchmarks.apis": _patient,
    "benchmarks.known_difference": _known_difference,
    "benchmarks.evidence": _evidence,
}


def _set(module: ModuleType, **values: object) -> None:
    for name, value in values.items():
        # A name that the module no longer has would change nothing, and the benchmark take its hours.
        assert hasattr(module, name), name
        setattr(module, name, value)


if __name__ == "__main__":
    own, place, called, *words = sys.argv[1:]
    match words:
        case ["-m", name, *options] if name.startswith("benchmarks."):
            # What the benchmark starts by its own Python must be short as well.
            sys.executable = str(Path(place) / "bin" / "python")
            benchmark(name, options, own, Path(place), called)
        case _:
            sys.exit(subprocess.run([sys.executable, *words], check=False).returncode)
