"""What a run writes: its folder, journal and locks."""

from experiment.record.run_list import Pruning, choose, keep, list_runs, remove_remains, remove_run
from experiment.record.writer import RunWriter, in_use, new_run_id, raw_files, sha256_of

__all__ = [
    "Pruning",
    "RunWriter",
    "choose",
    "in_use",
    "keep",
    "list_runs",
    "new_run_id",
    "raw_files",
    "remove_remains",
    "remove_run",
    "sha256_of",
]
