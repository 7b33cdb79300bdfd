"""Host kind `ssh`: a Debian or Ubuntu machine that exists, and stays as it was found."""

from pathlib import Path

import pulumi

from documents.host import Host
from documents.host_kinds import SshHost as SshHostDocument
from documents.host_kinds import keeps_images
from lab.credentials import Credentials
from lab.hosts.claimed import ClaimedHost
from lab.hosts.place import host_folder
from lab.hosts.ssh_login import describe_host
from lab.known_hosts import KNOWN_HOSTS_NAME, list_known_hosts
from lab.ssh_files import SshFiles


class SshHost(pulumi.ComponentResource):
    """A host that exists. It is claimed, prepared, and left as it was: see `provision.claim`."""

    host: pulumi.Output[Host]
    host_id: pulumi.Output[str]
    machine: pulumi.Resource

    def __init__(
        self,
        name: str,
        *,
        stack: str,
        document: SshHostDocument,
        credentials: Credentials,
        folder: Path,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the host of a stack.

        Args:
            name: the component's name.
            stack: the stack's name.
            document: the host as the stack document describes it.
            credentials: the lab's; its user's public key tells this lab from another of its name.
            folder: the stack's own on the controller, where its host keys are pinned.
            opts: Pulumi's options.

        Raises:
            HostKeyError: a key of the host, or of its jump host, is neither given nor pinned.
        """
        super().__init__("fairground:hosts:SshHost", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        reached = describe_host(document, folder)
        files = SshFiles(
            "ssh-files",
            folder=str(host_folder(document, folder)),
            private_key=None,
            known_hosts=list_known_hosts(reached),
            opts=child,
        )
        self.host = files.path_of(KNOWN_HOSTS_NAME).apply(
            lambda path: reached.model_copy(update={"known_hosts_path": path})
        )
        self.machine = ClaimedHost(
            "claimed-host",
            host=self.host,
            stack=stack,
            lab=credentials.user_public_key,
            keep_images=keeps_images(document),
            folder=str(folder),
            opts=child,
        )
        self.host_id = self.machine.id
        self.register_outputs({"host_id": self.host_id})
