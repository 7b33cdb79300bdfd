"""The programs that the lab runs on a host: Python's standard library only, 3.10 or newer."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where their sources are."""
