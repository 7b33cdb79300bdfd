"""Machines that the lab didn't make, and all of them as they were found: what tests of a reservation share."""

import io
import secrets
import tarfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from documents.lab.inventory import STACK_LABEL
from documents.stack.hosts import SshHost
from documents.stack.stack import Stack
from provision.images import build
from provision.load import jobs
from provision.reservation import reserve
from provision.ssh.connection import Connection, connect
from provision.system import preparation
from provision.system.engine import find_labelled_on_host
from tests.machines.machine import Machine
from tests.machines.snapshot import Snapshot

STACK = "reserved"
LAB = "ssh-ed25519 ONE"


class Found:
    """A machine, and all of it as it was found."""

    def __init__(self, machine: Machine, folder: Path, *, user: str, has_engine: bool) -> None:
        self.machine = machine
        self.host = machine.host(folder, user)
        machine.run("redis-cli", "set", "mine", "precious")
        connect(self.host).close()
        self.snapshot = Snapshot(machine, has_engine=has_engine)


@contextmanager
def reserved(found: Found, lab: str = LAB) -> Generator[Connection]:
    """A connection to a machine that is reserved and prepared."""
    with connect(found.host) as connection:
        reserve(connection, STACK, lab)
        preparation.prepare(connection)
        if found.host.user != "root":
            preparation.let_user_reach_engine(connection, found.host.user)
        yield connection


def use(connection: Connection, found: Found) -> None:
    """Make on the host what a lab makes there."""
    build_image(connection, STACK)
    connection.run(
        f"docker volume create --label {STACK_LABEL}={STACK} lab-data && "
        f"docker create --label {STACK_LABEL}={STACK} --volume lab-data:/data --name lab lab:1 /nothing",
        deadline_seconds=60,
    )
    connection.run(["mkdir", "-p", "/var/lib/fairground/run"], deadline_seconds=10)
    jobs.start(connection, "/var/lib/fairground/run/load", ["sleep", "3600"], deadline_seconds=3600)
    assert {thing.kind for thing in find_labelled_on_host(connection, STACK)} == {"container", "image", "volume"}
    assert found.snapshot.changed()


def build_image(connection: Connection, stack: str) -> None:
    """Build an image of a lab."""
    builder = build.find_builder(connection)
    assert builder is not None
    command = [*builder, "--network=host", "--tag=lab:1", f"--label={STACK_LABEL}={stack}", "-"]
    connection.run(command, input=own_context(), deadline_seconds=120)


def own_context() -> bytes:
    """A build context whose image no other build makes."""
    dockerfile = f"FROM scratch\nCOPY Dockerfile /{secrets.token_hex(8)}\n".encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(dockerfile)
        archive.addfile(entry, io.BytesIO(dockerfile))
    return packed.getvalue()


def install_own_tool(machine: Machine, relation: str) -> None:
    """Have the machine's administrator install a package of their own, which stands in this relation to another."""
    control = f"Package: own-tool\nVersion: 1\nArchitecture: all\nMaintainer: own\nDescription: own\n{relation}\n"
    machine.shell(
        f"mkdir -p /srv/tool/DEBIAN && printf '{control}' >/srv/tool/DEBIAN/control\n"
        "dpkg-deb --build /srv/tool /srv/tool.deb && dpkg --install /srv/tool.deb && rm -r /srv/tool /srv/tool.deb"
    )


def purge(machine: Machine, *names: str) -> None:
    """Have the machine's administrator remove packages, and what came with them."""
    machine.shell(f"DEBIAN_FRONTEND=noninteractive apt-get -qq purge --yes --autoremove {' '.join(names)} >/dev/null")


def described(found: Found) -> tuple[Stack, SshHost]:
    """The document of a lab on the machine, and its host."""
    host = SshHost(
        kind="ssh",
        address=found.host.address,
        user=found.host.user,
        private_key=found.host.private_key_path,
        host_key=found.host.host_public_key,
    )
    api = {"name": "echo", "source": "apis/echo", "port": 18080}
    stack = Stack.model_validate({"version": 1, "name": STACK, "host": host.model_dump(), "apis": (api,)})
    return stack, host
