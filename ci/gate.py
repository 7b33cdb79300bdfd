"""The gate of a change: ``python -m ci.gate BASE``.

Measures each API that the change touches beside itself as its base has it, and leaves in ``artifacts/gate/`` what a
team reads of it: ``comment.md``, and of each API the summary and the run. Its status is that of `lab gate`: 0 where all
passed or nothing was touched, 1 where one became slower, 3 where one has no answer, 2 where a run can't tell.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.gate_stack import STACK, Change, write_gate_stack
from documents.errors import FairgroundError
from documents.run import MANIFESTS

PROJECT = Path(__file__).resolve().parents[1]
LAB = (str(PROJECT / ".venv" / "bin" / "lab"),)

PASSED, REGRESSION, CANNOT_TELL, NO_ANSWER = 0, 1, 2, 3

SAID = {PASSED: "passed", REGRESSION: "regression", CANNOT_TELL: "can't tell", NO_ANSWER: "no answer"}
"""What each status of `lab gate` says; any other is an error, and so no answer."""

WORST_FIRST = (REGRESSION, NO_ANSWER, CANNOT_TELL, PASSED)
"""A regression is an answer, even where another API's run couldn't tell."""


def gate(
    base: str, *, like: str, protocol: str | None = None, project: Path = PROJECT, lab: Sequence[str] = LAB
) -> int:
    """Measure what a change touches and write the comment; returns the status of the worst outcome.

    Args:
        base: the branch or commit that the change will be merged into.
        like: the name of the stack whose APIs are guarded.
        protocol: that of `lab gate`; its own unless given.
        project: the checkout, whose HEAD is the change.
        lab: the command that is run as `lab`.

    Raises:
        DocumentError: the stack can't be made a gate's.
        RunError: git doesn't know the base.
    """
    artifacts = project / "artifacts" / "gate"
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir(parents=True)
    change = write_gate_stack(project, base, like)
    statuses: dict[str, int] = {}
    if change.pairs:
        stands = _run(project, [*lab, "up", "--stack", STACK]) == 0
        for pair in change.pairs:
            statuses[pair.api] = NO_ANSWER
            if stands:
                options = [] if protocol is None else ["--protocol", protocol]
                summary = artifacts / f"{pair.api}.md"
                before = _runs(project)
                command = [*lab, "gate", pair.base, pair.candidate, "--stack", STACK, "--summary", str(summary)]
                status = _run(project, [*command, *options])
                statuses[pair.api] = status if status in SAID else NO_ANSWER
                for run in sorted(_runs(project) - before):
                    shutil.make_archive(str(artifacts / f"{pair.api}-{run}"), "gztar", project / "runs", run)
    written = (artifacts / f"{pair.api}.md" for pair in change.pairs)
    summaries = [path.read_text(encoding="utf-8") for path in written if path.is_file()]
    comment = render_comment(change, statuses, summaries)
    (artifacts / "comment.md").write_text(comment, encoding="utf-8")
    print(comment.partition("\n")[0])  # noqa: T201 - the command's output
    return next((status for status in WORST_FIRST if status in statuses.values()), PASSED)


def render_comment(change: Change, statuses: Mapping[str, int], summaries: Sequence[str]) -> str:
    """The comment on a change in Markdown: in its first line each API's outcome, below it what each gate said.

    Args:
        change: what was measured, and what couldn't be.
        statuses: that of each API's gate, by its name.
        summaries: those that `lab gate` wrote.
    """
    outcomes = [f"{api}: {SAID[status]}" for api, status in statuses.items()]
    outcomes += [f"{api}: new, so there is nothing to compare it with" for api in change.new]
    said = "; ".join(outcomes) or "no API that is guarded was touched, so nothing was measured"
    parts = [f"**Gate: {said}.** Beside the commit {change.commit}."]
    if REGRESSION in statuses.values():
        parts += ["What is significantly worse must not be merged unseen: the tables say under which load."]
    if NO_ANSWER in statuses.values():
        parts += ["Where there is no answer, the job's log says why. Mend that and start the job again."]
    if CANNOT_TELL in statuses.values():
        parts += ["“Can't tell” is no pass; the number of blocks that would tell stands below."]
    return "\n\n".join([*parts, *(summary.strip() for summary in summaries)]) + "\n"


def _run(project: Path, command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, check=False).returncode


def _runs(project: Path) -> frozenset[str]:
    return frozenset(path.parent.name for path in (project / "runs").glob(MANIFESTS))


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m ci.gate", description="Gates each API that a change touches.")
    parser.add_argument("base", help="the branch or commit that HEAD will be merged into")
    parser.add_argument("--like", default="local", help="the stack whose APIs are guarded; local unless given")
    parser.add_argument("--protocol", help="that of `lab gate`: a name or the path of a file")
    try:
        arguments = parser.parse_args()
    except SystemExit as error:
        # A wrong command line would end with 2, which is an answer here.
        return NO_ANSWER if error.code else 0
    try:
        return gate(arguments.base, like=arguments.like, protocol=arguments.protocol)
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
