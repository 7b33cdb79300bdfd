"""The checks that all routes with a JSON body have, in their order."""

from apis.contract.checks import problems
from tests.differential.model.expectation import Expected, invalid, problem
from tests.differential.model.json_body import MAXIMUM, MalformedError, Rules, breaches, read_object
from tests.differential.request import Request


def read_json(request: Request, rules: Rules) -> Expected | dict[str, str]:
    """The members of a JSON body, or the refusal of the request."""
    types = request.values(b"content-type")
    if len(types) != 1 or types[0].partition(b";")[0].strip(b" \t").lower() != b"application/json":
        return problem(problems.NOT_JSON)
    body = request.body or b""
    if len(body) > MAXIMUM:
        return problem(problems.LARGE_JSON)
    try:
        members = read_object(body, rules)
    except MalformedError:
        return problem(problems.BAD_JSON)
    errors = breaches(members, rules)
    return invalid(errors) if errors else members
