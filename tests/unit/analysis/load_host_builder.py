"""Makes a run whose load came from load hosts, with known content."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from analysis.raw.load_hosts import CLOCKS_NAME, load_host_file, merge
from analysis.raw.recordings import Window
from documents.lab.host import CoreLayout
from documents.lab.inventory import Inventory, LoadHost
from documents.run.protocol import Cell
from documents.run.records import (
    Bandwidth,
    CellClocks,
    CellRecord,
    ClockReading,
    ClockReadings,
    HostIdentity,
    HostRecord,
    LoadHostLook,
    LoadHostRecord,
    Manifest,
    Network,
    RoundTrips,
)
from documents.run.window import SampledRole, WrkResult
from tests.unit.analysis.run_builder import (
    CONTROLLED,
    GOLDEN_SCENARIOS,
    START_NS,
    Role,
    samples_csv,
    write_cell,
    write_run,
    wrk_result,
)
from tests.unit.analysis.watch_builder import Happening, jsonl, spins_of, ticks_of

SECOND_NS = 1_000_000_000
CORES = CoreLayout(api=(0, 1, 2), postgres=(3, 4), redis=(5,), generator=(), system=(5, 6, 7), shared=False)
ON_LOAD_HOST = CoreLayout(api=(0,), postgres=(1,), redis=(5,), generator=(6, 7), system=(5,), shared=False)
"""For the ticks of a load host: its generator has the CPUs 6 and 7."""

OFFSET_NS = 4_000 * SECOND_NS
"""How far the clock of the lab's host is ahead of the load hosts'."""

NETWORK = Network(
    round_trips=RoundTrips(count=3_000, minimum_us=20.0, median_us=30.0, p99_us=90.0, maximum_us=400.0),
    clock=ClockReading(at_ns=START_NS - OFFSET_NS, offset_ns=OFFSET_NS, wall_offset_ns=-1_500_000, delay_ns=20_000),
    bandwidth=Bandwidth(tool="iperf 3.18", seconds=2, to_apis=9e9, from_apis=8e9),
)

LOAD_HOST = LoadHost.model_validate(
    {
        "host": {
            "kind": "ssh",
            "address": "192.0.2.7",
            "port": 22,
            "user": "root",
            "private_key_path": "key",
            "known_hosts_path": "known_hosts",
            "host_public_key": "ssh-ed25519 AAAA",
        },
        "size": {"cpus": tuple(range(8)), "memory_bytes": 16 * 2**30, "smaller": False},
        "own_kernel": True,
        "generator": (6, 7),
        "system": (5,),
    }
)


def with_load_hosts(inventory: Inventory, count: int = 1) -> Inventory:
    """The inventory with this number of load hosts."""
    changes = {
        "cores": CORES.model_dump(),
        "load_hosts": (LOAD_HOST.model_dump(),) * count,
        "api_address": "192.0.2.1",
    }
    return Inventory.model_validate(inventory.model_dump() | changes)


def clocks(count: int, *, delay_ns: int = 20_000, late_ns: Sequence[int] = ()) -> CellClocks:
    """The clocks of this number of load hosts; `late_ns` is how much later the load of each seems to have begun."""

    def readings(late: int) -> ClockReadings:
        before, after = (
            ClockReading(at_ns=at_ns, offset_ns=OFFSET_NS + late, wall_offset_ns=0, delay_ns=delay_ns)
            for at_ns in (START_NS - OFFSET_NS, START_NS - OFFSET_NS + 9 * SECOND_NS)
        )
        return ClockReadings(before=before, after=after)

    return CellClocks(load_hosts=tuple(readings(late) for late in (*late_ns, *[0] * count)[:count]))


def load_host_run(
    directory: Path,
    *,
    count: int = 1,
    network: Network = NETWORK,
    after: Network | None = None,
    identity: dict[str, object] | None = None,
    after_identity: dict[str, object] | None = None,
    cell_clocks: CellClocks | None = None,
    happening: Happening | None = None,
) -> list[Cell]:
    """One API under one load of 10 connections in two blocks, from load hosts whose cores are half used.

    Each generator got 1,000 answers of 5 ms in a second; the first used a core for that, the second half of one.
    """
    cells = write_run(
        directory,
        apis=("go",),
        scenarios=GOLDEN_SCENARIOS[:1],
        blocks=2,
        cores=CORES.model_copy(update={"generator": (6, 7), "system": (5,)}),
        memory_bytes=16 * 2**30,
        knobs=CONTROLLED,
    )
    manifest = Manifest.from_json((directory / "manifest.json").read_bytes(), name="manifest")
    inventory = with_load_hosts(manifest.inventory, count)
    (directory / "manifest.json").write_text(manifest.model_copy(update={"inventory": inventory}).to_json())
    host = HostRecord.from_json((directory / "host.json").read_bytes(), name="host")
    its: HostIdentity = host.before.model_copy(update=identity or {})
    then = its.model_copy(update=after_identity or {})
    record = LoadHostRecord(
        before=LoadHostLook(identity=its, network=network), after=LoadHostLook(identity=then, network=after or network)
    )
    changed = host.model_copy(update={"load_hosts": (record,) * count})
    (directory / "host.json").write_text(changed.to_json())
    for cell in cells:
        _write(directory, cell, count, cell_clocks or clocks(count), happening or Happening(own={"generator": 1.0}))
    return cells


def parts_of(cell: Cell, count: int) -> list[WrkResult]:
    """What each generator wrote, by its own clock."""
    share = cell.scenario.model_copy(update={"connections": cell.scenario.connections // count})
    result = wrk_result(cell.model_copy(update={"scenario": share}), [(5_000, 1_000)], 1_000_000)
    return [result.model_copy(update={"ended_ns": result.ended_ns - OFFSET_NS})] * count


def _write(directory: Path, cell: Cell, count: int, found: CellClocks, happening: Happening) -> None:
    parts = parts_of(cell, count)
    roles: dict[SampledRole, Role] = {
        "api": Role(1.5, lambda _: 100_000_000),
        "postgres": Role(0.5, lambda _: 200_000_000),
        "redis": Role(0.1, lambda _: 10_000_000),
    }
    window = Window(START_NS, START_NS + SECOND_NS)
    own = CORES.model_copy(update={"generator": (7,), "system": (5, 6)})
    lab_ticks = [
        tick.model_copy(update={"generator": None})
        for tick in ticks_of(own, window, Happening(own={role: used.cores for role, used in roles.items()}))
    ]
    files = {
        "watch.json": spins_of(CORES).to_json().encode(),
        "ticks.jsonl": jsonl(lab_ticks),
        CLOCKS_NAME: found.to_json().encode(),
    }
    for number, part in enumerate(parts, start=1):
        files |= {
            load_host_file(number, "wrk.json"): part.to_json().encode(),
            load_host_file(number, "samples.csv"): samples_of(number),
            load_host_file(number, "ticks.jsonl"): ticks_on_load_host(happening),
        }
    merged = merge(parts, found)
    assert isinstance(merged, WrkResult)
    write_cell(directory, cell, merged, samples_csv(roles, 1), watch=files)


def samples_of(number: int) -> bytes:
    """A generator's samples by its own clock: the first uses a whole core, the second one half of one, and so on."""
    return _moved(samples_csv({"generator": Role(1.0 / number, lambda _: 5_000_000)}, 1).decode())


def ticks_on_load_host(happening: Happening) -> bytes:
    """What the watch on a load host wrote, by its own clock."""
    window = Window(START_NS - OFFSET_NS, START_NS - OFFSET_NS + SECOND_NS)
    return jsonl(
        [
            tick.model_copy(
                update={
                    "cpus": {cpu: times for cpu, times in tick.cpus.items() if cpu >= 5},
                    "used_ns": {"generator": tick.used_ns["generator"]},
                    "connections": 0,
                }
            )
            for tick in ticks_of(ON_LOAD_HOST, window, happening)
        ]
    )


def _moved(table: str) -> bytes:
    """The samples of the lab's clock by that of a load host."""
    header, *lines = table.splitlines()
    moved = [f"{int(at) - OFFSET_NS},{rest}" for line in lines for at, _, rest in [line.partition(",")]]
    return ("\n".join([header, *moved]) + "\n").encode()


def rewrite(directory: Path, cell: Cell, name: str, data: bytes) -> None:
    """Change a raw file of a cell, with its checksum."""
    folder = directory / "cells" / cell.id
    (folder / name).write_bytes(data)
    record = CellRecord.from_json((folder / "cell.json").read_bytes(), name="cell.json")
    changed = record.model_copy(update={"files": record.files | {name: hashlib.sha256(data).hexdigest()}})
    (folder / "cell.json").write_text(changed.to_json())
