"""Checks before anything is created: a free port, room on the disk, an engine, and the cost of a cloud."""

import errno
import importlib.metadata
import math
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from documents.errors import LabError
from documents.stack import Bill, CloudHost, Stack
from lab.hosts import CLOUDS, missing_extra
from lab.lifecycle.engine import has_plugin
from provision.containers import LOCAL_DOCKER, find_labelled


@dataclass(frozen=True)
class Cost:
    """The cost of the machines of a bill.

    Attributes:
        bill: the machines, with the price of one.
        per_hour: the cost of all of them for an hour, in the bill's currency.
        hours: how many begin before the lab expires; a cloud may charge a begun hour as a whole one.
        total: the cost of these hours.
    """

    bill: Bill
    per_hour: float
    hours: int
    total: float


def cost_until_expiry(bill: Bill, now: datetime) -> Cost:
    """What the machines cost from now until they expire.

    Raises:
        LabError: they have expired.
    """
    if bill.expires <= now:
        raise LabError(
            f"This lab expired at {moment(bill.expires)}: its host's `expires` has passed. Take it down by "
            "`lab down --expired`, or give its document a later moment."
        )
    hours = math.ceil((bill.expires - now) / timedelta(hours=1))
    per_hour = bill.machines * bill.price_per_hour.amount
    return Cost(bill=bill, per_hour=per_hour, hours=hours, total=per_hour * hours)


def cost_lines(stack: str, cost: Cost) -> Iterator[str]:
    """The cost, in whole sentences."""
    bill, currency = cost.bill, cost.bill.price_per_hour.currency
    machines = "1 machine" if bill.machines == 1 else f"{bill.machines} machines"
    each = "" if bill.machines == 1 else f", {_amount(bill.price_per_hour.amount)} {currency} each"
    yield (
        f"The lab {stack} has {machines} at {bill.kind}, {bill.machine_type} in {bill.place}: "
        f"{_amount(cost.per_hour)} {currency} an hour{each}."
    )
    hours = "1 hour begins" if cost.hours == 1 else f"{cost.hours:,} hours begin"
    yield (
        f"Until it expires, at {moment(bill.expires)}, {hours}: "
        f"{_amount(cost.total)} {currency}. The price is the document's own, and traffic isn't in it."
    )
    yield "It costs money until it is taken down by `lab down`, or by `lab down --expired` once it has expired."


def moment(when: datetime) -> str:
    """A moment in UTC, to the minute: ``2026-12-01 18:00 UTC``."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _amount(amount: float) -> str:
    """An amount of money with two to four decimals."""
    return re.sub(r"0{1,2}$", "", f"{amount:,.4f}")


_NEEDED_GIB = 7
"""Measured with an empty engine: base 0.1, host image 0.7, and on the host 4.7 of build caches, 0.9 of images and 0.1
of data. The rest is room for a run's files."""


def check_machine(stack: Stack, root: Path) -> None:
    """Refuse early what would fail late on the controller, if the lab's host is created on it.

    Raises:
        LabError: Docker doesn't answer, the SSH port is taken, or the disk has too little room; says what to do.
    """
    if stack.host.kind != "container":
        return
    engine_folder = _engine_folder()
    running = any(thing.kind == "container" for thing in find_labelled(LOCAL_DOCKER, stack.name))
    if not running:
        for port in (stack.host.ssh_port, *(one.ssh_port for one in stack.load_host if one.kind == "container")):
            _check_port(port, stack.name)
        for folder in {engine_folder, root}:
            _check_room(folder)


def _engine_folder() -> Path:
    try:
        return Path(LOCAL_DOCKER.run("info", "--format", "{{.DockerRootDir}}").strip())
    except LabError as error:
        raise LabError(f"The Docker engine can't be used: {error} `make setup` installs and starts one.") from error


def _check_port(port: int, stack: str) -> None:
    with socket.socket() as probe:
        # Connections that just ended don't count; a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise LabError(
                f"Port {port} on 127.0.0.1 is taken by another program; end that, or give the host another "
                f"ssh_port in stacks/{stack}.yaml."
            ) from error


def _check_room(folder: Path) -> None:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1024**3
    if free < _NEEDED_GIB:
        raise LabError(
            f"The disk of {folder} has {free:.1f} GiB free, and the lab needs {_NEEDED_GIB} GiB; make room and try "
            "again."
        )


def check_cloud(host: CloudHost, *, environment: Mapping[str, str], now: datetime) -> None:
    """Refuse early what would fail late, or would be created for an expired lab. `environment` is Pulumi's.

    Raises:
        LabError: the lab has expired; the kind's Python package or its provider's plugin isn't installed; or there are
            no credentials of the cloud. Says what to do; names variables, never their values.
    """
    cost_until_expiry(host.bill(1), now)
    package, credentials = CLOUDS[host.kind]
    plugin = package.removeprefix("pulumi-")
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise missing_extra(host.kind) from error
    if not has_plugin(plugin, version, environment):
        raise LabError(
            f"The Pulumi engine has no plugin {plugin} {version}, which makes hosts of the kind {host.kind}. It "
            "comes from the vendor alone; where that can be reached, run: "
            f". ./env && pulumi plugin install resource {plugin} {version}"
        )
    if not any(all(environment.get(name) for name in names) for names in credentials):
        alternatives = ", or ".join(" and ".join(names) for names in credentials)
        raise LabError(
            f"There are no credentials for a host of the kind {host.kind}: set {alternatives} in the environment of "
            "this command."
        )
