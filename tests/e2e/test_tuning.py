"""`lab tune` on the real host of the lab, which is a container: its settings are read, and are not set."""

import json
from pathlib import Path

from provision.ssh.connection import Connection
from tests.conftest import LiveLab

SWAPPINESS = Path("/proc/sys/vm/swappiness")


def test_a_check_shows_the_hosts_identity_and_each_setting(live_lab: LiveLab, host: Connection):
    check = live_lab.run("tune", "--check", "--json")
    assert check.returncode == 0, check.stdout + check.stderr
    told = json.loads(check.stdout)
    assert (told["host"], told["settable"]) == ("container", False)
    identity, versions = told["identity"], told["tool_versions"]
    assert identity["kernel"] == host.run(["uname", "-r"], deadline_seconds=30).stdout.strip()
    assert tuple(identity["cpus"]) == live_lab.inventory.size.cpus
    assert identity["settings"]["vm.swappiness"] == SWAPPINESS.read_text().strip()
    assert {"postgres", "redis", "wrk", "docker"} <= versions.keys()
    assert all(versions.values())
    swappiness = next(knob for knob in told["knobs"] if knob["name"] == "vm.swappiness")
    assert swappiness["before"] == SWAPPINESS.read_text().strip()
    assert {knob["state"] for knob in told["knobs"]} <= {"as-wanted", "only-read", "not-told", "nothing-to-control"}
    assert all(knob["why"] and knob["source"] for knob in told["knobs"])
    shown = live_lab.run("tune", "--check")
    assert shown.returncode == 0, shown.stderr
    for name in ("cpu model", "vm.swappiness", "version: postgres"):
        assert name in shown.stdout


def test_nothing_is_set_on_a_host_that_shares_its_kernel(live_lab: LiveLab):
    before = SWAPPINESS.read_text()
    for arguments in ((), ("--restore",)):
        refused = live_lab.run("tune", *arguments)
        assert refused.returncode == 1
        assert f"The host of the lab {live_lab.stack} is a container" in refused.stderr
    assert SWAPPINESS.read_text() == before
