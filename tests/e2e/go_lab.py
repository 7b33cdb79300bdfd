"""A lab of its own for tests of whole runs that go on beside other tests: the Go API as the large one has built it.

It is in it twice, and a third time behind something that slows it down. What else is at work on the machine voids none
of its cells, so nothing can be said there of how fast an API is.
"""

import shutil

from lab.lifecycle.lifecycle import read_lab
from provision.connection import connect
from tests.conftest import ROOT, LiveLab
from tests.e2e.lab_run import API
from tests.e2e.scratch import Scratch

GO_LAB = "e2e-go"

BASE, SAME, SLOWED = API, "go-same", "go-slowed"

DOCKERFILE = """
FROM scratch
COPY --chmod=0755 api /api
COPY --chown=65532:65532 uploads /uploads
ENV UPLOAD_DIR=/uploads
USER 65532:65532
ENTRYPOINT ["/api"]
"""

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


class GoLab:
    """The lab, and what tests do with it.

    Args:
        scratch: the small lab that becomes it.
        built_by: the lab whose build of the API it takes.
    """

    def __init__(self, scratch: Scratch, built_by: LiveLab) -> None:
        self.scratch = scratch
        built, slowed = (scratch.sources / name for name in ("built", "slowed"))
        self._sources = {BASE: built, SAME: built, SLOWED: slowed}
        shutil.rmtree(built, ignore_errors=True)
        (built / "uploads").mkdir(parents=True)
        (built / "uploads" / "empty").touch()
        binary = "/tmp/fairground-go-lab-api"  # noqa: S108 - on the lab's host, and removed at once
        with connect(built_by.inventory.host) as host:
            host.run(["docker", "cp", f"{built_by.inventory.api(API).container}:/api", binary], deadline_seconds=60)
            host.pull(binary, built / "api")
            host.run(["rm", binary], deadline_seconds=30)
        shutil.copytree(built, slowed, dirs_exist_ok=True)
        (built / "Dockerfile").write_text(DOCKERFILE)
        (slowed / "Dockerfile").write_text(DOCKERFILE_SLOWED)
        (slowed / "slowed").write_text(SLOW_DOWN)

    def up(self, *, shared_buffers: str = "128MB") -> None:
        """Stand it up, with this setting of its PostgreSQL."""
        self.scratch.describe(
            {
                "host": {"kind": "container", "cpus": 2, "memory_gb": 4, "ssh_port": self.scratch.ssh_port},
                "services": {"postgres": {"settings": {"shared_buffers": shared_buffers}}},
                "apis": [
                    {"name": name, "source": str(source.relative_to(ROOT)), "port": 18080 + number}
                    for number, (name, source) in enumerate(self._sources.items())
                ],
            }
        )
        self.scratch.up()

    def as_it_stands(self) -> LiveLab:
        """The lab as tests of the large one have it."""
        return LiveLab(self.scratch.name, *read_lab(self.scratch.engine))
