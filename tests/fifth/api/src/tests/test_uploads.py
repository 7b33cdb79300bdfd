"""Uploads as they arrive, octet by octet or at once."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fifth.disposition import read_disposition, safe_name
from fifth.multipart import File, Upload, read_boundary
from fifth.problems import Problem
from fifth.storage import Storage

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
DISPOSITION = b'Content-Disposition: form-data; name="file"; filename="a.png"'
OTHER = b'--b\r\nContent-Disposition: form-data; name="other"\r\n\r\nignored\r\n'


def part(content: bytes, *headers: bytes) -> bytes:
    return b"--b\r\n" + b"".join(line + b"\r\n" for line in headers or (DISPOSITION,)) + b"\r\n" + content + b"\r\n"


async def pieces_of(body: bytes, size: int) -> AsyncIterator[bytes]:
    for place in range(0, len(body), size):
        yield body[place : place + size]


async def read(body: bytes, size: int) -> tuple[File, bytes]:
    upload = Upload(pieces_of(body, size), b"b")
    file = await upload.file()
    content = b"".join([piece async for piece in file.content])
    await upload.finish()
    return file, content


@pytest.mark.parametrize("size", [1, 3, 10_000])
@pytest.mark.parametrize("content", [PNG, PNG + b"\r\n--", PNG + b"\r\n-\r\n--c\r", PNG + b"\n--b\r--b" * 50, b"%PDF-"])
def test_content_is_what_is_between_the_delimiters(content: bytes, size: int):
    body = b"preamble\r\n" + OTHER + part(content) + OTHER + b"--b--\r\nepilogue"
    file, found = asyncio.run(read(body, size))
    assert (file.filename, found) == ("a.png", content)


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"--b--\r\n", 400),
        (OTHER + b"--b--\r\n", 400),
        (part(PNG), 400),
        (part(PNG) + part(PNG) + b"--b--", 400),
        (part(PNG, b"Content-Type: image/png") + b"--b--", 400),
        (part(PNG, b"no colon", DISPOSITION) + b"--b--", 400),
        (part(PNG, DISPOSITION.replace(b"a.png", b"")) + b"--b--", 400),
        (part(PNG, b"X: " + b"x" * 9_000, DISPOSITION) + b"--b--", 400),
        (part(PNG).replace(b"--b", b"--bx", 1) + b"--b--", 400),
        (part(b"text of a file") + b"--b--", 415),
        (part(b"") + b"--b--", 415),
        (part(PNG, DISPOSITION, b"Content-Type: image/jpeg") + b"--b--", 415),
        (part(PNG + bytes(2_097_152 - len(PNG) + 1)) + b"--b--", 413),
        (part(PNG) + b"--b--" + bytes(2_162_688), 413),
    ],
)
def test_other_uploads_are_refused(body: bytes, status: int, size: int):
    if len(body) > 1_000_000:
        size = 65_536
    with pytest.raises(Problem) as refused:
        asyncio.run(read(body, size))
    assert refused.value.status == status


def test_a_file_is_refused_by_its_beginning_and_no_more_is_asked_for():
    async def beginning() -> AsyncIterator[bytes]:
        yield part(b"")[:-2] + b"twelve octet"
        raise AssertionError("more than the beginning was asked for")

    async def begin() -> None:
        await Upload(beginning(), b"b").file()

    with pytest.raises(Problem) as refused:
        asyncio.run(begin())
    assert refused.value.status == 415


def test_boundaries_are_tokens_or_quoted_strings():
    for header in (
        "multipart/form-data; boundary=b",
        'multipart/form-data; boundary="b"',
        "multipart/form-data; charset=utf-8; BOUNDARY=b; x=y",
        'multipart/form-data; x="boundary=c;"; boundary=b',
    ):
        assert read_boundary(header) == b"b"
    for header in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        f"multipart/form-data; boundary={'b' * 71}",
        "multipart/form-data; xboundary=b",
    ):
        with pytest.raises(Problem):
            read_boundary(header)


def test_dispositions_have_one_form():
    assert read_disposition('form-data ; A="x\\"y" ;\tb=c; a=z; d=\t') == {"a": 'x"y', "b": "c", "d": ""}
    for header in ("form-datax", "form-data;", 'form-data; a="b"c', "form-data; a", "form-data; =b", 'form-data; a="b'):
        assert read_disposition(header) is None, header


def test_safe_names_are_no_paths():
    names = {
        "../../etc/passwd": "passwd",
        "C:\\temp\\a b.png": "a_b.png",
        ".htaccess": "htaccess",
        "Zoë (1).jpg": "Zo_1_.jpg",
        "..": "file",
        "x" * 200: "x" * 100,
    }
    assert {name: safe_name(name) for name in names} == names


def test_contents_are_stored_whole_or_not_at_all(tmp_path: Path):
    async def cut_off() -> AsyncIterator[bytes]:
        yield PNG
        raise ConnectionError

    async def store() -> None:
        storage = Storage(tmp_path)
        content = await storage.write(pieces_of(PNG, 3))
        assert (content.size, content.sha256) == (len(PNG), hashlib.sha256(PNG).hexdigest())
        assert [path.name for path in tmp_path.iterdir()] == [content.name]
        assert await storage.read(content.name) == PNG
        storage.remove(content.name)
        with pytest.raises(ConnectionError):
            await storage.write(cut_off())
        assert list(tmp_path.iterdir()) == []

    asyncio.run(store())
