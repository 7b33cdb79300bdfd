"""The SSH files of a stack on the controller: its user's private key and the known_hosts that pins its host."""

import shutil
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

KEY_NAME = "id_ed25519"
KNOWN_HOSTS_NAME = "known_hosts"
HOST_KEY_ALIAS = "fairground-host"
"""The name by which Docker's ssh asks for the host's key: it stays when the port changes, so that what is on the
host of the old port can still be taken away."""


class _SshFilesProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        _write_files(props)
        return CreateResult(id_=props["folder"], outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        _write_files(_news)
        return UpdateResult(outs=_news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [name for name in ("folder", "private_key", "known_hosts") if _olds.get(name) != _news.get(name)]
        replaces = [name for name in changed if name == "folder"]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=True)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh finds a file that is gone, changed, or open to others: it reads as gone and is made again."""
        folder = Path(props["folder"])
        expected = {KEY_NAME: props["private_key"], KNOWN_HOSTS_NAME: props["known_hosts"]}
        for name, content in expected.items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != content.encode() or path.stat().st_mode & 0o077:
                return ReadResult(id_="", outs={})
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        shutil.rmtree(_props["folder"], ignore_errors=True)


def pin_host_key(address: str, port: int, host_public_key: str) -> str:
    """The known_hosts that pins the one key of a host, by its address and by its alias.

    Source: sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": a host at the port 22 is named by its address alone.
    """
    name = address if port == 22 else f"[{address}]:{port}"
    return f"{name},{HOST_KEY_ALIAS} {host_public_key}\n"


def _write_files(props: dict[str, Any]) -> None:
    folder = Path(props["folder"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write_private(folder / KEY_NAME, props["private_key"])
    _write_private(folder / KNOWN_HOSTS_NAME, props["known_hosts"])


def _write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    temporary = path.with_suffix(".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(content, encoding="utf-8")
    temporary.rename(path)


class SshFiles(Resource, module="fairground", name="SshFiles"):
    """A folder with the private key and known_hosts, both of mode 0600; Docker's ssh and Paramiko read the same two.

    Deleted with the lab. A refresh finds a lost or altered file.
    """

    folder: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        folder: str,
        private_key: pulumi.Input[str],
        known_hosts: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the files in `folder`, a path on the controller."""
        secret = pulumi.ResourceOptions(additional_secret_outputs=["private_key"])
        super().__init__(
            _SshFilesProvider(),
            name,
            {"folder": folder, "private_key": private_key, "known_hosts": known_hosts},
            pulumi.ResourceOptions.merge(secret, opts),
        )

    def path_of(self, file_name: str) -> pulumi.Output[str]:
        """The path of one of the files; known once it is written."""
        return self.folder.apply(lambda folder: f"{folder}/{file_name}")
