"""A search for secrets in whatever can hold them: text, files, folders, archives within archives, compressed or not."""

import base64
import bz2
import gzip
import io
import lzma
import re
import subprocess
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, cast

_TOKEN = re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}", re.ASCII)
"""A JSON Web Token: both header and payload are JSON objects, whose Base64 begins so (RFC 7519)."""

_UNPACK: Mapping[bytes, Callable[[IO[bytes]], gzip.GzipFile | IO[bytes]]] = {
    b"\x1f\x8b\x08": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
"""What packs a file, by its first bytes."""

_ZSTANDARD = b"\x28\xb5\x2f\xfd"
"""What this Python can't unpack. Source: RFC 8878, section 3.1.1."""

_TAR = (257, b"ustar")
"""Where a tar archive's magic is. Source: tar(5)."""


_HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


class SecretSearch:
    """Searches for secrets as they are and in Base64, and for tokens of any user.

    What is packed in a way that can't be looked into is reported as if it held one.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Search for these secrets, by name. A name is reported where its secret is found; the secret never is."""
        self._needles: list[tuple[str, bytes]] = []
        for name, secret in secrets.items():
            # A private key's body may be wrapped differently, or be in JSON with escaped line ends; its lines don't.
            for line in _distinct_lines(secret):
                self._needles += [(name, needle) for needle in (line, *_in_base64(line))]

    def in_bytes(self, data: bytes, place: str) -> Iterator[str]:
        """Search bytes; yields a sentence for each secret that is found, naming place and secret."""
        yield from sorted({f"{place} holds {name}" for name, needle in self._needles if needle in data})
        if b"eyJ" in data and _TOKEN.search(data):
            yield f"{place} holds a token"

    def in_text(self, text: str, place: str) -> list[str]:
        """Search a text."""
        return list(self.in_bytes(text.encode(), place))

    def in_stream(self, stream: IO[bytes] | gzip.GzipFile, place: str) -> Iterator[str]:
        """Search a stream, and what is packed in it: tar archives, gzip, bzip2 and xz files, however deep."""
        buffered = io.BufferedReader(cast("io.RawIOBase", stream), 1 << 16)
        head = buffered.peek(512)
        if unpack := next((unpack for first, unpack in _UNPACK.items() if head.startswith(first)), None):
            with unpack(buffered) as unpacked:
                yield from self.in_stream(unpacked, place)
        elif head.startswith(_ZSTANDARD):
            yield f"{place} is packed with Zstandard, which this search can't look into"
        elif head[_TAR[0] :].startswith(_TAR[1]):
            with tarfile.open(fileobj=buffered, mode="r|") as archive:
                yield from self._in_archive(archive, place)
        yield from self.in_bytes(buffered.read(), place)

    def in_folder(self, folder: Path, exempt: Iterable[Path] = ()) -> tuple[list[str], int]:
        """Search every file below a folder but those that are exempt and those that vanish meanwhile.

        Returns:
            What was found, and how many files were searched.
        """
        skipped = set(exempt)
        found: list[str] = []
        files = 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path not in skipped):
            try:
                with path.open("rb") as stream:
                    found += self.in_stream(stream, str(path))
            except FileNotFoundError:
                continue
            files += 1
        return found, files

    def _in_archive(self, archive: tarfile.TarFile, place: str) -> Iterator[str]:
        for member in archive:
            yield from self.in_bytes(f"{member.name} {member.linkname}".encode(errors="surrogateescape"), place)
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield from self.in_stream(content, f"{place}:{member.name}")


def in_container(search: SecretSearch, container: str) -> Iterator[str]:
    """Search what a lab writes to on a host that is a container, except for the host's own key in sshd's folder."""
    folders = ("var/lib/fairground", "root", "tmp", "etc", "var/log")
    command = ["docker", "exec", container, "tar", "--create", "--directory=/", f"--exclude={_HOST_KEY}", *folders]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as archived:
        assert archived.stdout is not None
        yield from search.in_stream(archived.stdout, container)
    assert archived.returncode == 0


def _distinct_lines(secret: str) -> list[bytes]:
    """A secret's lines; of a private key those that are its own.

    The first two lines of an OpenSSH private key's Base64 hold its format and the public key. Source: PROTOCOL.key
    of OpenSSH.
    """
    lines = secret.strip().splitlines()
    if lines[0].startswith("-----BEGIN"):
        lines = lines[3:-1]
    return [line.encode() for line in lines]


def _in_base64(data: bytes) -> list[bytes]:
    """The Base64 of bytes at each of three offsets, without the characters that what stands beside them changes."""
    encoded: list[bytes] = []
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data)
        first = -(-before * 4 // 3)
        last = (before + len(data)) * 8 // 6
        encoded.append(text[first:last])
    return encoded
