import hashlib
import io
import platform
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from documents.errors import ToolchainError
from toolchain import pulumi_tools
from toolchain.console import Step
from toolchain.layout import Layout
from toolchain.versions import VERSIONS

TOOLS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def _engine(folder: Path, *, version: str, without: str = "", status: int = 0) -> Path:
    folder.mkdir(parents=True)
    for name in TOOLS:
        if name != without:
            (folder / name).write_text(f"#!/bin/sh\necho v{version}\nexit {status}\n")
            (folder / name).chmod(0o755)
    return folder


def test_engine_found_by_a_link_is_taken_from_where_it_really_is(tmp_path: Path):
    folder = _engine(tmp_path / "opt", version="3.999.0")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(folder / "pulumi")
    assert pulumi_tools.find_engine([tmp_path / "bin"]) == folder


@pytest.mark.parametrize(
    "other",
    [{"version": "3.1.0"}, {"version": "4.0.0"}, {"version": "nonsense"}, {"without": TOOLS[1]}, {"status": 1}],
    ids=str,
)
def test_an_engine_that_is_another_incomplete_or_fails_is_passed_over(tmp_path: Path, other: dict[str, Any]):
    good = _engine(tmp_path / "good", version=VERSIONS.pulumi_engine)
    options: dict[str, Any] = {"version": VERSIONS.pulumi_engine, **other}
    found = _engine(tmp_path / "other", **options)
    assert pulumi_tools.find_engine([found, good]) == good


def test_engine_that_another_checkout_has_built_is_passed_over(tmp_path: Path):
    other = Layout(root=tmp_path / "other", cache=tmp_path / "cache")
    _engine(other.tools, version=VERSIONS.pulumi_engine)
    assert pulumi_tools.find_engine([other.tools]) == other.tools
    launcher = other.tools / "pulumi-language-python"
    launcher.write_text(f"#!/bin/sh\nexec '{other.python}' -P -m toolchain.language_host --executor x \"$@\"\n")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(other.tools / "pulumi")
    (tmp_path / "linked").symlink_to(other.root)
    assert pulumi_tools.find_engine([other.tools, tmp_path / "bin", tmp_path / "linked" / ".lab" / "bin"]) is None


def test_language_host_that_a_checkout_writes_is_distinguished_from_the_vendors(tmp_path: Path, installed: Layout):
    vendors = tmp_path / "vendors"
    vendors.write_bytes(b"\x7fELF\x00\xff toolchain.language_host")
    assert pulumi_tools.built_language_host(vendors) is None
    record = pulumi_tools.read_record(installed)
    assert record
    written = pulumi_tools.built_language_host(installed.tools / "pulumi-language-python")
    assert bool(written) == (record.engine.origin == "built")


def test_search_passes_over_the_engine_of_the_checkout_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    layout = Layout(root=tmp_path, cache=tmp_path / "cache")
    monkeypatch.setenv("PATH", f"{layout.tools}:/somewhere")
    assert layout.tools not in pulumi_tools.search_path(layout)
    layout.tools.mkdir(parents=True)
    linked = tmp_path / "linked"
    linked.symlink_to(layout.tools)
    monkeypatch.setenv("PATH", f"{linked}:/somewhere")
    assert linked not in pulumi_tools.search_path(layout)
    assert Path("/somewhere") in pulumi_tools.search_path(layout)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
        pass


@dataclass(frozen=True)
class Vendor:
    """A release server on loopback."""

    folder: Path
    url: str

    @property
    def archive(self) -> str:
        machine = {"x86_64": "x64", "aarch64": "arm64"}[platform.machine()]
        return f"pulumi-v{VERSIONS.pulumi_engine}-linux-{machine}.tar.gz"

    def publish(self, members: dict[str, bytes], checksum: str | None = None) -> None:
        with tarfile.open(self.folder / self.archive, "w:gz") as archive:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        seen = hashlib.sha256((self.folder / self.archive).read_bytes()).hexdigest()
        self.publish_checksums(f"{'0' * 64}  other.tar.gz\n{checksum or seen}  {self.archive}\n")

    def publish_checksums(self, text: str) -> None:
        (self.folder / f"pulumi-{VERSIONS.pulumi_engine}-checksums.txt").write_text(text)


@pytest.fixture
def vendor(tmp_path: Path) -> Iterator[Vendor]:
    folder = tmp_path / "releases"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Vendor(folder, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_fetched_engine_is_verified_and_executable(step: Step, tmp_path: Path, vendor: Vendor):
    vendor.publish({f"pulumi/{name}": b"#!/bin/sh\n" for name in TOOLS})
    folder = pulumi_tools.fetch_engine(step, tmp_path / "cache", vendor.url)
    assert folder
    assert sorted(path.name for path in folder.iterdir()) == sorted(TOOLS)
    assert all(path.stat().st_mode & 0o111 for path in folder.iterdir())


def test_fetched_archive_can_write_nowhere_but_into_its_folder(step: Step, tmp_path: Path, vendor: Vendor):
    vendor.publish({"pulumi/../../../escaped": b"", "/absolute": b""})
    folder = pulumi_tools.fetch_engine(step, tmp_path / "cache" / "deep", vendor.url)
    assert folder
    assert sorted(path.name for path in folder.iterdir()) == ["absolute", "escaped"]
    assert not [path for path in tmp_path.rglob("escaped") if path.parent != folder]


def test_archive_with_another_checksum_is_refused_and_nothing_stays(step: Step, tmp_path: Path, vendor: Vendor):
    vendor.publish({"pulumi/pulumi": b"evil"}, checksum="1" * 64)
    with pytest.raises(ToolchainError, match="but its publisher says 1111"):
        pulumi_tools.fetch_engine(step, tmp_path / "cache", vendor.url)
    assert list((tmp_path / "cache").iterdir()) == []


def test_archive_that_the_checksums_do_not_list_is_refused(step: Step, tmp_path: Path, vendor: Vendor):
    vendor.publish({"pulumi/pulumi": b""})
    vendor.publish_checksums(f"{'0' * 64}  other.tar.gz\n")
    with pytest.raises(ToolchainError, match=f"checksums don't list {vendor.archive}"):
        pulumi_tools.fetch_engine(step, tmp_path / "cache", vendor.url)


def test_a_vendor_that_lists_no_checksums_is_slow_or_does_not_answer_is_no_error(
    step: Step, tmp_path: Path, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
):
    for url in (f"{vendor.url}/nothing-here", "http://127.0.0.1:9", "http://no-such-host.invalid"):
        assert pulumi_tools.fetch_engine(step, tmp_path / "cache", url) is None
    vendor.publish({f"pulumi/{name}": b"" for name in TOOLS})
    with monkeypatch.context() as slow:
        slow.setattr(pulumi_tools, "_DOWNLOAD_SECONDS", 0.0)
        assert pulumi_tools.fetch_engine(step, tmp_path / "cache", vendor.url) is None
    vendor.publish_checksums("<html>Sign in to this network</html>")
    assert pulumi_tools.fetch_engine(step, tmp_path / "cache", vendor.url) is None
    assert list((tmp_path / "cache").iterdir()) == []


def test_record_of_what_was_placed_is_read_back(tmp_path: Path):
    layout = Layout(root=tmp_path, cache=tmp_path / "cache")
    layout.private.mkdir()
    assert pulumi_tools.read_record(layout) is None
    engine = pulumi_tools.Piece("pulumi", "official", "3.259.0", "/opt/pulumi")
    plugin = pulumi_tools.Piece("pulumi-resource-docker", "built", "5.2.0", "/opt/plugin")
    pulumi_tools.write_record(layout, engine, plugin)
    record = pulumi_tools.read_record(layout)
    assert record
    assert (record.engine, record.docker_plugin) == (engine, plugin)


def test_installation_is_complete_only_with_every_file_in_place(tmp_path: Path):
    layout = Layout(root=tmp_path, cache=tmp_path / "cache")
    placed = [*(layout.tools / name for name in TOOLS), layout.docker_plugin]
    for path in placed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert not pulumi_tools.complete(layout)
    piece = pulumi_tools.Piece("pulumi", "built", "3.259.0", "/opt/pulumi")
    pulumi_tools.write_record(layout, piece, piece)
    assert pulumi_tools.complete(layout)
    for path in placed:
        path.unlink()
        assert not pulumi_tools.complete(layout)
        path.touch()
    assert pulumi_tools.complete(layout)
