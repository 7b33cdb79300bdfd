"""The lab's Debian base image: pulled if possible, otherwise bootstrapped from Debian's packages."""

import fcntl
import hashlib
import signal
import subprocess
from pathlib import Path
from typing import NamedTuple

from documents.errors import HostError, LabError
from provision.payload import HOME
from provision.ssh import SHA256, Completed, Connection, matching
from provision.system import packages
from provision.system.changes import ChangeJournal

SCRIPT = Path(__file__).parents[1] / "scripts" / "base_image.sh"

TRUST_ANCHORS = Path("/usr/local/share/ca-certificates")
"""Where Debian and Ubuntu keep the certificates that the controller trusts besides the public ones."""

_REMOTE_ANCHORS = f"{HOME}/trust-anchors"
_DEADLINE_SECONDS = 900
_GRACE_SECONDS = 10

_ENDED = frozenset({124, -signal.SIGKILL})
"""The exit statuses of `timeout` after its deadline: the second one once it has killed its process group and itself."""

_BOOTSTRAP_IS_MISSING = 69
_BOOTSTRAP_PACKAGES = ("mmdebstrap", "debian-archive-keyring")


class BaseImage(NamedTuple):
    """A base image: its id, and whether it was ``pulled`` or ``bootstrapped``."""

    id: str
    origin: str


def base_image_tag(image: str, stack: str) -> str:
    """A name that changes with the base's image, the trust anchors and the script that builds it."""
    digest = hashlib.sha256(image.encode())
    for path in (SCRIPT, *trust_anchors()):
        digest.update(path.read_bytes())
    return f"fairground-{stack}-base:{digest.hexdigest()[:12]}"


def trust_anchors() -> list[Path]:
    """The controller's own trust anchors, in the order of their names."""
    return sorted(TRUST_ANCHORS.glob("*.crt"))


def make_base_image_here(image: str, tag: str) -> BaseImage:
    """Create the base on the controller's Docker engine.

    Raises:
        LabError: it can be neither pulled nor bootstrapped, or takes too long; says why and what to do.
    """
    # Its deadline ends the script's children too; SIGTERM, so that the script removes what it has made so far.
    bounded = ["timeout", f"--kill-after={_GRACE_SECONDS}", str(_DEADLINE_SECONDS)]
    script = ["sh", str(SCRIPT), image, tag, str(TRUST_ANCHORS)]
    with SCRIPT.open("r+") as locked:
        # Of labs that go up at once, the first makes it and the others take it.
        fcntl.flock(locked, fcntl.LOCK_EX)
        done = subprocess.run([*bounded, *script], capture_output=True, text=True, check=False)
    if done.returncode in _ENDED:
        raise LabError(
            f"The base image {image} wasn't made within {_DEADLINE_SECONDS} s and the attempt was ended. Check the "
            "network, then run `lab up` again."
        )
    if done.returncode:
        raise LabError(done.stderr.strip() or f"The base image {image} can't be made: {SCRIPT.name} said nothing.")
    return _parse(done.stdout, "the controller")


def make_base_image_on_host(connection: Connection, image: str, tag: str) -> BaseImage:
    """Create the base on the host's Docker engine, with the controller's trust anchors.

    Raises:
        HostError: it can be neither pulled nor bootstrapped; the message says why and what to do.
    """
    connection.run(["mkdir", "-p", _REMOTE_ANCHORS], deadline_seconds=20)
    for anchor in trust_anchors():
        connection.push(anchor, f"{_REMOTE_ANCHORS}/{anchor.name}")
    done = _run_script(connection, image, tag)
    if done.exit_status == _BOOTSTRAP_IS_MISSING:
        packages.install(connection, _BOOTSTRAP_PACKAGES, ChangeJournal(connection))
        done = _run_script(connection, image, tag)
    if done.exit_status:
        raise HostError(done.stderr.strip() or f"The base image {image} can't be made: {SCRIPT.name} said nothing.")
    return _parse(done.stdout, connection)


def _run_script(connection: Connection, image: str, tag: str) -> Completed:
    return connection.run(
        ["sh", "-s", "--", image, tag, _REMOTE_ANCHORS],
        input=SCRIPT.read_text(encoding="utf-8"),
        deadline_seconds=_DEADLINE_SECONDS,
        check=False,
    )


def _parse(output: str, where: object) -> BaseImage:
    last = output.strip().rpartition("\n")[2]
    found = matching(rf"(sha256:{SHA256}) (pulled|bootstrapped)", last, what="the base image that it made", where=where)
    return BaseImage(found[1], found[2])
