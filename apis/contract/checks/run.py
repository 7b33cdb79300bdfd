"""Running the checks against a target."""

import logging
import time
from collections.abc import Collection, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

import httpx
import psycopg
import redis
from tenacity import RetryCallState, Retrying, retry_if_result, stop_after_attempt, wait_exponential

from apis.contract.checks import (
    auth,
    bodies,
    caching,
    commands,
    connections,
    database,
    errors,
    files,
    parts,
    posts,
    resilience,
    security,
    statements,
    tokens,
    users,
)
from apis.contract.checks.context import Context
from apis.contract.checks.model import Check, CheckFailedError, CheckResult, Service, Target

_logger = logging.getLogger(__name__)

_GROUPS = (
    users,
    auth,
    tokens,
    posts,
    files,
    parts,
    errors,
    bodies,
    caching,
    commands,
    statements,
    database,
    security,
    connections,
    resilience,
)

_REFUSALS = (CheckFailedError, httpx.HTTPError, OSError, psycopg.Error, redis.RedisError)
"""What means that the target, and not the check, is at fault: a wrong answer, or none."""

_BETWEEN_ATTEMPTS = 1.1
"""Seconds before the second attempt: Redis may be passed over for one after it was slow."""

_LATER = 4
"""How many times as long the pause before each later one is: what keeps a machine busy seldom ends within a second."""


def all_checks() -> tuple[Check, ...]:
    """All checks, by module and in the order of their definition."""
    return tuple(item for group in _GROUPS for item in vars(group).values() if isinstance(item, Check))


@contextmanager
def open_context(target: Target) -> Generator[Context]:
    """Open the connections that the checks of a target share, and close them at the end."""
    context = Context(target)
    try:
        yield context
    finally:
        context.close()


def run_check(context: Context, check: Check) -> CheckResult:
    """Run one check, as often as it may be tried; a failure is a result, not an exception."""
    name = context.target.name
    missing = _missing_services(context.target, check.needs)
    if missing:
        reason = f"needs the URL of the target's {' and '.join(missing)}"
        return CheckResult(target=name, check=check.name, outcome="skipped", detail=reason, seconds=0, attempts=0)
    attempts = Retrying(
        retry=retry_if_result(lambda result: result.outcome == "failed"),
        stop=stop_after_attempt(check.attempts),
        wait=wait_exponential(_BETWEEN_ATTEMPTS, exp_base=_LATER),
        before_sleep=_log_attempt,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )
    numbers = count(1)
    return attempts(lambda: _attempt(context, check, next(numbers)))


def _attempt(context: Context, check: Check, number: int) -> CheckResult:
    start = time.monotonic()
    detail = ""
    try:
        check.function(context)
    except _REFUSALS as error:
        detail = str(error) or type(error).__name__
    return CheckResult(
        target=context.target.name,
        check=check.name,
        outcome="failed" if detail else "passed",
        detail=detail,
        seconds=time.monotonic() - start,
        attempts=number,
    )


def _log_attempt(state: RetryCallState) -> None:
    if state.outcome is not None:
        result: CheckResult = state.outcome.result()
        _logger.info("%s: %s, attempt %d: %s", result.target, result.check, result.attempts, result.detail)


def run_checks(target: Target, only: Collection[str] | None = None) -> list[CheckResult]:
    """Run the checks against a target, one after the other but for those that only wait.

    They register users, publish posts and upload files of their own and leave these behind; what is seeded they leave
    as it is. Nothing else may use the target meanwhile: statements and cache commands are counted.

    Args:
        target: the running implementation.
        only: names of checks (`posts.update_adds_one_to_the_version`) or of groups (`posts`); all unless told.

    Raises:
        ValueError: `only` names neither a check nor a group.
    """
    checks = _selected(only)
    with start_waiting(target, checks) as waiting, open_context(target) as context:
        results = {check.name: run_check(context, check) for check in checks if not check.waits}
        results |= {name: future.result() for name, future in waiting.items()}
    return [results[check.name] for check in checks]


@contextmanager
def start_waiting(target: Target, checks: Iterable[Check]) -> Generator[Mapping[str, Future[CheckResult]]]:
    """Begin those of the checks that only wait, beside the caller; gives the result that each will have, by name."""
    waiting = [check for check in checks if check.waits]

    def run(check: Check) -> CheckResult:
        with open_context(target) as context:
            return run_check(context, check)

    with ThreadPoolExecutor(max(len(waiting), 1)) as pool:
        yield {check.name: pool.submit(run, check) for check in waiting}


def _selected(only: Collection[str] | None) -> list[Check]:
    if only is None:
        return list(all_checks())
    known = {check.name for check in all_checks()} | {check.group for check in all_checks()}
    unknown = sorted(set(only) - known)
    if unknown:
        raise ValueError(f"There is no check or group of checks named {', '.join(unknown)}.")
    return [check for check in all_checks() if check.name in only or check.group in only]


def _missing_services(target: Target, needs: frozenset[Service]) -> list[Service]:
    urls: dict[Service, str | None] = {"database": target.database_url, "redis": target.redis_url}
    return sorted(service for service in needs if urls[service] is None)
