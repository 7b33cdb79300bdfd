"""Lengths of time as people write them: `2h`, `90m`, `1h30m`."""

import re

_DURATION = re.compile(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?", re.ASCII)


def parse_duration(text: str) -> int:
    """Read hours and minutes, and return whole seconds.

    Raises:
        ValueError: it is of another form, or no time at all; says how one is written.
    """
    found = _DURATION.fullmatch(text)
    hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0)
    if hours == minutes == 0:
        raise ValueError(f"{text!r} is no length of time. Write it in hours and minutes: 2h, 90m or 1h30m.")
    return 3600 * hours + 60 * minutes


def format_duration(seconds: float) -> str:
    """Write a length of time in hours and whole minutes, as `parse_duration` reads it; minutes are rounded up."""
    minutes = -int(-seconds // 60)
    hours, rest = divmod(minutes, 60)
    return f"{f'{hours}h' if hours else ''}{f'{rest}m' if rest or not hours else ''}"
