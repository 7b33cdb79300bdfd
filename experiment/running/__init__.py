"""The run itself: start and resume, the loop over cells, one cell, and holding the host."""

from experiment.running.holding import hold_host
from experiment.running.loop import Progress
from experiment.running.run import Planner, git_commit, measure_builds, resume_run, start_run

__all__ = [
    "Planner",
    "Progress",
    "git_commit",
    "hold_host",
    "measure_builds",
    "resume_run",
    "start_run",
]
