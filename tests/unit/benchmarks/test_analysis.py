"""The command that times the analysis: whose time it shows, and what it refuses."""

import json
from pathlib import Path

import pytest

from benchmarks.analysis import main
from tests.unit.analysis.run_builder import golden_run

pytestmark = pytest.mark.nightly


def test_each_analysis_is_timed_beside_what_was_analysed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run = golden_run(tmp_path / "run")
    main([str(run), "--times", "2", "--json"])
    printed = json.loads(capsys.readouterr().out)
    assert (printed["blocks"], printed["cells"]) == (3, 16)
    assert len(printed["cpu_seconds"]) == 2
    assert min(printed["cpu_seconds"]) > 0
    main([str(run), "--times", "1"])
    assert capsys.readouterr().out.startswith("16 cells in 3 blocks: ")


def test_zero_analyses_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path), "--times", "0"])
    assert ended.value.code == 2
    assert "analyse it once or more" in capsys.readouterr().err
