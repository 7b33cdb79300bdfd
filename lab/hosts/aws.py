"""Host kind `aws`: machines of Amazon EC2 in a network of their own, closed except for SSH from the controller."""

import pulumi

from documents.lab import LOOPBACK
from documents.stack import AwsHost as AwsHostDocument
from documents.stack import cloud_tags
from lab.hosts.cloud import NETWORK, SSH_PORT, missing_extra, secret_user_data
from lab.hosts.declared import DeclaredHost, load_hosts_on, machine_names, reachable_hosts
from lab.resources import Credentials

try:
    import pulumi_aws as aws
except ModuleNotFoundError as error:
    raise missing_extra("aws") from error

_EVERYWHERE = "0.0.0.0/0"

_DISK_IOPS = 3000
_DISK_MEBIBYTES_PER_SECOND = 125
"""The performance of a gp3 volume without extra cost, named so that two machines never differ in it.

Source: Amazon EBS User Guide, "General Purpose SSD volumes".
"""


class AwsHost(DeclaredHost):
    """A lab's host on EC2, and the requested number of load hosts of the same type.

    `machine` is the instance, and `host_id` its id.
    """

    def __init__(
        self,
        name: str,
        *,
        stack: str,
        document: AwsHostDocument,
        credentials: Credentials,
        ssh_folder: str,
        load_hosts: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the machines of a stack."""
        # Pulumi records it, so that another `lab up` needn't confirm the same cost again.
        bill = document.bill(1 + load_hosts).model_dump(mode="json")
        super().__init__("fairground:hosts:AwsHost", name, {"bill": bill}, opts)
        provider = aws.Provider("aws", region=document.region, opts=pulumi.ResourceOptions(parent=self))
        self._made_there = pulumi.ResourceOptions(parent=self, provider=provider)
        self._tags = cloud_tags(stack, document)

        # A machine is created after its route and firewall, and deleted before them.
        self._before_machines: list[pulumi.Resource] = []
        subnet = self._declare_network(document)
        group = self._declare_firewall(subnet, document, load_hosts)
        key = aws.ec2.KeyPair(
            "user-key", public_key=credentials.user_public_key, tags=self._named("user-key"), opts=self._made_there
        )
        placement = self._declare_placement(document, load_hosts)
        user_data = secret_user_data(credentials)
        instances = [
            self._declare_instance(
                instance_name,
                document,
                subnet=subnet,
                group=group,
                key=key,
                placement=placement,
                user_data=user_data,
            )
            for instance_name in machine_names(load_hosts)
        ]

        self.machine = instances[0]
        self.host_id = instances[0].id
        self.host, *others = reachable_hosts(
            "aws",
            [(instance.public_ip, SSH_PORT) for instance in instances],
            credentials=credentials,
            ssh_folder=ssh_folder,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.load_hosts = load_hosts_on(instances[1:], others)
        self.api_address = instances[0].private_ip if load_hosts else pulumi.Output.from_input(LOOPBACK)
        self.register_outputs({"host_id": self.host_id})

    def _named(self, name: str) -> dict[str, str]:
        """The tags of a resource: the common ones, and the name that Amazon's console shows."""
        return {**self._tags, "Name": f"fairground-{self._tags['fairground-stack']}-{name}"}

    def _declare_network(self, document: AwsHostDocument) -> aws.ec2.Subnet:
        """A network with one subnet, so in one zone, and a route to the internet."""
        network = aws.ec2.Vpc(
            "network",
            cidr_block=NETWORK,
            enable_dns_support=True,
            enable_dns_hostnames=False,
            tags=self._named("network"),
            opts=self._made_there,
        )
        subnet = aws.ec2.Subnet(
            "subnet",
            vpc_id=network.id,
            cidr_block=NETWORK,
            availability_zone=document.availability_zone,
            map_public_ip_on_launch=False,
            tags=self._named("subnet"),
            opts=self._made_there,
        )
        gateway = aws.ec2.InternetGateway(
            "gateway", vpc_id=network.id, tags=self._named("gateway"), opts=self._made_there
        )
        routes = aws.ec2.RouteTable(
            "routes",
            vpc_id=network.id,
            routes=[aws.ec2.RouteTableRouteArgs(cidr_block=_EVERYWHERE, gateway_id=gateway.id)],
            tags=self._named("routes"),
            opts=self._made_there,
        )
        self._before_machines.append(
            aws.ec2.RouteTableAssociation(
                "routes-of-subnet", subnet_id=subnet.id, route_table_id=routes.id, opts=self._made_there
            )
        )
        return subnet

    def _declare_firewall(
        self, subnet: aws.ec2.Subnet, document: AwsHostDocument, load_hosts: int
    ) -> aws.ec2.SecurityGroup:
        """In: SSH from the controller, and everything among the lab's machines. Out: everything, for builds."""
        group = aws.ec2.SecurityGroup(
            "firewall",
            vpc_id=subnet.vpc_id,
            description="Fairground: SSH from the controller",
            tags=self._named("firewall"),
            opts=self._made_there,
        )
        self._before_machines += [
            aws.vpc.SecurityGroupIngressRule(
                "ssh-from-controller",
                security_group_id=group.id,
                ip_protocol="tcp",
                from_port=SSH_PORT,
                to_port=SSH_PORT,
                cidr_ipv4=document.allowed_from,
                tags=self._named("ssh-from-controller"),
                opts=self._made_there,
            ),
            aws.vpc.SecurityGroupEgressRule(
                "way-out",
                security_group_id=group.id,
                ip_protocol="-1",
                cidr_ipv4=_EVERYWHERE,
                tags=self._named("way-out"),
                opts=self._made_there,
            ),
        ]
        if load_hosts:
            self._before_machines.append(
                aws.vpc.SecurityGroupIngressRule(
                    "among-machines",
                    security_group_id=group.id,
                    ip_protocol="-1",
                    referenced_security_group_id=group.id,
                    tags=self._named("among-machines"),
                    opts=self._made_there,
                )
            )
        return group

    def _declare_placement(self, document: AwsHostDocument, load_hosts: int) -> aws.ec2.PlacementGroup | None:
        """A group that puts the machines close to each other; None for one machine, or a type with shared cores.

        Source: Amazon EC2 User Guide, "Placement groups", rules for cluster placement groups: no burstable type, and
        not M7i-flex; other flexible types aren't placed so here.
        """
        if not load_hosts or document.shared_cores:
            return None
        return aws.ec2.PlacementGroup(
            "placement", strategy="cluster", tags=self._named("placement"), opts=self._made_there
        )

    def _declare_instance(
        self,
        name: str,
        document: AwsHostDocument,
        *,
        subnet: aws.ec2.Subnet,
        group: aws.ec2.SecurityGroup,
        key: aws.ec2.KeyPair,
        placement: aws.ec2.PlacementGroup | None,
        user_data: pulumi.Output[str],
    ) -> aws.ec2.Instance:
        tags = self._named(name)
        return aws.ec2.Instance(
            name,
            ami=document.ami,
            instance_type=document.instance_type,
            subnet_id=subnet.id,
            associate_public_ip_address=True,
            vpc_security_group_ids=[group.id],
            key_name=key.key_name,
            placement_group=None if placement is None else placement.name,
            tenancy="default",
            ebs_optimized=True,
            monitoring=False,
            disable_api_termination=False,
            # A machine that is switched off would go on costing its disk, and come back at another address.
            instance_initiated_shutdown_behavior="terminate",
            # Otherwise credits would be bought, beyond the price that was confirmed.
            credit_specification=(
                aws.ec2.InstanceCreditSpecificationArgs(cpu_credits="standard") if document.burstable else None
            ),
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled",
                http_tokens="required",
                http_put_response_hop_limit=1,
                http_protocol_ipv6="disabled",
                instance_metadata_tags="disabled",
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                volume_type="gp3",
                volume_size=document.disk_gb,
                iops=_DISK_IOPS,
                throughput=_DISK_MEBIBYTES_PER_SECOND,
                encrypted=True,
                delete_on_termination=True,
                tags=tags,
            ),
            user_data=user_data,
            user_data_replace_on_change=True,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(
                self._made_there,
                pulumi.ResourceOptions(
                    depends_on=self._before_machines,
                    additional_secret_outputs=["user_data", "user_data_base64"],
                    # Otherwise Amazon would change the type of the same machine, which changes its address under a
                    # running lab, and enlarge a disk without the system's knowledge.
                    replace_on_changes=["instanceType", "rootBlockDevice.volumeSize"],
                ),
            ),
        )
