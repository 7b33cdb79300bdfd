import pytest

from documents.base import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("0h5m", 300), ("1h0m", 3600)]
)
def test_hours_and_minutes_are_read(text: str, seconds: int):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "2", "2 h", "h", "-1h", "1.5h", "30s", "30m1h", "2h ", "0m", "0h0m", "1h30", "٢h", "two hours", "1H"]
)
def test_anything_else_is_refused_with_how_it_is_written(text: str):
    with pytest.raises(ValueError, match="Write it in hours and minutes: 2h, 90m or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7200, "2h"), (5400, "1h30m"), (300, "5m"), (301, "6m"), (59.5, "1m"), (3541, "1h"), (0, "0m")],
)
def test_they_are_written_as_they_are_read_with_minutes_rounded_up(seconds: float, text: str):
    assert format_duration(seconds) == text
