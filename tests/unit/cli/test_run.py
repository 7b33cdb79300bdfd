"""`lab run`: it fails where no cell is valid, and not where blocks are short of some."""

from contextlib import nullcontext

import pytest

from cli.run import run
from documents.errors import RunError
from experiment.events import RunFinished
from experiment.loop import Progress
from tests.unit.documents.samples import INVENTORY, SECRETS


@pytest.mark.parametrize(
    ("void_cells", "short_blocks", "fails"), [(0, (), False), (1, (2,), False), (3, (1, 2), False), (4, (1, 2), True)]
)
def test_run_fails_only_where_no_cell_is_valid(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    void_cells: int,
    short_blocks: tuple[int, ...],
    fails: bool,
):
    finished = RunFinished(
        run_id="20260131-120000-quick",
        directory="runs/x",
        cells=4,
        void_cells=void_cells,
        void_attempts=3 * void_cells,
        short_blocks=short_blocks,
    )

    def start_run(*_arguments: object, progress: Progress, **_options: object) -> None:
        progress(finished)

    def open_engine(_stack: str) -> object:
        return None

    def read_lab(_engine: object) -> tuple[object, object]:
        return INVENTORY, SECRETS

    monkeypatch.setattr("experiment.run.start_run", start_run)
    monkeypatch.setattr("cli.run.read_lab", read_lab)
    monkeypatch.setattr("cli.run.open_engine", open_engine)
    with pytest.raises(RunError, match="None of the 4 cells") if fails else nullcontext():
        run(json=True)
    assert RunFinished.from_json(capsys.readouterr().out, name="standard output") == finished
