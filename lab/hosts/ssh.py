"""Host kind `ssh`: a Debian or Ubuntu machine that exists, and stays as it was found."""

from pathlib import Path

import pulumi

from documents.host import Host
from documents.host_kinds import ExistingHost, SshLoadHost, keeps_images
from documents.host_kinds import SshHost as SshHostDocument
from documents.inventory import LOOPBACK
from documents.stack import Stack
from lab.credentials import Credentials
from lab.hosts.claimed import ClaimedHost
from lab.hosts.declared import DeclaredLoadHost
from lab.hosts.place import host_folder
from lab.hosts.ssh_login import describe_host
from lab.known_hosts import KNOWN_HOSTS_NAME, list_known_hosts
from lab.ssh_files import SshFiles


class SshHost(pulumi.ComponentResource):
    """A host that exists, and its load hosts. They are claimed, prepared, and left as they were.

    See `provision.claim`.
    """

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource
    load_hosts: tuple[DeclaredLoadHost, ...]
    api_address: pulumi.Output[str]

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
            credentials: the lab's; its user's public key tells this lab from another of its name.
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
                host, claimed = self._declare(f"load-host-{number}", load_host, for_load=True, keep_images=False)
                load_hosts.append(DeclaredLoadHost(host, claimed.id, claimed))
        self.load_hosts = tuple(load_hosts)
        self.register_outputs({"host_id": self.host_id})

    def _declare(
        self, name: str, document: ExistingHost, *, for_load: bool, keep_images: bool
    ) -> tuple[pulumi.Output[Host], ClaimedHost]:
        reached = describe_host(document, self._folder)
        files = SshFiles(
            "ssh-files" if name == "host" else f"{name}-ssh-files",
            folder=str(host_folder(document, self._folder)),
            private_key=None,
            known_hosts=list_known_hosts(reached),
            opts=self._child,
        )
        host = files.path_of(KNOWN_HOSTS_NAME).apply(lambda path: reached.model_copy(update={"known_hosts_path": path}))
        claimed = ClaimedHost(
            f"claimed-{name}",
            host=host,
            stack=self._stack,
            lab=self._credentials.user_public_key,
            for_load=for_load,
            keep_images=keep_images,
            folder=str(self._folder),
            opts=self._child,
        )
        return host, claimed
