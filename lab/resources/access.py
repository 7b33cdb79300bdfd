"""How a lab is accessed: its secrets, the SSH files that hold its keys, and the options of Docker's own ssh."""

import secrets
import shlex
import shutil
from pathlib import Path
from typing import Any

import pulumi
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pulumi.dynamic import CreateResult, ReadResult, Resource, UpdateResult

from documents.files import replace_file
from documents.lab import Host, known_hosts_name
from lab.resources.provider import Provider
from provision.ssh import label

SECRET_OUTPUTS = (
    "postgres_password",
    "redis_password",
    "jwt_secret",
    "user_private_key",
    "host_private_key",
)


class _CredentialsProvider(Provider):
    """Has no inputs to compare, so it never changes.

    By Pulumi's own comparison it would be updated when this class moves, and lose its secrets.
    """

    def create(self, props: dict[str, Any]) -> CreateResult:  # noqa: ARG002 - the signature is Pulumi's
        user_private, user_public = _make_key_pair()
        host_private, host_public = _make_key_pair()
        outputs = {
            "postgres_password": secrets.token_hex(24),
            "redis_password": secrets.token_hex(24),
            "jwt_secret": secrets.token_hex(32),
            "user_private_key": user_private,
            "user_public_key": user_public,
            "host_private_key": host_private,
            "host_public_key": host_public,
        }
        return CreateResult(id_=f"credentials-{secrets.token_hex(4)}", outs=outputs)


def _make_key_pair() -> tuple[str, str]:
    """A fresh Ed25519 key pair in OpenSSH's formats: the private key's file, the public key's line."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return private.decode(), public.decode()


class Credentials(Resource, module="fairground", name="Credentials"):
    """Passwords, the JWT secret, and the SSH keys of the lab's user and of its host.

    The host's key is created here, before the host, so that even the first connection can be checked. Passwords are
    hexadecimal, so that they need no escaping in URLs and in a Redis configuration file.
    """

    postgres_password: pulumi.Output[str]
    redis_password: pulumi.Output[str]
    jwt_secret: pulumi.Output[str]
    user_private_key: pulumi.Output[str]
    user_public_key: pulumi.Output[str]
    host_private_key: pulumi.Output[str]
    host_public_key: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the credentials of the lab called `name`."""
        outputs: dict[str, None] = dict.fromkeys((*SECRET_OUTPUTS, "user_public_key", "host_public_key"))
        secret = pulumi.ResourceOptions(additional_secret_outputs=list(SECRET_OUTPUTS))
        super().__init__(_CredentialsProvider(), name, outputs, pulumi.ResourceOptions.merge(secret, opts))


KNOWN_HOSTS_NAME = "known_hosts"
HOST_KEY_ALIAS = "fairground-host"
JUMP_HOST_KEY_ALIAS = "fairground-jump-host"
"""The names by which Docker's ssh asks for the hosts' keys: they stay when a port changes, so that everything on the
host can still be removed by its old port."""


def pin_host_key(address: str, port: int, host_public_key: str) -> str:
    """The line that pins the one key of a host, by its address and by its alias."""
    return f"{known_hosts_name(address, port)},{HOST_KEY_ALIAS} {host_public_key}\n"


def list_known_hosts(host: Host) -> str:
    """The whole file: the one key of the host, and that of its jump host."""
    lines = pin_host_key(host.address, host.port, host.host_public_key)
    if (jump := host.jump_host) is not None:
        lines += f"{known_hosts_name(jump.address, jump.port)},{JUMP_HOST_KEY_ALIAS} {jump.host_public_key}\n"
    return lines


KEY_NAME = "id_ed25519"


class _SshFilesProvider(Provider):
    replaced_by = ("folder",)
    updated_by = ("private_key", "known_hosts")

    def create(self, props: dict[str, Any]) -> CreateResult:
        write_files(props)
        return CreateResult(id_=props["folder"], outs=props)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        write_files(_news)
        return UpdateResult(outs=_news)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """A refresh finds a missing or changed file, or one that others can read; all files are then written again."""
        folder = Path(props["folder"])
        for name, content in _contents(props).items():
            path = folder / name
            if not path.is_file() or path.read_bytes() != content.encode() or path.stat().st_mode & 0o077:
                return ReadResult(id_="", outs={})
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        shutil.rmtree(_props["folder"], ignore_errors=True)


def _contents(props: dict[str, Any]) -> dict[str, str]:
    """The content of each file."""
    contents = {KEY_NAME: props.get("private_key"), KNOWN_HOSTS_NAME: props["known_hosts"]}
    return {name: content for name, content in contents.items() if content is not None}


def write_files(props: dict[str, Any]) -> None:
    """Write the files of a host, each of mode 0600 under any umask, into a folder of mode 0700."""
    folder = Path(props["folder"])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in _contents(props).items():
        replace_file(folder / name, content, mode=0o600)


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
        """Declare the files in `folder`, a path on the controller; without a private key if the user's own is used."""
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


def docker_url(host: Host) -> str:
    """The URL by which Docker's transport reaches the host. Source: RFC 3986, section 3.2.2, of an IPv6 address."""
    return f"ssh://{label(host)}"


def ssh_options(host: Host) -> list[str]:
    """The options for the `ssh` command that reaches the host. Source: ssh(1), ssh_config(5)."""
    options = _options(host, HOST_KEY_ALIAS)
    if (jump := host.jump_host) is not None:
        through = ["ssh", *_options(host, JUMP_HOST_KEY_ALIAS)]
        through += ["-p", str(jump.port), "-W", "[%h]:%p", f"{jump.user}@{jump.address}"]
        options += ["-o", f"ProxyCommand={_proxy_command(through)}"]
    return options


def _options(host: Host, alias: str) -> list[str]:
    options = [
        "-F",
        "/dev/null",
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "GlobalKnownHostsFile=/dev/null",
        "-o",
        f"HostKeyAlias={alias}",
        "-o",
        f"UserKnownHostsFile={_quoted(host.known_hosts_path)}",
        "-o",
        "BatchMode=yes",
    ]
    if host.private_key_path is not None:
        # Not by -i, which looks for the file before it replaces %% by %.
        options += ["-o", "IdentitiesOnly=yes", "-o", f"IdentityFile={_quoted(host.private_key_path)}"]
    return options


def _quoted(path: str) -> str:
    """A path as a value of ssh_config, where spaces separate words and % is special."""
    return f'"{path.replace("%", "%%")}"'


def _proxy_command(words: list[str]) -> str:
    """A command line for the user's shell, in which ssh replaces %h and %p; any other % is literal."""
    return " ".join(word if word == "[%h]:%p" else shlex.quote(word).replace("%", "%%") for word in words)
