"""The parts of the lab below the APIs that a run varies: PostgreSQL's settings, and the CPUs of each role."""

from collections.abc import Collection

from documents.errors import HostError
from documents.lab import ApiService, Inventory, PostgresService
from provision.containers import control
from provision.services import VariantContainer, variants
from provision.ssh import Connection
from provision.system import pinning


class Arrangement:
    """PostgreSQL and the core layout for the API under test; the declared ones until `arrange`.

    If subjects differ in PostgreSQL's settings, PostgreSQL is restarted for every cell. Otherwise some cells would have
    a server that has just started, and others one with full buffers.
    """

    def __init__(self, connection: Connection, inventory: Inventory) -> None:
        """Begin with the declared lab."""
        self._connection = connection
        self._inventory = inventory
        self._containers: tuple[str, ...] = ()
        self._confines = False
        self.postgres = inventory.postgres
        self.cores = inventory.cores

    @property
    def starts_postgres(self) -> bool:
        """Whether PostgreSQL is restarted for each cell, possibly in another container."""
        return bool(self._containers)

    def make(self, subjects: Collection[ApiService]) -> None:
        """Create the containers of all variants, with no API running, and start each PostgreSQL once.

        So a setting that PostgreSQL refuses ends the run at once, and not cell by cell.

        Raises:
            HostError: one can't be created, or a PostgreSQL doesn't start with its settings; says why.
        """
        inventory = self._inventory
        of_apis = [
            VariantContainer(
                name=api.container,
                of=inventory.api(varied.api).container,
                cpus=inventory.cores_of(api).cpu_list("api"),
                environment=varied.environment,
            )
            for api in subjects
            if (varied := api.varied) is not None
        ]
        if not of_apis:
            return
        servers = {server.container: server for server in map(inventory.postgres_of, subjects)}
        servers.pop(inventory.postgres.container, None)
        of_servers = [
            VariantContainer(
                name=server.container,
                of=inventory.postgres.container,
                cpus=inventory.cores.cpu_list("postgres"),
                settings=server.settings,
            )
            for server in servers.values()
        ]
        variants.make(self._connection, [*of_apis, *of_servers])
        self._confines = any(inventory.cores_of(api) != inventory.cores for api in subjects)
        if not servers:
            return
        self._containers = (inventory.postgres.container, *servers)
        for server in servers.values():
            self._switch(server)
            if wrong := variants.wrong_settings(self._connection, server):
                raise HostError(
                    f"PostgreSQL in {server.container} on {self._connection} doesn't run with the settings of its "
                    f"variant: {' '.join(wrong)} Correct `postgres` of that variant in the protocol."
                )
        self._switch(inventory.postgres)

    def arrange(self, api: ApiService) -> list[str]:
        """Set PostgreSQL and the CPUs for an API; returns a sentence for each part that differs afterwards.

        Raises:
            HostError: PostgreSQL doesn't start, or the host refuses.
        """
        server, self.cores = self._inventory.postgres_of(api), self._inventory.cores_of(api)
        if self._confines:
            variants.set_container_cpus(
                self._connection, variants.cpus_of_services(server, self._inventory, self.cores)
            )
        if not self.starts_postgres:
            return []
        self._switch(server)
        return variants.wrong_settings(self._connection, server)

    def undo(self) -> None:
        """Remove all containers of variants, also those of a killed run, and restore the declared lab."""
        inventory = self._inventory
        removed = variants.remove(self._connection, inventory)
        self._containers, self._confines = (), False
        self.postgres, self.cores = inventory.postgres, inventory.cores
        if removed:
            # Processes that were pinned within another layout stay there, although their container has all its CPUs.
            pinning.apply(
                self._connection,
                inventory.cores,
                {name: control.cgroup(self._connection, one.container) for name, one in inventory.services.items()},
                system_commands=(),
            )

    def _switch(self, server: PostgresService) -> None:
        variants.switch_postgres(self._connection, server, self._containers)
        self.postgres = server
