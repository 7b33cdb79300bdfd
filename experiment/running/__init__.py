"""The run itself: the loop over cells, one cell, the host held meanwhile."""

from experiment.running.gate import judge_run, measure_builds
from experiment.running.holding import hold_host, name_holder
from experiment.running.loop import Planner, Progress, git_commit, resume_run, start_run

__all__ = [
    "Planner",
    "Progress",
    "git_commit",
    "hold_host",
    "judge_run",
    "measure_builds",
    "name_holder",
    "resume_run",
    "start_run",
]
