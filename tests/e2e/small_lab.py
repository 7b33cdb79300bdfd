"""The small lab: one stack that tests stand up in four shapes, one after the other, by changing its document alone.

1. `describe()`: a container with an echo of a few lines, to be killed, broken and taken down (`scratch.py`).
2. `describe_go()`: a container with the Go API as the lab of the tests has built it, the same build a second time, and
   that build behind something that slows it down; for whole runs.
3. `describe_go(..., load_hosts=1)`: the same with load hosts.
4. `describe_go(..., host=on_machine(...))`: the same on a machine that the lab didn't make.

What else is at work on the machine voids none of its cells, so nothing can be said there of how fast an API is. What
its host built stays for the next time.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

from documents.lab.inventory import Inventory
from lab.lifecycle import read_lab
from lab.lifecycle.state import is_recorded, read_state
from provision.ssh.connection import connect
from tests.conftest import LAB, ROOT, LiveLab
from tests.e2e.lab_run import API
from tests.e2e.scratch import Finished, Scratch, lay_program, left_on_engine
from tests.machines.machine import Machine
from tests.ports import free_port

BASE, SAME, SLOWED = API, "go-same", "go-slowed"

DOCKERFILE_SLOWED = """
ARG BASE
FROM ${BASE}
COPY --chmod=0755 api /api
COPY slowed /slowed
COPY --chown=65532:65532 uploads /uploads
ENV UPLOAD_DIR=/uploads
USER 65532:65532
ENTRYPOINT ["perl", "/slowed"]
"""

SLOW_DOWN = r"""
use strict;
use IO::Select;
use IO::Socket::INET;
my ($address, $port) = @ENV{qw(HOST PORT)};
@ENV{qw(HOST PORT)} = ("127.0.0.1", $port + 1000);
my $api = fork // die "cannot fork: $!\n";
if (!$api) { exec "/api" or die "cannot run /api: $!\n" }
$SIG{TERM} = $SIG{INT} = sub { exit 0 };
$SIG{CHLD} = "IGNORE";
my $server = IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port, Listen => 128, ReuseAddr => 1)
    or die "cannot listen: $!\n";
while (my $client = $server->accept) {
    next if fork;
    my $behind = IO::Socket::INET->new(PeerAddr => $ENV{HOST}, PeerPort => $ENV{PORT}) or exit 1;
    my $both = IO::Select->new($client, $behind);
    while (1) {
        for my $from ($both->can_read) {
            exit 0 unless sysread $from, my $octets, 65_536;
            select undef, undef, undef, 0.1 if $from == $client;
            syswrite $from == $client ? $behind : $client, $octets;
        }
    }
}
"""
"""Hands each request on a tenth of a second late: no neighbour makes up for that."""


class SmallLab(Scratch):
    """The lab, and what tests do with it.

    Args:
        built_by: the lab whose build of the API it takes, once that is asked for.
    """

    def __init__(self, built_by: Callable[[], LiveLab]) -> None:
        super().__init__()
        if any(thing.startswith("container ") for thing in left_on_engine()) and not is_recorded(self.engine):
            # Tests in another checkout were killed.
            self.down()
        self._built_by = built_by
        self._load_ports = [free_port() for _ in range(2)]

    @cached_property
    def _go(self) -> dict[str, Path]:
        """The folder of each build; they are made when the first of them is asked for."""
        built, slowed = (self.sources / name for name in ("built", "slowed"))
        inventory = self._built_by().inventory
        with connect(inventory.host) as host:
            lay_program(host, inventory.api(API).container, "api", built)
        shutil.rmtree(slowed, ignore_errors=True)
        shutil.copytree(built, slowed)
        (slowed / "Dockerfile").write_text(DOCKERFILE_SLOWED)
        (slowed / "slowed").write_text(SLOW_DOWN)
        return {BASE: built, SAME: built, SLOWED: slowed}

    def describe_go(
        self,
        *names: str,
        load_hosts: int = 0,
        host: Mapping[str, object] | None = None,
    ) -> None:
        """Write the document of a lab with these of the builds, all of them unless given.

        Args:
            names: of the builds.
            load_hosts: how many it has.
            host: another host than the container.
        """
        container = {"kind": "container", "cpus": 2, "memory_gb": 4, "ssh_port": self.ssh_port, "build_cache": "keep"}
        self.describe(
            {
                "host": host or container,
                "load_host": [{"kind": "container", "ssh_port": port} for port in self._load_ports[:load_hosts]],
                "services": {"postgres": {"settings": {"shared_buffers": "128MB"}}},
                "apis": [
                    {"name": name, "source": str(self._go[name].relative_to(ROOT)), "port": 18080 + number}
                    for number, name in enumerate(names or (BASE, SAME, SLOWED))
                ],
            }
        )

    def as_it_stands(self) -> LiveLab:
        """The lab as tests of the large one have it."""
        return LiveLab(self.name, *read_lab(self.engine))

    def up_at_terminal(self, answer: str) -> Finished:
        """Run `lab up` at a terminal, where its question is answered; both streams come out as one."""
        self.distrust()
        described = self.described()
        done = subprocess.run(
            ["script", "--quiet", "--return", "--command", f"{LAB} up --stack {self.name}", "/dev/null"],
            cwd=ROOT,
            input=f"{answer}\n",
            env=os.environ | {"COLUMNS": "500"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        self.trust(described if done.returncode == 0 else None)
        return done

    def forget(self) -> None:
        """Lose the record, as with a state that was deleted."""
        self.distrust()
        shutil.rmtree(self.engine.stack_folder, ignore_errors=True)
        self.remove_record()

    def leave(self) -> None:
        """Take down what a test that failed left on a machine, before that goes; all of it may be gone already."""
        if read_state(self.engine).resources:
            self.lab("down", "--adopt", "--yes")
        self.describe()

    def end(self) -> None:
        """Take it down, and forget it except for what its host built."""
        self.describe()
        self.down_if_up()
        self.forget_stack()


def on_machine(machine: Machine, **changes: object) -> dict[str, object]:
    """The document of a host that is a machine, with these changes; what is None isn't in it."""
    document: dict[str, object] = {
        "kind": "ssh",
        "address": machine.address,
        "private_key": str(machine.user_key),
        "host_key": machine.host_public_key,
        **changes,
    }
    return {key: value for key, value in document.items() if value is not None}


def but_for_its_host(inventory: Inventory) -> dict[str, object]:
    """An inventory without its host and what is the host's own."""
    document = inventory.model_dump(mode="json")
    for member in ("host", "size", "own_kernel"):
        del document[member]
    return document
