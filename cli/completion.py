"""What a shell completes: the values of options and arguments, as far as a look at this checkout tells them."""

from cli.context import RUNS


def complete_run(incomplete: str) -> list[str]:
    """The ids of the runs, the newest first."""
    names = sorted((path.parent.name for path in RUNS.glob("*/manifest.json")), reverse=True)
    return [name for name in names if name.startswith(incomplete)]
