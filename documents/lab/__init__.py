"""A lab that exists: hosts, CPUs, inventory, drift."""

from documents.lab.cores import ROLES, CoreLayout, CpuList, PhysicalCore, Role, parse_cpu_list
from documents.lab.drift import ContainerState, Difference, Drift, Effective, ProcessCpus, RunningContainer
from documents.lab.host import Host, HostResources, HostSize, JumpHost, TcpPort, known_hosts_name
from documents.lab.inventory import (
    HOST_LABEL,
    LOOPBACK,
    STACK_LABEL,
    VARIED_LABEL,
    ApiService,
    Inventory,
    LoadHost,
    PostgresService,
    RedisService,
    Secrets,
    Varied,
    stack_labels,
)

__all__ = [
    "HOST_LABEL",
    "LOOPBACK",
    "ROLES",
    "STACK_LABEL",
    "VARIED_LABEL",
    "ApiService",
    "ContainerState",
    "CoreLayout",
    "CpuList",
    "Difference",
    "Drift",
    "Effective",
    "Host",
    "HostResources",
    "HostSize",
    "Inventory",
    "JumpHost",
    "LoadHost",
    "PhysicalCore",
    "PostgresService",
    "ProcessCpus",
    "RedisService",
    "Role",
    "RunningContainer",
    "Secrets",
    "TcpPort",
    "Varied",
    "known_hosts_name",
    "parse_cpu_list",
    "stack_labels",
]
