"""An API's container as the lab declares it, and as Docker tells of it where it runs just so."""

import copy
import hashlib
from typing import Any

from documents.lab.drift import Effective, ProcessCpus, RunningContainer
from lab.lifecycle.drift.declared import Declared
from provision.containers.inspection import as_running

SECRETS = ("pg-secret", "redis-secret", "jwt-secret")
CONTAINER_ID = "8fbf2a2857db" + "0" * 52
IMAGE_ID = f"sha256:{'6' * 64}"
CONFIGURATION = "requirepass redis-secret\n"

INPUTS: dict[str, Any] = {
    "name": "fairground-api-go",
    "image": IMAGE_ID,
    "networkMode": "host",
    "cpuSet": "0,1",
    "memory": 512,
    "memorySwap": 512,
    "restart": "unless-stopped",
    "labels": [{"label": "org.fairground.stack", "value": "local"}],
    "envs": [
        "PORT=18080",
        "DATABASE_URL=postgres://fairground:pg-secret@127.0.0.1:15432/fairground",
        "JWT_SECRET=jwt-secret",
    ],
    "readOnly": True,
    "tmpfs": {"/tmp": "mode=1777,size=64m"},  # noqa: S108 - the container's own
    "volumes": [{"volumeName": "fairground-uploads-go", "containerPath": "/uploads"}],
    "capabilities": {"drops": ["ALL"]},
    "securityOpts": ["no-new-privileges:true"],
    "stopTimeout": 15,
    "logOpts": {"max-size": "10m"},
    "uploads": [{"file": "/etc/api.conf", "content": CONFIGURATION}],
}
"""What the program says, by the names that pulumi-docker has."""

IMAGE: dict[str, Any] = {
    "Id": IMAGE_ID,
    "Config": {
        "Env": ["PATH=/usr/bin"],
        "Entrypoint": ["/api"],
        "Cmd": None,
        "User": "10001",
        "Volumes": {"/cache": {}},
        "Labels": {"org.fairground.base": "bootstrapped"},
    },
}

INSPECTED: dict[str, Any] = {
    "Id": CONTAINER_ID,
    "Name": "/fairground-api-go",
    "Image": IMAGE_ID,
    "State": {"Status": "running", "Running": True, "Pid": 77},
    "HostConfig": {
        "Binds": ["fairground-uploads-go:/uploads:rw"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        "NetworkMode": "host",
        "PortBindings": None,
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "CapAdd": None,
        "CapDrop": ["ALL"],
        "CgroupnsMode": "private",
        "ExtraHosts": None,
        "IpcMode": "private",
        "PidMode": "",
        "Privileged": False,
        "ReadonlyRootfs": True,
        "SecurityOpt": ["no-new-privileges:true"],
        "Tmpfs": {"/tmp": "mode=1777,size=64m"},  # noqa: S108 - the container's own
        "UsernsMode": "",
        "ShmSize": 64 * 1024**2,
        "CpuShares": 0,
        "Memory": 512 * 1024**2,
        "NanoCpus": 0,
        "CgroupParent": "",
        "BlkioWeight": 0,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "CpusetCpus": "0-1",
        "Devices": None,
        "MemoryReservation": 0,
        "MemorySwap": 512 * 1024**2,
        "PidsLimit": None,
        "MaskedPaths": ["/proc/kcore"],
        "ReadonlyPaths": ["/proc/sys"],
    },
    "NetworkSettings": {"Networks": {"host": {"IPAMConfig": {}}}},
    "Mounts": [
        {
            "Type": "volume",
            "Name": "fairground-uploads-go",
            "Source": "/var/lib/docker/volumes/fairground-uploads-go/_data",
            "Destination": "/uploads",
            "RW": True,
        },
        {"Type": "volume", "Name": "a" * 64, "Source": "/somewhere", "Destination": "/cache", "RW": True},
    ],
    "Config": {
        "User": "10001",
        "Env": [*INPUTS["envs"], "PATH=/usr/bin"],
        "Cmd": None,
        "WorkingDir": "",
        "Entrypoint": ["/api"],
        "Labels": {"org.fairground.base": "bootstrapped", "org.fairground.stack": "local"},
        "StopTimeout": 15,
    },
}

EFFECTIVE = Effective(
    cpus=(0, 1),
    memory_bytes=512 * 1024**2,
    cpu_quota=None,
    processes=(ProcessCpus(process_id=77, name="api", cpus=(0, 1)),),
)

FILES = {"/etc/api.conf": hashlib.sha256(CONFIGURATION.encode()).hexdigest()}


def declared(**changes: Any) -> Declared:  # noqa: ANN401 - inputs may be anything
    """The container on record, with other inputs."""
    return Declared("go", CONTAINER_ID, {**INPUTS, **changes})


def running(*changes: tuple[str, Any], image: dict[str, Any] | None = None, **members: Any) -> RunningContainer:  # noqa: ANN401
    """The container that runs, with other values in Docker's inspection, by their dotted places."""
    inspected = copy.deepcopy(INSPECTED)
    for place, value in changes:
        *folders, last = place.split("/")
        inner = inspected
        for folder in folders:
            inner = inner[folder]
        inner[last] = value
    return as_running(inspected, image or IMAGE, None, FILES).model_copy(update={"effective": EFFECTIVE, **members})
