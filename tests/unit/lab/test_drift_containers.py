"""A declared container against the one that runs: each way in which they can differ is told, and nothing else."""

import copy
from typing import Any

import pytest

from documents.lab.drift import Difference, Effective, ProcessCpus, RunningContainer
from lab.lifecycle.drift import reading
from lab.lifecycle.drift.containers import (
    ANOTHER,
    HIDDEN,
    Comparison,
    compare_container,
    compare_effective,
    differing_limits,
)
from lab.lifecycle.drift.declared import Declared, state_of
from provision.containers.state import NONE
from tests.unit.lab.drifting import EFFECTIVE, FILES, IMAGE, INSPECTED, SECRETS, declared, running

LIMITS_REMEDY, REMEDY = "put the limits back", "make it anew"


def differences(
    wanted: Declared,
    found: RunningContainer,
    image: dict[str, Any] | None = IMAGE,
    host_memory: tuple[str, str] = (NONE, NONE),
) -> list[Difference]:
    comparison = Comparison(SECRETS)
    state = state_of(wanted, image)
    compare_container(comparison, wanted, state, found, remedy=REMEDY, remedy_of=lambda _aspect, _value: LIMITS_REMEDY)
    if found.effective is not None:
        compare_effective(comparison, wanted, state, found.state, found.effective, host_memory=host_memory)
    assert comparison.compared["go"] > 40
    return comparison.differences


def test_a_container_that_runs_as_it_is_declared_has_no_drift():
    assert differences(declared(), running()) == []
    assert differing_limits(state_of(declared(), IMAGE), running()) == []


@pytest.mark.parametrize(
    ("place", "value", "what", "effective"),
    [
        ("HostConfig/CpusetCpus", "1", "its CPUs", "1"),
        ("HostConfig/CpusetCpus", "", "its CPUs", "all of the engine's"),
        ("HostConfig/CpusetMems", "0", "its memory nodes", "0"),
        ("HostConfig/Memory", 1024**3, "its memory limit", "1 GiB"),
        ("HostConfig/MemorySwap", -1, "its memory and swap limit", "none"),
        ("HostConfig/MemoryReservation", 1000, "its memory reservation", "1000 bytes"),
        ("HostConfig/NanoCpus", 500_000_000, "its CPU quota", "0.5 CPUs"),
        ("HostConfig/CpuQuota", 150_000, "its CPU quota", "1.5 CPUs"),
        ("HostConfig/CpuShares", 512, "its CPU shares", "512"),
        ("HostConfig/PidsLimit", 77, "its process limit", "77"),
        ("HostConfig/BlkioWeight", 100, "its block I/O weight", "100"),
        ("HostConfig/RestartPolicy", {"Name": "no", "MaximumRetryCount": 0}, "its restart policy", "no"),
        ("HostConfig/RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}, "its restart policy", None),
    ],
)
def test_what_docker_update_changes_is_told_and_up_makes_such_a_container_anew(
    place: str, value: object, what: str, effective: str | None
):
    found = running((place, value))
    (told,) = differences(declared(), found)
    assert (told.subject, told.what, told.remedy) == ("go", what, LIMITS_REMEDY)
    assert effective is None or told.effective == effective
    verb = "are" if what in {"its CPUs", "its CPU shares", "its memory nodes"} else "is"
    assert told.message == f"go: {what} {verb} {told.effective} instead of {told.declared}; {LIMITS_REMEDY}."
    assert differing_limits(state_of(declared(), IMAGE), found) == [what.removeprefix("its ")]


@pytest.mark.parametrize(
    ("place", "value", "what", "told_as"),
    [
        ("HostConfig/NetworkMode", "bridge", "its network mode", ("host", "bridge")),
        ("HostConfig/ReadonlyRootfs", False, "its read-only root", ("yes", "no")),
        ("HostConfig/Privileged", True, "its privileged", ("no", "yes")),
        ("HostConfig/CapAdd", ["CAP_NET_ADMIN"], "its capabilities added", ("none", "NET_ADMIN")),
        ("HostConfig/CapDrop", None, "its capabilities dropped", ("ALL", "none")),
        ("HostConfig/SecurityOpt", None, "its security options", ("no-new-privileges=true", "none")),
        ("HostConfig/Tmpfs", None, "its temporary file systems", ("/tmp=mode=1777,size=64m", "none")),  # noqa: S108
        ("HostConfig/Sysctls", {"kernel.msgmax": "9000"}, "its kernel settings", ("none", "kernel.msgmax=9000")),
        (
            "HostConfig/PortBindings",
            {"80/tcp": [{"HostIp": "", "HostPort": "80"}]},
            "its published ports",
            ("none", "0.0.0.0:80 to 80/tcp"),
        ),
        ("HostConfig/ShmSize", 128 * 1024**2, "its shared memory", ("64 MiB", "128 MiB")),
        ("HostConfig/PidMode", "host", "its process namespace", ("its own", "host")),
        ("HostConfig/IpcMode", "host", "its IPC namespace", ("its own", "host")),
        ("HostConfig/UsernsMode", "host", "its user namespace", ("the engine's", "host")),
        (
            "HostConfig/Devices",
            [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda"}],
            "its devices",
            ("none", "/dev/sda:/dev/sda"),
        ),
        (
            "NetworkSettings/Networks",
            {"bridge": {"IPAMConfig": None}, "fairground-local": {"IPAMConfig": {"IPv4Address": "10.0.0.3"}}},
            "its addresses",
            ("none", "10.0.0.3 in fairground-local"),
        ),
        ("HostConfig/ExtraHosts", ["db:10.0.0.1"], "its extra hosts", ("none", "db:10.0.0.1")),
        ("HostConfig/LogConfig", {"Type": "json-file"}, "its log options", ("max-size=10m", "none")),
        ("HostConfig/CgroupParent", "/elsewhere", "its cgroup parent", ("the engine's", "/elsewhere")),
        ("Mounts", [], "its mounts", ("fairground-uploads-go at /uploads", "none")),
        ("Config/User", "", "its user", ("10001", "root")),
        ("Config/WorkingDir", "/srv", "its working folder", ("/", "/srv")),
        ("Config/Entrypoint", ["/floor"], "its entry point", ("/api", "/floor")),
        ("Config/Cmd", ["--fast"], "its command", ("none", "--fast")),
        ("Config/StopTimeout", None, "its stop time", ("15 s", "10 s")),
        ("Config/StopSignal", "SIGINT", "its stop signal", ("SIGTERM", "SIGINT")),
        ("Image", f"sha256:{'7' * 64}", "its image", (f"sha256:{'6' * 64}", f"sha256:{'7' * 64}")),
        ("Config/Labels/org.fairground.stack", "other", "its label org.fairground.stack", ("local", "other")),
        ("Config/Labels/com.example", "x", "its label com.example", (None, "x")),
        (
            "Config/Healthcheck",
            {"Test": ["CMD", "true"], "Interval": 5_000_000_000, "Retries": 3},
            "its health check",
            ("none", "CMD true, every 5 s, 3 tries"),
        ),
    ],
)
def test_what_is_settled_when_a_container_is_made_is_told(
    place: str, value: object, what: str, told_as: tuple[str, str]
):
    (told,) = differences(declared(), running((place, value)))
    # A health check, too, has the container made anew by `lab up`.
    remedy = LIMITS_REMEDY if what == "its health check" else REMEDY
    assert (told.what, (told.declared, told.effective), told.remedy) == (what, told_as, remedy)


def test_masked_system_paths_are_the_option_that_the_engine_forgets():
    unmasked = running(("HostConfig/MaskedPaths", []), ("HostConfig/ReadonlyPaths", []))
    (told,) = differences(declared(), unmasked)
    assert (told.what, told.declared, told.effective) == ("its masked system paths", "yes", "no")
    (told,) = differences(declared(securityOpts=["no-new-privileges:true", "systempaths=unconfined"]), running())
    assert (told.what, told.declared, told.effective) == ("its masked system paths", "no", "yes")
    options = ["systempaths=unconfined", "seccomp=unconfined"]
    confined = ("HostConfig/SecurityOpt", ["seccomp=unconfined"])
    assert differences(declared(securityOpts=options), running(confined, *_EMPTY_MASKS)) == []
    # A refresh reads the option back as nothing.
    assert differences(declared(securityOpts=options[1:]), running(confined, *_EMPTY_MASKS)) == []


_EMPTY_MASKS = (("HostConfig/MaskedPaths", list[str]()), ("HostConfig/ReadonlyPaths", list[str]()))


def test_what_is_left_to_the_engine_or_its_image_is_no_drift():
    # Where memory is limited and swap isn't told, the engine chooses how much of it there is.
    assert differences(declared(memorySwap=None), running(("HostConfig/MemorySwap", 1024**3))) == []
    # Whoever names an entry point has nothing of the image's command.
    image = copy.deepcopy(IMAGE)
    image["Config"]["Cmd"] = ["--slow"]
    assert differences(declared(entrypoints=["/api"]), running(image=image), image) == []
    (told,) = differences(declared(), running(image=image), image)
    assert (told.what, told.declared) == ("its command", "--slow")
    # No health check, said aloud.
    assert differences(declared(), running(("Config/Healthcheck", {"Test": ["NONE"]}))) == []


def test_a_declared_volume_where_the_image_has_one_is_compared_and_a_temporary_file_system_isn_t_a_mount():
    image = copy.deepcopy(IMAGE)
    image["Config"]["Volumes"] = {"/cache": {}, "/uploads": {}}
    assert differences(declared(), running(image=image), image) == []
    mounts = running().state.aspects["mounts"]
    assert mounts == "fairground-uploads-go at /uploads"
    temporary = {"Type": "tmpfs", "Source": "", "Destination": "/tmp", "RW": True}  # noqa: S108 - the container's own
    assert differences(declared(), running(("Mounts", [*INSPECTED["Mounts"], temporary]))) == []


def test_a_health_check_that_the_image_brings_is_told_as_such_and_up_leaves_it():
    check = {"Test": ["CMD-SHELL", "curl localhost"], "Timeout": 1_500_000_000}
    image = copy.deepcopy(IMAGE)
    image["Config"]["Healthcheck"] = check
    found = running(("Config/Healthcheck", check), image=image)
    (told,) = differences(declared(), found, image)
    assert told.effective == "CMD-SHELL 'curl localhost', at most 1.5 s"
    assert told.remedy == "take HEALTHCHECK out of its image, and run `lab up`"
    assert "its image brings it" in told.message
    assert differing_limits(state_of(declared(), image), found) == []


def test_an_edit_of_a_health_check_that_pulumi_ignored_is_told_and_up_makes_the_container_anew():
    wanted = declared(healthcheck={"tests": ["CMD", "true"], "interval": "1m30s", "retries": 3})
    running_check = {"Test": ["CMD", "true"], "Interval": 90_000_000_000, "Retries": 3}
    assert differences(wanted, running(("Config/Healthcheck", running_check))) == []
    for check in (None, {"Test": ["NONE"]}, {**running_check, "Interval": 30_000_000_000}):
        found = running(("Config/Healthcheck", check))
        (told,) = differences(wanted, found)
        assert (told.what, told.declared) == ("its health check", "CMD true, every 90 s, 3 tries")
        assert told.remedy == LIMITS_REMEDY
        assert differing_limits(state_of(wanted, IMAGE), found) == ["health check"]


@pytest.mark.parametrize(
    ("aspect", "value", "remedy"),
    [
        ("CPUs", "0,1", "docker update --cpuset-cpus 0,1 --restart unless-stopped --memory 512m --memory-swap 512m "),
        ("memory limit", "512 MiB", "--memory 512m --memory-swap 512m fairground-api-go`"),
        ("memory nodes", "all of the engine's", "run `lab down` and `lab up`"),
        ("CPU quota", "none", "run `lab down` and `lab up`"),
        ("user", "root", "run `lab down` and `lab up`"),
    ],
)
def test_the_host_s_container_gets_back_what_docker_can_give_it_and_is_else_made_anew(
    aspect: str, value: str, remedy: str
):
    aspects = state_of(declared(), IMAGE).aspects
    assert remedy in reading._remedy_of_limit(declared(), aspects, aspect, value)  # pyright: ignore[reportPrivateUsage]


def test_of_a_long_command_only_the_options_that_differ_are_told():
    wanted = declared(command=["postgres", "-c", "fsync=on", "-c", "work_mem=8MB"])
    found = running(("Config/Cmd", ["postgres", "-c", "fsync=on", "-c", "work_mem=64MB"]))
    (told,) = differences(wanted, found)
    assert (told.declared, told.effective) == ("-c work_mem=8MB", "-c work_mem=64MB")


def test_another_container_under_the_same_name_is_told():
    (told,) = differences(declared(), running(("Id", "f" * 64)))
    assert (told.what, told.declared, told.effective) == ("the container", "8fbf2a2857db", "f" * 12)
    assert "made by hand under the same name" in told.message


def test_a_container_that_was_renamed_is_told_with_its_name():
    (told,) = differences(declared(), running(("Name", "/elsewhere")))
    assert (told.what, told.declared, told.effective) == ("its name", "fairground-api-go", "elsewhere")
    assert told.remedy == "`docker rename elsewhere fairground-api-go` on its engine"


@pytest.mark.parametrize(
    ("status", "remedy"),
    [("exited", "run `lab up`"), ("created", "run `lab up`"), ("paused", "docker unpause"), ("restarting", "lab logs")],
)
def test_a_container_that_does_not_run_is_told_with_what_starts_it(status: str, remedy: str):
    (told,) = differences(declared(), running(status=status, effective=None))
    assert (told.what, told.declared, told.effective) == ("its state", "running", status)
    assert remedy in told.remedy


def test_variables_are_told_by_name_and_secrets_without_their_value():
    environment = [
        "PORT=18081",
        "DATABASE_URL=postgres://mallory:hunter2@elsewhere/fairground",
        "DEBUG_TOKEN=another-secret",
        "PATH=/usr/bin",
    ]
    told = differences(declared(), running(("Config/Env", environment)))
    assert [(one.what, one.declared, one.effective) for one in told] == [
        ("its variable DATABASE_URL", HIDDEN, ANOTHER),
        ("its variable DEBUG_TOKEN", None, "set"),
        ("its variable JWT_SECRET", HIDDEN, None),
        ("its variable PORT", "18080", "18081"),
    ]
    assert told[0].message == (f"go: its variable DATABASE_URL isn't the declared one (neither is shown); {REMEDY}.")
    texts = "\n".join(one.to_json() for one in told)
    for secret in (*SECRETS, "hunter2", "another-secret"):
        assert secret not in texts


def test_a_secret_in_the_place_of_something_else_is_not_shown():
    told = differences(declared(), running(("Config/Cmd", ["--key", "jwt-secret"]), ("Config/User", "pg-secret")))
    assert {one.effective for one in told} == {HIDDEN}
    assert "secret" not in "".join(one.message for one in told)


@pytest.mark.parametrize(("digest", "effective"), [("0" * 64, ANOTHER), (None, None)])
def test_a_file_with_another_content_or_none_is_told_without_it(digest: str | None, effective: str | None):
    state = running().state.model_copy(update={"files": {} if digest is None else {"/etc/api.conf": digest}})
    (told,) = differences(declared(), running(state=state))
    assert (told.what, told.declared, told.effective) == ("its file /etc/api.conf", HIDDEN, effective)
    assert "docker rm --force fairground-api-go" in told.remedy
    assert FILES["/etc/api.conf"] not in told.message


@pytest.mark.parametrize(
    ("changes", "what", "effective"),
    [
        ({"cpus": (0,)}, "its effective CPUs", "0"),
        ({"memory_bytes": 64 * 1024**2}, "its effective memory limit", "64 MiB"),
        ({"memory_bytes": None}, "its effective memory limit", "none"),
        ({"cpu_quota": 0.5}, "its effective CPU quota", "0.5 CPUs"),
        (
            {"processes": (ProcessCpus(process_id=78, name="worker", cpus=(1,)),)},
            "the affinity of its process 78 (worker)",
            "1",
        ),
    ],
)
def test_what_the_kernel_does_though_docker_says_otherwise_is_told(changes: dict[str, Any], what: str, effective: str):
    found = running(effective=EFFECTIVE.model_copy(update=changes))
    (told,) = differences(declared(), found)
    assert (told.what, told.effective) == (what, effective)
    assert "docker restart fairground-api-go" in told.remedy


def test_the_host_s_limit_binds_a_container_that_has_none():
    wanted = declared(memory=0, memorySwap=0)
    limits = (("HostConfig/Memory", 0), ("HostConfig/MemorySwap", 0))
    found = running(*limits, effective=EFFECTIVE.model_copy(update={"memory_bytes": 2 * 1024**3}))
    assert differences(wanted, found, host_memory=("2 GiB", "2 GiB")) == []
    # Where the host has another one, that is told of the host.
    assert differences(wanted, found, host_memory=("4 GiB", "2 GiB")) == []
    (told,) = differences(wanted, found, host_memory=("4 GiB", "4 GiB"))
    assert (told.what, told.declared, told.effective) == ("its effective memory limit", "4 GiB", "2 GiB")
    # On a host that isn't a container nobody declares one.
    assert differences(wanted, found) == []


def test_what_docker_says_already_is_not_told_again_of_the_kernel():
    effective = Effective(cpus=(1,), memory_bytes=1024**3, cpu_quota=None, processes=EFFECTIVE.processes)
    found = running(("HostConfig/CpusetCpus", "1"), ("HostConfig/Memory", 1024**3), effective=effective)
    assert [one.what for one in differences(declared(), found)] == ["its CPUs", "its memory limit"]


def test_of_processes_whose_container_is_held_to_other_cpus_only_that_is_told():
    processes = (ProcessCpus(process_id=77, name="api", cpus=(0,)),)
    found = running(effective=EFFECTIVE.model_copy(update={"cpus": (0,), "processes": processes}))
    assert [one.what for one in differences(declared(), found)] == ["its effective CPUs"]
