"""The planning of a run: its subjects, cells, order and budget."""

from experiment.planning.budget import BudgetClock, fit, read_earlier
from experiment.planning.plan import block_orders, count_cells, make_plan, plan_open_loop, williams_rows
from experiment.planning.subjects import (
    layouts_of,
    protocol_file,
    read_protocol,
    require_subjects,
    subjects_of,
    with_subjects,
    without_subjects,
)

__all__ = [
    "BudgetClock",
    "block_orders",
    "count_cells",
    "fit",
    "layouts_of",
    "make_plan",
    "plan_open_loop",
    "protocol_file",
    "read_earlier",
    "read_protocol",
    "require_subjects",
    "subjects_of",
    "williams_rows",
    "with_subjects",
    "without_subjects",
]
