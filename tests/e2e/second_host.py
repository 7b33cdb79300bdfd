"""A second host beside that of a lab, made of the same image, and the lab's APIs where it reaches them."""

import subprocess
import uuid
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from documents.host import Host
from documents.inventory import ApiService, Inventory, LoadHost
from provision.connection import Connection, connect
from provision.execution import Completed
from tests.ports import free_port

_SETTING_UP_SECONDS = 300

_MOVE = """
import json, os, subprocess, sys
name, kept, address = sys.argv[1:]

def docker(*arguments, **options):
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"docker {arguments[0]}: {done.stderr}")
    return done.stdout

[found] = json.loads(docker("inspect", name))
environment = dict(line.split("=", 1) for line in found["Config"]["Env"]) | {"HOST": address}
docker("stop", name)
docker("rename", name, kept)
docker(
    "create", f"--name={name}", "--network=host", "--read-only", "--tmpfs=/tmp",
    f"--cpuset-cpus={found['HostConfig']['CpusetCpus']}",
    *(f"--volume={mount['Name']}:{mount['Destination']}" for mount in found["Mounts"] if mount["Type"] == "volume"),
    *(f"--env={key}" for key in environment),
    found["Image"],
    env=os.environ | environment,
)
docker("start", name)
"""


def docker(*arguments: str) -> str:
    """Have the controller's engine do something."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def private_address(container: str) -> str:
    """Where a host is in the network that it has in common with others on this machine."""
    return docker("inspect", "--format={{.NetworkSettings.Networks.bridge.IPAddress}}", container)


@contextmanager
def second_host(stack: str, first: LoadHost | Host, folder: Path, *, cpus: str = "0,1") -> Generator[LoadHost]:
    """A host like that of a stack, with an SSH key of its own; it is removed at the end.

    Args:
        stack: the lab's name, whose host's container it is made like.
        first: the lab's host, whose user's key may log in there as well.
        folder: for its key and its file of known hosts.
        cpus: what it may run on.
    """
    model, name = f"fairground-{stack}-host", f"fairground-second-{uuid.uuid4().hex[:8]}"
    host = first.host if isinstance(first, LoadHost) else first
    port = free_port()
    memory = docker("inspect", "--format={{.HostConfig.Memory}}", model)
    docker(
        *("create", f"--name={name}", f"--publish=127.0.0.1:{port}:22", f"--cpuset-cpus={cpus}", f"--memory={memory}"),
        *("--cap-add=ALL", "--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup"),
        "--volume=/var/lib/docker",
        *(f"--cap-drop={one}" for one in ("SYS_BOOT", "SYS_MODULE", "SYS_RAWIO", "SYS_RESOURCE", "SYS_TIME")),
        *(f"--security-opt={one}=unconfined" for one in ("seccomp", "apparmor", "systempaths")),
        docker("inspect", "--format={{.Image}}", model),
    )
    try:
        for path in ("/etc/ssh/ssh_host_ed25519_key", "/root/.ssh/authorized_keys"):
            copied = folder / f"{name}-{Path(path).name}"
            docker("cp", f"{model}:{path}", str(copied))
            docker("cp", str(copied), f"{name}:{path}")
            copied.unlink()
        docker("start", name)
        known_hosts = folder / f"{name}-known_hosts"
        known_hosts.write_text(f"[127.0.0.1]:{port} {host.host_public_key}\n")
        known_hosts.chmod(0o600)
        numbers = sorted(map(int, cpus.split(",")))
        yield LoadHost.model_validate(
            {
                "host": host.model_copy(update={"port": port, "known_hosts_path": str(known_hosts)}).model_dump(),
                "size": {"cpus": tuple(numbers), "memory_bytes": int(memory), "smaller": True},
                # On one machine they are CPUs of the lab's host as well: the first of these is an API's.
                "generator": tuple(numbers[1:]),
                "system": tuple(numbers[:1]),
            }
        )
    finally:
        docker("rm", "--force", "--volumes", name)


def install_iperf3(host: Host) -> None:
    """Have iperf3 on a host."""
    with connect(host) as connection:
        command = "command -v iperf3 || (apt-get update && apt-get install --yes --no-install-recommends iperf3)"
        _done(connection.run(command, deadline_seconds=_SETTING_UP_SECONDS, check=False))


@contextmanager
def apis_at(connection: Connection, apis: Sequence[ApiService], address: str) -> Generator[None]:
    """The APIs in containers like their own, but listening at that address of the host."""
    with ExitStack() as rest:
        for api in apis:
            kept = f"{api.container}-at-home"
            move = ["python3", "-I", "-c", _MOVE, api.container, kept, address]
            back = f"docker rm --force {api.container} && docker rename {kept} {api.container} && "
            back += f"docker start {api.container}"
            rest.callback(connection.run, back, deadline_seconds=_SETTING_UP_SECONDS)
            _done(connection.run(move, deadline_seconds=_SETTING_UP_SECONDS, check=False))
        yield


def with_load_hosts(inventory: Inventory, load_hosts: Sequence[LoadHost], address: str) -> Inventory:
    """The inventory as one whose load comes from these hosts."""
    changes = {
        "cores": inventory.cores.model_dump() | {"generator": ()},
        "load_hosts": tuple(one.model_dump() for one in load_hosts),
        "api_address": address,
    }
    return Inventory.model_validate(inventory.model_dump() | changes)


def _done(completed: Completed) -> None:
    assert completed.exit_status == 0, completed.stderr
