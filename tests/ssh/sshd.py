"""A throw-away sshd from Debian's package on a free loopback port, with keys of its own; no system file is touched."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from documents.lab.host import Host
from provision.system.preparation import SSHD_LIMITS
from tests.ports import free_port
from tests.ssh.waiting import HANGING_SECONDS, wait_until

_PATH = f"{Path(sys.executable).resolve().parent}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The interpreter comes first, as `python3` may be a script that looks for one.

bash reads ~/.bashrc at each command that sshd starts, unless SHLVL says that another shell did. What stands there isn't
the tests', and may take 0.3 s."""


class Sshd:
    """One sshd in a folder of its own. It may be started, stopped and started again on the same port.

    It takes as many commands at once as on a prepared host. A session counts until its process is gone, which may be
    after its answer.
    """

    def __init__(self, folder: Path, *, options: str = "", sftp_server: str = "internal-sftp") -> None:
        self.folder = folder
        self.port = free_port()
        self.host_key = make_key(folder / "host_key")
        self.user_key = make_key(folder / "user_key")
        self.known_hosts = folder / "known_hosts"
        (folder / "authorized_keys").write_text(public_half(self.user_key))
        self.pin(self.host_key)
        (folder / "sshd_config").write_text(
            f"""
            Port {self.port}
            ListenAddress 127.0.0.1
            HostKey {self.host_key}
            PidFile {folder / "sshd.pid"}
            AuthorizedKeysFile {folder / "authorized_keys"}
            StrictModes no
            UsePAM no
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            PermitRootLogin prohibit-password
            LogLevel VERBOSE
            Subsystem sftp {sftp_server}
            MaxSessions {SSHD_LIMITS["maxsessions"]}
            SetEnv SHLVL=1 PATH={_PATH}
            {options}
            """
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> Host:
        return Host(
            kind="ssh",
            address="127.0.0.1",
            port=self.port,
            user="root",
            private_key_path=str(self.user_key),
            known_hosts_path=str(self.known_hosts),
            host_public_key=public_half(self.host_key).strip(),
        )

    @property
    def log(self) -> str:
        return (self.folder / "sshd.log").read_text()

    def pin(self, key: Path) -> None:
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {public_half(key)}")

    def start(self) -> None:
        """Start it, and wait until it listens: OpenSSH, unlike `connect`, doesn't try again."""
        # sshd refuses to start without its empty privilege separation folder, which Debian's unit makes at boot.
        Path("/run/sshd").mkdir(exist_ok=True)
        self._process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-E", self.folder / "sshd.log", "-f", self.folder / "sshd_config"],
            stdin=subprocess.DEVNULL,
        )
        try:
            wait_until(self._listens)
        except AssertionError as error:
            error.add_note(f"sshd's log: {self.log}")
            raise

    def _listens(self) -> bool:
        """sshd writes its process into its file once it listens; a connection would leave traces in its log."""
        assert self._process is not None
        assert self._process.poll() is None, "it has ended"
        written = self.folder / "sshd.pid"
        return written.exists() and written.read_text() == f"{self.process_id}\n"

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(HANGING_SECONDS)
            self._process = None

    @property
    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def session_processes(self) -> list[int]:
        """The process of each session that is open, children of the listening sshd."""
        if self._process is None:
            return []
        found = subprocess.run(
            ["pgrep", "--parent", str(self._process.pid)], capture_output=True, text=True, check=False
        )
        return [int(line) for line in found.stdout.split()]

    def freeze_sessions(self) -> None:
        """Stop what serves the open sessions: the kernel still takes what is sent, and nobody reads or answers it."""
        self._signal_sessions(signal.SIGSTOP)

    def thaw_sessions(self) -> None:
        """Let frozen sessions go on."""
        self._signal_sessions(signal.SIGCONT)

    def kill_sessions(self) -> None:
        """Kill what serves the open sessions, as a crash would; the listening sshd and the users' commands live on."""
        self._signal_sessions(signal.SIGKILL)

    def _signal_sessions(self, number: signal.Signals) -> None:
        """Signal the processes of `session_processes`, and sshd's own children of them."""
        found = self.session_processes()
        for pid in tuple(found):
            children = subprocess.run(
                ["pgrep", "--parent", str(pid), "sshd"], capture_output=True, text=True, check=False
            )
            found += [int(line) for line in children.stdout.split()]
        for pid in found:
            # sshd's process and its child end each other, so the second may be gone before its turn.
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def make_key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True)
    return path


def public_half(key: Path) -> str:
    return " ".join(key.with_name(f"{key.name}.pub").read_text().split()) + "\n"


@contextmanager
def running_sshd(folder: Path) -> Generator[Sshd]:
    """An sshd in a folder that is made for it; it runs while the context is open."""
    folder.mkdir()
    server = Sshd(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
