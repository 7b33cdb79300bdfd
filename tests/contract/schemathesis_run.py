"""Schemathesis over openapi.yaml: what it sends to a target, what it got back, and what it finds wrong with that."""

import copy
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import hypothesis.strategies as st
import schemathesis
import yaml
from schemathesis import engine
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events
from schemathesis.engine.recorder import ScenarioRecorder

from apis.contract.checks import Target, open_context
from apis.contract.checks.wire import KINDS
from tests.conftest import NIGHTLY

_OPENAPI: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "apis" / "contract" / "openapi.yaml").read_text(encoding="utf-8")
)

_UNWRITABLE = re.compile(r"[\x00-\x1f\x7f\\]")
_EMAIL = re.compile(_OPENAPI["components"]["schemas"]["Email"]["pattern"])

_LONGEST_QUERY = 3_000
"""In bytes. Netty takes a request line of 4 KiB."""

SEED = secrets.randbits(32) if NIGHTLY else 20_260_131
"""Of the random requests."""
_STATEFUL_STEPS = 6

_PASSWORD_BYTES = (8, 72)
_ACCEPTED = ["2xx", "304", "401", "403", "404", "409"]
"""Statuses of requests that the document's schemas allow."""

_REJECTED = ["400", "401", "403", "404", "405", "413", "415", "422"]
"""Statuses of requests that they don't allow."""

_BEYOND_SCHEMAS = {
    "createUser": ["400", "422"],  # a password's bytes, which JSON Schema can't count
    "login": ["400", "422"],
    "uploadFile": ["400", "415", "422"],  # a file's first bytes
}
"""Operations with a rule that no schema can express, and the statuses of its breach."""


@dataclass
class Findings:
    """What came of a run: failures in full, and the statuses that each operation answered."""

    failures: list[str] = field(default_factory=list[str])
    checks: set[str] = field(default_factory=set[str])
    statuses: dict[str, set[int]] = field(default_factory=lambda: defaultdict[str, set[int]](set))
    requests: int = 0

    def never_done(self) -> list[str]:
        """The operations that were never answered with success: nothing was learnt of their answers."""
        done = {name for name, statuses in self.statuses.items() if any(status < 300 for status in statuses)}
        return sorted(set(_operations()) - done)


def run_schemathesis(target: Target, *, examples: int) -> Findings:
    """Send what schemathesis makes of the document: its examples, the borders of each schema, random and linked ones.

    Args:
        target: the running implementation.
        examples: random requests for each operation, and random chains of requests for all.
    """
    _register_strategies()
    with open_context(target) as context:
        config = _configuration(target.base_url, context.alice.token, examples)
    schema = schemathesis.openapi.from_dict(copy.deepcopy(_OPENAPI), config=SchemathesisConfig.from_dict(config))  # pyright: ignore[reportUnknownMemberType]
    findings = Findings()
    for event in engine.from_schema(schema).execute():
        match event:
            case events.ScenarioFinished():
                _collect(event.recorder, findings)
            case events.NonFatalError():
                findings.failures.append(f"{event.label}: {event.value}")
            case events.FatalError():
                raise event.exception
            case _:
                continue
    return findings


def _configuration(base_url: str, token: str, examples: int) -> dict[str, Any]:
    return {
        "base-url": base_url,
        "seed": SEED,
        "workers": 1,
        "request-timeout": 10,
        "continue-on-failure": True,
        "auth": {"openapi": {"token": {"bearer": token}}},
        "generation": {"max-examples": examples, "deterministic": True, "no-shrink": True, "database": "none"},
        "checks": {
            "enabled": True,
            "positive_data_acceptance": {"expected-statuses": _ACCEPTED},
            "negative_data_rejection": {"expected-statuses": _REJECTED},
            # Another method may get 404; OPTIONS, TRACE and `Allow` are free.
            "unsupported_method": {"enabled": False},
            "allow_header_conformance": {"enabled": False},
        },
        # Else every user is registered under a name that an answer has shown.
        "phases": {
            **{phase: {"extra-data-sources": {"responses": False}} for phase in ("examples", "coverage", "fuzzing")},
            "stateful": {"max-steps": _STATEFUL_STEPS},
        },
        "operations": [
            {
                "include-operation-id": operation,
                "checks": {"positive_data_acceptance": {"expected-statuses": [*_ACCEPTED, *statuses]}},
            }
            for operation, statuses in _BEYOND_SCHEMAS.items()
        ],
    }


def _register_strategies() -> None:
    """Values that the document can't describe in full: files that begin as they must, passwords of as many bytes."""
    shortest, longest = _PASSWORD_BYTES
    passwords = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=2, max_size=longest)
    schemathesis.openapi.format("password", passwords.filter(lambda text: shortest <= len(text.encode()) <= longest))
    for name, start in KINDS.items():
        schemathesis.openapi.media_type(name, st.binary(max_size=2_000).map(lambda rest, start=start: start + rest))


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def filter_body(_: schemathesis.HookContext, body: object) -> bool:
    """Leave out what isn't compared.

    These are parts whose names have control characters, and addresses that a validator may take or refuse. Names with a
    backslash are left out, too: schemathesis writes it as it is, so that it would escape the next characters, up to the
    last quote.
    """
    parts: object = getattr(body, "body", body)  # a form with files is wrapped
    members = cast("dict[str, object]", parts) if isinstance(parts, dict) else {}
    email = members.get("email")
    is_free = isinstance(email, str) and not _EMAIL.fullmatch(email)
    return not is_free and not any(_UNWRITABLE.search(name) for name in members)


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType]
def filter_query(_: schemathesis.HookContext, query: dict[str, object] | None) -> bool:
    """Leave out what makes a request line too long for some server, which may then answer anything."""
    return len(urlencode(query or {}, doseq=True)) < _LONGEST_QUERY


def _collect(recorder: ScenarioRecorder, findings: Findings) -> None:
    for case_id, interaction in recorder.interactions.items():
        findings.requests += 1
        if interaction.response is not None:
            operation = cast("str", recorder.cases[case_id].value.operation.label)  # pyright: ignore[reportUnknownMemberType]
            findings.statuses[operation].add(interaction.response.status_code)
    for case_id, nodes in recorder.checks.items():
        for node in nodes:
            if node.failure_info is None:
                continue
            findings.checks.add(node.name)
            findings.failures.append(
                f"{recorder.label}, case {case_id}: {node.name}: {node.failure_info.failure}\n"
                f"{node.failure_info.code_sample}"
            )


def _operations() -> Iterable[str]:
    methods = {"get", "put", "post", "delete"}
    return (
        f"{method.upper()} {path}" for path, item in _OPENAPI["paths"].items() for method in item if method in methods
    )
