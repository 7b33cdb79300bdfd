"""The conditions of a run, and how two runs' conditions differ.

The conditions are: the host, which of its knobs were controlled, its size for the lab and its core layout, the load
hosts with their identities and CPUs, the protocol, the requests, the schema and seed of the database, PostgreSQL and
Redis with their images and settings, and the tools. The subject may differ: an API's image, sources and environment,
the measured APIs, and their variants. Core layout and PostgreSQL settings of a variant that both runs have are
conditions. Facts that change no number aren't: the host's address, names of containers, ports, the stack's name, and
the time of the run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from documents.lab import SERVICES, CoreLayout, HostSize, Inventory, LoadHost
from documents.run import HostRecord, KnobRecord, Manifest, Protocol, differences_of

_Flat = dict[str, str]
"""Conditions by their names in sentences."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of a run: its manifest and its host's record."""

    manifest: Manifest
    host: HostRecord


def differences(first: Conditions, second: Conditions) -> tuple[str, ...]:
    """The conditions in which two runs differ, a sentence each: ``PostgreSQL setting work_mem: 8MB and 64MB``.

    A run whose host changed during it differs from every run, because its host has no single identity.

    Returns:
        The sentences, without a full stop; empty if the runs are comparable.
    """
    runs = (first.manifest, second.manifest)
    inventories = tuple(run.inventory for run in runs)
    return (
        *_between(*({"host kind": inventory.host.kind} for inventory in inventories)),
        *first.host.before.changes(second.host.before),
        *(sentence for run in (first, second) for sentence in _changes_during(run)),
        *_between(*(_control(run.host.knobs) for run in (first, second))),
        *_between(*(_size(inventory.size) | _cores(inventory.cores) for inventory in inventories)),
        *_between(*(_protocol(run.protocol) for run in runs)),
        *_between(*({f"requests of {name}": sha256 for name, sha256 in run.requests_sha256.items()} for run in runs)),
        *_between(*map(_services, inventories)),
        *_variants(*runs),
        *_between(*(_tools(run.tool_versions) for run in runs)),
        *_load_hosts(first, second),
    )


def _variants(first: Manifest, second: Manifest) -> Iterator[str]:
    """Differences of the variants in both runs, except their environment, and whether PostgreSQL was varied."""
    inventories = first.inventory, second.inventory
    started = ("yes" if _starts_postgres(inventory) else "no" for inventory in inventories)
    yield from _between(*({"PostgreSQL restarted for each cell": restarts} for restarts in started))
    names = [{api.name for api in one.apis} for one in inventories]
    for api in first.inventory.apis:
        if api.name in names[0] & names[1]:
            yield from _between(*(_below(one, api.name) for one in inventories))


def _starts_postgres(inventory: Inventory) -> bool:
    return any(api.varied is not None and api.varied.postgres for api in inventory.apis)


def _below(inventory: Inventory, name: str) -> _Flat:
    """A variant's core layout and PostgreSQL settings, as far as they differ from the lab's."""
    varied = inventory.api(name).varied
    if varied is None:
        return {}
    cores = {} if varied.cores is None else _cores(varied.cores)
    settings = {f"PostgreSQL setting {setting}": value for setting, value in sorted(varied.postgres.items())}
    return {f"{what} of {name}": value for what, value in {**cores, **settings}.items()}


def _load_hosts(first: Conditions, second: Conditions) -> Iterator[str]:
    """Differences of the load hosts: their number, CPUs, and identities. The network shows in the numbers."""
    inventories = first.manifest.inventory, second.manifest.inventory
    yield from _between(*({"number of load hosts": _text(len(one.load_hosts))} for one in inventories))
    both = zip(*(one.load_hosts for one in inventories), strict=False)
    for number, hosts in enumerate(both, start=1):
        yield from _between(*(_load_host(number, host) for host in hosts))
    records = zip(first.host.load_hosts, second.host.load_hosts, strict=False)
    for number, (then, now) in enumerate(records, start=1):
        for change in then.before.identity.changes(now.before.identity):
            yield f"of load host {number} {change}"


def _load_host(number: int, host: LoadHost) -> _Flat:
    return {
        f"kind of load host {number}": host.host.kind,
        f"generator's CPUs of load host {number}": _text(host.generator),
        f"system's CPUs of load host {number}": _text(host.system),
    }


def _changes_during(run: Conditions) -> Iterator[str]:
    if run.host.after is not None:
        for change in run.host.before.changes(run.host.after):
            yield f"during {run.manifest.run_id}, {change}"
    for number, load_host in enumerate(run.host.load_hosts, start=1):
        if load_host.after is not None:
            for change in load_host.before.identity.changes(load_host.after.identity):
                yield f"during {run.manifest.run_id}, of load host {number} {change}"


def _between(first: _Flat, second: _Flat) -> Iterator[str]:
    for name, then, now in differences_of(first, second):
        yield f"{name}: {then} and {now}"


def _control(knobs: Sequence[KnobRecord]) -> _Flat:
    """Whether each knob was controlled. The values of the others are in the host's identity."""
    return {f"whether {knob.name} was controlled": "yes" if knob.controlled else "no" for knob in knobs}


def _size(size: HostSize) -> _Flat:
    return {
        "CPUs of the lab": _text(size.cpus),
        "memory of the lab": _text(size.memory_bytes),
        "cores shared with other tenants": "yes" if size.shared_cores else "no",
    }


def _cores(cores: CoreLayout) -> _Flat:
    return {f"CPUs of {role}": _text(value) for role, value in cores.model_dump(exclude={"shared"}).items()}


def _protocol(protocol: Protocol) -> _Flat:
    members = protocol.model_dump(exclude={"scenarios", "open_loop", "version", "apis", "vary"})
    flat = {f"protocol's {name.replace('_', ' ')}": _text(value) for name, value in members.items()}
    if protocol.open_loop is not None:
        for name, value in protocol.open_loop.model_dump().items():
            flat[f"open loop's {name.replace('_', ' ')}"] = _text(value)
    for scenario in protocol.scenarios:
        for name, value in scenario.model_dump(exclude={"name"}).items():
            flat[f"load {scenario.name}, {name.replace('_', ' ')}"] = _text(value)
    return flat


def _services(inventory: Inventory) -> _Flat:
    flat = {"schema and seed of the database": inventory.contract_sha256}
    for name, service in inventory.services.items():
        flat[f"{SERVICES[name]}'s image"] = service.image_id
        flat |= {f"{SERVICES[name]} setting {setting}": value for setting, value in sorted(service.settings.items())}
    return flat


def _tools(versions: Mapping[str, str]) -> _Flat:
    # The kernel is part of the host's identity.
    return {f"version of {tool}": version for tool, version in sorted(versions.items()) if tool != "kernel"}


def _text(value: object) -> str:
    return ",".join(map(_text, cast("Sequence[object]", value))) if isinstance(value, (tuple, list)) else str(value)
