"""A small lab to be killed, broken and taken down: its document is written for it and removed with it.

Its API is an echo of a few lines of Perl, which every Debian base has, so that all of it stands within seconds of its
base. It has one CPU and 2 GB, so that there is a CPU, and memory, outside of it.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from cli.context import open_engine
from documents.lab.inventory import STACK_LABEL, Inventory
from lab.lifecycle import read_lab
from lab.lifecycle.state import read_state
from provision.ssh.connection import Connection
from tests.conftest import LAB, ROOT, run_lab
from tests.docker import docker
from tests.ports import free_port
from tests.ssh.waiting import wait_until

NAME = "e2e-small"
HOST = f"fairground-{NAME}-host"

DOCKERFILE = """
ARG BASE
FROM ${BASE}
COPY api /api
ENTRYPOINT ["perl", "/api"]
"""

PROGRAM_DOCKERFILE = """
FROM scratch
COPY --chmod=0755 {program} /{program}
COPY --chown=65532:65532 uploads /uploads
ENV UPLOAD_DIR=/uploads
USER 65532:65532
ENTRYPOINT ["/{program}"]
"""

API = r"""
use strict;
use IO::Socket::INET;
$SIG{TERM} = sub { exit 0 };
my $server = IO::Socket::INET->new(LocalAddr => $ENV{HOST}, LocalPort => $ENV{PORT}, Listen => 16, ReuseAddr => 1)
    or die "cannot listen: $!\n";
while (my $client = $server->accept) {
    while (my $line = <$client>) { last if $line =~ /^\r?\n$/ }
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $client;
}
"""

KILLED = ["error: pulumi up was ended by the signal SIGKILL; the same command continues from there."]
INTERRUPTED = ["interrupted: finished work is kept; the same command continues from there."]
"""What `lab up` prints on its standard error after either end."""

Finished = subprocess.CompletedProcess[str]


class Scratch:
    """A small lab's stack: its document, the sources of its APIs, and what can be done to it."""

    def __init__(self, name: str = NAME) -> None:
        self.name = name
        self.engine = open_engine(name)
        self.document = ROOT / "stacks" / f"{self.name}.yaml"
        self.sources = ROOT / ".lab" / self.name
        self.ssh_folder = ROOT / ".lab" / "stacks" / self.name / "hosts" / "container"
        self.ssh_port = free_port()
        self._stands_as: bytes | None = None
        self.describe()

    def describe(
        self,
        changes: Mapping[str, object] | None = None,
        *,
        dockerfile: str = DOCKERFILE,
        build_cache: str = "keep",
        apis: Sequence[str] = ("echo",),
    ) -> None:
        """Write the APIs' sources and the document, with `changes` to the document's first level."""
        for name in apis:
            source = self.sources / name
            source.mkdir(parents=True, exist_ok=True)
            (source / "Dockerfile").write_text(dockerfile)
            (source / "api").write_text(f"# {name}\n{API}")
        document: dict[str, object] = {
            "version": 1,
            "name": self.name,
            "host": {
                "kind": "container",
                "cpus": 1,
                "memory_gb": 2,
                "ssh_port": self.ssh_port,
                "build_cache": build_cache,
            },
            "services": {"postgres": {"settings": {"shared_buffers": "128MB"}}},
            "apis": [
                {"name": name, "source": str((self.sources / name).relative_to(ROOT)), "port": 18080 + number}
                for number, name in enumerate(apis)
            ],
        }
        self.document.write_text(yaml.safe_dump(document | dict(changes or {}), sort_keys=False))

    def lab(self, command: str, *arguments: str) -> Finished:
        """Run a subcommand of `lab` on this lab."""
        return run_lab([command, *arguments, "--stack", self.name])

    def refusal(self, command: str, *arguments: str) -> str:
        """The one line that a subcommand ends with when it fails as it must: with the status 1."""
        done = self.lab(command, *arguments)
        assert done.returncode == 1, done.stdout + done.stderr
        (line,) = done.stderr.splitlines()
        return line.removeprefix("error: ")

    def standing(self, *, only_looked_at: bool = False) -> Inventory:
        """The lab as it is described; stood up only where the last test didn't leave it so.

        The test may damage it, so the next test runs `up` first. With `only_looked_at`, it doesn't.
        """
        inventory = self.inventory() if self.stands() else self.up()
        if not only_looked_at:
            self.distrust()
        return inventory

    def stands(self) -> bool:
        """Whether the last `up` vouches for it that the lab is as it is described."""
        return self._stands_as == self.described()

    def trust(self, described: bytes | None) -> None:
        """Have an `up` vouch for the lab as it was described; none does where that is None."""
        self._stands_as = described

    def distrust(self) -> None:
        """Have the next test that wants the lab standing stand it up, however it stands now."""
        self.trust(None)

    def up(self) -> Inventory:
        """Stand it up as it is described."""
        self.distrust()
        described = self.described()
        done = self.lab("up")
        assert done.returncode == 0, done.stdout + done.stderr
        self.trust(described)
        return self.inventory()

    def described(self) -> bytes:
        """The document, and all that its APIs are made of."""
        files = sorted(path for path in self.sources.rglob("*") if path.is_file())
        return b"\0".join([self.document.read_bytes(), *(str(path).encode() + path.read_bytes() for path in files)])

    def up_clean(self) -> None:
        """Stand it up; afterwards a preview has nothing to do."""
        self.up()
        preview = self.pulumi("preview", "--expect-no-changes")
        assert preview.returncode == 0, preview.stdout

    def inventory(self) -> Inventory:
        """The lab as it stands."""
        return read_lab(self.engine)[0]

    def down(self, *arguments: str) -> list[str]:
        """Take it down, and return the receipt."""
        self.distrust()
        done = self.lab("down", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        return [line.strip() for line in lines[lines.index(f"Receipt for the lab {self.name}:") + 1 :]]

    def down_if_up(self) -> None:
        """Take it down where something of it stands or is on record."""
        if read_state(self.engine).resources:
            self.down()

    def pulumi(self, *arguments: str) -> Finished:
        """Run a plain `pulumi` command on it, as a user does without `lab`: in a shell with `. ./env`."""
        return subprocess.run(
            ["pulumi", *arguments, "--stack", self.name, "--non-interactive", "--color", "never"],
            cwd=ROOT,
            env=dict(self.engine.environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def begin_up(self, moment: str) -> "subprocess.Popen[str]":
        """Start `lab up` and return while it is at `moment`, such as ``creating postgres (``."""
        self.distrust()
        process = subprocess.Popen(
            # Tests that run in a shell's background ignore the interrupt, and so would what they start.
            ["env", "--default-signal=INT", LAB, "up", "--stack", self.name],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if moment in line:
                return process
        raise AssertionError(f"{moment!r} never came: {''.join(lines)}{process.communicate()[1]}")

    def kill_engine(self) -> None:
        """Kill the Pulumi engine that is at work on this lab, as the kernel does when memory runs out."""
        (lock,) = self.locks()
        os.kill(int(json.loads(lock.read_text())["pid"]), signal.SIGKILL)

    def locks(self) -> list[Path]:
        """The locks of Pulumi's backend on this stack."""
        return list((ROOT / ".lab" / "state").rglob(f"locks/**/{self.name}/*.json"))

    def discard(self) -> None:
        """Take down what is left, cache included, such as that of tests that were killed."""
        self.describe(build_cache="discard")
        self.down()
        self.describe()

    def remove(self) -> None:
        """Take down what is left, and forget the stack."""
        self.discard()
        self.forget_stack()

    def remove_record(self) -> None:
        """Remove what Pulumi has on record; `pulumi stack rm` would also deselect the checkout's own stack."""
        for path in list((ROOT / ".lab" / "state").rglob(f"{self.name}*")):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def forget_stack(self) -> None:
        """Forget the stack of a lab that is down, and remove its document and sources."""
        self.remove_record()
        self.document.unlink()
        (ROOT / f"Pulumi.{self.name}.yaml").unlink(missing_ok=True)
        shutil.rmtree(self.sources)
        if self.engine.stack_folder.exists():
            shutil.rmtree(self.engine.stack_folder)


def lay_program(host: Connection, container: str, program: str, folder: Path) -> None:
    """Make a folder the sources of an image of a program, which is copied from a container on a host."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "uploads").mkdir(parents=True)
    (folder / "uploads" / "empty").touch()
    (folder / "Dockerfile").write_text(PROGRAM_DOCKERFILE.format(program=program))
    place = f"/tmp/fairground-{folder.name}-{program}"  # noqa: S108 - on the lab's host, and removed at once
    try:
        host.run(["docker", "cp", f"{container}:/{program}", place], deadline_seconds=60)
        host.pull(place, folder / program)
    finally:
        host.run(["rm", "-f", place], deadline_seconds=60)


def slow_build(seconds: int) -> str:
    """A Dockerfile whose build takes so long, and is in no cache."""
    return f"{DOCKERFILE}RUN sleep {seconds} && echo {time.time_ns()}\n"


def finish(process: "subprocess.Popen[str]") -> tuple[int, list[str]]:
    """Wait for the end of `lab`: its exit status, and the lines on its standard error."""
    _, errors = process.communicate(timeout=120)
    return process.returncode, errors.splitlines()


def on_host(*command: str) -> str:
    """Run a command that must succeed on the scratch lab's host."""
    return docker("exec", HOST, *command)


def await_container(name: str, *, on: tuple[str, ...] = ()) -> None:
    """Wait until a container of that name is there, whoever made it; `on` is how to reach another engine."""
    wait_until(lambda: bool(docker(*on, "ps", "--all", "--quiet", "--filter", f"name=^{name}$")), 60, what=name)


def left_on_engine(stack: str = NAME) -> list[str]:
    """All on the controller's engine that has a small lab's name in its own, or its label."""
    listings = {
        "container": ("ps", "--all", "--format", "{{.ID}} {{.Names}}"),
        "image": ("images", "--format", "{{.ID}} {{.Repository}}:{{.Tag}}"),
        "volume": ("volume", "ls", "--format", "{{.Name}} {{.Name}}"),
        "network": ("network", "ls", "--format", "{{.ID}} {{.Name}}"),
    }
    found: set[str] = set()
    for kind, listing in listings.items():
        labelled = docker(*listing, "--filter", f"label={STACK_LABEL}={stack}").splitlines()
        named = [line for line in docker(*listing).splitlines() if stack in line]
        found |= {f"{kind} {line.partition(' ')[2]}" for line in (*labelled, *named)}
    return sorted(found)
