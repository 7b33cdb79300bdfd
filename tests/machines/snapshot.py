"""All of a machine that a lab could have changed, so that before and after can be held against each other."""

import time

from tests.machines.machine import Machine
from tests.ssh.waiting import HANGING_SECONDS

_LISTINGS = {
    # Without their versions: what apt brings up to date on the way stays so, and the mirrors say when that is.
    "packages": "dpkg-query --show --showformat '${Package} ${db:Status-Status}\\n'",
    # Those with a hyphen are the files as they were before their last change.
    "configuration": (
        "find /etc -type f ! -name '*-' ! -name ld.so.cache ! -path '/etc/ssh/ssh_host_*' | sort | xargs sha256sum"
    ),
    "links": "find /etc -type l -printf '%p %l\\n' | sort",
    # What is mounted the kernel knows at once, and systemd a moment later.
    "units at work": (
        "systemctl list-units --no-legend --plain --full | awk '$1 !~ /[.]mount$/ {print $1, $2, $3, $4}' | sort"
    ),
    "mounts": "findmnt --noheadings --raw --output TARGET,FSTYPE | sort",
    "units at boot": "systemctl list-unit-files --no-legend | sort",
    "groups": "sort /etc/group",
    "folders": "ls -1d /var/lib/* /var/cache/* ~root/.[!.]* ~someone/.[!.]* /opt/* /srv/* /usr/local/*/* 2>/dev/null",
    "state of the day": "ls -1 /run | grep -v -e motd -e adduser",
    "sshd": "/usr/sbin/sshd -T | grep -i -e maxstartups -e maxsessions",
    "processes": "ps -eo args=",
    # containerd takes another port at each start.
    "listeners": "ss -Hltnp | grep -v '\"containerd\"' | awk '{print $4}' | sort",
    "network": "ip -brief address; ip route; sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding",
    "packet filter": "nft --stateless list ruleset | sort",
    "redis": "redis-cli get mine",
    # Docker gives a container no cgroup of its own in these two hierarchies: what is there is the machine's below.
    # systemd makes those of its units in more hierarchies while a user is logged in; "units at work" lists the units.
    "cgroups": (
        "find /sys/fs/cgroup -type d | grep -v -e /hugetlb/ -e /perf_event/ -e '[.]service$' -e '[.]mount$' "
        "-e '[.]slice$' -e '[.]scope$' -e '[.]socket$' -e '[.]swap$' | sort"
    ),
}

_OF_ITS_ENGINE = {
    "containers": "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.State}}'",
    "images": "docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort",
    "volumes": "docker volume ls --format '{{.Name}}' | sort",
    "build cache": "docker system df --verbose --format '{{range .BuildCache}}{{println .ID}}{{end}}' | sort",
}


_OF_THE_LOOK = (
    *("ps -eo", "sh -euc", "sshd:", "sshd-session:", "systemd --user", "(sd-pam)", "update-motd.d", "[run-parts]"),
    *("session-", "user-", "user@", "user.slice", "/run/user/", "containerd-shim", "/run/docker/netns/"),
)
"""What is at work only because somebody looks or is logged in, or how a container that was there before is held."""

_OF_THE_DAY = (
    *("systemd-tmpfiles-clean.service", "apt-daily.service", "apt-daily-upgrade.service", "apt.systemd.daily"),
    *("dpkg-db-backup.service", "logrotate.service", "network-online.target"),
)
"""What systemd's timers start by themselves, and a milestone of the boot that stands once a unit has asked for it. The
lab starts none of them."""

_HEADING = "### "


class Snapshot:
    """A machine as it was found, to be compared with what it is later."""

    def __init__(self, machine: Machine, *, has_engine: bool) -> None:
        self._machine = machine
        self._has_engine = has_engine
        self._before = _look_when_settled(machine, has_engine=has_engine)

    def changed(self) -> dict[str, tuple[list[str], list[str]]]:
        """What is different now: of each kind, the lines that are gone and those that are new."""
        after = _look_at(self._machine, has_engine=self._has_engine)
        return {
            kind: (
                [line for line in then if line not in after[kind]],
                [line for line in after[kind] if line not in then],
            )
            for kind, then in self._before.items()
            if then != after[kind]
        }

    def changed_in_the_end(self) -> dict[str, tuple[list[str], list[str]]]:
        """What stays different once systemd and the kernel have done what follows from the last command."""
        deadline = time.monotonic() + HANGING_SECONDS
        while (found := self.changed()) and time.monotonic() < deadline:
            time.sleep(1)
        return found


def _look_when_settled(machine: Machine, *, has_engine: bool) -> dict[str, list[str]]:
    """What the machine has once two looks in a row are the same.

    A helper of systemd or of its timers that was at work for a moment would be missed later.
    """
    deadline = time.monotonic() + HANGING_SECONDS
    found = _look_at(machine, has_engine=has_engine)
    while (again := _look_at(machine, has_engine=has_engine)) != found:
        assert time.monotonic() < deadline, f"the machine doesn't settle: {found} became {again}"
        found = again
    return found


def _look_at(machine: Machine, *, has_engine: bool) -> dict[str, list[str]]:
    """What the machine has, by kind, a line each."""
    listings = {**_LISTINGS, **(_OF_ITS_ENGINE if has_engine else {})}
    # One call of the engine for all of them: each takes it as long as most of these take the machine.
    script = "\n".join(f"echo '{_HEADING}{kind}'\n{listing} || :" for kind, listing in listings.items())
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in machine.shell(script).splitlines():
        if line.startswith(_HEADING):
            found[line.removeprefix(_HEADING)] = lines = []
        else:
            lines.append(line)
    for kind in ("processes", "units at work", "units at boot", "mounts", "cgroups"):
        found[kind] = sorted(
            line for line in found[kind] if not any(part in line for part in (*_OF_THE_LOOK, *_OF_THE_DAY))
        )
    # Those of an engine that is gone are the kernel's until the next boot; what else was made beside them isn't.
    found["cgroups"] = [line for line in found["cgroups"] if not line.endswith(("/docker", "/docker/buildkit"))]
    return found
