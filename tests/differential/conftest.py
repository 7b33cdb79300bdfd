"""The implementations that are compared."""

from tests.stand.fixtures import pytest_generate_tests, stand, target, targets

__all__ = ["pytest_generate_tests", "stand", "target", "targets"]
