"""The script for a sceptic agrees with the lab on every verdict, unless a raw number was changed."""

import hashlib
import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from analysis.raw.run import read_run
from analysis.report.report import analyse
from analysis.statistics.measures import MEASURES
from benchmarks.raw_cells import API_FAULTS, HOST_FAULTS, SIGNS
from benchmarks.recompute import verdicts
from documents.errors import AnalysisError
from documents.report.comparison import PairComparison
from documents.report.report import Report
from documents.run.records import ApiFault, CellRecord, HostFault, Void
from tests.conftest import ROOT
from tests.unit.analysis.run_builder import ARTICLE_SCENARIOS, compared_run, realistic_run

SCRIPTS = (ROOT / "benchmarks" / "recompute.py", ROOT / "benchmarks" / "raw_cells.py")

FIVE = {"ada": 5000.0, "bob": 5030.0, "cid": 5250.0, "dan": 5350.0, "eve": 7000.0}
"""APIs that lie near and far, so that with some noise there is each kind of verdict."""


Key = tuple[str, str, str, str]
"""The measure, the load, and both names in their alphabetical order."""


def pairs_of(report: Report) -> dict[Key, PairComparison]:
    """All that the lab has a verdict on."""
    return {
        (comparison.measure, pair.scenario, min(pair.first, pair.second), max(pair.first, pair.second)): pair
        for comparison in report.comparisons
        for pair in comparison.pairs
    }


def of_the_lab(report: Report) -> dict[Key, str]:
    """The lab's own verdicts in the script's words."""
    return {
        key: {"same": "same", "cannot-tell": "can't tell", "better": f"{pair.better} better"}[pair.verdict]
        for key, pair in pairs_of(report).items()
    }


def recomputed(run: Path) -> dict[Key, str]:
    return {pair: verdict for pair, (_, verdict) in verdicts(run).items()}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compared_run(tmp_path_factory.mktemp("five") / "run", throughputs=FIVE, blocks=6, noise=0.018)


def test_the_script_agrees_with_the_lab_where_there_is_each_kind_of_verdict(run: Path):
    """By throughput alone, and by each of the other measures as well: every verdict of the report."""
    found = recomputed(run)
    assert found == of_the_lab(analyse(read_run(run)))
    assert len(found) == 10 * 2 * len(MEASURES)
    for measure in ("throughput", "p50", "p99_corrected", "requests_per_cpu_second"):
        kinds = {verdict.split()[-1] for key, verdict in found.items() if key[0] == measure}
        assert kinds == {"same", "better", "tell"}, measure


def test_it_compares_what_the_lab_compares_in_the_same_direction():
    assert {measure: terms.higher_is_better for measure, terms in MEASURES.items()} == {
        measure: sign > 0 for measure, sign in SIGNS.items()
    }


def require_the_labs_ratios(run: Path) -> None:
    """Of all pairs that have an interval, by all measures; FIVE's names are in alphabetical order."""
    found = verdicts(run)
    for key, pair in pairs_of(analyse(read_run(run))).items():
        if pair.reason is None:
            ratio, _ = found[key]
            assert pair.ratio is not None
            assert ratio == pytest.approx(pair.ratio.value, rel=1e-9)


def rewrite(folder: Path, **changes: object) -> None:
    """Change members of a cell's record, and its checksums to those of the files that are there."""
    record = CellRecord.from_json((folder / "cell.json").read_text(), name="cell.json")
    files = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in record.files}
    (folder / "cell.json").write_text(record.model_copy(update={"files": files, **changes}).to_json())


VOID = Void(reason="wrk-errors", message="wrk counted 7 errors.")
STOLEN = Void(reason="steal", message="The hypervisor took CPU time.")


def test_it_undoes_wrk_s_correction_as_the_lab_does(tmp_path: Path):
    """Here stalls are so few that only the corrected p99 is one of them: by it alone the APIs differ as stalls do."""
    short = ARTICLE_SCENARIOS[0].model_copy(update={"duration_seconds": 2})
    run = realistic_run(tmp_path / "run", apis=("go", "rust"), scenarios=(short,), blocks=3)
    require_the_labs_ratios(run)
    found = verdicts(run)
    assert found["p99", "light", "go", "rust"][0] != pytest.approx(
        found["p99_corrected", "light", "go", "rust"][0], rel=0.01
    )


def test_it_leaves_out_void_and_unfinished_cells_as_the_lab_does(run: Path, tmp_path: Path):
    """Of one API there is one block left under light, and under heavy one cell of a twin is void."""
    shutil.copytree(run, tmp_path / "run")
    for path in sorted((tmp_path / "run" / "cells").glob("*-eve-light"))[1:]:
        shutil.rmtree(path)
    rewrite(sorted((tmp_path / "run" / "cells").glob("*-dan-heavy"))[3], voids=(VOID,))
    require_the_labs_ratios(tmp_path / "run")
    found = recomputed(tmp_path / "run")
    assert found == of_the_lab(analyse(read_run(tmp_path / "run")))
    assert found["throughput", "light", "ada", "eve"] == "can't tell"
    assert math.isnan(verdicts(tmp_path / "run")["throughput", "light", "ada", "eve"][0])
    assert found["throughput", "heavy", "ada", "eve"] == "eve better"


def test_it_takes_the_attempt_that_counts_as_the_lab_does(run: Path, tmp_path: Path):
    """Void first attempts of the slowest API have the numbers of the fastest."""
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    path = copy / "manifest.json"
    path.write_text(path.read_text().replace('"attempts": 1', '"attempts": 3'))
    fast = next((copy / "cells").glob("*-eve-light"))
    for first in sorted((copy / "cells").glob("*-ada-light")):
        second = first.with_name(f"{first.name}-attempt-2")
        shutil.copytree(first, second)
        rewrite(second, attempt=2)
        shutil.copy(fast / "wrk.json", first / "wrk.json")
        rewrite(first, voids=(STOLEN,))
    assert len(analyse(read_run(copy)).void_attempts) == 8
    assert verdicts(copy) == verdicts(run)
    require_the_labs_ratios(copy)


def test_it_shows_an_api_that_failed_to_be_the_worse_one_alone_as_the_lab_does(run: Path, tmp_path: Path):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    rewrite(next((copy / "cells").glob("*-bob-light")), voids=(VOID,))
    rewrite(next((copy / "cells").glob("*-bob-heavy")), voids=(VOID, STOLEN))
    found = recomputed(copy)
    assert found == of_the_lab(analyse(read_run(copy)))
    assert recomputed(run)["throughput", "light", "ada", "bob"] == "same"
    assert found["throughput", "light", "ada", "bob"] == "can't tell"
    assert found["throughput", "light", "bob", "eve"] == "eve better"
    assert found["throughput", "heavy", "ada", "bob"] == recomputed(run)["throughput", "heavy", "ada", "bob"]


def test_it_knows_whose_fault_a_void_attempt_is():
    assert {*get_args(ApiFault)} == API_FAULTS
    assert {*get_args(HostFault)} - {"rate-missed"} == HOST_FAULTS, "recompute judges no open loop"


def test_a_measure_that_is_0_in_a_cell_is_compared_by_neither(tmp_path: Path):
    run = compared_run(tmp_path / "run", throughputs=FIVE, blocks=2, twin=False)
    idle = next((run / "cells").glob("*-bob-heavy"))
    lines = (idle / "samples.csv").read_text().splitlines(keepends=True)
    (idle / "samples.csv").write_text("".join(re.sub(r"(,api,)\d+", r"\g<1>7", line) for line in lines))
    rewrite(idle)
    found = recomputed(run)
    assert found == of_the_lab(analyse(read_run(run)))
    assert set(MEASURES) - {key[0] for key in found} == {"cpu_cores", "requests_per_cpu_second"}


def test_a_raw_number_that_was_changed_makes_it_differ(run: Path, tmp_path: Path):
    """The lab itself refuses a run whose raw files aren't those that were measured."""
    shutil.copytree(run, tmp_path / "run")
    before = of_the_lab(analyse(read_run(run)))
    for folder in (tmp_path / "run" / "cells").glob("*-ada-light"):
        wrk = json.loads((folder / "wrk.json").read_text())
        wrk["requests"] = round(1.2 * wrk["requests"])
        (folder / "wrk.json").write_text(json.dumps(wrk))
    with pytest.raises(AnalysisError, match="isn't the file that was measured"):
        analyse(read_run(tmp_path / "run"))
    after = recomputed(tmp_path / "run")
    changed = {pair for pair in before if before[pair] != after[pair]}
    assert ("throughput", "light", "ada", "bob") in changed
    assert after["throughput", "light", "ada", "bob"] == "ada better"
    assert ("throughput", "heavy", "ada", "eve") not in changed


def test_it_runs_by_itself_and_has_nothing_of_the_lab(run: Path, tmp_path: Path):
    """From copies in an empty folder, where there is no project to import."""
    (tmp_path / "benchmarks").mkdir()
    for script in SCRIPTS:
        shutil.copy(script, tmp_path / "benchmarks")
    command = [sys.executable, "-m", "benchmarks.recompute", str(run)]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    lines = printed.splitlines()
    assert len(lines) == 20 * len(MEASURES)
    assert any(re.fullmatch(r"throughput, light: ada / eve 0\.7\d\d, eve better", line) for line in lines)
    assert any(re.fullmatch(r"p50, light: ada / eve 1\.\d\d\d, eve better", line) for line in lines)
    text = "".join(script.read_text() for script in SCRIPTS)
    imported = set(re.findall(r"^(?:from|import) ([\w.]+)", text, flags=re.MULTILINE))
    assert {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names} == {
        "benchmarks.raw_cells",
        "numpy",
        "numpy.typing",
        "scipy",
    }
