"""Install what this machine lacks: ``python3 -m toolchain.bootstrap``, called by the Makefile.

Runs on the machine's Python before the environment exists, so it needs only the standard library. Every step first
checks whether it is done, and leaves nothing incomplete if it is killed.
"""

import argparse
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from documents.errors import FairgroundError
from toolchain import apt, docker_engine, pulumi_tools, python_environment, state
from toolchain.console import beside, step
from toolchain.go_toolchain import ensure_go, remove_go
from toolchain.layout import DEFAULT_STACK, Layout, lock, project_layout


@dataclass(frozen=True)
class Part:
    """A part of the installation.

    Attributes:
        name: what is installed.
        seconds: how long it takes on two idle cores.
        remark: when it takes less.
    """

    name: str
    seconds: int
    remark: str = ""


def missing_parts(layout: Layout, *, with_lab: bool) -> Iterator[Part]:
    """The parts that this machine and this checkout lack.

    Args:
        layout: the checkout.
        with_lab: whether the lab is stood up afterwards.
    """
    packages = [package.name for package in apt.missing(apt.LAB)]
    if packages:
        yield Part(f"system packages: {', '.join(packages)}", 10 + 5 * len(packages))
    if not python_environment.complete(layout):
        yield Part("Python packages, into .venv/", 10)
    if not pulumi_tools.complete(layout):
        if pulumi_tools.is_built(layout):
            yield Part("Pulumi engine and docker plugin, from the cache", 1)
        else:
            yield Part("Pulumi engine and docker plugin", 120, "10 s from get.pulumi.com")
    if docker_engine.version() is None:
        yield Part("Docker engine", 30, "5 s if it only has to start")
    if with_lab and not state.stack_file(layout).is_file():
        yield Part("the lab: its images, and the APIs by four compilers", 390)


def announce(parts: list[Part]) -> str:
    """The announcement of the parts, in lines."""
    width = max(len(part.name) for part in parts)
    lines = ["To be installed; the times are for two idle cores:"]
    for part in parts:
        remark = f" ({part.remark})" if part.remark else ""
        lines.append(f"  {part.name:{width}}  {duration(part.seconds)}{remark}")
    total = sum(part.seconds for part in parts)
    lines.append(f"  {'together':{width}}  {duration(total)}")
    return "\n".join(lines)


def duration(seconds: int) -> str:
    """Such as ``40 s`` or ``4.5 min``."""
    return f"{seconds} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def bootstrap(layout: Layout, *, with_tests: bool, with_lab: bool = False) -> None:
    """Install everything that is missing, and announce it before.

    Args:
        layout: the checkout.
        with_tests: whether to install also what only the tests need.
        with_lab: whether the lab is stood up afterwards, which is then announced too.

    Raises:
        FairgroundError: something can't be installed or started.
    """
    layout.log.parent.mkdir(parents=True, exist_ok=True)
    for log in (layout.log, layout.build_log):
        log.write_bytes(b"")

    def waiting() -> None:
        print("Another installation by this user is running; waiting for it to end ...", flush=True)  # noqa: T201

    with lock(layout.cache, waiting):
        if parts := list(missing_parts(layout, with_lab=with_lab)):
            print(announce(parts), flush=True)  # noqa: T201
        _interrupted_installation(layout)
        _system_packages(layout, apt.LAB)
        _environment(layout)
        # At the same time: the build waits for the CPU, the downloads for the network.
        with beside(lambda: _pulumi(layout)):
            _packages(layout)
            _docker(layout)
        _state(layout)
        if with_tests:
            _system_packages(layout, apt.TEST)


def _interrupted_installation(layout: Layout) -> None:
    if apt.is_interrupted():
        with step("An installation of system packages that was interrupted", layout.log) as current:
            apt.finish_interrupted(current)
            current.done("finished")


def _system_packages(layout: Layout, packages: tuple[apt.Package, ...]) -> None:
    names = [package.name for package in apt.missing(packages)]
    if names:
        with step(f"System packages {', '.join(names)}", layout.log) as current:
            apt.install(current, names, start_services=False)
            current.done("installed")


def _environment(layout: Layout) -> None:
    if not python_environment.complete(layout):
        with step("Python environment", layout.log) as current:
            python_environment.create(current, layout)
            current.done("made")


def _packages(layout: Layout) -> None:
    if not python_environment.complete(layout):
        with step("Python packages", layout.log) as current:
            python_environment.fill(current, layout)
            current.done("installed as locked")


def _pulumi(layout: Layout) -> None:
    if pulumi_tools.complete(layout):
        return
    with step("Pulumi engine and docker plugin", layout.build_log) as current:
        record = pulumi_tools.install(current, layout, lambda: ensure_go(current, layout))
        current.done(f"{record.engine.version}, {record.engine.origin}")
    remove_go(layout)


def _docker(layout: Layout) -> None:
    if docker_engine.version() is None or apt.missing([apt.DOCKER_CLIENT]):
        with step("Docker engine", layout.log) as current:
            current.done(f"{docker_engine.ensure(current, layout.docker_log)} answers")


def _state(layout: Layout) -> None:
    if state.ensure(layout):
        print(f"Stack {DEFAULT_STACK}: made, its state in {layout.state}", flush=True)  # noqa: T201


def _sentence(error: subprocess.TimeoutExpired | subprocess.CalledProcessError) -> str:
    """The failure of a query, and what to do."""
    command = shlex.join(map(str, error.cmd))
    if isinstance(error, subprocess.TimeoutExpired):
        return (
            f"{command} didn't answer within {error.timeout:.0f} s and was ended. See that the machine isn't busy "
            "with other things, then run the same command again."
        )
    said = " ".join(str(error.stderr or error.stdout or "nothing").split())
    return (
        f"{command} failed with status {error.returncode}, saying: {said}. Fix that, then run the same command again."
    )


def main() -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="make setup", description="Installs what the lab needs on this machine.")
    parser.add_argument("--with-tests", action="store_true", help="also what only the tests need")
    parser.add_argument("--with-lab", action="store_true", help="the lab is stood up afterwards: announce that too")
    arguments = parser.parse_args()
    # make and CI send it: clean up as for Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        bootstrap(project_layout(), with_tests=arguments.with_tests, with_lab=arguments.with_lab)
    except FairgroundError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        print(f"error: {_sentence(error)}", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(f"error: The installation stopped: {error}. Fix that, then run it again.", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run the same command again: it continues where it stopped.", file=sys.stderr)  # noqa: T201
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
