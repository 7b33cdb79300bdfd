"""The lab's container as a stand-in for a host with a kernel of its own.

Its kernel is this machine's, so the files that are set are a stand-in.
"""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict

from documents.lab.host import Host
from provision.kernel.tuning import KnobPaths
from provision.ssh.connection import Connection, connect
from tests.e2e.own_host_lab import BEGINNING_SECONDS, LEASE_SECONDS
from tests.ssh.waiting import wait_until
from tests.unit.provision.settings_stand_in import UNTOUCHED, UNTOUCHED_SETTINGS, chosen

FOLDER = "/var/lib/fairground/stand-in"
PATHS = KnobPaths(root=f"{FOLDER}/root", state=f"{FOLDER}/knobs", program=f"{FOLDER}/kernel.py")

_LAY = """
import json, pathlib, sys
for name, text in json.load(sys.stdin).items():
    path = pathlib.Path(sys.argv[1], name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\\n")
"""
_SHOW = """
import json, pathlib, sys
print(json.dumps({name: pathlib.Path(sys.argv[1], name).read_text() for name in json.load(sys.stdin)}))
"""


class OwnHost:
    """What a test asks of the host, each time on a new connection: sshd may have been restarted since the last."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def lab(self, host: Host | None = None) -> list[str]:
        """The command that is run as `lab`; the host is reached as `host` says, as the lab does unless given."""
        own = (host or self.host).model_copy(update={"kind": "ssh"})
        changes = {"host": own.model_dump(mode="json"), "paths": asdict(PATHS)}
        return [sys.executable, "-m", "tests.e2e.own_host_lab", json.dumps(changes)]

    def settings(self) -> dict[str, str]:
        """The host's settings, by their files."""
        with connect(self.host) as connection:
            return {name: chosen(text) for name, text in json.loads(_with_files(connection, _SHOW)).items()}

    def left(self) -> list[str]:
        """What of journal and lease is left."""
        with connect(self.host) as connection:
            found = connection.run(["ls", PATHS.state], deadline_seconds=30).stdout.split()
        return [name for name in found if not name.endswith("lock")]

    def wait_until_put_back(self, expected_seconds: float) -> None:
        """Wait until the host itself has put back what a run had set, whose cell was to take that long.

        A run that was killed before it had begun one took more time for it.
        """
        lease_seconds = max(expected_seconds + LEASE_SECONDS, BEGINNING_SECONDS)
        wait_until(lambda: self.settings() == UNTOUCHED_SETTINGS, lease_seconds + 30)
        wait_until(lambda: self.left() == [])


@contextmanager
def stand_in_on(host: Host) -> Generator[OwnHost]:
    """The host with a stand-in for its kernel's files, which is removed at the end."""
    with connect(host) as connection:
        _with_files(connection, _LAY)
    yield OwnHost(host)
    with connect(host) as connection:
        connection.run(["rm", "-rf", "--", FOLDER], deadline_seconds=30)


def _with_files(connection: Connection, script: str) -> str:
    command = ["python3", "-I", "-c", script, PATHS.root]
    return connection.run(command, input=json.dumps(UNTOUCHED), deadline_seconds=30).stdout
