"""Setting a host's kernel settings for a run and putting them back, on a stand-in for /proc and /sys."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from documents.errors import HostError
from documents.lab.host import CoreLayout
from documents.run.records import KnobRecord, describe_control
from lab.stack_file import read_stack
from provision.kernel import knobs, tuning
from provision.payload import PROGRAMS, identity
from provision.payload.kernel import Lease
from tests.conftest import NIGHTLY, ROOT, STACKS
from tests.ssh.waiting import wait_until
from tests.unit.provision.local_host import LocalHost
from tests.unit.provision.settings_stand_in import TUNED, UNTOUCHED_SETTINGS, StandIn

LAYOUT = CoreLayout(api=(0, 1), postgres=(2,), redis=(3,), generator=(3,), system=(3,), shared=True)
KNOBS = knobs.knobs_of(LAYOUT)
HOST = LocalHost()


def test_interrupts_are_kept_off_the_cpus_that_are_the_apis_in_any_layout():
    other = CoreLayout(api=(4,), postgres=(2,), redis=(3,), generator=(3,), system=(3,), shared=True)
    (knob,) = (knob for knob in knobs.knobs_of(LAYOUT, other) if knob.name == "interrupts")
    assert knob.wanted == "off the CPUs 0,1,4"


def test_every_setting_of_a_knob_is_part_of_the_hosts_identity():
    *settings, _interrupts = KNOBS
    sysctls = {f"proc/sys/{name.replace('.', '/')}" for name in identity.KERNEL_SETTINGS}
    devices = {path.removeprefix("/") for path in identity.DEVICE_SETTINGS.values()}
    governors = "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"
    assert {one.pattern for knob in settings for one in knob.settings} <= {*sysctls, *devices, governors}


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    made = StandIn(tmp_path)
    yield made
    # Its guard ends when it sees that there is no lease.
    (made.state / "lease.json").unlink(missing_ok=True)
    wait_until(lambda: not guards(made))


def guards(stand_in: StandIn) -> list[int]:
    """The guards of this stand-in that are at work."""
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"guard" in words and str(stand_in.state).encode() in words:
            found.append(int(path.parts[2]))
    return found


def tune(stand_in: StandIn, seconds: float = 300) -> dict[str, KnobRecord]:
    return {knob.name: knob for knob in tuning.tune(HOST, KNOBS, seconds=seconds, paths=stand_in.paths)}


def guard_of(stand_in: StandIn) -> int:
    """Its one guard; as long as its process is on its way, it bears another name."""
    wait_until(lambda: bool(guards(stand_in)))
    (guard,) = guards(stand_in)
    return guard


def restore(stand_in: StandIn) -> tuning.Restored:
    return tuning.restore(HOST, paths=stand_in.paths)


def read(stand_in: StandIn, *, settable: bool = True) -> dict[str, KnobRecord]:
    return {knob.name: knob for knob in tuning.read(HOST, KNOBS, settable=settable, paths=stand_in.paths)}


def test_the_ports_that_are_given_to_connections_lie_above_those_of_the_lab():
    (setting,) = next(knob.settings for knob in KNOBS if knob.name == "net.ipv4.ip_local_port_range")
    first = int(setting.wanted.split()[0])
    for path in STACKS:
        stack = read_stack(ROOT, path.stem)
        ports = [stack.services.postgres.port, stack.services.redis.port, *(api.port for api in stack.apis)]
        assert max(ports) < first, path.name


def test_reading_changes_nothing_and_reports_what_is_not_as_wanted(stand_in: StandIn):
    found = read(stand_in, settable=False)
    assert stand_in.settings() == UNTOUCHED_SETTINGS
    assert not stand_in.state.exists()
    assert found["governor"].before == "powersave (2), performance (1)"
    assert found["governor"].state == "only-read"
    assert found["governor"].message is not None
    assert found["governor"].message.endswith("in a container it is only read")
    assert found["huge page defragmentation"].state == "as-wanted"
    assert found["turbo"].before == "boost 1"
    assert not found["turbo"].controlled


def test_what_can_be_set_is_set_and_all_of_it_comes_back(stand_in: StandIn):
    found = tune(stand_in)
    assert stand_in.settings() == TUNED
    assert {knob.state for knob in found.values()} == {"as-wanted", "set"}, "each has its files in the stand-in"
    assert describe_control(tuple(found.values())) == "controlled"
    assert found["vm.swappiness"].model_dump(exclude={"wanted"}) == {
        "name": "vm.swappiness",
        "before": "60",
        "during": "1",
        "after": None,
        "state": "set",
        "message": None,
    }
    assert found["huge page defragmentation"].state == "as-wanted"
    guard_of(stand_in)
    restored = restore(stand_in)
    assert restored.restored == sum(TUNED[name] != UNTOUCHED_SETTINGS[name] for name in TUNED)
    assert stand_in.settings() == UNTOUCHED_SETTINGS
    assert stand_in.left() == []
    wait_until(lambda: not guards(stand_in))
    assert restore(stand_in).restored == 0


def test_a_greater_backlog_than_needed_stays(stand_in: StandIn):
    stand_in.path("proc/sys/net/core/somaxconn").write_text("65535\n")
    assert tune(stand_in)["net.core.somaxconn"].state == "as-wanted"
    assert stand_in.settings()["proc/sys/net/core/somaxconn"] == "65535"


def test_what_the_kernel_refuses_is_reported_and_the_rest_is_set(stand_in: StandIn):
    refusing = stand_in.path("proc/irq/24/smp_affinity_list")
    # Root may open any file, but the kernel takes nothing for this one, which holds a CPU list as well.
    refusing.unlink()
    refusing.symlink_to("/sys/devices/system/cpu/online")
    found = tune(stand_in)
    assert found["interrupts"].state == "refused"
    assert found["interrupts"].message is not None
    assert "irq/24/smp_affinity_list" in found["interrupts"].message
    assert stand_in.settings()["proc/irq/26/smp_affinity_list"] == "2,3"
    assert describe_control(tuple(found.values())) == "partly controlled: interrupts"


@pytest.mark.parametrize(("name", "state"), [("governor", "not-told"), ("kernel.numa_balancing", "nothing-to-control")])
def test_what_the_kernel_does_not_have_is_reported(stand_in: StandIn, name: str, state: str):
    for knob in KNOBS:
        if knob.name == name:
            for path in stand_in.root.glob(knob.settings[0].pattern):
                path.unlink()
    found = tune(stand_in)[name]
    assert (found.state, found.before, found.during) == (state, None, None)


def test_a_turbo_by_intels_driver_is_known(stand_in: StandIn):
    intel = stand_in.path("sys/devices/system/cpu/intel_pstate/no_turbo")
    intel.parent.mkdir()
    intel.write_text("0\n")
    assert tune(stand_in)["turbo"].during == "no_turbo 1"
    assert stand_in.path("sys/devices/system/cpu/cpufreq/boost").read_text() == "1\n"
    restore(stand_in)
    assert intel.read_text() == "0\n"


# The lease and its guard


def test_a_lease_that_lapses_has_the_guard_put_all_back(stand_in: StandIn):
    assert tune(stand_in, seconds=1.5)["vm.swappiness"].state == "set"
    wait_until(lambda: stand_in.settings() == UNTOUCHED_SETTINGS)
    wait_until(lambda: not guards(stand_in))
    assert stand_in.left() == []
    with pytest.raises(HostError, match=r"lapsed, and its guard has put them back.*--resume"):
        tuning.renew(HOST, seconds=60, paths=stand_in.paths)


def test_a_lease_that_is_renewed_holds(stand_in: StandIn):
    tune(stand_in, seconds=60)
    tuning.renew(HOST, seconds=300, paths=stand_in.paths)
    remaining_seconds = Lease(str(stand_in.state)).remaining_seconds()
    assert remaining_seconds is not None
    assert remaining_seconds > 60
    assert stand_in.settings() == TUNED
    guard_of(stand_in)


def test_a_guard_that_was_killed_is_started_again_with_the_lease(stand_in: StandIn):
    tune(stand_in)
    os.kill(guard_of(stand_in), signal.SIGKILL)
    wait_until(lambda: not guards(stand_in))
    tuning.renew(HOST, seconds=1, paths=stand_in.paths)
    wait_until(lambda: stand_in.settings() == UNTOUCHED_SETTINGS)


# Whatever is killed


def killed(moment: int, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.unit.provision.killed_tuning", str(moment), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def request_of(stand_in: StandIn) -> str:
    shutil.copy(PROGRAMS / "kernel.py", stand_in.paths.program)
    chosen = [knob for knob in KNOBS if knob.name in {"vm.swappiness", "turbo", "huge pages"}]
    return json.dumps(
        {
            **asdict(stand_in.paths),
            "seconds": 300,
            "knobs": [{"name": knob.name, "settings": [asdict(one) for one in knob.settings]} for knob in chosen],
        }
    )


def test_a_tuning_that_is_killed_at_any_moment_is_put_back(stand_in: StandIn):
    request = request_of(stand_in)
    whole = killed(0, request)
    assert whole.returncode == 0, whole.stderr
    moments = int(whole.stdout)
    assert moments > 30
    restore(stand_in)
    changed = 0
    for moment in range(1, moments + 1, 1 if NIGHTLY else 4):
        assert killed(moment, request).returncode == -signal.SIGKILL, moment
        changed += stand_in.settings() != UNTOUCHED_SETTINGS
        restore(stand_in)
        assert stand_in.settings() == UNTOUCHED_SETTINGS, f"killed before call {moment}"
        assert stand_in.left() in ([], ["lease.json.part"]), moment
    assert changed > 2, "it must have been killed between its changes, too"


@pytest.mark.nightly
def test_putting_back_that_is_killed_at_any_moment_goes_on_the_next_time(stand_in: StandIn):
    tune(stand_in)
    arguments = ("restore", str(stand_in.state), str(stand_in.root))
    whole = killed(0, *arguments)
    assert whole.returncode == 0, whole.stderr
    for moment in range(1, int(whole.stdout) + 1, 1 if NIGHTLY else 6):
        tune(stand_in)
        assert killed(moment, *arguments).returncode == -signal.SIGKILL
        restore(stand_in)
        assert stand_in.settings() == UNTOUCHED_SETTINGS, f"killed before call {moment}"
        assert stand_in.left() == [], moment


def test_a_journal_of_an_earlier_boot_puts_back_what_is_still_set(stand_in: StandIn):
    tune(stand_in)
    journal, lease = stand_in.state / "journal.jsonl", stand_in.state / "lease.json"
    for path in (journal, lease):
        lines = [json.loads(line) | {"boot": "another"} for line in path.read_text().splitlines()]
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    # This one got a value of its own from the boot.
    stand_in.path("proc/sys/vm/swappiness").write_text("35\n")
    lapse(stand_in)
    assert stand_in.settings() == UNTOUCHED_SETTINGS | {"proc/sys/vm/swappiness": "35"}
    assert stand_in.left() == []


def lapse(stand_in: StandIn) -> None:
    command = [sys.executable, "-I", stand_in.paths.program, "lapse", str(stand_in.state), str(stand_in.root)]
    subprocess.run(command, check=True, capture_output=True, timeout=30)


def test_a_boot_entry_leaves_a_run_alone_that_holds_a_lease(stand_in: StandIn):
    tune(stand_in)
    lapse(stand_in)
    assert stand_in.settings() == TUNED


@pytest.mark.parametrize("by", ["systemd", "cron"])
def test_a_boot_entry_is_there_while_settings_are_changed_and_puts_them_back(stand_in: StandIn, by: str):
    for name in ("etc/cron.d", *(["etc/systemd/system", "run/systemd/system"] if by == "systemd" else [])):
        stand_in.path(name).mkdir(parents=True)
    tune(stand_in)
    names = {
        "systemd": ["etc/systemd/system/fairground-restore.service"],
        "cron": ["etc/cron.d/fairground-restore"],
    }[by]
    text = stand_in.path(names[0]).read_text()
    (line,) = (line for line in text.splitlines() if "lapse" in line)
    command = line[line.index("python3") :].replace("python3", sys.executable, 1)
    if by == "systemd":
        link = stand_in.path("etc/systemd/system/multi-user.target.wants/fairground-restore.service")
        assert str(link.readlink()) == f"/{names[0]}"
    os.kill(guard_of(stand_in), signal.SIGKILL)
    lease = stand_in.state / "lease.json"
    lease.write_text(json.dumps(json.loads(lease.read_text()) | {"boot": "another"}))
    subprocess.run(command.split(), check=True, capture_output=True, timeout=30)
    assert stand_in.settings() == UNTOUCHED_SETTINGS
    assert not [path for path in stand_in.path("etc").rglob("*") if not path.is_dir()]


def test_a_setting_that_cannot_be_put_back_is_reported_and_stays_in_the_journal(stand_in: StandIn):
    tune(stand_in)
    swappiness = stand_in.path("proc/sys/vm/swappiness")
    swappiness.unlink()
    swappiness.symlink_to("/proc/self/mountinfo")
    with pytest.raises(HostError, match=r"swappiness can't be put back to 60.*lab tune --restore"):
        restore(stand_in)
    others = {name: value for name, value in stand_in.settings().items() if "swappiness" not in name}
    assert others == {name: value for name, value in UNTOUCHED_SETTINGS.items() if "swappiness" not in name}
    swappiness.unlink()
    swappiness.write_text("1\n")
    restore(stand_in)
    assert stand_in.settings() == UNTOUCHED_SETTINGS


def test_an_interrupt_that_is_gone_needs_no_putting_back(stand_in: StandIn):
    tune(stand_in)
    stand_in.path("proc/irq/24/smp_affinity_list").unlink()
    restore(stand_in)
    assert stand_in.left() == []


def test_what_has_yet_to_be_put_back_is_reported_and_left(stand_in: StandIn):
    assert tuning.read_left(HOST, paths=stand_in.paths) == ()
    tune(stand_in)
    left = {setting.path: setting for setting in tuning.read_left(HOST, paths=stand_in.paths)}
    changed = {name for name, value in TUNED.items() if value != UNTOUCHED_SETTINGS[name]}
    assert {Path(path).relative_to(stand_in.root).as_posix() for path in left} == changed
    swappiness = left[str(stand_in.root / "proc/sys/vm/swappiness")]
    assert (swappiness.before, swappiness.value) == ("60", "1")
    # What somebody put back by hand has nothing left to be put back.
    Path(swappiness.path).write_text("60\n")
    assert swappiness.path not in {setting.path for setting in tuning.read_left(HOST, paths=stand_in.paths)}
    restore(stand_in)
    assert tuning.read_left(HOST, paths=stand_in.paths) == ()
