"""Every line of the article with its claims, judged by a report's numbers."""

from analysis.claims import article
from analysis.claims.article import COLUMNS, PublishedColumn
from analysis.claims.claim import Claim, Evidence, Judgement, not_comparable
from analysis.claims.facts import (
    AT_ONCE_SECONDS,
    NEARLY_AT_ONCE_SECONDS,
    TimeLimit,
    effort_claims,
    limit_claim,
    longest_claim,
    size_claim,
)
from analysis.claims.numbers import number_claims, order_claims, ratio_claims
from documents.report import JudgedClaim, JudgedLine

_AT_ONCE = f"up to {AT_ONCE_SECONDS:g} s"
_NOTICEABLE = f"over {AT_ONCE_SECONDS:g} s"
_NEARLY_AT_ONCE = f"up to {NEARLY_AT_ONCE_SECONDS:g} s"
_SLOWLY = f"over {NEARLY_AT_ONCE_SECONDS:g} s"


def _unstated(says: str) -> tuple[Claim, ...]:
    def judge(_: Evidence) -> Judgement:
        return not_comparable("The article gives no number for it, so there is nothing to test.")

    return (Claim(name="unstated", kind="unstated", says=says, judge=judge),)


def _column_claims(column: PublishedColumn) -> tuple[Claim, ...]:
    return (*number_claims(column), *order_claims(column), *ratio_claims(column))


def _start_up() -> tuple[Claim, ...]:
    return (
        limit_claim(
            "jvm-noticeable",
            f"The JVM's start is noticeable ({_NOTICEABLE}).",
            TimeLimit("kotlin", "first_answer", AT_ONCE_SECONDS, beyond=True),
        ),
        limit_claim(
            "go-at-once",
            f"Go starts at once ({_AT_ONCE}).",
            TimeLimit("go", "first_answer", AT_ONCE_SECONDS, beyond=False),
        ),
        longest_claim("order-kotlin-go", "The JVM takes longer to start than Go.", "first_answer", "kotlin", ("go",)),
    )


def _compiling() -> tuple[Claim, ...]:
    return (
        limit_claim(
            "rust-slowly",
            f"Rust's clean build is slow ({_SLOWLY}).",
            TimeLimit("rust", "clean_build", NEARLY_AT_ONCE_SECONDS, beyond=True),
        ),
        limit_claim(
            "go-nearly-at-once",
            f"Go's clean build is done nearly at once ({_NEARLY_AT_ONCE}).",
            TimeLimit("go", "clean_build", NEARLY_AT_ONCE_SECONDS, beyond=False),
        ),
        limit_claim(
            "go-nearly-at-once-again",
            f"Go's incremental build is done nearly at once ({_NEARLY_AT_ONCE}).",
            TimeLimit("go", "incremental_build", NEARLY_AT_ONCE_SECONDS, beyond=False),
        ),
        longest_claim("order-rust-go", "Rust's clean build takes longer than Go's.", "clean_build", "rust", ("go",)),
        longest_claim(
            "order-rust-all",
            "Rust's clean build takes the longest of the four.",
            "clean_build",
            "rust",
            tuple(api for api in article.STACKS if api != "rust"),
        ),
        longest_claim(
            "order-rust-go-again",
            "Rust's incremental build takes longer than Go's.",
            "incremental_build",
            "rust",
            ("go",),
        ),
    )


CLAIMS: dict[str, tuple[Claim, ...]] = {
    **{column.line: _column_claims(column) for column in COLUMNS},
    "average-latency": _unstated("Average latency."),
    "cpu": _unstated("CPU use."),
    "binary-size": (size_claim("zig-under-1-mb", "Zig's static binary is under 1 MB.", "zig"),),
    "start-up": _start_up(),
    "compiling": _compiling(),
    "effort": effort_claims(),
}
"""The claims of each line, at least one, by its name in `article.LINES`."""


def judge_claims(evidence: Evidence) -> tuple[JudgedLine, ...]:
    """Judge every claim of every line, in the article's order."""
    return tuple(
        JudgedLine(line=line, claims=tuple(_judged(claim, evidence) for claim in CLAIMS[line.name]))
        for line in article.LINES
    )


def _judged(claim: Claim, evidence: Evidence) -> JudgedClaim:
    outcome, why = claim.judge(evidence)
    return JudgedClaim(name=claim.name, kind=claim.kind, says=claim.says, outcome=outcome, why=why)
