"""The manifests name the frameworks and compilers that are compared, and the JVM's options fix its memory."""

import re
from pathlib import Path

import pytest

APIS = Path(__file__).parents[2] / "apis"


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("rust/Cargo.lock", 'name = "axum"\nversion = "0.8.4"'),
        ("rust/Cargo.lock", 'name = "sqlx"\nversion = "0.8.'),
        ("go/go.mod", "\tgithub.com/gin-gonic/gin v1.10.0\n"),
        ("go/go.mod", "\tgorm.io/gorm v"),
        ("zig/requirements.txt", "ziglang==0.14.1"),
        ("kotlin/pom.xml", "<ktor.version>3.2.3</ktor.version>"),
        ("kotlin/pom.xml", "<artifactId>exposed-jdbc</artifactId>"),
    ],
)
def test_each_api_is_made_with_the_framework_that_is_compared(path: str, named: str):
    assert named in (APIS / path).read_text(encoding="utf-8")


def test_the_jvm_has_one_collector_and_a_heap_of_one_size():
    options = (APIS / "kotlin/options").read_text(encoding="utf-8")
    assert re.findall(r"^-Xms(.*)$", options, re.MULTILINE) == re.findall(r"^-Xmx(.*)$", options, re.MULTILINE) != []
    assert len(re.findall(r"^-XX:\+Use\w+GC$", options, re.MULTILINE)) == 1
    entry_points = re.findall(r"^ENTRYPOINT .*$", (APIS / "kotlin/Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert entry_points
    assert all('"@/opt/fairground/options"' in entry_point for entry_point in entry_points)
