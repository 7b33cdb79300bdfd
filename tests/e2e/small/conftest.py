"""The small lab for runs: Go's builds on a container, stood up again where the last test didn't leave it so."""

from collections.abc import Generator

import pytest

from tests.conftest import LiveLab
from tests.e2e.small_lab import SmallLab


@pytest.fixture
def measured_lab(small_lab: SmallLab) -> LiveLab:
    """The small lab in the shape for runs; a test that changes it changes it back."""
    return runs_lab(small_lab)


def runs_lab(small_lab: SmallLab) -> LiveLab:
    """Have the small lab in the shape for runs."""
    small_lab.describe_go()
    small_lab.standing(only_looked_at=True)
    return small_lab.as_it_stands()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Nobody knows how a test that failed left the lab: the next one has it stood up again."""
    report = yield
    lab = item.funcargs.get("small_lab")
    if report.failed and isinstance(lab, SmallLab):
        lab.distrust()
    return report
