"""The SSH files of a host on the controller: the private key of its user and the known_hosts that pins the host.

Each host has a folder of its own. One that takes another's place is made before that is taken away, and both are to be
reached meanwhile.
"""

import shutil
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from lab.known_hosts import KNOWN_HOSTS_NAME

KEY_NAME = "id_ed25519"


class _SshFilesProvider(ResourceProvider):
    def create(self, props: dict[str, Any]) -> CreateResult:
        write_files(props)
        return CreateResult(id_=props["folder"], outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        write_files(_news)
        return UpdateResult(outs=_news)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        changed = [name for name in ("folder", "private_key", "known_hosts") if _olds.get(name) != _news.get(name)]
        replaces = [name for name in changed if name == "folder"]
        return DiffResult(changes=bool(changed), replaces=replaces, delete_before_replace=False)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh finds a file that is gone, changed, or open to others: it reads as gone and is made again."""
        folder = Path(props["folder"])
        for name, content in _contents(props).items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != content.encode() or path.stat().st_mode & 0o077:
                return ReadResult(id_="", outs={})
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        shutil.rmtree(_props["folder"], ignore_errors=True)


def _contents(props: dict[str, Any]) -> dict[str, str]:
    """What is in each of the files."""
    contents = {KEY_NAME: props.get("private_key"), KNOWN_HOSTS_NAME: props["known_hosts"]}
    return {name: content for name, content in contents.items() if content is not None}


def write_files(props: dict[str, Any]) -> None:
    """Write the files of a host, each readable by its owner alone whatever the umask, into a folder of mode 0700."""
    folder = Path(props["folder"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in _contents(props).items():
        _write_private(folder / name, content)


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
        private_key: pulumi.Input[str] | None,
        known_hosts: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the files in `folder`, a path on the controller; no private key where the user's own is used."""
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
