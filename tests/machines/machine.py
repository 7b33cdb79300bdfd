"""A machine-like container: systemd, sshd, a user with sudo, a Redis of its own on 6379, and an engine or none.

It is made by the test and not by the lab, on a Debian that the test chooses, and boots as a machine does: systemd is
its first process and starts what its packages enabled. It has a tree of cgroups and a network of its own, and its whole
/var is a volume, as a machine's is a disk. Its image stays for the next time, as those of the other tests do.
"""

import hashlib
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from documents.lab.host import Host
from lab.resources.access import list_known_hosts
from provision.system.base_image import trust_anchors
from tests.docker import docker, making
from tests.ssh.services import STACK
from tests.ssh.sshd import make_key, public_half
from tests.ssh.waiting import wait_until

HERE = Path(__file__).parent

COMMON_PACKAGES = (
    *("ca-certificates", "dbus", "iproute2", "libpam-systemd", "nftables", "openssh-server", "procps", "redis-server"),
    *("sudo", "systemd-sysv"),
)
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

CAPABILITIES = ("--cap-add=ALL", *(f"--cap-drop={name}" for name in ("SYS_BOOT", "SYS_MODULE", "SYS_RAWIO")))
UNCONFINED = tuple(f"--security-opt={option}=unconfined" for option in ("seccomp", "apparmor", "systempaths"))


@dataclass(frozen=True)
class MachineKind:
    """A Debian release, and what its administrator installed on it."""

    release: str
    packages: tuple[str, ...] = ()


_BUILD_SECONDS = 1_800
_BOOT_SECONDS = 60

WITHOUT_ENGINE = MachineKind("trixie")
WITH_OLDER_ENGINE = MachineKind("bookworm", ("docker.io",))


class Machine:
    """A machine that runs while the context is open.

    It is reached at its address on Docker's bridge, which only this machine is on.
    """

    def __init__(self, kind: MachineKind, folder: Path) -> None:
        self.name = f"{STACK}-machine-{secrets.token_hex(4)}"
        self.host_key, self.user_key = make_key(folder / "host_key"), make_key(folder / "user_key")
        try:
            docker(
                *("create", f"--name={self.name}", f"--label=org.fairground.stack={STACK}"),
                *(*CAPABILITIES, "--cap-drop=SYS_RESOURCE", "--cap-drop=SYS_TIME", *UNCONFINED, "--cgroupns=private"),
                *("--volume=/var", "--memory=4g", "--memory-swap=4g", "--sysctl=net.ipv4.ip_forward=0"),
                build(kind),
            )
            # Its sshd ends at once where it finds no key.
            docker("cp", str(self.host_key), f"{self.name}:/etc/ssh/ssh_host_ed25519_key")
            docker("cp", f"{self.user_key}.pub", f"{self.name}:/etc/ssh/authorized_keys")
            docker("start", self.name)
            wait_until(self._has_booted, _BOOT_SECONDS)
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.remove()

    @property
    def address(self) -> str:
        return docker("inspect", "--format", "{{.NetworkSettings.IPAddress}}", self.name)

    @property
    def host_public_key(self) -> str:
        return public_half(self.host_key).strip()

    def host(self, folder: Path, user: str = "root") -> Host:
        """The machine as a host that is reached as this user; its key is pinned in the folder."""
        host = Host(
            kind="ssh",
            address=self.address,
            port=22,
            user=user,
            private_key_path=str(self.user_key),
            known_hosts_path=str(folder / "known_hosts"),
            host_public_key=self.host_public_key,
            sudo=user != "root",
        )
        Path(host.known_hosts_path).write_text(list_known_hosts(host))
        return host

    def run(self, *command: str) -> str:
        """Run a command that must succeed, as the machine's administrator at its console."""
        return docker("exec", self.name, *command)

    def shell(self, script: str) -> str:
        """Run a shell script that must succeed."""
        return self.run("sh", "-euc", script)

    def has_at_work(self, unit: str) -> bool:
        """Whether a unit of its systemd is active."""
        command = ["docker", "exec", self.name, "systemctl", "--quiet", "is-active", unit]
        return subprocess.run(command, check=False).returncode == 0

    def start_engine(self) -> None:
        """Start its engine, however often it was started in the last minute."""
        self.shell("systemctl reset-failed docker.service docker.socket && systemctl start docker.service")

    @contextmanager
    def another_host_key(self) -> Generator[str]:
        """Have it show another host key while the context is open, like one that was set up again; yields that."""
        key, kept, another = "/etc/ssh/ssh_host_ed25519_key", "/run/kept-key", "/run/another-key"
        self.shell(
            f"ssh-keygen -q -t ed25519 -N '' -f {another}\n"
            f"cp -p {key} {kept} && cp {another} {key} && systemctl restart ssh"
        )
        try:
            yield " ".join(self.run("cat", f"{another}.pub").split()[:2])
        finally:
            self.shell(f"cp -p {kept} {key} && rm {kept} {another} {another}.pub && systemctl restart ssh")

    def put_engine_to_work(self) -> None:
        """Have its engine run a container with a volume, and have it build an image, all of its administrator's."""
        self.shell(
            "cd /usr/lib/x86_64-linux-gnu && tar -c -C / bin lib lib64 usr/lib64 usr/bin/sleep "
            "${PWD#/}/libc.so.6 ${PWD#/}/ld-linux-x86-64.so.2 | docker import - own:1\n"
            "docker run --detach --name own --network host --volume own-data:/data own:1 /usr/bin/sleep 86400\n"
            'mkdir -p /srv/own && printf \'FROM own:1\\nRUN ["/usr/bin/sleep", "0"]\\n\' >/srv/own/Dockerfile\n'
            "DOCKER_BUILDKIT=1 docker build --quiet --network host --tag own:2 /srv/own"
        )

    def _has_booted(self) -> bool:
        """Whether its boot has ended; one in which a unit failed is no boot to test on."""
        command = ["docker", "exec", self.name, "systemctl", "is-system-running"]
        state = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
        assert state != "degraded", self.shell("systemctl list-units --failed --plain; journalctl --boot --no-pager")
        return state == "running"

    def remove(self) -> None:
        """Take it away."""
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, check=False)


def build(kind: MachineKind) -> str:
    """The machine's image, bootstrapped from Debian's packages unless it was before; returns its name."""
    contents = [kind.release, *COMMON_PACKAGES, *kind.packages]
    digest = hashlib.sha256(" ".join(contents).encode())
    for path in (HERE / "Dockerfile", HERE / "before-boot", *trust_anchors()):
        digest.update(path.read_bytes())
    tag = f"{STACK}-machine:{digest.hexdigest()[:12]}"
    with making(tag):
        if not docker("images", "--quiet", tag):
            _make(tag, kind)
    return tag


def _make(tag: str, kind: MachineKind) -> None:
    root_tag = f"{tag}-root"
    with tempfile.TemporaryDirectory(prefix="fairground-machine-") as folder:
        root = Path(folder) / "root.tar"
        included = ",".join((*COMMON_PACKAGES, *kind.packages))
        subprocess.run(
            [
                *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={included}", f"--keyring={KEYRING}"),
                *(kind.release, str(root)),
            ],
            check=True,
            capture_output=True,
        )
        docker("import", str(root), root_tag, timeout=_BUILD_SECONDS)
        context = Path(folder) / "context"
        (context / "anchors").mkdir(parents=True)
        for anchor in trust_anchors():
            shutil.copy(anchor, context / "anchors")
        for name in ("Dockerfile", "before-boot"):
            shutil.copy(HERE / name, context)
        docker(
            *("build", "--quiet", f"--build-arg=ROOT={root_tag}", f"--label=org.fairground.stack={STACK}"),
            *(f"--tag={tag}", str(context)),
            timeout=_BUILD_SECONDS,
        )
        docker("image", "rm", root_tag)
