"""What is known of an implementation before anything is built: its document, its lines, and what a build printed."""

from pathlib import Path

import pytest

from documents.errors import DocumentError, RunError
from documents.stack.implementation import Lines
from experiment.facts.measure import choose_apis, parse_build
from experiment.facts.sources import changed_file, count_lines, read_implementation
from tests.unit.documents.samples import INVENTORY

DOCUMENT = """
version: 1
language: Go
build:
  command: go build -o /out/api .
  artifacts: [/out/api]
  dependencies: go version -m /out/api
  change: {file: main.go, old: '"one"', new: '"two"'}
lines:
  sources: ["*.go"]
  tests: ["*_test.go"]
"""

MAIN = """// Package main is counted without this.
package main

/* Nor
   this. */
func main() {
\tprintln("one") // but this is
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an implementation in a project of its own."""
    made = tmp_path / "apis" / "mine"
    made.mkdir(parents=True)
    (made / "implementation.yaml").write_text(DOCUMENT)
    (made / "main.go").write_text(MAIN)
    (made / "main_test.go").write_text("package main\n")
    return made


def test_the_change_is_made_to_the_one_place_that_it_names(folder: Path, tmp_path: Path):
    implementation = read_implementation(tmp_path, "apis/mine")
    assert changed_file(folder, implementation).decode() == MAIN.replace('"one"', '"two"')
    assert (folder / "main.go").read_text() == MAIN


def test_an_implementation_without_its_document_or_with_a_change_that_cannot_be_made_is_refused(
    folder: Path, tmp_path: Path
):
    with pytest.raises(DocumentError, match=r"There is no apis/other/implementation\.yaml, which says how"):
        read_implementation(tmp_path, "apis/other")
    for text, times in ((MAIN.replace("one", "three"), 0), (MAIN + 'var also = "one"\n', 2)):
        (folder / "main.go").write_text(text)
        with pytest.raises(DocumentError, match=rf"build\.change\.old: main\.go has this text {times} times"):
            read_implementation(tmp_path, "apis/mine")
    (folder / "main.go").unlink()
    with pytest.raises(DocumentError, match=r"build\.change\.file: main\.go can't be read"):
        read_implementation(tmp_path, "apis/mine")


def test_lines_of_tests_are_counted_apart(folder: Path):
    assert count_lines(folder, Lines(sources=("*.go",), tests=("*_test.go",))) == (3, 1)
    (folder / "floor.go").write_text("package main\n\nfunc floor() {}\n")
    assert count_lines(folder, Lines(sources=("*.go",), tests=("*_test.go",))) == (5, 1)
    assert count_lines(folder, Lines(sources=("*.go",), tests=("*_test.go",), others=("floor.go",))) == (3, 1)


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        ("main.rs", "//! Of the crate.\n/// Of the function.\nfn main() {\n    // why\n    run();\n}\n", 2),
        ("main.zig", "//! Of the file.\n/// Of it.\npub fn main() void {\n    // why\n    run();\n}\n", 2),
        ("Main.kt", "/**\n * Of it.\n */\nfun main() {\n    // why\n    run()\n}\n", 2),
        ("main.c", "/* Of it. */\nint main(void)\n{\n    return 0; /* why */\n}\n\n", 2),
    ],
)
def test_a_line_counts_if_it_holds_code(tmp_path: Path, name: str, text: str, lines: int):
    (tmp_path / name).write_text(text)
    (tmp_path / "test.txt").write_text("")
    assert count_lines(tmp_path, Lines(sources=(name,), tests=("test.txt",)))[0] == lines


def test_a_pattern_without_a_file_and_a_file_without_a_language_are_refused(folder: Path):
    with pytest.raises(RunError, match=r"mine: no file matches src/\*\.rs"):
        count_lines(folder, Lines(sources=("src/*.rs",), tests=("*_test.go",)))
    (folder / "what.unheardof").write_text("x")
    with pytest.raises(RunError, match=r"The lines of .*what\.unheardof can't be counted: unknown"):
        count_lines(folder, Lines(sources=("*.unheardof",), tests=("*_test.go",)))


PRINTED = """began 100.10
built 141.35
bytes 24400000
first 0123  -
dependency example.test/one
dependency example.test/two
changed 141.40
rebuilt 144.90
second 4567  -
"""


def test_what_a_build_printed_is_read():
    build = parse_build(PRINTED, "mine", "main.go")
    assert (build.clean_seconds, build.incremental_seconds) == (41.25, 3.5)
    assert build.binary_bytes == 24_400_000
    assert build.dependencies == ("example.test/one", "example.test/two")


def test_a_change_that_the_binary_does_not_show_is_refused():
    with pytest.raises(RunError, match=r"The change of main\.go didn't change the binary of mine"):
        parse_build(PRINTED.replace("4567", "0123"), "mine", "main.go")


def test_only_what_a_release_target_is_built_of_is_measured():
    (go,) = INVENTORY.apis
    floor = go.model_copy(update={"name": "floor", "target": "floor"})
    both = INVENTORY.model_copy(update={"apis": (go, floor)})
    assert [api.name for api in choose_apis(both, ())] == ["go"]
    for named in (["floor"], ["go", "floor"]):
        with pytest.raises(RunError, match="floor is built from the target floor of apis/go"):
            choose_apis(both, named)
    with pytest.raises(RunError, match="The lab local has no API zig; it has go, floor"):
        choose_apis(both, ["zig"])
