"""Running the checks against a target."""

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, closing

import psycopg
import redis

from apis.contract.checks import caching, database, errors, files, posts, users
from apis.contract.checks.context import Context
from apis.contract.checks.model import Check, CheckFailedError, CheckResult, Target

_GROUPS = (users, posts, files, errors, caching, database)

_REFUSALS = (CheckFailedError, OSError, psycopg.Error, redis.RedisError)
"""What means that the target, and not the check, is at fault: a wrong answer, or none."""

_BETWEEN_ATTEMPTS = 4.4
"""Seconds between two attempts: what keeps a machine busy seldom ends within one."""


def all_checks() -> tuple[Check, ...]:
    """All checks, by module and in the order of their definition."""
    return tuple(item for group in _GROUPS for item in vars(group).values() if isinstance(item, Check))


def open_context(target: Target) -> AbstractContextManager[Context]:
    """Open what the checks of a target share, and close it at the end."""
    return closing(Context(target))


def run_check(context: Context, check: Check) -> CheckResult:
    """Run one check, as often as it may be tried; a failure is a result, not an exception."""
    name, urls = context.target.name, {"database": context.target.database_url, "redis": context.target.redis_url}
    if missing := sorted(service for service in check.needs if urls[service] is None):
        reason = f"needs the URL of the target's {' and '.join(missing)}"
        return CheckResult(target=name, check=check.name, outcome="skipped", detail=reason, seconds=0)
    earlier: list[str] = []
    while True:
        result = attempt(context, check.name, check.function)
        if result.outcome == "passed" or len(earlier) + 1 >= check.attempts:
            return result.model_copy(update={"earlier": tuple(earlier)})
        earlier.append(result.detail)
        time.sleep(_BETWEEN_ATTEMPTS)


def attempt(context: Context, name: str, function: Callable[[Context], object]) -> CheckResult:
    """Call a function that raises where the target is wrong, and say what came of it."""
    start = time.monotonic()
    detail = ""
    try:
        function(context)
    except _REFUSALS as error:
        detail = str(error) or type(error).__name__
    return CheckResult(
        target=context.target.name,
        check=name,
        outcome="failed" if detail else "passed",
        detail=detail,
        seconds=time.monotonic() - start,
    )


def run_checks(target: Target, only: Collection[str] | None = None) -> list[CheckResult]:
    """Run the checks against a target; all, or only those with these names or of these groups.

    They register users, publish posts and upload files of their own and leave these behind; what is seeded they leave
    as it is. Nothing else may use the target at the same time: statements and commands are counted.
    """
    checks = all_checks()
    unknown = set(only or ()) - {check.name for check in checks} - {check.group for check in checks}
    if unknown:
        raise ValueError(f"There is no check or group of checks named {', '.join(sorted(unknown))}.")
    chosen = [check for check in checks if only is None or {check.name, check.group} & set(only)]
    with open_context(target) as context:
        return [run_check(context, check) for check in chosen]
