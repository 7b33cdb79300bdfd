"""The gate of a change: ``python -m ci.gate BASE``.

Measures each API that the change touches against its base. ``artifacts/gate/`` gets ``comment.md``, and the summary and
the run of each API. The exit status is that of the worst outcome: 1 if an API became slower, 3 if one has no answer, 2
if a run can't tell, 0 if all passed or nothing was touched.
"""

import argparse
import shutil
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from ci.gate_stack import STACK, Change, write_gate_stack
from documents.errors import FairgroundError
from documents.files import replace_file
from documents.report import GATE_STATUSES, OUTCOMES, Outcome
from documents.run import MANIFESTS

PROJECT = Path(__file__).resolve().parents[1]
LAB = (str(PROJECT / ".venv" / "bin" / "lab"),)

NO_ANSWER = GATE_STATUSES["no-answer"]

_OUTCOME_OF: dict[int, Outcome] = {status: outcome for outcome, status in GATE_STATUSES.items()}
"""By the exit status of `lab gate`; any other status is an error, and so no answer."""


def gate(
    base: str, *, like: str, protocol: str | None = None, project: Path = PROJECT, lab: Sequence[str] = LAB
) -> int:
    """Measure what a change touches and write the comment; returns the status of the worst outcome.

    Args:
        base: the branch or commit that the change will be merged into.
        like: the name of the stack whose APIs are guarded.
        protocol: that of `lab gate`; its default unless given.
        project: the checkout, whose HEAD is the change.
        lab: the command that is run as `lab`.

    Raises:
        DocumentError: the gate's stack can't be made from the stack.
        RunError: git doesn't know the base.
    """
    artifacts = project / "artifacts" / "gate"
    shutil.rmtree(artifacts, ignore_errors=True)
    artifacts.mkdir(parents=True)
    change = write_gate_stack(project, base, like)
    outcomes: dict[str, Outcome] = {}
    if change.pairs:
        is_up = _run(project, [*lab, "up", "--stack", STACK]) == 0
        for pair in change.pairs:
            outcomes[pair.api] = "no-answer"
            if is_up:
                options = [] if protocol is None else ["--protocol", protocol]
                summary = artifacts / f"{pair.api}.md"
                before = _runs(project)
                command = [*lab, "gate", pair.base, pair.candidate, "--stack", STACK, "--summary", str(summary)]
                status = _run(project, [*command, *options])
                outcomes[pair.api] = _OUTCOME_OF.get(status, "no-answer")
                for run in sorted(_runs(project) - before):
                    shutil.make_archive(str(artifacts / f"{pair.api}-{run}"), "gztar", project / "runs", run)
    written = (artifacts / f"{pair.api}.md" for pair in change.pairs)
    summaries = [path.read_text(encoding="utf-8") for path in written if path.is_file()]
    comment = render_comment(change, outcomes, summaries)
    replace_file(artifacts / "comment.md", comment)
    print(comment.partition("\n")[0])  # noqa: T201 - the command's output
    statuses = [GATE_STATUSES[outcome] for outcome in OUTCOMES if outcome in outcomes.values()]
    return statuses[0] if statuses else GATE_STATUSES["passed"]


def render_comment(change: Change, outcomes: Mapping[str, Outcome], summaries: Sequence[str]) -> str:
    """The comment on a change in Markdown: each API's outcome in its first line, then the summaries.

    Args:
        change: what was measured, and what couldn't be.
        outcomes: the outcome of each API's gate, by the API's name.
        summaries: those that `lab gate` wrote.
    """
    said = [f"{api}: {OUTCOMES[outcome]}" for api, outcome in outcomes.items()]
    said += [f"{api}: new, so there is nothing to compare it with" for api in change.new]
    listed = "; ".join(said) or "no guarded API was touched, so nothing was measured"
    parts = [f"**Gate: {listed}.** Base: commit {change.commit}."]
    if "regression" in outcomes.values():
        parts += ["An API became significantly worse: the tables show under which load. Look at them before you merge."]
    if "no-answer" in outcomes.values():
        parts += ["If there is no answer, the job's log has the reason. Fix that and start the job again."]
    if "cannot-tell" in outcomes.values():
        parts += ["“Can't tell” isn't a pass. The summary has the number of blocks that would be enough."]
    return "\n\n".join([*parts, *(summary.strip() for summary in summaries)]) + "\n"


def _run(project: Path, command: Sequence[str]) -> int:
    return subprocess.run(command, cwd=project, stdin=subprocess.DEVNULL, check=False).returncode


def _runs(project: Path) -> frozenset[str]:
    return frozenset(path.parent.name for path in (project / "runs").glob(MANIFESTS))


def main() -> int:
    """Gate the checked-out change; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m ci.gate", description="Measure each API that a change touches against its base."
    )
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
    except Exception:  # noqa: BLE001 - any other error is no answer either
        # Otherwise Python would exit with 1, which is a regression.
        traceback.print_exc()
        return NO_ANSWER


if __name__ == "__main__":
    sys.exit(main())
