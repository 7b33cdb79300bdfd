"""The small lab in the shape that a module's tests are about."""

import pytest

from tests.e2e.small.conftest import runs_lab
from tests.e2e.small_lab import SmallLab


@pytest.fixture
def scratch(small_lab: SmallLab) -> SmallLab:
    """The small lab with its echo, to be broken; a test finds it in whatever state the last one left it."""
    small_lab.describe()
    return small_lab


@pytest.fixture(scope="module")
def go_lab(small_lab: SmallLab) -> SmallLab:
    """The small lab with the builds of Go, as it stands."""
    runs_lab(small_lab)
    return small_lab
