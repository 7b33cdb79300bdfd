"""Images on hosts: built there from a context on the controller, and carried from one host to another."""

import re
import secrets
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from documents.base import Document
from documents.errors import DocumentError, FairgroundError, HostError
from documents.files import replace_file
from documents.lab import STACK_LABEL, Host, Inventory
from provision.containers import DockerClient, HostDocker
from provision.images.context import archive_build_context
from provision.ssh import SHA256, Connection, Held, connect, matching, shield, whole_number

_BUILD_SECONDS = 1800
"""How long a build may take; one that downloads compilers and dependencies takes minutes."""

_BUILDX_SINCE = 23

_BUILD = """
bytes=$1
shift
context=$(mktemp)
trap 'rm -f "$context"' EXIT
head -c "$bytes" >"$context"
exec 3<&0
"$@" <"$context" &
build=$!
(cat >/dev/null; rm -f "$context"; kill -KILL 0) <&3 >/dev/null 2>&1 &
watch=$!
wait "$build" && status=0 || status=$?
kill "$watch" 2>/dev/null
exit "$status"
"""
"""Builds from the first bytes of the standard input, and ends when that is closed, so that a build doesn't outlive its
caller. The whole process group is killed, because a client that is only asked to end waits for the engine's step.
Arguments: the size of the context in bytes, and the command."""

_DEADLINE_SECONDS = 60
_SHOWN_CHARACTERS = 3000


def build_image(
    connection: Connection,
    context: Path,
    *,
    name: str,
    base: str,
    target: str | None,
    labels: Mapping[str, str],
) -> str:
    """Build an image on the host, which stays there.

    `target` is a stage of the Dockerfile, the last unless given.

    Returns:
        The image's id.

    Raises:
        HostError: a step failed; ends with what that step wrote.
        DeadlineExceededError: it wasn't done in time.
    """
    output = [f"--tag={name}", *(f"--label={key}={value}" for key, value in labels.items())]
    output += [] if target is None else [f"--target={target}"]
    run_build(connection, base, context, "Dockerfile", output, deadline_seconds=_BUILD_SECONDS)
    return _id(connection, name, _inspect(connection, name, "{{.Id}}"))


def find_image(docker: DockerClient, name: str) -> str | None:
    """The id of the engine's image of that name; None if there is none.

    Raises:
        FairgroundError: the engine doesn't answer.
    """
    try:
        answer = docker.run("image", "inspect", "--format", "{{.Id}}", name)
    except FairgroundError as error:
        if "No such image" not in str(error):
            raise
        return None
    return _id(docker, name, answer)


@contextmanager
def built(connection: Connection, inventory: Inventory, context: Path, *, target: str) -> Generator[str]:
    """An image of one target of the context's Dockerfile, which exists while the context is open.

    It carries the lab's label, so that `lab up` removes it if the controller is killed.

    Yields:
        The image's name on the host.

    Raises:
        HostError: a step failed; ends with what that step wrote.
        DeadlineExceededError: it wasn't done in time.
    """
    name = f"fairground-once-{target}:{secrets.token_hex(6)}"
    output = [f"--target={target}", f"--tag={name}", f"--label={STACK_LABEL}={inventory.stack}"]
    try:
        base = base_name(connection, inventory)
        run_build(connection, base, context, "Dockerfile", output, deadline_seconds=_BUILD_SECONDS)
        yield name
    finally:
        with shield():
            _remove(connection, name)


def image_bytes(connection: Connection, image_id: str) -> int:
    """The size of an image on the host, as Docker reports it: all its layers, unpacked.

    Raises:
        HostError: there is no such image.
    """
    answer = _inspect(connection, image_id, "{{.Size}}")
    return whole_number(answer, what=f"the size of the image {image_id}", where=connection)


def find_builder(connection: Connection) -> tuple[str, ...] | None:
    """The command that builds an image by BuildKit; None if the host's Docker client has none.

    Docker's clients before version 23 contain BuildKit, later ones need the plugin buildx.
    """
    # A client without the plugin calls its engine, which would start a stopped one.
    shown = connection.run(
        "export DOCKER_HOST=unix:///nowhere; "
        "docker buildx version >/dev/null 2>&1 && echo buildx || docker version --format '{{.Client.Version}}'",
        deadline_seconds=_DEADLINE_SECONDS,
        check=False,
    ).stdout.strip()
    if shown == "buildx":
        return ("docker", "buildx", "build")
    major = shown.partition(".")[0]
    return ("env", "DOCKER_BUILDKIT=1", "docker", "build") if major.isdigit() and int(major) < _BUILDX_SINCE else None


def run_build(
    connection: Connection,
    base: str,
    context: Path,
    dockerfile: str,
    output: Sequence[str],
    *,
    deadline_seconds: float,
) -> None:
    """Build from a Dockerfile of the context, with the options `output`; at the deadline the build is ended.

    Raises:
        HostError: a step failed; ends with what that step wrote.
        DeadlineExceededError: it wasn't done in time.
    """
    builder = find_builder(connection)
    if builder is None:
        raise HostError(f"Docker on {connection} can't build: its plugin buildx is missing. `lab up` installs it.")
    command = [
        *(*builder, "--progress=plain", "--network=host"),
        *(f"--file={dockerfile}", f"--build-arg=BASE={base}", *output, "-"),
    ]
    archive = archive_build_context(context, dockerfile)
    done = connection.run(
        ["sh", "-c", _BUILD, "build", str(len(archive)), *command],
        input=Held(archive),
        deadline_seconds=deadline_seconds,
        check=False,
    )
    if done.exit_status:
        raise HostError(
            f"{context.name}/{dockerfile} can't be built on {connection}: {_reason(done.stderr or done.stdout)}"
        )


def base_name(connection: Connection, inventory: Inventory) -> str:
    """The name of the lab's base on the host: BuildKit takes a local image by its name, not by its id."""
    return _inspect(connection, inventory.base_image_id, "{{index .RepoTags 0}}")


_FAILED_STEP = re.compile(r"^#(\d+) ERROR: ", re.MULTILINE)


def _reason(output: str) -> str:
    """The output of the failed step, or else the end of all output; BuildKit itself repeats only its last lines."""
    step = _FAILED_STEP.search(output)
    if step is not None:
        output = "\n".join(re.findall(rf"^#{step[1]} (?:\d+\.\d+ )?(.*)$", output, re.MULTILINE))
    text = output.strip()
    if len(text) <= 2 * _SHOWN_CHARACTERS:
        return text
    # Compilers print the cause first, test runners and package managers last.
    return f"{text[:_SHOWN_CHARACTERS]}\n[…]\n{text[-_SHOWN_CHARACTERS:]}"


def _id(where: object, name: str, answer: str) -> str:
    return matching(rf"sha256:{SHA256}", answer, what=f"the id of the image {name}", where=where)[0]


def _inspect(connection: Connection, image: str, template: str) -> str:
    return HostDocker(connection).run("image", "inspect", "--format", template, image).strip()


def _remove(connection: Connection, name: str) -> None:
    """Remove an image that may not exist. If that fails, it stays until the next `lab up`."""
    with suppress(HostError):
        connection.run(["docker", "image", "rm", name], deadline_seconds=_DEADLINE_SECONDS, check=False)


_CARRY_SECONDS = 900
"""A gigabyte over a line of some 10 Mbit/s."""

_SAVE = 'docker save -- "$0" | gzip -1'
"""Compressed, because a line between hosts may be slower than gzip."""


def carry_image(source: Connection, target: Connection, name: str, image_id: str) -> None:
    """Copy an image from one host to another, through the controller's memory, a little at a time, unless it is there.

    Raises:
        HostError: it can't be copied; says why. Layers that reached the target have no effect.
    """
    if find_image(HostDocker(target), name) == image_id:
        return
    if find_image(HostDocker(source), name) != image_id:
        raise HostError(f"{source} no longer has the image {name} as it was made there.")
    made_for = _inspect(source, name, "{{.Os}}/{{.Architecture}}")
    wanted = HostDocker(target).run("version", "--format={{.Server.Os}}/{{.Server.Arch}}").strip()
    if made_for != wanted:
        raise HostError(f"The image {name} on {source} is for {made_for}, and {target} is {wanted}.")
    save = ["bash", "-o", "pipefail", "-c", _SAVE, name]
    with source.stream(save, deadline_seconds=_CARRY_SECONDS) as archive:
        loaded = target.run(["docker", "load", "--quiet"], input=archive, deadline_seconds=_CARRY_SECONDS, check=False)
        archive.check()
    if loaded.exit_status:
        raise HostError(f"{target} didn't take the image {name}: {' '.join(loaded.stderr.split())}")
    if (found := find_image(HostDocker(target), name)) != image_id:
        raise HostError(f"The image {name} has the id {found} on {target}, and {image_id} on {source}.")


_CONNECT_SECONDS = 10
"""An earlier host may be gone for good, and its images can be built again."""


class MadeImage(Document):
    """An image on a host.

    `recipe` identifies what it was built from, beyond its name: only images with the same recipe are the same.
    """

    host: Host
    name: str
    image_id: str
    recipe: str


def note_image(made: MadeImage) -> None:
    """Put an image on record, in place of an earlier one of that name on that host."""
    path = _path(made.host, made.name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(path, made.to_json())


def forget_image(host: Host, name: str, image_id: str) -> None:
    """Take an image off the record, unless another was built under its name since."""
    path = _path(host, name)
    if path.exists() and ((made := _read(path)) is None or made.image_id == image_id):
        path.unlink()


def carry_from_elsewhere(connection: Connection, host: Host, name: str, recipe: str) -> str | None:
    """Copy an image to this host if another host of the lab has it.

    What is carried, from where, or why not, goes to standard error, which Pulumi puts into its log.

    Returns:
        The image's id; None if no other host has it, or it can't be copied from there.
    """
    for made in _made_elsewhere(host, name, recipe):
        try:
            with connect(made.host, deadline_seconds=_CONNECT_SECONDS) as source:
                carry_image(source, connection, name, made.image_id)
                _log(f"The image {name} was carried from {source} to {connection}.")
        except HostError as error:
            _log(f"The image {name} is built again on {connection}: {error}")
        else:
            return made.image_id
    return None


def _made_elsewhere(host: Host, name: str, recipe: str) -> Iterator[MadeImage]:
    own = _path(host, name)
    for path in sorted(own.parents[2].glob(f"*/{own.parent.name}/{own.name}")):
        if path != own and (made := _read(path)) is not None and made.recipe == recipe:
            yield made


def _path(host: Host, name: str) -> Path:
    return Path(host.known_hosts_path).parent / "images" / f"{name}.json"


def _read(path: Path) -> MadeImage | None:
    """A recorded image; None for a record of another release, whose image is built again."""
    try:
        return MadeImage.from_json(path.read_text(encoding="utf-8"), name=str(path))
    except DocumentError:
        return None


def _log(line: str) -> None:
    sys.stderr.write(f"{line}\n")
