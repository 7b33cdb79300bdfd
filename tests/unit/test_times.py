"""How a run of the tests is counted: a time limit that failed beside other tests counts by its second result."""

from pathlib import Path

from tests.times import Part, describe, read_outcomes


def write_results(folder: Path, part: str, **failures: bool) -> None:
    cases = (f'<testcase classname="m" name="{n}">{"<failure/>" * bad}</testcase>' for n, bad in failures.items())
    (folder / f"{part}.xml").write_text(f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>")


def test_a_test_that_ran_once_more_counts_by_its_second_result(tmp_path: Path):
    write_results(tmp_path, "in-time", right=False, slow=True, broken=True)
    write_results(tmp_path, "in-time-again", slow=False, broken=True)
    outcomes = read_outcomes(tmp_path)
    assert outcomes.passed == 2
    assert outcomes.failed == {"m::broken"}
    assert outcomes.again == {"m::slow": True, "m::broken": False}


def test_a_failure_while_a_test_is_torn_down_counts(tmp_path: Path):
    (tmp_path / "alone.xml").write_text(
        '<testsuites><testsuite><testcase classname="m" name="a"><error/></testcase>'
        '<testcase classname="m" name="a"/></testsuite></testsuites>'
    )
    assert read_outcomes(tmp_path).failed == {"m::a"}


def test_the_page_names_parts_failures_and_the_slowest_fixtures(tmp_path: Path):
    write_results(tmp_path, "alone", fine=False, broken=True)
    (tmp_path / "alone.tsv").write_text("1.500\tcall\tm.py::fine\n20.000\tsetup\tm.py::broken\n")
    page = describe(tmp_path, [Part("alone", 61.0)], read_outcomes(tmp_path), seconds=125)
    assert "2 min 05 s in all.\n1 passed, 1 failed, 0 ran once more alone.\n" in page
    assert "- failed: `m::broken`" in page
    assert "| alone | 1 min 01 s | 2 | 1 |" in page
    assert page.endswith("| 20.0 | setup of `m.py::broken` |\n| 1.5 | `m.py::fine` |\n")
