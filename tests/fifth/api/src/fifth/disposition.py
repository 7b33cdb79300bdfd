"""The `Content-Disposition` of a part, and the safe name of a file."""

import re

_KIND = re.compile(r"form-data", re.IGNORECASE)
_PARAMETER = re.compile(r'[ \t]*;[ \t]*([^=;" \t]+)=(?:"((?:[^"\\]|\\.)*)"|([^"; \t][^; \t]*)?)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_UNSAFE = re.compile(r"[^A-Za-z0-9.\-_]+")
_LONGEST_NAME = 100


def read_disposition(header: str) -> dict[str, str] | None:
    """The parameters by their names in small letters, the first of each; None where it isn't of the contract's form."""
    text = header.strip(" \t")
    kind = _KIND.match(text)
    if kind is None:
        return None
    place = kind.end()
    parameters: dict[str, str] = {}
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None:
            return None
        name, quoted, plain = found.groups()
        value = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain or ""
        parameters.setdefault(name.lower(), value)
        place = found.end()
    return parameters


def safe_name(filename: str) -> str:
    """The name that is stored and shown; it is never a path."""
    name = re.split(r"[/\\]", filename)[-1]
    return _UNSAFE.sub("_", name).lstrip(".")[:_LONGEST_NAME] or "file"
