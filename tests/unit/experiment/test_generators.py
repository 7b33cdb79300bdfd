"""Several generators share a load exactly, and begin together; load hosts must be fit before anything is measured."""

from collections.abc import Sequence
from pathlib import Path
from threading import Barrier, Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.errors import DeadlineExceededError, HostError, RunError
from documents.run.protocol import Cell
from documents.run.records import CellClocks, ClockReading, HostIdentity, HostRecord, LoadHostLook
from documents.run.window import WrkResult
from experiment.bench import generators
from experiment.bench.bench import Beside, Load, Measured
from experiment.bench.generators import GeneratorHost, Generators
from experiment.workloads.command import generator_threads, share_of_connections, shares_of_rate
from provision.containers.cgroups import Cgroup
from provision.load.jobs import Job
from provision.ssh.connection import Connection
from provision.ssh.execution import CancelScope, checkpoint
from tests.unit.analysis.load_host_builder import NETWORK, parts_of, with_load_hosts
from tests.unit.experiment.fake_bench import IDENTITY, INVENTORY, PROTOCOL, FakeBench
from tests.unit.experiment.loop_runs import begin, resume
from tests.unit.experiment.test_tuning_bench import CGROUP, JOB
from tests.unit.provision.local_host import LocalHost

OFFSETS_NS = (5_000_000_000, -2_000_000_000)


@given(st.integers(min_value=1, max_value=1_000), st.integers(min_value=1, max_value=8), st.integers(1, 8))
def test_shares_are_even_and_make_the_whole(connections: int, hosts: int, cpus: int):
    if connections % hosts:
        with pytest.raises(RunError, match=f"{connections} connections can't be divided among {hosts} load hosts"):
            share_of_connections(connections, hosts)
        return
    share = share_of_connections(connections, hosts)
    threads = generator_threads(share, cpus)
    assert share * hosts == connections
    # As the analysis computes what all of them opened.
    assert connections // (threads * hosts) * (threads * hosts) == connections


@given(st.integers(min_value=1, max_value=100_000), st.integers(min_value=1, max_value=8))
def test_rates_make_the_whole_and_differ_by_one_at_most(rate: int, hosts: int):
    shares = shares_of_rate(rate, hosts)
    assert sum(shares) == rate
    assert max(shares) - min(shares) <= 1


class Started:
    """What was started where, in the place of real jobs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: dict[int, list[str]] = {}
        self.places = [
            GeneratorHost(LocalHost(), (2, 3), (0,), on_load_host=True),
            GeneratorHost(LocalHost(), (4,), (0,), on_load_host=True),
        ]
        self.beside = Beside()
        self.generators = Generators(LocalHost(), "192.0.2.1", self.places, self.beside)

        def number(connection: Connection) -> int:
            return [place.connection for place in self.places].index(connection)

        def start(connection: Connection, _directory: str, command: Sequence[str], **_: object) -> Job:
            self.commands[number(connection)] = [*command]
            return JOB

        def read_clock(_lab: Connection, load: Connection, _address: str) -> ClockReading:
            offset = OFFSETS_NS[number(load)]
            return ClockReading(at_ns=10**12 - offset, offset_ns=offset, wall_offset_ns=0, delay_ns=100)

        def cgroup(*_: object) -> Cgroup:
            return CGROUP

        def nothing(*_: object, **__: object) -> None:
            return None

        monkeypatch.setattr(generators.jobs, "start", start)
        monkeypatch.setattr(generators.wrk, "own_generator_cgroup", cgroup)
        monkeypatch.setattr(generators.network, "read_clock", read_clock)
        monkeypatch.setattr(generators.jobs, "wait", nothing)
        monkeypatch.setattr(generators.host_folder, "make", nothing)
        monkeypatch.setattr(generators.open_loop, "carry_over", nothing)
        monkeypatch.setattr(LocalHost, "push", nothing)
        self.generators.install([], CGROUP)
        self.generators.install_open_loop("/program")

    def play(self, load: Load) -> None:
        """Put a load on the API as the bench does."""
        self.generators.wait([self.beside.begin(step) for step in self.generators.starts(load)])

    def start_on_the_labs_clock(self, number: int) -> int:
        command = self.commands[number]
        if "-start" in command:
            return int(command[command.index("-start") + 1]) + OFFSETS_NS[number]
        return int(command[-2]) * 10**9 + int(command[-1]) + OFFSETS_NS[number]


def load(rate: int | None = None) -> Load:
    return Load(
        api=INVENTORY.apis[0],
        scenario=PROTOCOL.scenarios[1],
        seconds=1,
        timeout_seconds=1,
        wrk_version="4.1.0",
        rate=rate,
    )


def test_two_wrks_share_the_connections_and_begin_at_one_moment(monkeypatch: pytest.MonkeyPatch):
    started = Started(monkeypatch)
    started.play(load())
    for number, command in started.commands.items():
        assert command[command.index("no-series") + 1 :][:2] == [str(number), "2"], "its part of the requests"
        assert "http://192.0.2.1:18001" in command
        assert command[command.index("-c") + 1] == "50"
        assert command[command.index("-t") + 1] == "1", "as many on both, though one has two CPUs"
    first, second = map(started.start_on_the_labs_clock, (0, 1))
    assert first == second == 10**12 + 3 * 10**9


def test_two_attackers_share_the_rate_and_take_turns(monkeypatch: pytest.MonkeyPatch):
    started = Started(monkeypatch)
    started.play(load(rate=201))
    rates = [command[command.index("-rate") + 1] for command in (started.commands[0], started.commands[1])]
    assert rates == ["101", "100"]
    for number, command in started.commands.items():
        assert command[command.index("-part") : command.index("-start")] == ["-part", str(number), "-parts", "2"]
    first, second = map(started.start_on_the_labs_clock, (0, 1))
    assert second - first == round(1e9 / 201)


def test_a_wrk_whose_warm_up_failed_is_ended_before_the_next_attempt(monkeypatch: pytest.MonkeyPatch):
    ends_jobs: list[bool] = []

    def empty(_connection: Connection, *, end_jobs: bool) -> None:
        ends_jobs.append(end_jobs)

    def follow_warm_up(*_: object, **__: object) -> None:
        raise DeadlineExceededError("`cat` wasn't done within 30 s.")

    def cgroup(*_: object) -> Cgroup:
        return CGROUP

    def nothing(*_: object, **__: object) -> Job:
        return JOB

    monkeypatch.setattr(generators.host_folder, "empty", empty)
    monkeypatch.setattr(generators.host_folder, "make", nothing)
    monkeypatch.setattr(generators.wrk, "generator_cgroup", cgroup)
    monkeypatch.setattr(generators.wrk, "follow_warm_up", follow_warm_up)
    monkeypatch.setattr(generators.jobs, "start", nothing)
    for method in ("push", "push_bytes"):
        monkeypatch.setattr(LocalHost, method, nothing)
    own = Generators(LocalHost(), "127.0.0.1", [GeneratorHost(LocalHost(), (2,), (0,))], Beside())
    own.install([], CGROUP)
    own.prepare(b"")
    with pytest.raises(DeadlineExceededError):
        own.warm_up(load(), lambda _: False)
    own.prepare(b"")
    own.prepare(b"")
    assert ends_jobs == [False, True, False]


def test_who_interrupts_a_run_does_not_wait_for_the_load_to_end(monkeypatch: pytest.MonkeyPatch):
    started, waiting, scope = Started(monkeypatch), Barrier(2), CancelScope()

    def wait_for_the_end(_connection: Connection, _job: Job) -> None:
        closed = Event()
        with checkpoint(closed.set):
            if waiting.wait(10) == 0:
                scope.cancel()
            assert closed.wait(10)

    monkeypatch.setattr(generators.jobs, "wait", wait_for_the_end)
    with pytest.raises(KeyboardInterrupt):
        scope.run(lambda: started.play(load()))


class Collected(Started):
    """What is left of a load that has ended, in the place of files on hosts; each load host can be given a failure."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, parts: Sequence[WrkResult], folder: Path) -> None:
        super().__init__(monkeypatch)
        self.folder = folder
        self.failures: dict[tuple[str, int], str] = {}

        def finish(what: str, number: int) -> None:
            if (what, number) in self.failures:
                raise HostError(self.failures[what, number])

        def finish_wrk(_connection: Connection, _job: Job, _folder: Path, *, prefix: str) -> WrkResult:
            number = int(prefix.removeprefix("generator-").removesuffix("."))
            finish("wrk", number)
            return parts[number - 1]

        def finish_recorder(_connection: Connection, _job: Job, _recorder: object, target: Path) -> None:
            number, name = target.name.removeprefix("generator-").split(".", 1)
            finish(name, int(number))

        def job(*_: object, **__: object) -> Job:
            return JOB

        monkeypatch.setattr(generators.wrk, "finish", finish_wrk)
        for name in ("start_sampler", "start_watch"):
            monkeypatch.setattr(generators.recording, name, job)
        monkeypatch.setattr(generators.recording, "finish", finish_recorder)

    def play_and_collect(self) -> Measured:
        self.generators.start_sampling(port=1, seconds=1)
        self.play(load())
        self.generators.look_afterwards()
        return self.generators.collect(self.folder)


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Collected:
    cell = Cell(number=1, block=1, api="go", scenario=PROTOCOL.scenarios[1])
    # Each reading is at the same moment; a real one after the load is later than that before it.
    moments = iter(range(10**12, 2 * 10**12, 10**11))
    found = Collected(monkeypatch, parts_of(cell, 2), tmp_path)

    def read_clock(*_: object) -> ClockReading:
        return ClockReading(at_ns=next(moments), offset_ns=0, wall_offset_ns=0, delay_ns=100)

    monkeypatch.setattr(generators.network, "read_clock", read_clock)
    return found


def test_what_all_did_is_left_beside_the_clocks_that_it_was_put_together_by(collected: Collected):
    measured = collected.play_and_collect()
    assert (measured.generator_failure, measured.sampler_failure, measured.watch_failure) == (None, None, None)
    assert isinstance(measured.result, WrkResult)
    assert (measured.result.connections, measured.result.requests) == (100, 2_000)
    written = WrkResult.from_json((collected.folder / "wrk.json").read_bytes(), name="wrk.json")
    assert written == measured.result
    found = CellClocks.from_json((collected.folder / "clocks.json").read_bytes(), name="clocks.json").load_hosts
    assert [(clock.before.at_ns // 10**11, clock.after.at_ns // 10**11) for clock in found] == [(10, 12), (11, 13)]


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize(
    ("what", "member"),
    [("wrk", "generator_failure"), ("samples.csv", "sampler_failure"), ("ticks.jsonl", "watch_failure")],
)
def test_a_failure_on_one_load_host_is_reported_for_all(collected: Collected, what: str, member: str, number: int):
    collected.failures[what, number] = "It was killed."
    measured = collected.play_and_collect()
    failures = {name: getattr(measured, name) for name in ("generator_failure", "sampler_failure", "watch_failure")}
    assert failures == dict.fromkeys(failures) | {member: "It was killed."}
    assert (measured.result is None) == (what == "wrk")
    assert (collected.folder / "wrk.json").exists() == (what != "wrk")


class LoadHostBench(FakeBench):
    """The bench in memory, with a load host that is like its host unless said otherwise."""

    its_identity: HostIdentity = IDENTITY

    def look_at_load_hosts(self) -> tuple[LoadHostLook, ...]:
        self._step("look_at_load_hosts")
        return (LoadHostLook(identity=self.its_identity, network=NETWORK),)


def test_connections_that_cannot_be_divided_refuse_the_run_before_it_begins(tmp_path: Path):
    bench = LoadHostBench()
    with pytest.raises(RunError, match="10 connections can't be divided among 3 load hosts"):
        begin(bench, tmp_path, inventory=with_load_hosts(INVENTORY, 3))
    assert bench.steps == []


def test_a_load_host_of_other_hardware_refuses_the_run_and_the_host_is_left_clean(tmp_path: Path):
    bench = LoadHostBench()
    bench.its_identity = IDENTITY.model_copy(update={"cpu_model": "Another CPU"})
    with pytest.raises(RunError, match="the processor: Test CPU, and Another CPU of the load host"):
        begin(bench, tmp_path, inventory=with_load_hosts(INVENTORY))
    assert bench.left_clean()
    assert [*tmp_path.iterdir()] == []


def test_the_load_host_is_looked_at_before_and_after_and_a_changed_one_ends_a_resume(tmp_path: Path):
    inventory = with_load_hosts(INVENTORY)
    bench = LoadHostBench()
    run = begin(bench, tmp_path, inventory=inventory)
    record = HostRecord.from_json((run / "host.json").read_bytes(), name="host.json")
    [load_host] = record.load_hosts
    assert load_host.before == load_host.after
    assert bench.steps.count("look_at_load_hosts") == 2
    (run / "host.json").write_text(record.model_copy(update={"after": None}).to_json())
    bench.its_identity = IDENTITY.model_copy(update={"kernel": "6.6"})
    with pytest.raises(RunError, match=r"of load host 1 kernel was 6\.1 and is 6\.6"):
        resume(bench, run, inventory)
