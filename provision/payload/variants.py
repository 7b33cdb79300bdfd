"""Runs on the host: the containers of a run's variants. Standard library only, Python 3.10 or newer.

It asks the Docker engine by its socket. A variant's container is made from a declared one as the engine knows it: its
environment, secrets included, goes from the engine to the engine and nowhere else. Each request names a ``lock``, a
file, so that it waits for a request of a run whose controller was killed. Requests are

    {"action": "make", "label": "org.fairground.varied", "containers": [
        {"name": "fairground-api-go-pool-16", "of": "fairground-api-go", "environment": {"DB_POOL_SIZE": "16"},
         "settings": {}, "cpus": "0,1"}, …]}
    {"action": "switch", "stop": ["fairground-postgres", …], "start": "fairground-postgres-large"}
    {"action": "confine", "cpus": {"fairground-redis": "1", …}}
    {"action": "remove", "labels": ["org.fairground.stack=local", "org.fairground.varied"],
     "cpus": {"fairground-postgres": "1", …}, "start": "fairground-postgres"}

and the answer is for ``remove`` the names of the containers that there were, else the number of
containers that were made, started or changed.
"""

import fcntl
import http.client
import json
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

SOCKET = "/var/run/docker.sock"

ANSWER_SECONDS = 90
"""How long the engine may take; PostgreSQL has 30 s to end."""

OF_THE_CONTAINER = ("Hostname", "Domainname", "MacAddress")
"""The settings that the engine gives each container by default."""


class DockerEngine(http.client.HTTPConnection):
    """A connection to the engine's socket."""

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.connect(SOCKET)


def main(request: "dict[str, Any]") -> "int | list[str]":
    """Do what is asked for."""
    actions = {"make": make_all, "switch": switch, "confine": confine_all, "remove": remove_all}
    lock = Path(request["lock"])
    lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        return actions[request["action"]](request)


def make_all(request: "dict[str, Any]") -> int:
    """Make each container."""
    for one in request["containers"]:
        make(one, request["label"])
    return len(request["containers"])


def make(one: "dict[str, Any]", label: str) -> None:
    """Create a copy of the declared container with the given differences; it isn't started.

    It doesn't restart by itself: after a reboot the declared one does, and both have the same port or volume.
    """
    declared = ask_json("GET", f"/containers/{quote(one['of'])}/json")
    config, host = dict(declared["Config"]), dict(declared["HostConfig"])
    for name in OF_THE_CONTAINER:
        config.pop(name, None)
    config |= {
        "Image": declared["Image"],
        "Env": changed_environment(config["Env"] or [], one["environment"]),
        "Labels": {**(config["Labels"] or {}), label: one["of"]},
    }
    if one["settings"]:
        config["Cmd"] = changed_command(config["Cmd"], one["settings"])
    host |= {"CpusetCpus": one["cpus"], "RestartPolicy": {"Name": "no"}}
    made = ask_json("POST", f"/containers/create?name={quote(one['name'])}", {**config, "HostConfig": host})
    mounted = {mount["Destination"] for mount in declared["Mounts"]}
    for path in secret_files(config["Env"]) if one["settings"] else []:
        if path not in mounted:
            copy_file(declared["Id"], made["Id"], path)


def changed_environment(given: "list[str]", changes: "dict[str, str]") -> "list[str]":
    """An environment with these variables set or added."""
    kept = [entry for entry in given if entry.partition("=")[0] not in changes]
    return [*kept, *(f"{name}={value}" for name, value in changes.items())]


def changed_command(command: "list[str]", settings: "dict[str, str]") -> "list[str]":
    """PostgreSQL's command with these settings in place of those of the same names."""
    words, kept = list(command), list[str]()
    while words:
        word = words.pop(0)
        if word == "-c" and words:
            setting = words.pop(0)
            if setting.partition("=")[0] not in settings:
                kept += [word, setting]
        else:
            kept.append(word)
    return [*kept, *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]


def secret_files(environment: "list[str]") -> "list[str]":
    """The files named by variables such as POSTGRES_PASSWORD_FILE, which are copied into a container, not mounted."""
    pairs = (entry.partition("=") for entry in environment)
    return [value for name, _, value in pairs if name.endswith("_FILE") and value.startswith("/")]


def copy_file(source: str, target: str, path: str) -> None:
    """Copy a file from one container into another, as the archive that the engine makes of it."""
    archive = ask("GET", f"/containers/{source}/archive?path={quote(path)}")
    folder = path.rpartition("/")[0] or "/"
    ask("PUT", f"/containers/{target}/archive?path={quote(folder)}", archive, kind="application/x-tar")


def switch(request: "dict[str, Any]") -> int:
    """Stop containers, make sure that none runs, and start another in their place.

    Two PostgreSQL servers over one volume would destroy it: each has its own process numbers, so the lock file doesn't
    protect it. The one to start must exist, or none would run in the end.
    """
    ask("GET", f"/containers/{quote(request['start'])}/json")
    for name in request["stop"]:
        stop(name)
    if running := [name for name in request["stop"] if is_running(name)]:
        sys.exit(f"{', '.join(running)} still runs, so {request['start']} can't be started in its place")
    start(request["start"])
    return 1


def confine_all(request: "dict[str, Any]") -> int:
    """Give containers these CPUs; returns how many had others."""
    changed = 0
    for name, cpus in request["cpus"].items():
        if ask_json("GET", f"/containers/{quote(name)}/json")["HostConfig"]["CpusetCpus"] != cpus:
            ask("POST", f"/containers/{quote(name)}/update", as_json({"CpusetCpus": cpus}))
            changed += 1
    return changed


def remove_all(request: "dict[str, Any]") -> "list[str]":
    """Restore the CPUs of the declared containers, start PostgreSQL, and remove the containers of variants.

    The latter go last: as long as there is one, the next run does all of this again.
    """
    chosen = quote(json.dumps({"label": request["labels"]}))
    names = [one["Names"][0].lstrip("/") for one in ask_json("GET", f"/containers/json?all=1&filters={chosen}")]
    if names:
        for name in names:
            stop(name)
        confine_all(request)
        switch({"stop": names, "start": request["start"]})
    for name in names:
        ask("DELETE", f"/containers/{quote(name)}?v=1", allowed=(404,))
    return names


def stop(name: str) -> None:
    """Stop a container within its own stop time; a stopped or missing one is fine."""
    ask("POST", f"/containers/{quote(name)}/stop", allowed=(404,))


def start(name: str) -> None:
    """Start a container; a running one is fine."""
    ask("POST", f"/containers/{quote(name)}/start")


def is_running(name: str) -> bool:
    """Whether a container runs; False for a missing one."""
    found = ask("GET", f"/containers/{quote(name)}/json", allowed=(404,))
    return bool(json.loads(found).get("State", {}).get("Running"))


def ask_json(method: str, path: str, body: "dict[str, Any] | None" = None) -> Any:  # noqa: ANN401 - whatever it says
    """Send a request to the engine; returns its answer in JSON."""
    return json.loads(ask(method, path, None if body is None else as_json(body)))


def as_json(body: "dict[str, Any]") -> bytes:
    """A body in JSON."""
    return json.dumps(body).encode()


def ask(
    method: str,
    path: str,
    body: "bytes | None" = None,
    *,
    kind: str = "application/json",
    allowed: "tuple[int, ...]" = (),
) -> bytes:
    """Send a request to the engine; ends this program with the engine's message if it refuses."""
    engine = DockerEngine("localhost")
    try:
        engine.request(method, path, body, {} if body is None else {"Content-Type": kind})
        answer = engine.getresponse()
        data = answer.read()
    except OSError as error:
        sys.exit(f"the Docker engine at {SOCKET} doesn't answer: {error}")
    finally:
        engine.close()
    if answer.status >= 400 and answer.status not in allowed:
        sys.exit(f"the Docker engine refused {method} {path.partition('?')[0]}: {message_of(data)}")
    return data


def message_of(data: bytes) -> str:
    """The engine's message of a refusal."""
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError):
        return data.decode(errors="replace").strip()
