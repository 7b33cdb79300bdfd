"""One whole example of every document that is written to a file or handed from room to room."""

from datetime import UTC, datetime

from documents.base import Document
from documents.lab.host import CoreLayout, Host, HostSize
from documents.lab.inventory import ApiService, Inventory, PostgresService, RedisService, Secrets
from documents.report.api_check import ApiCheck, ApiCheckStep
from documents.run.facts import Building, Facts, Starting
from documents.run.protocol import Cell, Plan, Protocol, Scenario
from documents.run.records import (
    CellClocks,
    CellRecord,
    ClockReading,
    ClockReadings,
    HostIdentity,
    HostRecord,
    JournalEntry,
    KnobRecord,
    Manifest,
    ProcessPinning,
    Void,
    WarmUp,
)
from documents.run.window import (
    CpuTimes,
    HostTick,
    HostWatch,
    OpenLoopCell,
    OpenLoopErrors,
    OpenLoopHistogram,
    OpenLoopPlan,
    OpenLoopRate,
    OpenLoopResult,
    Pressure,
    Scheduled,
    Spin,
    Throttling,
    WrkErrors,
    WrkLatency,
    WrkResult,
)
from documents.stack.hosts import AwsHost, ContainerHost, HetznerHost, Price
from documents.stack.implementation import Build, CodeChange, Implementation, Lines
from documents.stack.stack import Api, Cores, Postgres, Redis, Services, Stack

NOON = datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)

SCENARIO = Scenario(name="light", workload="mixed", connections=10, duration_seconds=30)
PROTOCOL = Protocol(version=1, name="quick", blocks=2, warm_up_seconds=3, scenarios=(SCENARIO,))
LAYOUT = CoreLayout(api=(0, 1, 2), postgres=(3, 4), redis=(5,), generator=(6, 7), system=(5,), shared=False)

INVENTORY = Inventory(
    stack="local",
    host=Host(
        kind="container",
        address="127.0.0.1",
        port=22,
        user="root",
        private_key_path="/keys/id_ed25519",
        known_hosts_path="/keys/known_hosts",
        host_public_key="ssh-ed25519 AAAA",
    ),
    size=HostSize(cpus=tuple(range(8)), memory_bytes=16 * 1024**3, smaller=False),
    own_kernel=False,
    cores=LAYOUT,
    base_image_id="sha256:base",
    postgres=PostgresService(
        container="fairground-postgres",
        image_id="sha256:postgres",
        port=15432,
        database="fairground",
        user="fairground",
        settings={"fsync": "on"},
    ),
    redis=RedisService(
        container="fairground-redis", image_id="sha256:redis", port=16379, settings={"appendonly": "no"}
    ),
    contract_sha256="5" * 64,
    apis=(
        ApiService(
            name="go",
            source="apis/go",
            source_sha256="0" * 64,
            image_id="sha256:go",
            container="fairground-api-go",
            port=18080,
            environment={"GOGC": "200"},
            upload_volume="fairground-uploads-go",
        ),
    ),
)

IDENTITY = HostIdentity(
    cpu_model="A processor",
    cpus=tuple(range(8)),
    threads_per_core=1,
    memory_bytes=16 * 1024**3,
    kernel="6.12.0",
    operating_system="Debian GNU/Linux 13",
    cgroup_version=2,
    settings={"vm.swappiness": "60"},
)

KNOB = KnobRecord(
    name="turbo", wanted="off", before="boost 1", during="boost 1", state="refused", message="Permission denied"
)

SECRETS = Secrets(postgres_password="pg-secret", redis_password="redis-secret", jwt_secret="jwt-secret")
PLAN = Plan(order_seed=7, cells=(Cell(number=1, block=1, api="go", scenario=SCENARIO),))
CELL_RECORD = CellRecord(
    cell_id="001-go-light",
    started_at=NOON,
    voids=(Void(reason="wrk-errors", message="3 time-outs."),),
    phases_seconds={"reset": 1.25},
    load_started_ns=5_000_000_000_000,
    load_ended_ns=None,
    pinning=(ProcessPinning(role="api", process_id=12, thread_id=13, command="api", cpus=(0, 1, 2)),),
    warm_up=WarmUp(outcome="never-steady", seconds=30.5, series=(900, 1_000, 1_100)),
    files={"wrk.json": "0" * 64},
)

FACTS = Facts(
    api="go",
    language="Go",
    source="apis/go",
    source_sha256="0" * 64,
    image_id="sha256:go",
    environment={"GOGC": "200"},
    measured_at=NOON,
    git_commit="0123abc",
    stack="local",
    host=IDENTITY,
    image_bytes=24_500_000,
    code_lines=1_668,
    test_lines=1_207,
    building=Building(
        cpus=tuple(range(8)),
        clean_seconds=(41.25, 39.5, 40.0),
        incremental_seconds=(3.5, 3.25, 3.0),
        changed_file="cmd/api/main.go",
        binary_bytes=24_400_000,
        dependencies=("example.test/one", "example.test/two"),
    ),
    starting=Starting(
        cpus=(0, 1, 2),
        engine_seconds=(0.25, 0.5),
        first_answer_seconds=(0.025, 0.035),
        rest_seconds=5,
        memory_bytes=(8_000_000, 9_000_000),
    ),
)

AWS_HOST = AwsHost(
    kind="aws",
    owner="anna",
    expires=NOON.replace(microsecond=0),
    allowed_from="203.0.113.7/32",
    price_per_hour=Price(amount=0.5, currency="USD"),
    region="eu-central-1",
    availability_zone="eu-central-1b",
    ami="ami-0123456789abcdef0",
)
HETZNER_HOST = HetznerHost(
    kind="hetzner",
    owner="anna",
    expires=NOON.replace(microsecond=0),
    allowed_from="203.0.113.7/32",
    price_per_hour=Price(amount=0.25, currency="EUR"),
    location="fsn1",
)
CLOUD_HOSTS = (AWS_HOST, HETZNER_HOST)

EXAMPLES: tuple[Document, ...] = (
    ApiCheck(
        stack="local",
        api="go",
        steps=(
            ApiCheckStep(
                name="entry", outcome="passed", details=("apis/go at port 18080",), section="An entry in a stack"
            ),
        ),
    ),
    Stack(
        version=1,
        name="local",
        host=ContainerHost(kind="container", cpus=4, memory_gb=8, ssh_port=22022, build_cache="keep"),
        cores=Cores(api="0-1", postgres="2", system="3", generator="3"),
        services=Services(
            postgres=Postgres(port=15432, settings={"work_mem": "16MB"}), redis=Redis(image="redis:8", port=16379)
        ),
        apis=(
            Api(name="go", source="apis/go", port=18080),
            Api(name="go-tuned", source="apis/go", port=18081, environment={"GOGC": "200"}),
        ),
    ),
    INVENTORY,
    SECRETS,
    PROTOCOL,
    PLAN,
    Manifest(
        run_id="20260131-120000",
        started_at=NOON,
        git_commit="0123abc-dirty",
        protocol=PROTOCOL,
        budget_seconds=7200,
        inventory=INVENTORY,
        order_seed=7,
        requests_sha256={"mixed": "0" * 64},
        tool_versions={"wrk": "4.1.0"},
    ),
    HostRecord(before=IDENTITY, knobs=(KNOB,)),
    Implementation(
        version=1,
        language="Go",
        build=Build(
            command="go build -o /out/api ./cmd/api",
            artifacts=("/out/api",),
            dependencies="go version -m /out/api",
            change=CodeChange(file="cmd/api/main.go", old="one", new="two"),
        ),
        lines=Lines(sources=("cmd/**/*.go",), tests=("cmd/**/*_test.go",)),
    ),
    FACTS,
    CELL_RECORD,
    JournalEntry(at=NOON, event="cell-void", cell_id="001-go-light", attempt=1, message="3 time-outs."),
    WrkResult(
        wrk_version="4.1.0",
        workload="mixed",
        threads=2,
        connections=10,
        timeout_seconds=2,
        duration_seconds=30,
        elapsed_us=30_000_123,
        ended_ns=5_030_000_000_000,
        requests=3,
        bytes=3_000,
        errors=WrkErrors(connect=0, read=0, write=0, status=0, timeout=3),
        latency=WrkLatency(count=3, minimum_us=100, maximum_us=900, histogram=((100, 2), (900, 1))),
        statuses=None,
    ),
    HostWatch(
        spins_before=(Spin(cpu=0, wall_ns=205_000_000, cpu_ns=200_000_000),),
        spins_after=(Spin(cpu=0, wall_ns=206_000_000, cpu_ns=201_000_000),),
    ),
    HostTick(
        time_ns=5_000_000_000_000,
        cpus={0: CpuTimes(10, 20, 30, 40, 50, 60, 70, 80), 1: CpuTimes(1, 2, 3, 4, 5, 6, 7, 8)},
        used_ns={"api": 1_000, "generator": 2_000},
        throttled={"/sys/fs/cgroup/cpu/lab": Throttling(3, 4_000)},
        pressure={"cpu": Pressure(5, 0)},
        connections=10,
        silent_ms=(1_200,),
        generator=Scheduled(7, 8, 3),
    ),
    CellClocks(
        load_hosts=(
            ClockReadings(
                before=ClockReading(at_ns=5, offset_ns=-7, wall_offset_ns=1, delay_ns=2),
                after=ClockReading(at_ns=9, offset_ns=-8, wall_offset_ns=1, delay_ns=3),
            ),
        )
    ),
    OpenLoopPlan(
        order_seed=7,
        slowest="go",
        throughput=1234.5,
        rates=(OpenLoopRate(share=0.5, rate=617),),
        cells=(OpenLoopCell(number=2, block=1, api="go", scenario=SCENARIO, rate=617),),
    ),
    OpenLoopResult(
        vegeta_version="v12.13.0",
        workload="mixed",
        connections=10,
        timeout_seconds=2,
        duration_seconds=1,
        rate=3,
        started_ns=5_000_000_000_000,
        ended_ns=5_001_000_000_000,
        requests=3,
        sent_in_window=3,
        connections_opened=2,
        errors=OpenLoopErrors(timeout=1, other=0),
        first_error="context deadline exceeded",
        statuses={"GET": {"200": 1}, "POST": {"201": 1}},
        latency=OpenLoopHistogram(count=2, minimum_us=100, maximum_us=900, histogram=((100, 1), (900, 1))),
        lateness=OpenLoopHistogram(count=3, minimum_us=20, maximum_us=20, histogram=((20, 3),)),
    ),
)
