from pathlib import Path

import pytest

from tests.unit.ci.change import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")
