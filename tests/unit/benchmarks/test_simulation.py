"""The simulation's command refuses what nothing can be judged by."""

import pytest

from benchmarks.simulation import main


@pytest.mark.parametrize("refused", [["--blocks", "1"], ["--experiments", "0"], ["--margin", "0"], ["--margin", "nan"]])
def test_numbers_with_which_nothing_can_be_judged_are_refused(
    refused: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    # Where it weren't refused, it would be over at once.
    rest = [word for name in ("--blocks", "--experiments") if name not in refused for word in (name, "2")]
    monkeypatch.setattr("sys.argv", ["simulation", *refused, *rest])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "give 1 experiment or more, 2 blocks or more, and a margin above 0" in capsys.readouterr().err
