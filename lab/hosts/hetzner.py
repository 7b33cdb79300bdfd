"""Host kind `hetzner`: servers of Hetzner Cloud, closed except for SSH from the controller."""

from ipaddress import IPv4Network

import pulumi

from documents.lab import LOOPBACK
from documents.stack import NETWORK_ZONES, cloud_tags
from documents.stack import HetznerHost as HetznerHostDocument
from lab.hosts.cloud import NETWORK, SSH_PORT, missing_extra, secret_user_data
from lab.hosts.declared import DeclaredHost, load_hosts_on, machine_names, reachable_hosts
from lab.resources import Credentials

try:
    import pulumi_hcloud as hcloud
except ModuleNotFoundError as error:
    raise missing_extra("hetzner") from error


def _private_address(index: int) -> str:
    """The address of a machine in the lab's own network; the network's first address is Hetzner's gateway."""
    return str(IPv4Network(NETWORK)[2 + index])


class HetznerHost(DeclaredHost):
    """A lab's host at Hetzner, and the requested number of load hosts of the same type.

    `machine` is the server, and `host_id` its id.
    """

    def __init__(
        self,
        name: str,
        *,
        stack: str,
        document: HetznerHostDocument,
        credentials: Credentials,
        ssh_folder: str,
        load_hosts: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the host of a stack, and its load hosts; each resource is labelled with the stack's name."""
        # Pulumi records it, so that another `lab up` needn't confirm the same cost again.
        bill = document.bill(1 + load_hosts).model_dump(mode="json")
        super().__init__("fairground:hosts:HetznerHost", name, {"bill": bill}, opts)
        # The provider's plugin reads the token from its environment, so it is never on record.
        provider = hcloud.Provider("hetzner", opts=pulumi.ResourceOptions(parent=self))
        # A name is unique in a project, so the old one has to be deleted first.
        self._made_there = pulumi.ResourceOptions(parent=self, provider=provider, delete_before_replace=True)
        self._labels = cloud_tags(stack, document)

        key = hcloud.SshKey(
            "user-key",
            name=f"fairground-{stack}",
            public_key=credentials.user_public_key,
            labels=self._labels,
            opts=self._made_there,
        )
        # A firewall lets in only what it names, and lets out everything if it names nothing.
        firewall = hcloud.Firewall(
            "firewall",
            name=f"fairground-{stack}",
            rules=[
                hcloud.FirewallRuleArgs(
                    direction="in",
                    protocol="tcp",
                    port=str(SSH_PORT),
                    source_ips=[document.allowed_from],
                    description="SSH from the controller",
                )
            ],
            labels=self._labels,
            opts=self._made_there,
        )
        subnet = self._declare_network(stack, document) if load_hosts else None
        user_data = secret_user_data(credentials)
        servers = [
            hcloud.Server(
                server_name,
                name=f"fairground-{stack}-{server_name}",
                server_type=document.server_type,
                image=document.image,
                location=document.location,
                ssh_keys=[key.id],
                firewall_ids=[firewall.id.apply(int)],
                public_nets=[hcloud.ServerPublicNetArgs(ipv4_enabled=True, ipv6_enabled=False)],
                networks=(
                    None
                    if subnet is None
                    # The network's id from the subnet: a server can't join a network that has no subnet yet.
                    else [hcloud.ServerNetworkArgs(network_id=subnet.network_id, ip=_private_address(index))]
                ),
                backups=False,
                delete_protection=False,
                rebuild_protection=False,
                user_data=user_data,
                labels=self._labels,
                opts=pulumi.ResourceOptions.merge(
                    self._made_there,
                    pulumi.ResourceOptions(
                        additional_secret_outputs=["user_data"],
                        # Otherwise Hetzner would change the type of the same machine, and the lab wouldn't know its new
                        # size.
                        replace_on_changes=["serverType"],
                    ),
                ),
            )
            for index, server_name in enumerate(machine_names(load_hosts))
        ]

        self.machine = servers[0]
        self.host_id = servers[0].id
        self.host, *others = reachable_hosts(
            "hetzner",
            [(server.ipv4_address, SSH_PORT) for server in servers],
            credentials=credentials,
            ssh_folder=ssh_folder,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.load_hosts = load_hosts_on(servers[1:], others)
        self.api_address = pulumi.Output.from_input(_private_address(0) if load_hosts else LOOPBACK)
        self.register_outputs({"host_id": self.host_id})

    def _declare_network(self, stack: str, document: HetznerHostDocument) -> hcloud.NetworkSubnet:
        """A private network of the lab's machines; Hetzner's firewalls don't filter it."""
        network = hcloud.Network(
            "network",
            name=f"fairground-{stack}",
            ip_range=NETWORK,
            labels=self._labels,
            opts=self._made_there,
        )
        return hcloud.NetworkSubnet(
            "subnet",
            network_id=network.id.apply(int),
            type="cloud",
            network_zone=NETWORK_ZONES[document.location],
            ip_range=NETWORK,
            opts=self._made_there,
        )
