"""The manifests name the frameworks and compilers that are compared, and the memory that garbage collectors may use."""

import itertools
import re

import pytest

from lab.stack_file import read_stack
from tests.conftest import IMPLEMENTATIONS, ROOT
from toolchain.audit import LOCKS

APIS = ROOT / "apis"

NAMED = [
    ("rust/Cargo.lock", 'name = "axum"\nversion = "0.8.4"'),
    ("rust/Cargo.lock", 'name = "sqlx"\nversion = "0.8.'),
    ("go/go.mod", "\tgithub.com/gin-gonic/gin v1.10.0\n"),
    ("go/go.mod", "\tgorm.io/gorm v"),
    ("zig/requirements.txt", "ziglang==0.14.1"),
    ("kotlin/pom.xml", "<ktor.version>3.2.3</ktor.version>"),
    ("kotlin/pom.xml", "<artifactId>exposed-jdbc</artifactId>"),
]


@pytest.mark.parametrize(("path", "named"), NAMED)
def test_each_api_is_made_with_the_framework_that_is_compared(path: str, named: str):
    assert named in (APIS / path).read_text(encoding="utf-8")


def test_the_lists_of_the_implementations_are_complete():
    """See docs/adding-an-api.md, "In this project"."""
    sources = {f"apis/{name}" for name in IMPLEMENTATIONS}
    assert {f"apis/{path.partition('/')[0]}" for path, _ in NAMED} == sources
    assert {lock.rpartition("/")[0] for lock in LOCKS} >= sources
    for name, targets in (("local", [None]), ("test", [None]), ("benchmark", [None, "floor", "redis-floor"])):
        entries = [(api.source, api.target) for api in read_stack(ROOT, name).apis]
        assert sorted(entries, key=str) == sorted(itertools.product(sources, targets), key=str), name


def test_garbage_collected_runtimes_have_the_contracts_memory_budget():
    assert "-Xmx512m\n" in (APIS / "kotlin/options").read_text(encoding="utf-8")
    entry_points = re.findall(r"^ENTRYPOINT .*$", (APIS / "kotlin/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert entry_points
    assert all('"@/opt/fairground/options"' in entry_point for entry_point in entry_points)
    assert "GOMEMLIMIT=512MiB" in (APIS / "go/Dockerfile").read_text(encoding="utf-8")
