"""Schemathesis finds nothing in any implementation, and would.

`FAIRGROUND_SCHEMATHESIS_EXAMPLES` asks for more random requests than a normal run of the tests makes.
"""

import os

import pytest

from apis.contract.checks import Target
from apis.contract.checks.wire import Answer
from tests.contract.alterations import Change, body, header, status
from tests.contract.altering_proxy import Request, Upstream, altering_proxy
from tests.contract.schemathesis_run import SEED, run_schemathesis
from tests.contract.seed_state import restore_seed

pytestmark = pytest.mark.nightly

_EXAMPLES = int(os.environ.get("FAIRGROUND_SCHEMATHESIS_EXAMPLES", "15"))


def test_nothing_is_found(target: Target):
    restore_seed(target)  # the same users are registered each time, and another implementation's files aren't here
    findings = run_schemathesis(target, examples=_EXAMPLES)
    assert not findings.failures, "\n\n".join([f"seed: {SEED}", *findings.failures])
    assert findings.never_done() == []
    assert findings.requests > 500


BREACHES: dict[tuple[str, str, int], Change] = {
    ("GET", "/healthz", 200): body(rb"ok", b"well"),
    ("GET", "/api/posts/1", 200): header("etag", None),
    ("GET", "/api/users/me", 401): status(200),
    ("GET", "/api/posts", 422): status(200),
    ("GET", "/api/posts", 400): status(200),
    ("POST", "/api/posts", 201): status(500),
    ("GET", "/api/posts", 200): header("content-type", "text/plain"),
}
"""What an implementation does wrong: by method, path and the status that it should have answered."""


def breaking_rules(request: Request, upstream: Upstream) -> Answer:
    answer = upstream.send(request.octets)
    change = BREACHES.get((request.method, request.path, answer.status))
    return answer if change is None else change(answer)


def test_each_kind_of_breach_is_found(reference: Target):
    with altering_proxy(reference, breaking_rules) as altered:
        findings = run_schemathesis(altered, examples=1)
    assert findings.checks >= {
        "response_schema_conformance",
        "response_headers_conformance",
        "ignored_auth",
        "negative_data_rejection",
        "not_a_server_error",
        "content_type_conformance",
    }
