"""An API's container as the lab declares it, and Docker's inspection of it where it runs just so."""

import copy
import json
from typing import Any

from documents.lab import Effective, ProcessCpus, RunningContainer
from lab.lifecycle.state import DeclaredContainer
from provision.containers import read_container

SECRETS = ("pg-secret", "redis-secret", "jwt-secret")
CONTAINER_ID = "8fbf2a2857db" + "0" * 52
IMAGE_ID = f"sha256:{'6' * 64}"

INPUTS: dict[str, Any] = {
    "name": "fairground-api-go",
    "image": IMAGE_ID,
    "cpuSet": "0,1",
    "memory": 512,
    "memorySwap": 512,
    "envs": [
        "PORT=18080",
        "DATABASE_URL=postgres://fairground:pg-secret@127.0.0.1:15432/fairground",
        "JWT_SECRET=jwt-secret",
    ],
}
"""What the program says, by the names that pulumi-docker has."""

IMAGE: dict[str, Any] = {"Id": IMAGE_ID, "Config": {"Env": ["PATH=/usr/bin"]}}

INSPECTED: dict[str, Any] = {
    "Id": CONTAINER_ID,
    "Name": "/fairground-api-go",
    "Image": IMAGE_ID,
    "State": {"Status": "running", "Running": True, "Pid": 77},
    "HostConfig": {
        "NetworkMode": "host",
        "CpuShares": 0,
        "Memory": 512 * 1024**2,
        "NanoCpus": 0,
        "BlkioWeight": 0,
        "CpuPeriod": 0,
        "CpuQuota": 0,
        "CpusetCpus": "0-1",
        "CpusetMems": "",
        "MemoryReservation": 0,
        "MemorySwap": 512 * 1024**2,
        "PidsLimit": None,
    },
    "Config": {"Env": [*INPUTS["envs"], "PATH=/usr/bin"]},
}

EFFECTIVE = Effective(
    cpus=(0, 1),
    memory_bytes=512 * 1024**2,
    cpu_quota=None,
    processes=(ProcessCpus(process_id=77, name="api", cpus=(0, 1)),),
)


def declared(**changes: Any) -> DeclaredContainer:  # noqa: ANN401 - inputs may be anything
    """The container on record, with other inputs."""
    return DeclaredContainer("go", CONTAINER_ID, {**INPUTS, **changes})


def running(*changes: tuple[str, Any], **members: Any) -> RunningContainer:  # noqa: ANN401
    """The container that runs, with other values in Docker's inspection, by their paths."""
    inspected = copy.deepcopy(INSPECTED)
    for place, value in changes:
        *folders, last = place.split("/")
        inner = inspected
        for folder in folders:
            inner = inner[folder]
        inner[last] = value
    found = read_container(json.dumps([inspected]), where="the test")
    return found.model_copy(update={"effective": EFFECTIVE, **members})
