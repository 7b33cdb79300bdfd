"""Makes run folders with known content.

`golden_run` holds numbers that can be computed by hand; `compared_run` has APIs of known ratios with the A/A twin;
`realistic_run` looks like a real run, for pages.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from analysis.raw.recordings import Window
from documents.lab.host import CoreLayout, Host, HostSize
from documents.lab.inventory import ApiService, Inventory, PostgresService, RedisService
from documents.run.protocol import Cell, Plan, Protocol, Scenario
from documents.run.records import CellRecord, HostIdentity, HostRecord, KnobRecord, Manifest, Void, attempt_id
from documents.run.window import SAMPLE_COLUMNS, SampledRole, WrkErrors, WrkLatency, WrkResult
from tests.unit.analysis.watch_builder import Happening, watch_files
from tests.unit.analysis.wrk_port import interval_of, stats_correct, to_dense, to_pairs

START_NS = 5_000_000_000_000
TICK_NS = 100_000_000

TWO_CORES = CoreLayout(api=(0,), postgres=(1,), redis=(1,), generator=(1,), system=(1,), shared=True)
EIGHT_CORES = CoreLayout(api=(0, 1, 2), postgres=(3, 4), redis=(5,), generator=(6, 7), system=(5,), shared=False)

CONTROLLED = (
    KnobRecord(
        name="governor", wanted="performance", before="powersave", during="performance", after="powersave", state="set"
    ),
    KnobRecord(name="vm.swappiness", wanted="1", before="1", during="1", after="1", state="as-wanted"),
)
"""The knobs of a host on which all is as a measurement wants it."""

NO_ERRORS = WrkErrors(connect=0, read=0, write=0, status=0, timeout=0)


@dataclass(frozen=True)
class Role:
    """What one role uses: cores of CPU, anonymous memory at each tick from the load's start on, and page cache."""

    cores: float
    memory_bytes: Callable[[int], int]
    page_cache_bytes: int = 0


def write_run(
    directory: Path,
    *,
    apis: tuple[str, ...],
    scenarios: tuple[Scenario, ...],
    blocks: int,
    cores: CoreLayout = TWO_CORES,
    memory_bytes: int = 4 * 2**30,
    git_commit: str = "3f2a9c1d5b7e8f60718293a4b5c6d7e8f9012345",
    knobs: tuple[KnobRecord, ...] = CONTROLLED,
    attempts: int = 1,
    twin: bool = False,
    shared_cores: bool = False,
) -> list[Cell]:
    """Write a run's documents, but no cell. The host is smaller than the article's unless it has eight cores.

    A void cell isn't run again unless the protocol is given more `attempts`.

    Returns:
        The planned cells, block by block, APIs within scenarios; the twin, each API in turn, comes last.
    """
    cpus = tuple(sorted({*cores.api, *cores.postgres, *cores.redis, *cores.generator, *cores.system}))
    inventory = Inventory(
        stack="local",
        host=Host(
            kind="container",
            address="127.0.0.1",
            port=22022,
            user="root",
            private_key_path="key",
            known_hosts_path="known_hosts",
            host_public_key="ssh-ed25519 AAAA",
        ),
        size=HostSize(cpus=cpus, memory_bytes=memory_bytes, smaller=len(cpus) < 8, shared_cores=shared_cores),
        own_kernel=False,
        cores=cores,
        base_image_id="sha256:" + "b" * 64,
        postgres=PostgresService(
            container="fairground-postgres",
            image_id="sha256:" + "c" * 64,
            port=15432,
            database="fairground",
            user="fairground",
            settings={"fsync": "on", "shared_buffers": "1GB", "synchronous_commit": "on"},
        ),
        redis=RedisService(container="fairground-redis", image_id="sha256:" + "d" * 64, port=16379, settings={}),
        contract_sha256="5" * 64,
        apis=tuple(
            ApiService(
                name=name,
                source=f"apis/{name}",
                source_sha256=hashlib.sha256(name.encode()).hexdigest(),
                image_id="sha256:" + hashlib.sha256(b"image" + name.encode()).hexdigest(),
                container=f"fairground-api-{name}",
                port=18080 + index,
                environment={},
                upload_volume=f"fairground-uploads-{name}",
            )
            for index, name in enumerate(apis)
        ),
    )
    protocol = Protocol(
        version=1, name="quick", blocks=blocks, warm_up_seconds=2, scenarios=scenarios, attempts=attempts, twin=twin
    )
    manifest = Manifest(
        run_id="20260131-120000-quick",
        started_at=datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC),
        git_commit=git_commit,
        protocol=protocol,
        inventory=inventory,
        order_seed=7,
        requests_sha256={"mixed": "e" * 64},
        tool_versions={"wrk": "4.1.0", "postgres": "17.6", "redis": "8.0.2", "docker": "26.1.5", "kernel": "6.1.0"},
    )
    identity = HostIdentity(
        cpu_model="Example CPU at 3.0 GHz",
        cpus=cpus,
        threads_per_core=1,
        memory_bytes=memory_bytes,
        kernel="6.1.0",
        operating_system="Debian GNU/Linux 13 (trixie)",
        cgroup_version=2,
        settings={"net.core.somaxconn": "4096", "vm.swappiness": "60"},
    )
    names = [
        (block, scenario, api, place == len(apis))
        for block in range(1, blocks + 1)
        for scenario in scenarios
        for place, api in enumerate((*apis, apis[(block - 1) % len(apis)]) if twin else apis)
    ]
    cells = [
        Cell(number=number, block=block, api=api, scenario=scenario, twin=second)
        for number, (block, scenario, api, second) in enumerate(names, start=1)
    ]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "manifest.json").write_text(manifest.to_json())
    (directory / "host.json").write_text(HostRecord(before=identity, after=identity, knobs=knobs).to_json())
    (directory / "plan.json").write_text(Plan(order_seed=7, cells=tuple(cells)).to_json())
    return cells


def wrk_result(
    cell: Cell, raw: list[tuple[int, int]], elapsed_us: int, *, threads: int = 1, errors: WrkErrors = NO_ERRORS
) -> WrkResult:
    """A wrk.json whose histogram is the raw one, corrected as wrk does it."""
    recorded = sum(count for _, count in raw)
    requests = recorded + errors.timeout
    interval = interval_of(elapsed_us, requests, cell.scenario.connections)
    corrected = raw if interval is None else to_pairs(stats_correct(to_dense(raw), interval))
    return WrkResult(
        wrk_version="4.1.0",
        workload=cell.scenario.workload,
        threads=threads,
        connections=cell.scenario.connections,
        timeout_seconds=2,
        duration_seconds=cell.scenario.duration_seconds,
        elapsed_us=elapsed_us,
        ended_ns=START_NS + 1000 * elapsed_us,
        requests=requests,
        bytes=200 * requests,
        errors=errors,
        latency=WrkLatency(
            count=sum(count for _, count in corrected),
            minimum_us=raw[0][0] if raw else 0,
            maximum_us=raw[-1][0] if raw else 0,
            histogram=tuple(corrected),
        ),
        statuses=None,
    )


def samples_csv(roles: dict[SampledRole, Role], seconds: int) -> bytes:
    """Samples at 10 Hz from half a second before START_NS to half a second after the load window's end."""
    lines = [",".join(SAMPLE_COLUMNS)]
    for tick in range(-5, 10 * seconds + 6):
        for name, role in roles.items():
            cpu_ns = round(role.cores * TICK_NS * (tick + 5))
            lines.append(
                f"{START_NS + tick * TICK_NS},{name},{cpu_ns},{role.memory_bytes(max(tick, 0))},{role.page_cache_bytes}"
            )
    return ("\n".join(lines) + "\n").encode()


def write_cell(
    directory: Path,
    cell: Cell,
    result: WrkResult | None,
    samples: bytes | None,
    voids: Iterable[Void] = (),
    *,
    watch: Mapping[str, bytes] | None = None,
    attempt: int = 1,
) -> Path:
    """Write a finished attempt at a cell with the checksums of its files."""
    folder = directory / "cells" / attempt_id(cell.id, attempt)
    folder.mkdir(parents=True)
    files = {"wrk.json": result and result.to_json().encode(), "samples.csv": samples}
    written = {name: data for name, data in files.items() if data is not None} | dict(watch or {})
    for name, data in written.items():
        (folder / name).write_bytes(data)
    record = CellRecord(
        cell_id=cell.id,
        attempt=attempt,
        started_at=datetime(2026, 1, 31, 12, cell.number % 60, 0, tzinfo=UTC),
        voids=tuple(voids),
        phases_seconds={"reset": 1.2, "load": float(cell.scenario.duration_seconds)},
        load_started_ns=result and START_NS,
        load_ended_ns=result and result.ended_ns,
        pinning=(),
        files={name: hashlib.sha256(data).hexdigest() for name, data in written.items()},
    )
    (folder / "cell.json").write_text(record.to_json())
    return folder


GOLDEN_SCENARIOS = (
    Scenario(name="light", workload="mixed", connections=10, duration_seconds=2),
    Scenario(name="medium", workload="mixed", connections=20, duration_seconds=2),
    Scenario(name="heavy", workload="mixed", connections=50, duration_seconds=2),
)

GOLDEN_RAW = [(10_000, 990), (15_000, 9), (70_000, 1)]
GOLDEN_ELAPSED_US = {1: 1_000_000, 2: 2_000_000, 3: 4_000_000}


def golden_run(directory: Path) -> Path:
    """Two APIs x three scenarios x three blocks.

    Every cell has 1,000 responses (990 of 10 ms, 9 of 15 ms, 1 of 70 ms) in 1, 2 or 4 s by block. The cell of go at
    heavy in block 2 is void with 7 errors, that of rust at heavy in block 3 isn't finished. go uses 1.5 cores and
    100 MB rising by 1 MB a tick, rust 0.5 cores and a steady 30 MB.
    """
    cells = write_run(directory, apis=("go", "rust"), scenarios=GOLDEN_SCENARIOS, blocks=3)
    for cell in cells:
        if (cell.api, cell.scenario.name, cell.block) == ("rust", "heavy", 3):
            continue
        api = (
            Role(1.5, lambda tick: 100_000_000 + 1_000_000 * tick, page_cache_bytes=8_000_000)
            if cell.api == "go"
            else Role(0.5, lambda _: 30_000_000, page_cache_bytes=2_000_000)
        )
        samples = samples_csv(
            {
                "api": api,
                "postgres": Role(0.25, lambda _: 200_000_000),
                "redis": Role(0.05, lambda _: 10_000_000),
                "generator": Role(0.4, lambda _: 5_000_000),
            },
            GOLDEN_ELAPSED_US[cell.block] // 1_000_000,
        )
        void = (cell.api, cell.scenario.name, cell.block) == ("go", "heavy", 2)
        errors = WrkErrors(connect=1, read=2, write=0, status=4, timeout=0) if void else NO_ERRORS
        write_cell(
            directory,
            cell,
            wrk_result(cell, GOLDEN_RAW, GOLDEN_ELAPSED_US[cell.block], errors=errors),
            samples,
            [Void(reason="wrk-errors", message="wrk counted 7 errors in 1,000 requests.")] if void else [],
        )
    return directory


def repeated_run(directory: Path) -> Path:
    """Two APIs at one load in three blocks, three attempts a cell; a valid one has 1,000 responses in 1, 2 or 4 s.

    go is void with 7 errors at its first attempt of block 1 and valid at its second. In block 2 rust is void in each of
    three: with 7 errors, not ready, and with 7 errors. In block 3 go is void with 7 errors at its first attempt, and
    nothing was measured after that.
    """
    cells = write_run(directory, apis=("go", "rust"), scenarios=GOLDEN_SCENARIOS[:1], blocks=3, attempts=3)
    steady = Role(0.5, lambda _: 30_000_000)
    errors = Void(reason="wrk-errors", message="wrk counted 7 errors in 1,000 requests.")
    not_ready = Void(reason="not-ready", message="The API wasn't ready 60 s after its start.")
    voids: dict[tuple[str, int], tuple[Void | None, ...]] = {
        ("go", 1): (errors, None),
        ("rust", 2): (errors, not_ready, errors),
        ("go", 3): (errors,),
        ("rust", 3): (),
    }
    for cell in cells:
        elapsed_us = GOLDEN_ELAPSED_US[cell.block]
        roles: tuple[SampledRole, ...] = ("api", "postgres", "redis", "generator")
        samples = samples_csv(dict.fromkeys(roles, steady), elapsed_us // 1_000_000)
        for attempt, void in enumerate(voids.get((cell.api, cell.block), (None,)), start=1):
            counted = WrkErrors(connect=1, read=2, write=0, status=4, timeout=0) if void else NO_ERRORS
            loaded = void != not_ready
            write_cell(
                directory,
                cell,
                wrk_result(cell, GOLDEN_RAW, elapsed_us, errors=counted) if loaded else None,
                samples if loaded else None,
                [void] if void else [],
                attempt=attempt,
            )
    return directory


COMPARED_SCENARIOS = (
    Scenario(name="light", workload="mixed", connections=10, duration_seconds=1),
    Scenario(name="heavy", workload="mixed", connections=50, duration_seconds=1),
)


COMPARED_THROUGHPUTS = {"rust": 6000.0, "zig": 6030.0, "go": 5000.0}
"""Rust is faster than go by 20%, and as fast as zig within any margin that is of use."""


def compared_run(
    directory: Path,
    *,
    throughputs: Mapping[str, float],
    blocks: int = 6,
    noise: float = 0.005,
    postgres_cores: float = 0.25,
    twin: bool = True,
    watched: bool = False,
) -> Path:
    """A run of a second a cell over APIs of known throughput, in requests/s; cells scatter by `noise`.

    The host is quiet, where it is `watched`; only there a cell shows that PostgreSQL was its limit.

    98% of the responses take what the closed loop makes them take, and the others five times as long. An API uses half
    a core, and as many MB as there are letters in its name, times ten.
    """
    random = np.random.default_rng(20260131)
    cells = write_run(directory, apis=tuple(throughputs), scenarios=COMPARED_SCENARIOS, blocks=blocks, twin=twin)
    for cell in cells:
        requests = round(throughputs[cell.api] * float(random.lognormal(0, noise)))
        usual_us = round(1e6 * cell.scenario.connections / requests)
        slow = requests // 50
        memory_bytes = 10_000_000 * len(cell.api)
        samples = samples_csv(
            {
                "api": Role(0.5, lambda _, used=memory_bytes: used),
                "postgres": Role(postgres_cores, lambda _: 200_000_000),
                "redis": Role(0.05, lambda _: 10_000_000),
                "generator": Role(0.4, lambda _: 5_000_000),
            },
            1,
        )
        raw = [(usual_us, requests - slow), (5 * usual_us, slow)]
        watch = watch_files(TWO_CORES, Window(START_NS, START_NS + 1_000_000_000), Happening()) if watched else None
        write_cell(directory, cell, wrk_result(cell, raw, 1_000_000), samples, watch=watch)
    return directory


ARTICLE_SCENARIOS = (
    Scenario(name="light", workload="mixed", connections=10, duration_seconds=30),
    Scenario(name="medium", workload="mixed", connections=100, duration_seconds=60),
    Scenario(name="heavy", workload="mixed", connections=500, duration_seconds=120),
)

_SPEEDS = {"rust": 1.0, "zig": 0.92, "go": 0.83, "kotlin": 0.5}
_MEMORY_MB = {"rust": 30, "zig": 95, "go": 140, "kotlin": 180}


def realistic_run(
    directory: Path,
    *,
    apis: tuple[str, ...] = ("rust", "zig", "go", "kotlin"),
    scenarios: tuple[Scenario, ...] = ARTICLE_SCENARIOS,
    blocks: int = 10,
    requests_per_second: int = 6_000,
    cores: CoreLayout = TWO_CORES,
) -> Path:
    """A run that looks like one: lognormal latencies with a few stalls, noise between cells, memory that settles."""
    random = np.random.default_rng(20260131)
    cells = write_run(directory, apis=apis, scenarios=scenarios, blocks=blocks, cores=cores)
    for cell in cells:
        speed = _SPEEDS.get(cell.api, 0.7) * float(random.lognormal(0, 0.03))
        seconds = cell.scenario.duration_seconds
        elapsed_us = seconds * 1_000_000 + 4_321
        requests = int(requests_per_second * speed * (1 - 0.0004 * cell.scenario.connections) * seconds)
        mean_us = elapsed_us * cell.scenario.connections / requests
        body = random.lognormal(np.log(mean_us) - 0.08, 0.4, size=requests)
        stalled = random.random(requests) < 0.002
        latencies = np.clip(np.where(stalled, body + random.uniform(20_000, 200_000, requests), body), 50, 1_900_000)
        values, counts = np.unique(latencies.astype(np.int64), return_counts=True)
        settled = _MEMORY_MB.get(cell.api, 60) * float(random.lognormal(0, 0.02))
        noise = random.normal(0, 0.01, size=10 * seconds + 20)

        def memory(
            tick: int, settled: float = settled, noise: np.ndarray[tuple[int], np.dtype[np.float64]] = noise
        ) -> int:
            return int(1e6 * settled * (1 - 0.4 * np.exp(-tick / 60)) * (1 + noise[tick]))

        samples = samples_csv(
            {
                "api": Role(0.95 * float(random.lognormal(0, 0.02)), memory, page_cache_bytes=12_000_000),
                "postgres": Role(0.35, lambda _: 260_000_000, page_cache_bytes=900_000_000),
                "redis": Role(0.06, lambda _: 12_000_000),
                "generator": Role(0.30, lambda _: 9_000_000),
            },
            seconds,
        )
        raw = list(zip(values.tolist(), counts.tolist(), strict=True))
        write_cell(directory, cell, wrk_result(cell, raw, elapsed_us), samples)
    return directory
