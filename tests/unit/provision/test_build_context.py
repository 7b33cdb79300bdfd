"""Build contexts: the hash that says whether an image is rebuilt, and what a build is sent."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from provision.images.context import archive_build_context, hash_build_context


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    context = tmp_path / "context"
    (context / "src" / "deep").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / "src" / "main").write_text("main\n")
    (context / "src" / "deep" / "part").write_text("part\n")
    return context


def ignore(folder: Path, *lines: str) -> None:
    (folder / ".dockerignore").write_text("\n".join(lines) + "\n")


def test_same_content_elsewhere_and_at_another_time_has_the_same_hash(folder: Path, tmp_path: Path):
    before = hash_build_context(folder)
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    assert hash_build_context(copy) == before


def test_umask_of_the_clone_does_not_count(folder: Path):
    before = hash_build_context(folder)
    (folder / "src" / "main").chmod(0o600)
    (folder / "src").chmod(0o700)
    assert hash_build_context(folder) == before


def test_content_counts(folder: Path):
    before = hash_build_context(folder)
    (folder / "src" / "deep" / "part").write_text("PART\n")
    assert hash_build_context(folder) != before


def test_name_counts(folder: Path):
    before = hash_build_context(folder)
    (folder / "src" / "main").rename(folder / "src" / "other")
    assert hash_build_context(folder) != before


def test_the_ignore_file_of_the_dockerfile_decides_what_counts_as_in_the_build(folder: Path):
    ignore(folder, "src/deep")
    (folder / "Dockerfile.dockerignore").write_text("src/main\n")
    before = hash_build_context(folder)
    (folder / "src" / "main").write_text("MAIN\n")
    assert hash_build_context(folder) == before
    (folder / "src" / "deep" / "part").write_text("PART\n")
    assert hash_build_context(folder) != before


def test_executable_bit_counts(folder: Path):
    before = hash_build_context(folder)
    (folder / "src" / "main").chmod(0o755)
    assert hash_build_context(folder) != before


def test_file_whose_bytes_look_like_the_next_file_is_not_taken_for_two(folder: Path):
    (folder / "a").write_text("1")
    (folder / "b").write_text("2")
    before = hash_build_context(folder)
    (folder / "a").write_text("1b\0file\0" + "2")
    (folder / "b").unlink()
    assert hash_build_context(folder) != before


def test_target_of_a_link_counts_even_where_what_it_leads_to_is_alike(folder: Path):
    link = folder / "link"
    (folder / "twin").write_text("main\n")
    link.symlink_to("src/main")
    before = hash_build_context(folder)
    link.unlink()
    link.symlink_to("twin")
    assert hash_build_context(folder) != before
    link.unlink()
    link.symlink_to("nowhere")
    dangling = hash_build_context(folder)
    link.unlink()
    assert hash_build_context(folder) != dangling


def test_what_lies_behind_a_link_to_a_folder_does_not_count(folder: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "link").symlink_to(outside)
    before = hash_build_context(folder)
    (outside / "file").write_text("x")
    assert hash_build_context(folder) == before


@pytest.mark.parametrize("pattern", ["*.log", "**/*.log", "src/*.log", "src/noise.log"])
def test_ignored_file_does_not_count(folder: Path, pattern: str):
    ignore(folder, "# what builds leave", "", f"  {pattern}", ".dockerignore")
    before = hash_build_context(folder)
    (folder / ("noise.log" if pattern == "*.log" else "src/noise.log")).write_text("noise\n")
    assert hash_build_context(folder) == before


def test_negated_pattern_takes_a_file_back_in(folder: Path):
    ignore(folder, "src", "!src/main")
    before = hash_build_context(folder)
    (folder / "src" / "deep" / "part").write_text("changed\n")
    assert hash_build_context(folder) == before
    (folder / "src" / "main").write_text("changed\n")
    assert hash_build_context(folder) != before


def test_dockerfile_counts_even_where_all_is_ignored(folder: Path):
    ignore(folder, "*")
    before = hash_build_context(folder)
    (folder / "src" / "main").write_text("changed\n")
    assert hash_build_context(folder) == before
    (folder / "Dockerfile").write_text("FROM other\n")
    assert hash_build_context(folder) != before


def names(archive: bytes) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {member.name for member in opened if member.isfile()}


def test_an_archive_has_what_the_ignore_file_lets_in_and_its_dockerfile(folder: Path):
    ignore(folder, "*", "!src/main")
    assert names(archive_build_context(folder, "Dockerfile")) == {".dockerignore", "Dockerfile", "src/main"}


def test_a_dockerfile_s_own_ignore_file_goes_before_the_folder_s(folder: Path):
    ignore(folder, "*")
    (folder / "checks.Dockerfile").write_text("FROM scratch\n")
    (folder / "checks.Dockerfile.dockerignore").write_text("# Only these.\n*\n!src/deep\n")
    # Docker sends the Dockerfile and the folder's ignore file whatever the rules say.
    always = {".dockerignore", "checks.Dockerfile"}
    assert names(archive_build_context(folder, "checks.Dockerfile")) == {*always, "src/deep/part"}
    assert names(archive_build_context(folder, "Dockerfile")) == {".dockerignore", "Dockerfile"}
