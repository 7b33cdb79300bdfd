"""The published comparison that the lab reproduces, as data. It is a claim to test, not a truth to hit."""

from typing import NamedTuple

from documents.report import PublishedClaim


class PublishedLoad(NamedTuple):
    """wrk's connections and seconds in the article."""

    connections: int
    duration_seconds: int


class PublishedStack(NamedTuple):
    """One stack in the article: requests a second by load, average memory in MB, p99 at heavy load in ms."""

    throughput: dict[str, float]
    memory_mb: float
    p99_heavy_ms: float


CORES = 8
MEMORY_GB = 16

LOADS: dict[str, PublishedLoad] = {
    "light": PublishedLoad(connections=10, duration_seconds=30),
    "medium": PublishedLoad(connections=100, duration_seconds=60),
    "heavy": PublishedLoad(connections=500, duration_seconds=120),
}

STACKS: dict[str, PublishedStack] = {
    "rust": PublishedStack({"light": 55_000, "medium": 48_000, "heavy": 40_000}, memory_mb=30, p99_heavy_ms=9.0),
    "zig": PublishedStack({"light": 50_000, "medium": 42_000, "heavy": 35_000}, memory_mb=95, p99_heavy_ms=10.5),
    "go": PublishedStack({"light": 45_000, "medium": 38_000, "heavy": 32_000}, memory_mb=140, p99_heavy_ms=12.0),
    "kotlin": PublishedStack({"light": 28_900, "medium": 24_100, "heavy": 19_800}, memory_mb=180, p99_heavy_ms=89.2),
}

CLAIMS: tuple[PublishedClaim, ...] = (
    PublishedClaim(
        facts=("clean_build", "incremental_build"), claim="Rust compiles slowly; Go compiles nearly at once."
    ),
    PublishedClaim(facts=("binary_size",), claim="Zig's static binary is under 1 MB."),
    PublishedClaim(
        facts=("code_lines", "dependencies"),
        claim="Effort until the API worked: Kotlin 4 h, Go 5 h, Rust 12 h, Zig 18 h.",
    ),
    PublishedClaim(facts=("first_answer",), claim="The JVM has a noticeable start-up time; Go starts at once."),
)
"""What the article says in words or in single figures, in its own order of facts."""
