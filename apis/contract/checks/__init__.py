"""Checks that prove that a running implementation keeps the contract, for `lab verify` and for tests."""

from apis.contract.checks.model import Check, CheckFailedError, CheckResult, Target
from apis.contract.checks.probe import probe
from apis.contract.checks.run import all_checks, open_context, run_check, run_checks

__all__ = [
    "Check",
    "CheckFailedError",
    "CheckResult",
    "Target",
    "all_checks",
    "open_context",
    "probe",
    "run_check",
    "run_checks",
]
