"""Host kind `ssh`: an existing Debian or Ubuntu machine, which is left as it was found."""

from pathlib import Path

import pulumi

from documents.errors import HostKeyError
from documents.files import replace_file
from documents.lab import LOOPBACK, Host, JumpHost
from documents.stack import ExistingHost, SshLoadHost, Stack, keeps_images
from documents.stack import SshHost as SshHostDocument
from lab.hosts.declared import LOAD_HOST, DeclaredHost, DeclaredLoadHost, host_folder
from lab.resources import KNOWN_HOSTS_NAME, Credentials, ReservedHost, ReservedHostArgs, SshFiles, list_known_hosts


def describe_host(document: ExistingHost, folder: Path) -> Host:
    """How the host of a stack document is reached, with the keys that are given or were confirmed.

    Raises:
        HostKeyError: a key is neither given nor confirmed; says what to do.
    """
    return describe_unverified_host(document, folder, _require_key(document, folder))


def describe_unverified_host(document: ExistingHost, folder: Path, host_public_key: str) -> Host:
    """How the host is reached, with a key that isn't checked here; the key of its jump host must be known.

    Raises:
        HostKeyError: the jump host's key is neither given nor confirmed.
    """
    jump = document.jump_host
    return Host(
        kind="ssh",
        address=document.address,
        port=document.port,
        user=document.user,
        private_key_path=None if document.private_key is None else str(Path(document.private_key).expanduser()),
        known_hosts_path=str(host_folder(document, folder) / KNOWN_HOSTS_NAME),
        host_public_key=host_public_key,
        jump_host=jump and jump.model_copy(update={"host_key": _require_key(jump, folder)}),
        sudo=document.user != "root",
    )


def known_key(host: ExistingHost | JumpHost, folder: Path) -> str | None:
    """The key of a host that its document gives, or that was confirmed; None if there is neither."""
    return host.host_key or confirmed_key(folder, host.address, host.port)


def _require_key(host: ExistingHost | JumpHost, folder: Path) -> str:
    if (key := known_key(host, folder)) is None:
        raise HostKeyError(
            f"No key of {host.address}, port {host.port}, is pinned, and unknown hosts are refused. Write it into the "
            "stack document as `host_key`, or run `lab up` at a terminal, which shows it and asks."
        )
    return key


_CONFIRMED = "confirmed_hosts"


def confirmed_key(folder: Path, address: str, port: int) -> str | None:
    """The key that was confirmed for a host, in one line of OpenSSH's format; None if there is none.

    Raises:
        HostKeyError: the file can't be read.
    """
    path = folder / _CONFIRMED
    try:
        lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise HostKeyError(
            f"The confirmed host keys in {path} can't be read: {error}. Remove the file; `lab up` asks again."
        ) from error
    for line in lines:
        name, _, key = line.partition(" ")
        if name == _confirmed_name(address, port):
            return key
    return None


def confirm_key(folder: Path, address: str, port: int, host_public_key: str) -> None:
    """Pin a key that was confirmed, in place of an earlier one of that host."""
    path = folder / _CONFIRMED
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lines = path.read_text(encoding="ascii").splitlines() if path.exists() else []
    name = _confirmed_name(address, port)
    kept = [line for line in lines if line.partition(" ")[0] != name]
    # Whoever can write it can have another host pass for this one.
    replace_file(path, "".join(f"{line}\n" for line in (*kept, f"{name} {host_public_key}")), mode=0o600)


def _confirmed_name(address: str, port: int) -> str:
    return f"[{address}]:{port}"


class SshHost(DeclaredHost):
    """A host that exists, and its load hosts. They are reserved, and at the end restored.

    See `provision.reservation`.
    """

    def __init__(
        self,
        name: str,
        *,
        stack: Stack,
        document: SshHostDocument,
        credentials: Credentials,
        folder: Path,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the host of a stack, and its load hosts.

        Args:
            name: the component's name.
            stack: the stack document.
            document: its host.
            credentials: the lab's; the public key of its user distinguishes this lab from another of the same name.
            folder: the stack's own on the controller, where its host keys are pinned.
            opts: Pulumi's options.

        Raises:
            HostKeyError: a key of a host, or of a jump host, is neither given nor pinned.
        """
        super().__init__("fairground:hosts:SshHost", name, None, opts)
        self._stack, self._credentials, self._folder = stack.name, credentials, folder
        self._child = pulumi.ResourceOptions(parent=self)
        self.host, self.machine = self._declare("host", document, for_load=False, keep_images=keeps_images(document))
        self.host_id = self.machine.id
        reached_at = document.private_address if stack.load_host else None
        self.api_address = pulumi.Output.from_input(reached_at or LOOPBACK)
        load_hosts: list[DeclaredLoadHost] = []
        for number, load_host in enumerate(stack.load_host, start=1):
            if isinstance(load_host, SshLoadHost):
                host, reserved = self._declare(f"{LOAD_HOST}{number}", load_host, for_load=True, keep_images=False)
                load_hosts.append(DeclaredLoadHost(host, reserved.id, reserved))
        self.load_hosts = tuple(load_hosts)
        self.register_outputs({"host_id": self.host_id})

    def _declare(
        self, name: str, document: ExistingHost, *, for_load: bool, keep_images: bool
    ) -> tuple[pulumi.Output[Host], ReservedHost]:
        reached = describe_host(document, self._folder)
        files = SshFiles(
            "ssh-files" if name == "host" else f"{name}-ssh-files",
            folder=str(host_folder(document, self._folder)),
            private_key=None,
            known_hosts=list_known_hosts(reached),
            opts=self._child,
        )
        host = files.path_of(KNOWN_HOSTS_NAME).apply(lambda path: reached.model_copy(update={"known_hosts_path": path}))
        args = ReservedHostArgs(
            host=host,
            stack=self._stack,
            lab=self._credentials.user_public_key,
            for_load=for_load,
            keep_images=keep_images,
            folder=str(self._folder),
        )
        return host, ReservedHost(f"reserved-{name}", args, self._child)
