"""The stack of a gate, made from real histories."""

from pathlib import Path

import pytest

from ci.gate_stack import Pair, write_gate_stack
from documents.errors import DocumentError, RunError
from documents.stack.stack import Stack
from lab.stack_file import read_stack
from tests.unit.ci.change import LOCAL, Checkout


def read(checkout: Checkout) -> Stack:
    """The gate's stack, as `lab up` reads it."""
    return read_stack(checkout.path, "ci-gate")


def test_a_touched_api_is_in_the_stack_twice_from_its_base_and_from_the_change(checkout: Checkout):
    checkout.commit({"apis/go/main.go": "package main // changed\n", "docs/page.md": "A page.\n"})
    change = write_gate_stack(checkout.path, "main", "local")
    assert (change.commit, change.new) == (checkout.forked_at, ())
    assert change.pairs == (Pair("go", "go-base", "go-candidate"),)
    base, candidate = read(checkout).apis
    assert (base.name, base.source, candidate.name, candidate.source) == (
        "go-base",
        ".lab/ci-base/apis/go",
        "go-candidate",
        "apis/go",
    )
    assert (checkout.path / base.source / "main.go").read_text() == "package main // as it was\n"
    assert (checkout.path / base.source / "Dockerfile").is_file()
    assert (checkout.path / candidate.source / "main.go").read_text() == "package main // changed\n"


def test_everything_else_is_as_in_the_guarded_stack(checkout: Checkout):
    checkout.commit({"apis/go/main.go": "package main // changed\n"})
    write_gate_stack(checkout.path, "main", "local")
    local = Stack.from_yaml(LOCAL, name="local.yaml")
    assert read(checkout).model_copy(update={"name": local.name, "apis": local.apis}) == local


def test_every_entry_of_touched_sources_is_measured_with_its_own_settings(checkout: Checkout):
    checkout.commit({"apis/rust/src/main.rs": "fn main() {} // changed\n"})
    change = write_gate_stack(checkout.path, "main", "local")
    assert [pair.api for pair in change.pairs] == ["rust", "rust-small"]
    apis = read(checkout).apis
    assert [api.name for api in apis] == ["rust-base", "rust-candidate", "rust-small-base", "rust-small-candidate"]
    assert [(api.target, api.environment) for api in apis] == [
        (None, {}),
        (None, {}),
        ("small", {"POOL_SIZE": "4"}),
        ("small", {"POOL_SIZE": "4"}),
    ]


@pytest.mark.parametrize(
    "files",
    [
        {"docs/page.md": "A page.\n"},
        {"apis/contract/CONTRACT.md": "Another contract.\n"},
        {"apis/go-extra/main.go": "package extra // changed\n"},
    ],
)
def test_change_that_touches_no_guarded_api_makes_no_stack(checkout: Checkout, files: dict[str, str]):
    checkout.commit(files)
    change = write_gate_stack(checkout.path, "main", "local")
    assert (change.pairs, change.new) == ((), ())
    assert not (checkout.path / "stacks/ci-gate.yaml").exists()


def test_later_commits_of_the_base_are_not_part_of_the_change(checkout: Checkout):
    checkout.commit({"apis/go/main.go": "package main // changed\n"})
    checkout.commit_on_main({"apis/rust/src/main.rs": "fn main() {} // by others\n", "apis/go/main.go": "package x\n"})
    change = write_gate_stack(checkout.path, "main", "local")
    assert [pair.api for pair in change.pairs] == ["go"]
    assert (checkout.path / ".lab/ci-base/apis/go/main.go").read_text() == "package main // as it was\n"


def test_merge_of_the_change_into_its_base_is_measured_against_that_base(checkout: Checkout):
    """What GitHub checks out for a pull request is such a merge."""
    checkout.commit({"apis/go/main.go": "package main // changed\n"})
    base = checkout.commit_on_main({"apis/rust/src/main.rs": "fn main() {} // by others\n"})
    checkout.git("switch", "--quiet", "--detach", "main")
    checkout.git("merge", "--quiet", "--no-ff", "--message", "Merge.", "change")
    change = write_gate_stack(checkout.path, base, "local")
    assert change.commit == base
    assert [pair.api for pair in change.pairs] == ["go"]


def test_file_that_leaves_a_folder_touches_it(checkout: Checkout):
    checkout.git("mv", "apis/go/main.go", "apis/go-extra/moved.go")
    checkout.commit({})
    assert [pair.api for pair in write_gate_stack(checkout.path, "main", "local").pairs] == ["go"]


def test_sources_of_an_earlier_base_are_removed(checkout: Checkout):
    stale = checkout.path / ".lab/ci-base/apis/go/stale.go"
    stale.parent.mkdir(parents=True)
    stale.touch()
    checkout.commit({"apis/go/main.go": "package main // changed\n"})
    write_gate_stack(checkout.path, "main", "local")
    assert not stale.exists()


def test_a_base_that_git_does_not_know_is_reported_with_a_remedy(checkout: Checkout, tmp_path: Path):
    with pytest.raises(RunError, match=r"where HEAD left origin/main: .*Name a branch or commit that was fetched"):
        write_gate_stack(checkout.path, "origin/main", "local")
    checkout.commit({"apis/go/main.go": "package main // changed\n"})
    shallow = tmp_path / "shallow"
    checkout.git("clone", "--quiet", "--depth", "1", f"file://{checkout.path}", str(shallow))
    with pytest.raises(RunError, match="fetch-depth: 0, GIT_DEPTH: 0"):
        write_gate_stack(shallow, checkout.forked_at, "local")


def test_a_missing_stack_and_names_that_become_too_long_are_reported(checkout: Checkout):
    with pytest.raises(DocumentError, match=r"no stacks/mine\.yaml .* --like"):
        write_gate_stack(checkout.path, "main", "mine")
    long = LOCAL.replace("name: go", f"name: {'g' * 30}")
    checkout.commit({"apis/go/main.go": "package main // changed\n", "stacks/local.yaml": long})
    with pytest.raises(DocumentError, match=r"made from stacks/local\.yaml:.*apis\.0\.name"):
        write_gate_stack(checkout.path, "main", "local")
    assert not (checkout.path / "stacks/ci-gate.yaml").exists()
