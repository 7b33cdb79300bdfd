"""The script for a sceptic agrees with the lab on every verdict, and would not if a raw number were another."""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.report import analyse
from benchmarks.recompute import verdicts
from documents.errors import AnalysisError
from documents.report import Report
from documents.run import CellRecord, Void
from tests.unit.analysis.run_builder import compared_run

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "benchmarks" / "recompute.py"

FIVE = {"ada": 5000.0, "bob": 5030.0, "cid": 5250.0, "dan": 5350.0, "eve": 7000.0}
"""APIs that lie near and far, so that with some noise there is each kind of verdict."""


def of_the_lab(report: Report) -> dict[tuple[str, str, str], str]:
    """The lab's own verdicts in the script's words, by the load and both names in their alphabetical order."""
    [throughput] = [found for found in report.comparisons if found.measure == "throughput"]
    return {
        (pair.scenario, min(pair.first, pair.second), max(pair.first, pair.second)): {
            "same": "same",
            "cannot-tell": "can't tell",
            "better": f"{pair.better} faster",
        }[pair.verdict]
        for pair in throughput.pairs
    }


def recomputed(run: Path) -> dict[tuple[str, str, str], str]:
    return {pair: verdict for pair, (_, verdict) in verdicts(run).items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compared_run(tmp_path_factory.mktemp("five") / "run", throughputs=FIVE, blocks=6, noise=0.018)


def test_the_script_agrees_with_the_lab_where_there_is_each_kind_of_verdict(run: Path):
    found = recomputed(run)
    assert found == of_the_lab(analyse(run))
    assert len(found) == 10 * 2
    assert {verdict.split()[-1] for verdict in found.values()} == {"same", "faster", "tell"}


def require_the_labs_ratios(run: Path) -> None:
    """Of all pairs that have an interval."""
    [throughput] = [found for found in analyse(run).comparisons if found.measure == "throughput"]
    for pair in throughput.pairs:
        if pair.reason is None:
            ratio, _ = verdicts(run)[pair.scenario, pair.first, pair.second]
            assert pair.ratio is not None
            assert ratio == pytest.approx(pair.ratio.value, rel=1e-12)


def test_its_ratios_are_the_labs(run: Path):
    require_the_labs_ratios(run)


def test_it_agrees_without_a_twin_and_with_another_margin(tmp_path: Path):
    run = compared_run(tmp_path / "run", throughputs=FIVE, blocks=4, noise=0.01, twin=False)
    path = run / "manifest.json"
    path.write_text(path.read_text().replace('"margin": 0.03', '"margin": 0.1'))
    assert recomputed(run) == of_the_lab(analyse(run))
    assert list(recomputed(run).values()).count("same") > 6


def test_it_leaves_out_void_and_unfinished_cells_as_the_lab_does(run: Path, tmp_path: Path):
    """Of one API there is one block left under light, and under heavy one cell of its twin is void."""
    shutil.copytree(run, tmp_path / "run")
    for path in sorted((tmp_path / "run" / "cells").glob("*-eve-light"))[1:]:
        shutil.rmtree(path)
    path = sorted((tmp_path / "run" / "cells").glob("*-dan-heavy"))[3] / "cell.json"
    record = CellRecord.from_json(path.read_text(), name="cell.json")
    void = Void(reason="wrk-errors", message="wrk counted 7 errors.")
    path.write_text(record.model_copy(update={"voids": (void,)}).to_json())
    require_the_labs_ratios(tmp_path / "run")
    found = recomputed(tmp_path / "run")
    assert found == of_the_lab(analyse(tmp_path / "run"))
    assert found["light", "ada", "eve"] == "can't tell"
    assert math.isnan(verdicts(tmp_path / "run")["light", "ada", "eve"][0])
    assert found["heavy", "ada", "eve"] == "eve faster"


def test_a_raw_number_that_was_changed_makes_it_differ(run: Path, tmp_path: Path):
    """The lab itself refuses a run whose raw files aren't those that were measured."""
    shutil.copytree(run, tmp_path / "run")
    before = of_the_lab(analyse(run))
    for folder in (tmp_path / "run" / "cells").glob("*-ada-light"):
        wrk = json.loads((folder / "wrk.json").read_text())
        wrk["requests"] = round(1.2 * wrk["requests"])
        (folder / "wrk.json").write_text(json.dumps(wrk))
    with pytest.raises(AnalysisError, match="isn't the file that was measured"):
        analyse(tmp_path / "run")
    after = recomputed(tmp_path / "run")
    changed = {pair for pair in before if before[pair] != after[pair]}
    assert ("light", "ada", "bob") in changed
    assert after["light", "ada", "bob"] == "ada faster"
    assert ("heavy", "ada", "eve") not in changed


def test_it_runs_by_itself_and_has_nothing_of_the_lab(run: Path, tmp_path: Path):
    """From a copy in an empty folder, where there is no project to import."""
    shutil.copy(SCRIPT, tmp_path / "recompute.py")
    command = [sys.executable, "-I", "recompute.py", str(run)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    lines = printed.splitlines()
    assert len(lines) == 20
    assert any(re.fullmatch(r"light: ada / eve 0\.7\d\d, eve faster", line) for line in lines)
    imported = set(re.findall(r"^(?:from|import) (\w+)", SCRIPT.read_text(), flags=re.MULTILINE))
    assert imported - sys.stdlib_module_names == {"numpy", "scipy"}
