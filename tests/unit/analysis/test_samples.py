"""samples.csv: what a role used is computed over the load window alone, and a broken file is refused by line."""

import pytest

from analysis.raw.recordings import Window, read_samples, step_means, usage
from documents.errors import AnalysisError
from tests.unit.analysis.run_builder import START_NS, TICK_NS, Role, samples_csv

STEADY = Role(0.5, lambda _: 7)
WINDOW = Window(START_NS, START_NS + 2_000_000_000)


def a_file(api: Role = STEADY, seconds: int = 2) -> bytes:
    return samples_csv({"api": api, "postgres": STEADY, "redis": STEADY, "generator": STEADY}, seconds)


def read(data: bytes) -> object:
    return read_samples(data, name="samples.csv")


def test_cpu_is_the_counters_difference_over_the_window():
    found = usage(read_samples(a_file(Role(1.25, lambda _: 7)), name="samples.csv"), WINDOW, name="samples.csv")
    assert found["api"].cpu_cores == pytest.approx(1.25)
    assert found["postgres"].cpu_cores == pytest.approx(0.5)


def test_cpu_at_a_windows_ends_is_interpolated_between_samples():
    busy_from_tick_1 = b"time_ns,role,cpu_ns,anonymous_bytes,page_cache_bytes\n" + b"".join(
        f"{START_NS + tick * TICK_NS},{role},{max(tick - 1, 0) * TICK_NS},7,0\n".encode()
        for tick in range(4)
        for role in ("api", "postgres", "redis", "generator")
    )
    window = Window(START_NS + TICK_NS // 2, START_NS + 2 * TICK_NS + TICK_NS // 2)
    found = usage(read_samples(busy_from_tick_1, name="samples.csv"), window, name="samples.csv")
    assert found["api"].cpu_cores == pytest.approx(0.75)


def test_memory_is_the_mean_and_peak_of_the_samples_in_the_window_only():
    data = a_file(Role(1.0, lambda tick: 1_000 if tick > 20 else 10 * tick, page_cache_bytes=44))
    found = usage(read_samples(data, name="samples.csv"), WINDOW, name="samples.csv")["api"]
    assert (found.memory_mean_bytes, found.memory_peak_bytes, found.page_cache_mean_bytes) == (100.0, 200, 44.0)


def test_steps_cut_the_window_in_equal_parts():
    data = a_file(Role(1.5, lambda tick: 100 * tick))
    cpu, memory = step_means(read_samples(data, name="samples.csv")["api"], WINDOW, 4)
    assert cpu.tolist() == pytest.approx([1.5] * 4)
    assert memory.tolist() == pytest.approx([250, 750, 1250, 1750])


def test_a_role_whose_cgroup_begins_with_the_load_is_measured_from_its_first_sample():
    lines = a_file(Role(1.0, lambda _: 7)).splitlines(keepends=True)
    late = b"".join(
        line for line in lines if b",generator," not in line or int(line.split(b",")[0]) >= START_NS + 3 * TICK_NS
    )
    found = usage(read_samples(late, name="samples.csv"), WINDOW, name="samples.csv")
    assert found["generator"].cpu_cores == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"time_ns,", b"time,", r"samples\.csv:1: the header"),
        (b",api,", b",apis,", r"samples\.csv:2: .* is not"),
        (b",redis,0,7,", b",redis,zero,7,", r"samples\.csv:4: .* is not"),
        (b",redis,0,7,", b",redis,-1,7,", r"samples\.csv:4: .* is not"),
        (b",redis,0,7,", b",redis,1_0,7,", r"samples\.csv:4: .* is not"),
        (b",redis,0,7,", b",redis," + b"9" * 30 + b",7,", r"samples\.csv:4: .* is not"),
        (b",redis,0,7,0\n", b",redis,0,7\n", r"samples\.csv:4: .* is not"),
        (b",redis,0,7,", b"\xef\xbc\x8credis,0,7,", r"samples\.csv:4: a byte that isn't ASCII"),
        (b",redis,0,7,", b",redis,900000000,7,", r"samples\.csv:8: the CPU time of redis falls"),
        (b"4999600000000,api", b"4999500000000,api", r"samples\.csv:6: the time of api doesn't rise"),
    ],
)
def test_a_broken_line_is_named(old: bytes, new: bytes, says: str):
    data = a_file()
    assert old in data
    with pytest.raises(AnalysisError, match=says):
        read(data.replace(old, new, 1))


def test_a_file_that_was_cut_off_is_refused():
    data = a_file()
    with pytest.raises(AnalysisError, match=r"samples\.csv:\d+: the line has no end"):
        read(data[:-3])


def test_a_role_without_samples_is_refused():
    lines = a_file().splitlines(keepends=True)
    with pytest.raises(AnalysisError, match="fewer than two samples of redis"):
        read(b"".join(line for line in lines if b",redis," not in line))


@pytest.mark.parametrize(
    ("gone", "seconds"),
    [((-5, 12), "1.2"), ((4, 16), "1.3"), ((8, 26), "1.3")],
    ids=["late start", "gap", "early end"],
)
def test_a_second_of_the_window_without_samples_is_refused(gone: tuple[int, int], seconds: str):
    first, end = (START_NS + tick * TICK_NS for tick in gone)
    lines = a_file().splitlines(keepends=True)
    kept = [lines[0], *(line for line in lines[1:] if not first <= int(line.split(b",")[0]) < end)]
    samples = read_samples(b"".join(kept), name="samples.csv")
    with pytest.raises(AnalysisError, match=f"no sample of api for {seconds} s"):
        usage(samples, WINDOW, name="samples.csv")


def test_a_window_outside_the_samples_is_refused():
    samples = read_samples(a_file(), name="samples.csv")
    for window in (Window(0, 10), Window(10**30, 10**40), Window(START_NS + 5 * 10**9, START_NS + 6 * 10**9)):
        with pytest.raises(AnalysisError, match="has no sample of api"):
            usage(samples, window, name="samples.csv")
