"""What an implementation's document may say, and what it may not."""

import pytest

from documents.errors import DocumentError
from documents.stack.implementation import Implementation

GOOD = """
version: 1
language: C++
build:
  command: make api
  artifacts: [out/api]
  dependencies: "true"
  change:
    file: src/main.cpp
    old: "return 1;"
    new: "return 2;"
lines:
  sources: [src/**/*.cpp]
  tests: [tests/*.cpp]
"""


def test_whole_document_is_read():
    document = Implementation.from_yaml(GOOD, name="implementation.yaml")
    assert document.language == "C++"
    assert document.build.change.new == "return 2;"
    assert document.lines.sources == ("src/**/*.cpp",)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("src/main.cpp", "src/../../main.cpp", ":9: build.change.file: this must be a path inside"),
        ("src/main.cpp", "/main.cpp", "build.change.file: String should match pattern"),
        ("return 2;", "return 1;", ":11: build.change.new: this changes nothing"),
        ("[src/**/*.cpp]", "[src/../../*.cpp]", ":13: lines.sources.0: this must be a path inside"),
        ("make api", '"make\\napi"', ":5: build.command: String should match pattern"),
    ],
)
def test_what_cannot_be_built_is_refused_by_its_key(old: str, new: str, said: str):
    with pytest.raises(DocumentError) as refused:
        Implementation.from_yaml(GOOD.replace(old, new), name="implementation.yaml")
    assert said in str(refused.value)
