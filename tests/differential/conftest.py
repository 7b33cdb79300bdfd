"""The implementations that are compared."""

from tests.stand.fixtures import api, apis, pytest_generate_tests, stand

__all__ = ["api", "apis", "pytest_generate_tests", "stand"]
