"""The load hosts of a lab as a whole: held, read, tuned and cleared together with the lab's host."""

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager

from analysis.report import hardware_differences
from documents.errors import RunError
from documents.lab import LoadHost
from documents.run import HostRecord, KnobRecord, LoadHostLook
from experiment.bench import host_folder, run_lock
from provision.kernel import KnobPaths, knobs, tuning
from provision.load import network
from provision.ssh import Connection
from provision.system import identity, pinning, preparation


class LoadHosts:
    """Operations on all load hosts of a lab, which may have none."""

    def __init__(
        self, lab: Connection, address: str, hosts: Sequence[tuple[LoadHost, Connection]], *, paths: KnobPaths
    ) -> None:
        """Prepare them.

        Args:
            lab: to the lab's host.
            address: where the APIs listen.
            hosts: the load hosts, each with its connection.
            paths: the paths of the kernel's files and of the lab's journal of them on each host.
        """
        self._lab = lab
        self._address = address
        self._hosts = hosts
        self._paths = paths

    @contextmanager
    def hold(self, work: str) -> Generator[None]:
        """Hold them all; see `Bench.hold`."""
        with ExitStack() as held:
            for _, connection in self._hosts:
                held.enter_context(run_lock.held(connection, work))
            yield

    def clear(self) -> None:
        """See `Bench.clear`."""
        self._on_each_in_turn(lambda _, connection: host_folder.clear(connection))

    def look(self) -> tuple[LoadHostLook, ...]:
        """See `Bench.look_at_load_hosts`."""
        return tuple(
            LoadHostLook(
                identity=identity.read_identity(connection),
                network=network.measure(self._lab, connection, self._address),
            )
            for _, connection in self._hosts
        )

    def read_wrk_version(self, otherwise: str) -> str:
        """The version of the wrk that makes the load: that of the load hosts, if there are any.

        Raises:
            RunError: they have different versions.
        """
        versions = {preparation.read_wrk_version(connection) for _, connection in self._hosts} or {otherwise}
        if len(versions) > 1:
            raise RunError(
                f"The load hosts have different versions of wrk: {', '.join(sorted(versions))}. Give them the same."
            )
        return versions.pop()

    def tune(self, *, seconds: float) -> tuple[KnobRecord, ...]:
        """See `Bench.tune`; the name of each knob includes the number of its load host."""
        return self._named(
            [
                tuning.tune(connection, knobs.load_host_knobs(host), seconds=seconds, paths=self._paths)
                if host.own_kernel
                else tuning.read(connection, knobs.load_host_knobs(host), settable=False, paths=self._paths)
                for host, connection in self._hosts
            ]
        )

    def renew(self, *, seconds: float) -> None:
        """See `Bench.renew`."""
        for host, connection in self._hosts:
            if host.own_kernel:
                tuning.renew(connection, seconds=seconds, paths=self._paths)

    def read_knobs(self) -> tuple[KnobRecord, ...]:
        """See `Bench.read_knobs`."""
        return self._named(
            [
                tuning.read(connection, knobs.load_host_knobs(host), settable=host.own_kernel, paths=self._paths)
                for host, connection in self._hosts
            ]
        )

    def untune(self) -> None:
        """See `Bench.untune`."""

        def untune_one(host: LoadHost, connection: Connection) -> None:
            if host.own_kernel:
                tuning.restore(connection, paths=self._paths)

        self._on_each_in_turn(untune_one)

    def pin(self) -> None:
        """Move the hosts' own work off the generators' CPUs."""
        for host, connection in self._hosts:
            pinning.confine(connection, host.system)

    def release(self) -> None:
        """Let the hosts' own work run on all CPUs again."""
        self._on_each_in_turn(lambda host, connection: pinning.confine(connection, host.size.cpus))

    def _on_each_in_turn(self, act: Callable[[LoadHost, Connection], None]) -> None:
        """Do this on every host. The failure of one is raised after the others are done."""
        with ExitStack() as rest:
            for host, connection in reversed(self._hosts):
                rest.callback(act, host, connection)

    def _named(self, found: Sequence[tuple[KnobRecord, ...]]) -> tuple[KnobRecord, ...]:
        return tuple(
            record.model_copy(update={"name": f"{record.name} of load host {number}"})
            for number, records in enumerate(found, start=1)
            for record in records
        )


def require_identical(host: HostRecord) -> None:
    """Refuse a run with a load host whose hardware differs from that of the lab's host.

    Raises:
        RunError: one differs; names the differences.
    """
    found = [
        f"load host {number} ({'; '.join(differences)})"
        for number, load_host in enumerate(host.load_hosts, start=1)
        if (differences := hardware_differences(host.before, load_host.before.identity))
    ]
    if found:
        raise RunError(
            f"Not every load host is identical to the lab's host: {', '.join(found)}. The lab "
            "assumes that it can make as much load as the lab's host could: use one of the same kind."
        )
