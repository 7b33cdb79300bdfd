"""What a run writes: its folder, journal and locks."""

from experiment.record.run_list import Pruning, choose, keep, list_runs, remove_remains, remove_run
from experiment.record.writer import RunWriter, hash_raw_files, in_use, new_run_id

__all__ = [
    "Pruning",
    "RunWriter",
    "choose",
    "hash_raw_files",
    "in_use",
    "keep",
    "list_runs",
    "new_run_id",
    "remove_remains",
    "remove_run",
]
