"""Runs of the loop on a fake bench, and what they left in their folders."""

from collections.abc import Callable, Collection
from contextlib import nullcontext
from pathlib import Path

import pytest

from documents.lab.inventory import Inventory
from documents.run.protocol import Protocol
from experiment.clock import SYSTEM_CLOCK, Clock
from experiment.progress.events import Event
from experiment.running.run import resume_run, start_run
from tests.run_folder import read_attempts, read_journal
from tests.unit.experiment.fake_bench import INVENTORY, PROTOCOL, SECRETS, FakeBench

CELLS = 12
"""Two blocks of two scenarios and two APIs, one of them twice: each of them in one block."""

ATTEMPTS = PROTOCOL.attempts


def ignore(_event: Event) -> None:
    """Progress that nobody watches."""


def begin(
    bench: FakeBench,
    runs: Path,
    progress: Callable[[Event], None] = ignore,
    *,
    inventory: Inventory = INVENTORY,
    protocol: Protocol = PROTOCOL,
    apis: Collection[str] = (),
    order_seed: int | None = 7,
    budget_seconds: int | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    return start_run(
        inventory,
        SECRETS,
        protocol,
        runs,
        apis=apis,
        order_seed=order_seed,
        budget_seconds=budget_seconds,
        progress=progress,
        clock=clock,
        opener=lambda _inventory, _secrets: nullcontext(bench),
        commit="abc",
    )


def resume(
    bench: FakeBench,
    run: Path,
    inventory: Inventory = INVENTORY,
    progress: Callable[[Event], None] = ignore,
    *,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    return resume_run(
        run,
        inventory,
        SECRETS,
        progress=progress,
        clock=clock,
        opener=lambda _inventory, _secrets: nullcontext(bench),
        commit="def",
    )


def broken_off(
    bench: FakeBench,
    runs: Path,
    windows: int,
    progress: Callable[[Event], None] = ignore,
    *,
    protocol: Protocol = PROTOCOL,
    budget_seconds: int | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> Path:
    """Begin a run that is interrupted in the window after so many; returns its folder."""
    before = bench.before

    def interrupt(step: str, count: int) -> None:
        before(step, count)
        if step == "measure" and len(bench.played) == windows:
            raise KeyboardInterrupt

    bench.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        begin(bench, runs, progress, protocol=protocol, budget_seconds=budget_seconds, clock=clock)
    return only_run(runs)


def only_run(runs: Path) -> Path:
    [run] = runs.iterdir()
    return run


def attempts_of(run: Path) -> list[tuple[int, int, bool]]:
    """Of each attempt its cell's number, its own, and whether it is valid."""
    return [(int(record.cell_id[:3]), record.attempt, record.valid) for record in read_attempts(run)]


def told_of_attempts(run: Path) -> list[tuple[str, int, int | None]]:
    return [(entry.event, int(entry.cell_id[:3]), entry.attempt) for entry in read_journal(run) if entry.cell_id]
