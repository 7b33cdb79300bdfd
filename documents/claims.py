"""Claims of the published article, and what a run makes of them."""

from typing import Literal

from documents.base import Document, Name
from documents.facts import Fact

ClaimKind = Literal["number", "order", "ratio", "limit", "stand-in", "unstated"]
"""What is claimed: an absolute number; which of two or four comes first; how many times one is the other; that
something stays within or goes beyond a limit; that a stand-in is in the order of the hours of work; or nothing that has
a number to test."""

ClaimOutcome = Literal["reproduced", "contradicted", "cannot-tell", "not-comparable"]
"""`reproduced` and `contradicted` are shown, each at a stated error. `cannot-tell`: what was measured allows both.
`not-comparable`: what was measured is something else than what is claimed, or nothing was."""


class PublishedLine(Document):
    """One line of the article: a title, what it says, and the facts about building that answer it."""

    name: Name
    title: str
    says: str
    facts: tuple[Fact, ...] = ()


class JudgedClaim(Document):
    """One claim and its outcome; `why` is a sentence with the numbers. `name` is unique in its line."""

    name: str
    kind: ClaimKind
    says: str
    outcome: ClaimOutcome
    why: str


class JudgedLine(Document):
    """A line of the article with all claims that are in it."""

    line: PublishedLine
    claims: tuple[JudgedClaim, ...]
