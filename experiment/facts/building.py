"""Release builds in containers of the stage `source`: first with nothing compiled, then after the change of a line."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from documents.errors import RunError
from documents.lab import Inventory
from documents.run import Building
from documents.stack import Implementation
from experiment.facts.sources import changed_file
from provision.containers import control
from provision.images import build
from provision.ssh import Connection, matching, unexpected

SOURCE_STAGE = "source"

_BUILD_SECONDS = 1800
_FOUND_CHARACTERS = 1500

_SCRIPT = r"""
set -eu
build=$1 artifacts=$2 list=$3 changed=$4
made=${artifacts%% *}
now() { read -r uptime idle </proc/uptime; echo "$uptime"; }

content() { find $artifacts -type f -exec cat {} +; }

[ -e "$changed" ]
[ ! -e "$made" ] || { echo "$made is there before anything is built" >&2; exit 1; }
echo "began $(now)"
sh -c "$build" >&2
echo "built $(now)"
echo "bytes $(content | wc -c)"
echo "first $(sha256sum <"$made")"
listed=$(sh -c "$list")
echo "$listed" | sort -u | sed '/^ *$/d; s/^/dependency /'
cat >"$changed"
echo "changed $(now)"
sh -c "$build" >&2
echo "rebuilt $(now)"
echo "second $(sha256sum <"$made")"
"""
"""Runs in the container, with the changed file on its standard input. /proc/uptime is a clock that nothing sets, exact
to a hundredth of a second. No path of an artifact has a blank."""


_SECONDS = r"\d{1,9}\.\d\d"
_PRINTED = rf"""began (?P<began>{_SECONDS})
built (?P<built>{_SECONDS})
bytes (?P<bytes>\d{{1,18}})
first (?P<first>[0-9a-f]+)  -
(?P<dependencies>(?:dependency .*\n)*)changed (?P<changed>{_SECONDS})
rebuilt (?P<rebuilt>{_SECONDS})
second (?P<second>[0-9a-f]+)  -"""


@dataclass(frozen=True)
class ContainerBuild:
    """A clean build and the incremental one after it, as the script told them."""

    clean_seconds: float
    incremental_seconds: float
    binary_bytes: int
    dependencies: tuple[str, ...]


def measure_building(
    connection: Connection,
    inventory: Inventory,
    implementation: Implementation,
    folder: Path,
    *,
    repetitions: int,
    progress: Callable[[str], None],
) -> Building:
    """Build an implementation again and again on all of the host's CPUs.

    Args:
        connection: to the host.
        inventory: the lab.
        implementation: what is built, and how.
        folder: its folder on this side.
        repetitions: how many clean builds, each followed by an incremental one.
        progress: is told what is done.

    Raises:
        RunError: the build failed, needs a network, or the change doesn't show in what it leaves.
        HostError: the host failed, or a build wasn't done in half an hour.
    """
    builds: list[ContainerBuild] = []
    progress("compilers and dependencies")
    with build.built(connection, inventory, folder, target=SOURCE_STAGE) as image:
        for number in range(1, repetitions + 1):
            progress(f"clean build {number} of {repetitions}, then an incremental one")
            builds.append(_build(connection, inventory, implementation, folder, image))
    return Building(
        cpus=inventory.size.cpus,
        clean_seconds=tuple(build.clean_seconds for build in builds),
        incremental_seconds=tuple(build.incremental_seconds for build in builds),
        changed_file=implementation.build.change.file,
        binary_bytes=builds[-1].binary_bytes,
        dependencies=builds[-1].dependencies,
    )


def _build(
    connection: Connection, inventory: Inventory, implementation: Implementation, folder: Path, image: str
) -> ContainerBuild:
    build = implementation.build
    done = control.run_once(
        connection,
        image,
        ["sh", "-c", _SCRIPT, "build", build.command, " ".join(build.artifacts), build.dependencies, build.change.file],
        stack=inventory.stack,
        cpus=inventory.size.cpus,
        input=changed_file(folder, implementation),
        deadline_seconds=_BUILD_SECONDS,
    )
    if done.exit_status:
        raise RunError(
            f"The build of {folder.name} in its stage {SOURCE_STAGE} failed with status {done.exit_status}. It has no "
            "network: all that it needs must be in that stage, and not in a cache mount. The last that it wrote: "
            f"{done.stderr.strip()[-_FOUND_CHARACTERS:] or 'nothing'}"
        )
    return parse_build(done.stdout, folder.name, posixpath.basename(build.change.file))


def parse_build(output: str, name: str, changed: str) -> ContainerBuild:
    """Read what the script printed.

    Args:
        output: its standard output.
        name: the implementation, for messages.
        changed: the file that was changed, for messages.

    Raises:
        RunError: both builds left the same.
        HostError: the script didn't come to its end, or printed something else.
    """
    what = f"both builds of {name}"
    told = matching(_PRINTED, output, what=what, where="Its container")
    moments = [float(told[name]) for name in ("began", "built", "changed", "rebuilt")]
    if moments != sorted(moments):
        raise unexpected(output, what=what, where="Its container")
    if told["first"] == told["second"]:
        raise RunError(
            f"The change of {changed} left the binary of {name} as it was: it is no change of code that is compiled. "
            "Name another in its implementation.yaml."
        )
    return ContainerBuild(
        clean_seconds=round(moments[1] - moments[0], 2),
        incremental_seconds=round(moments[3] - moments[2], 2),
        binary_bytes=int(told["bytes"]),
        dependencies=tuple(line.removeprefix("dependency ") for line in told["dependencies"].splitlines()),
    )
