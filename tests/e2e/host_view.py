"""The lab's host seen from outside of the lab's own rooms: its processes, what is left on it, what its services saw."""

import json
import posixpath
from dataclasses import dataclass

from pydantic import TypeAdapter

from documents.base import Document
from documents.lab.inventory import ApiService, Inventory
from provision.containers.control import execute
from provision.load import open_loop
from provision.payload import HOME
from provision.services.database import run_sql
from provision.services.readiness import wait_for_postgres
from provision.ssh.connection import Connection, connect
from provision.system.preparation import wait_for_engine

RUN_HOME = f"{HOME}/run"

_THREADS = r"""
import json, pathlib, sys, time
names, awaited = json.loads(sys.argv[1]), sys.argv[2]
def look():
    for status in pathlib.Path("/proc").glob("[0-9]*/task/[0-9]*/status"):
        try:
            process = status.parts[2]
            command = pathlib.Path("/proc", process, "comm").read_text().strip()
            fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if command in names:
            yield {"command": command, "process_id": int(process), "thread_id": int(status.parts[4]),
                   "cpu_list": fields["Cpus_allowed_list"]}
ends_at = time.monotonic() + 20
while time.monotonic() < ends_at:
    found = list(look())
    if not awaited or sum(thread["command"] == awaited for thread in found) > 1:
        break
    time.sleep(0.02)
print(json.dumps(found))
"""


class Thread(Document):
    """One thread of a process on the host, and the CPUs that the kernel lets it run on."""

    command: str
    process_id: int
    thread_id: int
    cpu_list: str


def threads_of(connection: Connection, *commands: str, awaited: str = "") -> list[Thread]:
    """The threads of the processes with one of the names, once the awaited one has threads beside its first."""
    text = connection.run(
        ["python3", "-I", "-", json.dumps(commands), awaited], input=_THREADS, deadline_seconds=30
    ).stdout
    return TypeAdapter(list[Thread]).validate_json(text)


def left_on_host(connection: Connection) -> list[str]:
    """What of a run is still on a host: processes of load, sampler and lock, and the run's files."""
    listed = connection.run(["ps", "-eww", "-o", "pid=,comm=,args="], deadline_seconds=30).stdout.splitlines()
    home, name = posixpath.split(RUN_HOME)
    kept = connection.run(["find", home, "-maxdepth", "1", "-type", "d", "-name", f"*{name}*"], deadline_seconds=30)
    return [*filter(_is_of_run, listed), *kept.stdout.splitlines()]


def _is_of_run(process: str) -> bool:
    _, command, arguments = process.split(maxsplit=2)
    # The open loop's program is named by the hash of its sources.
    started = arguments.startswith(f"{open_loop.FOLDER}/") or "run.lock" in arguments
    return started or command == "wrk" or command.startswith("lab-")


def left_on_load_hosts(inventory: Inventory) -> list[str]:
    """What a run left on load hosts, and all else in the lab's folder there, except for what stays."""
    left: list[str] = []
    for one in inventory.load_hosts:
        with connect(one.host) as host:
            listed = host.run(["ls", HOME], deadline_seconds=10).stdout.split()
            left += left_on_host(host)
        left += [name for name in listed if name not in {"run.lock", "open-loop", "kernel.py"}]
    return left


def wait_until_up(inventory: Inventory) -> None:
    """Wait until a host that was restarted has its engine and PostgreSQL again."""
    with connect(inventory.host, deadline_seconds=60) as connection:
        wait_for_engine(connection, deadline_seconds=60)
        wait_for_postgres(connection, inventory.postgres, may_restart=True)


def wait_for_connections(connection: Connection, port: int, count: int) -> None:
    """Wait until so many connections to a port of the host are open."""
    opened = f"$(ss -Htn state established 'sport = :{port}' | wc -l)"
    connection.run(f"until [ {opened} -ge {count} ]; do sleep 0.02; done", deadline_seconds=20)


def running_containers(connection: Connection) -> set[str]:
    """The names of the containers that run on the host."""
    return set(connection.run(["docker", "ps", "--format", "{{.Names}}"], deadline_seconds=30).stdout.split())


def count_uploads(connection: Connection, api: ApiService) -> int:
    """How many files the API's upload volume holds."""
    volume = f'"$(docker volume inspect --format {{{{.Mountpoint}}}} {api.upload_volume})"'
    return int(connection.run(f"find {volume} -type f | wc -l", deadline_seconds=30).stdout)


@dataclass(frozen=True)
class ServiceCounts:
    """What the services saw: rows and updates in PostgreSQL, files in an API's upload volume, reads in Redis.

    `redis_reads` counts since Redis was started, the others since the database was reset. `warm_up_requests` are those
    of the warm-up that is last on record on the host.
    """

    posts: int
    updates: int
    uploads: int
    redis_reads: int
    warm_up_requests: int


def count_services(
    connection: Connection, inventory: Inventory, redis_password: str, *, api: ApiService
) -> ServiceCounts:
    """Ask the services what they saw of this API."""
    posts, updates = run_sql(
        connection,
        inventory.postgres,
        inventory.postgres.database,
        "SELECT count(*), sum(version - 1) FROM posts;",
        deadline_seconds=30,
    ).split("|")
    statistics = execute(
        connection,
        inventory.redis.container,
        ["sh", "-s"],
        input=f"REDISCLI_AUTH={redis_password} redis-cli -p {inventory.redis.port} INFO stats",
        deadline_seconds=30,
    ).stdout
    redis = dict(line.strip().split(":", 1) for line in statistics.splitlines() if ":" in line)
    warm_up = connection.run(["cat", f"{RUN_HOME}/warm-up/wrk.json"], deadline_seconds=30, check=False)
    return ServiceCounts(
        posts=int(posts),
        updates=int(updates),
        uploads=count_uploads(connection, api),
        redis_reads=int(redis["keyspace_hits"]) + int(redis["keyspace_misses"]),
        warm_up_requests=json.loads(warm_up.stdout)["requests"] if warm_up.exit_status == 0 else 0,
    )
