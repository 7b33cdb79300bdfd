"""The gate's outcome: one line for a log, a table, and a summary in Markdown for a pull request."""

from analysis.formatting import capital, counted, exact_percent, ratio_interval, ratio_text
from analysis.pages.markdown import bullets, escape, markdown_section
from analysis.pages.table import (
    BLOCKS_NOTE,
    INTERVAL_NOTE,
    Column,
    Table,
    TableCell,
    blocks_needed,
    pair_cell,
    verdict_rule,
)
from analysis.pages.verdicts import same_power_words
from analysis.statistics import MEASURES, blocks_text, verdict_text
from documents.report import OUTCOMES, Finding, Gate


def outcome_line(gate: Gate) -> str:
    """The outcome in one line: ``gate: regression: go-new beside go-base in the run …``."""
    said = f"gate: {OUTCOMES[gate.outcome]}: {gate.candidate.name} beside {gate.base.name} in the run {gate.run_id}"
    if gate.blocks_needed is not None:
        # Some of the protocol's blocks may be short.
        blocks = min(finding.pair.blocks for finding in gate.findings if _is_open(finding))
        said += (
            f"; {blocks_text(gate.blocks_needed)} blocks would let a candidate without any difference "
            f"pass, and there were {blocks}"
        )
        if gate.blocks_needed.blocks is not None and gate.blocks_needed.blocks <= blocks:
            said += f": this one is too near the margin of {exact_percent(gate.margin)}"
    return said


def _is_open(finding: Finding) -> bool:
    return finding.judged and finding.pair.verdict == "cannot-tell"


def gate_table(gate: Gate) -> Table:
    """All measures under all loads, the judged ones first."""
    judged = dict.fromkeys(MEASURES[finding.measure].title for finding in gate.findings if finding.judged)
    return Table(
        title=f"{gate.candidate.name} over {gate.base.name}",
        note=(
            f"Ratios with intervals. {INTERVAL_NOTE} {verdict_rule(gate.margin, gate.significance)}. Judged: "
            f"{', '.join(judged)}, {counted(gate.tests, 'test')} in one family; all else is reported. Blocks: "
            f"{BLOCKS_NOTE}"
        ),
        columns=(
            Column("Measure", numeric=False),
            Column("Load", numeric=False),
            Column("Ratio"),
            Column("Verdict", numeric=False),
            Column("Blocks"),
            Column("Blocks needed"),
        ),
        rows=tuple(map(_row, gate.findings)),
    )


def twin_lines(gate: Gate) -> tuple[str, ...]:
    """The A/A twin of this run's throughput, a sentence for each load."""
    lines: list[str] = []
    for twin in gate.twins:
        if twin.ratio is None or twin.ratio.interval_95 is None:
            continue
        said = (
            f"A/A under {twin.scenario}: the same API twice gave {ratio_text(twin.ratio.value)} "
            f"({ratio_interval(twin.ratio.interval_95)}) in {twin.blocks} blocks; {same_power_words(twin)}."
        )
        lines.append(f"{said} It excludes 1, so the place in a block may matter." if twin.excludes_one else said)
    return tuple(lines)


def render_gate_markdown(gate: Gate) -> str:
    """The summary for a pull request; texts from the run are escaped."""
    parts = [
        f"## {escape(capital(outcome_line(gate)))}",
        bullets(gate.reasons),
        markdown_section(gate_table(gate)),
    ]
    notes = (*twin_lines(gate), *gate.caveats)
    if notes:
        parts += ["### Before you quote these numbers", bullets(notes)]
    return "\n\n".join(parts) + "\n"


def _row(finding: Finding) -> tuple[TableCell, ...]:
    pair = finding.pair
    return (
        TableCell(MEASURES[finding.measure].title, "" if finding.judged else "reported"),
        TableCell(pair.scenario),
        pair_cell(pair),
        TableCell(verdict_text(pair, finding.measure), pair.reason or ""),
        TableCell(str(pair.blocks)),
        blocks_needed(pair),
    )
