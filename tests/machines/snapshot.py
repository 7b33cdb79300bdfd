"""All of a machine that a lab could have changed, so that before and after can be held against each other."""

from tests.machines.machine import Machine

_LISTINGS = {
    "packages": "dpkg-query --show --showformat '${Package} ${Version} ${db:Status-Status}\\n'",
    # Those with a hyphen are the files as they were before their last change.
    "configuration": (
        "find /etc -type f ! -name '*-' ! -name ld.so.cache ! -path '/etc/ssh/ssh_host_*' | sort | xargs sha256sum"
    ),
    "groups": "sort /etc/group",
    "folders": "ls -1d /var/lib/* /var/cache/* ~root/.[!.]* ~someone/.[!.]* /opt/* /srv/* /usr/local/*/* 2>/dev/null",
    "state of the day": "ls -1 /run | grep -v -e motd -e adduser",
    "sshd": "/usr/sbin/sshd -T | grep -i -e maxstartups -e maxsessions",
    "processes": "ps -eo args=",
    "listeners": "ss -Hltn | awk '{print $4}' | sort",
    "redis": "redis-cli get mine",
    "cgroups": "find /sys/fs/cgroup/memory$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup) -type d | sort",
}

_OF_ITS_ENGINE = {
    "containers": "docker ps --all --no-trunc --format '{{.ID}} {{.Names}} {{.State}}'",
    "images": "docker images --all --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' | sort",
    "volumes": "docker volume ls --format '{{.Name}}' | sort",
    "build cache": "docker system df --verbose --format '{{range .BuildCache}}{{println .ID}}{{end}}' | sort",
}


_OF_THE_LOOK = ("ps -eo", "sh -euc", "sshd:", "containerd-shim")
"""What is at work only because somebody looks, or how a container that was there before is held."""


def take_snapshot(machine: Machine, *, has_engine: bool) -> dict[str, list[str]]:
    """What the machine has, by kind, a line each."""
    listings = {**_LISTINGS, **(_OF_ITS_ENGINE if has_engine else {})}
    found = {kind: machine.shell(f"{listing} || :").splitlines() for kind, listing in listings.items()}
    found["processes"] = sorted(line for line in found["processes"] if not any(part in line for part in _OF_THE_LOOK))
    # Those of an engine that is gone are the kernel's until the next boot; what else was made beside them isn't.
    found["cgroups"] = [line for line in found["cgroups"] if not line.endswith(("/engine", "/engine/buildkit"))]
    return found
