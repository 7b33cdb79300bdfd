"""Debian's packages on a host: installed for the lab, and removed again.

Only packages that weren't there count as installed for the lab. One that apt upgrades in the process stays upgraded.
"""

import logging
import re
import shlex
from collections.abc import Collection, Mapping, Sequence

from tenacity import Retrying, before_sleep_log, retry_if_exception_message, stop_before_delay, wait_fixed

from documents.errors import HostError, RemoteCommandError
from provision.payload import HOME
from provision.ssh import Completed, Connection, matching
from provision.system import engine
from provision.system.changes import ChangeJournal

_logger = logging.getLogger(__name__)

_LOCK_SECONDS = 300

_APT = (
    # On Ubuntu, apt calls needrestart, which would restart services of the host that use an upgraded library.
    *("env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1"),
    *("apt-get", "--quiet", f"--option=DPkg::Lock::Timeout={_LOCK_SECONDS}"),
    # A configuration that the administrator wrote before the installation is kept.
    *("--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold"),
)
_APT_DEADLINE_SECONDS = 900
_DEADLINE_SECONDS = 60

_LOCKED = r"(?s).*Unable to lock directory"
"""apt's message if another apt fetches lists or packages, as the daily one does soon after a boot. For the other lock,
dpkg's, it waits by itself."""

_NEW = re.compile(r"^Inst (\S+) \(", re.MULTILINE)
"""A line of a simulated installation; for an upgrade it has the old version before the new one."""

_CHANGED = re.compile(r"^..5\S* c /(\S+)$", re.MULTILINE)
"""A line of `dpkg --verify` for a changed configuration file."""

_ASIDE = f"{HOME}/configuration.tar"

_NO_MORE_THAN_NEEDED = (
    "--option=APT::AutoRemove::RecommendsImportant=false",
    "--option=APT::AutoRemove::SuggestsImportant=false",
)

_REMOVED = re.compile(r"^(?:Purg|Remv) (\S+)", re.MULTILINE)

ENGINE_PACKAGE = "docker.io"

ENGINE_FOLDERS = (
    *("/etc/docker", engine.CONFIGURATION, "/opt/containerd", "/var/lib/containerd", "/var/lib/docker"),
    *("/run/containerd", "/run/docker", "/run/docker.sock", "/run/runc"),
)
"""The folders that an engine creates and its package leaves behind, and its configuration, which the lab writes."""

ENGINE_GROUP = "docker"


def install(connection: Connection, packages: Sequence[str], journal: ChangeJournal) -> None:
    """Install packages; each new one is noted before its installation, and no other package is removed for it.

    Args:
        connection: to the host.
        packages: each a name, or alternatives such as ``one | other``, of which the first in the release counts.
        journal: of the host's changes.

    Raises:
        HostError: the host isn't Debian or Ubuntu, or a package isn't available, or it conflicts with an installed one.
    """
    if not packages:
        return
    if not connection.run("command -v apt-get", deadline_seconds=_DEADLINE_SECONDS, check=False).stdout:
        raise HostError(
            f"{connection} lacks {', '.join(packages)}, and has no apt-get to install them with. "
            "Use a Debian or Ubuntu host, or install them there by hand."
        )
    _logger.info("%s lacks %s: installing", connection, ", ".join(packages))
    try:
        _run_apt(connection, ["update"])
        command = ["install", "--yes", "--no-install-recommends", "--no-remove"]
        command += [_available(connection, package) for package in packages]
        names = tuple(_NEW.findall(_run_apt(connection, [*command, "--simulate"]).stdout))
        _note(connection, names, journal)
        if ENGINE_PACKAGE in names:
            engine.configure(connection)
        _run_apt(connection, command)
    except RemoteCommandError as error:
        raise HostError(
            f"{', '.join(packages)} couldn't be installed on {connection}: {error} "
            "Check the host's package sources and its network, and whether it has something that conflicts with them."
        ) from error


def purge(connection: Connection, packages: Collection[str]) -> Mapping[str, tuple[str, ...]]:
    """Remove packages with their configuration, except those that other software on the host now needs.

    Returns:
        The remaining packages, each with all packages that need it.

    Raises:
        HostError: apt refused.
    """
    removable = _installed(connection, packages)
    needed: dict[str, tuple[str, ...]] = {}
    try:
        if others := _others(connection, removable, packages):
            unneeded = _unneeded(connection, removable)
            needed = {name: others for name in removable if name not in unneeded}
            removable = [name for name in removable if name in unneeded]
        if removable:
            _set_aside(connection, removable)
            _run_apt(connection, ["purge", "--yes", *removable])
        restore = f"[ ! -e {_ASIDE} ] || {{ tar -C / -xpf {_ASIDE} && rm -f {_ASIDE}; }}"
        connection.run(restore, deadline_seconds=_DEADLINE_SECONDS)
    except RemoteCommandError as error:
        raise HostError(
            f"The packages that the lab installed on {connection} can't be removed: {error} See what apt says there, "
            "then run `lab down` again."
        ) from error
    return needed


def wait_for_apt(connection: Connection) -> None:
    """Wait until no apt installs or removes packages on the host: it goes on there if a controller is killed.

    Raises:
        HostError: it takes too long, or apt refuses.
    """
    try:
        # Without a package to install it takes apt's lock, and releases it.
        _run_apt(connection, ["install", "--yes"])
    except RemoteCommandError as error:
        raise HostError(
            f"apt on {connection} can't be used: {error} See what it does there, then try again."
        ) from error


def _set_aside(connection: Connection, packages: Sequence[str]) -> None:
    """Save the changed configuration files of the packages: they are the administrator's."""
    verified = connection.run(["dpkg", "--verify", *packages], deadline_seconds=_DEADLINE_SECONDS, check=False).stdout
    if changed := _CHANGED.findall(verified):
        archive = shlex.join(["tar", "-C", "/", "-cpf", f"{_ASIDE}.part", "--ignore-failed-read", *changed])
        connection.run(
            f"[ -e {_ASIDE} ] || {{ {archive} && mv {_ASIDE}.part {_ASIDE}; }}", deadline_seconds=_DEADLINE_SECONDS
        )


def _run_apt(connection: Connection, arguments: Sequence[str]) -> Completed:
    """Run apt-get as root, and wait while another one runs on the host."""
    retrying = Retrying(
        retry=retry_if_exception_message(match=_LOCKED),
        stop=stop_before_delay(_LOCK_SECONDS),
        wait=wait_fixed(2),
        before_sleep=before_sleep_log(_logger, logging.INFO),
        reraise=True,
    )
    return retrying(connection.run, [*_APT, *arguments], deadline_seconds=_APT_DEADLINE_SECONDS)


def _note(connection: Connection, names: tuple[str, ...], journal: ChangeJournal) -> None:
    if journal.is_kept and ENGINE_PACKAGE in names:
        absent = connection.run(
            f"for path in {' '.join(ENGINE_FOLDERS)}; do [ -e $path ] || echo $path; done",
            deadline_seconds=_DEADLINE_SECONDS,
        ).stdout.split()
        known = connection.run(["getent", "group", ENGINE_GROUP], deadline_seconds=_DEADLINE_SECONDS, check=False)
        groups = () if known.stdout else (ENGINE_GROUP,)
        journal.note(packages=names, folders=tuple(absent), groups=groups)
    else:
        journal.note(packages=names)


def _available(connection: Connection, alternatives: str) -> str:
    """The first of several package names that the host's release has; otherwise the last, so that apt reports it."""
    names = alternatives.split(" | ")
    for name in names:
        shown = connection.run(["apt-cache", "show", "--quiet=1", name], deadline_seconds=60, check=False)
        if shown.exit_status == 0 and shown.stdout.strip():
            return name
    return names[-1]


def _installed(connection: Connection, packages: Collection[str]) -> list[str]:
    """The packages that are installed, or whose configuration exists."""
    listing = shlex.join(["dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\\n", *packages])
    lines = connection.run(f"{listing} 2>/dev/null || :", deadline_seconds=_DEADLINE_SECONDS).stdout.splitlines()
    found = [matching(r"([a-z-]+) (\S+)", line, what="the state of a package", where=connection) for line in lines]
    return [one[2] for one in found if one[1] != "not-installed"]


def _unneeded(connection: Connection, names: Sequence[str]) -> set[str]:
    """The packages that nothing else depends on, as apt finds them among those that weren't requested by name."""
    connection.run(["apt-mark", "auto", *names], deadline_seconds=_DEADLINE_SECONDS)
    simulated = _run_apt(connection, [*_NO_MORE_THAN_NEEDED, "autoremove", "--simulate"]).stdout
    return set(_REMOVED.findall(simulated)).intersection(names)


def _others(connection: Connection, names: Sequence[str], packages: Collection[str]) -> tuple[str, ...]:
    """The packages that would be removed too, although they weren't installed for the lab."""
    if not names:
        return ()
    simulated = _run_apt(connection, ["purge", "--simulate", *names]).stdout
    return tuple(sorted(set(_REMOVED.findall(simulated)).difference(packages)))
