"""What the stack's document and the program say, and no `up` has applied yet: a preview of Pulumi's."""

import json
from collections.abc import Mapping
from typing import Any

from lab.lifecycle.drift.comparison import Comparison
from lab.lifecycle.engine import Engine
from provision.container_state import members

_UNCHANGED = frozenset({"same", "read", "refresh"})

_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What stands for a value that only the making will tell. Source: sdk/go/common/resource/plugin/rpc.go."""

_SHOWN_CHARACTERS = 60


def compare_document(comparison: Comparison, engine: Engine) -> None:
    """Compare what the program declares now with what the last `up` applied. Nothing is changed.

    Raises:
        LabError: the engine refused.
    """
    tell_steps(comparison, json.loads(engine.query("preview", "--json")))


def tell_steps(comparison: Comparison, preview: Mapping[str, Any]) -> None:
    """Tell what `pulumi preview --json` found, a difference for each property of a resource."""
    comparison.compared[_SUBJECT] += preview.get("changeSummary", {}).get("same", 0)
    for step in preview.get("steps", []):
        name, operation = step["urn"].rpartition("::")[2], step["op"]
        kind = step["urn"].rpartition("::")[0].rpartition(":")[2]
        if operation in _UNCHANGED or kind == "Stack":
            continue
        if operation.startswith("create") and not step.get("oldState"):
            comparison.expect(_SUBJECT, f"the resource {name} ({kind})", "made", None)
        elif operation == "delete":
            comparison.expect(_SUBJECT, f"the resource {name} ({kind})", None, "still there")
        else:
            _tell_properties(comparison, f"{name} ({kind})", step)


_SUBJECT = "document"


def _tell_properties(comparison: Comparison, resource: str, step: Mapping[str, Any]) -> None:
    old, new = (members(members(step, state), "inputs") for state in ("oldState", "newState"))
    for name in step.get("diffReasons") or ["what it is made of"]:
        declared, applied = _shown(new.get(name)), _shown(old.get(name))
        if declared == applied:
            declared, applied = "as the document says now", "as the last `lab up` left it"
        comparison.expect(_SUBJECT, f"{name} of {resource}", declared, applied, why="not applied yet")


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever JSON can hold
    """A value in a few words; the preview itself has no secret in plain text."""
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if _UNKNOWN in text:
        return "known once it is made"
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
