"""Texts that read like prose and are the same on every machine and Python.

Only `random.Random.random` is used: the library promises its sequence for a seed, and that of no other method.
"""

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_WORDS = tuple(Path(__file__).with_name("words.txt").read_text(encoding="utf-8").split())

_SENTENCE_COUNT = 2_000


class Draw:
    """Draws from the sequence that follows from a seed and the number of the thing described."""

    def __init__(self, seed: int, number: int) -> None:
        self._seed = seed
        self._random = random.Random(seed * 1_000_003 + number)  # noqa: S311 - reproducible texts, no secrets

    def integer(self, minimum: int, maximum: int) -> int:
        """An integer from minimum to maximum, both included, each equally likely."""
        return minimum + int(self._random.random() * (maximum - minimum + 1))

    def title(self) -> str:
        """A title of 3 to 9 words."""
        return _capitalised(" ".join(self._pick(_WORDS) for _ in range(self.integer(3, 9))))

    def sentence(self) -> str:
        """A sentence of 5 to 16 words, now and then with one of them in quotation marks."""
        words = [self._pick(_WORDS) for _ in range(self.integer(5, 16))]
        if self._random.random() < 0.1:
            place = self.integer(1, len(words) - 1)
            words[place] = f'"{words[place]}"'
        return _capitalised(" ".join(words)) + self._pick((".", ".", ".", "!", "?"))

    def body(self, length: int) -> str:
        """A text of exactly `length` characters: sentences, with a paragraph's break after some."""
        sentences = _sentences(self._seed)
        parts: list[str] = []
        size = 0
        while size < length:
            part = self._pick(sentences) + ("\n\n" if self._random.random() < 0.15 else " ")
            parts.append(part)
            size += len(part)
        return "".join(parts)[: length - 1] + "."

    def _pick(self, choices: Sequence[str]) -> str:
        return choices[int(self._random.random() * len(choices))]


@cache
def _sentences(seed: int) -> tuple[str, ...]:
    """The sentences that all bodies are put together from: drawing words for each body would take seconds."""
    draw = Draw(seed, 0)
    return tuple(draw.sentence() for _ in range(_SENTENCE_COUNT))


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
