"""Pulumi's language host for Python, if the vendor's can't be downloaded.

The Pulumi engine starts a language host for each command, reads a port from the first line that it prints, and
asks it over gRPC to run the program (service ``pulumirpc.LanguageRuntime``). The vendor's host is a Go program
that no package registry carries; its executor, which runs the program inside a Python process, is in the vendor's
Go module. This host starts that executor, as the vendor's does.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent import futures
from pathlib import Path
from types import FrameType

# The C library below gRPC writes to standard error, and the engine would show that as the program's output.
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from toolchain.versions import VERSIONS

USER_HAS_SEEN_THE_ERROR = 32
"""Exit status of an executor that has shown the user what went wrong."""

_PARENT_SECONDS = 0.5

_DESCRIBE_INTERPRETER = """
import json, pathlib, platform, sys
plugins = {}
for entry in sys.path:
    for file in sorted(pathlib.Path(entry or ".").glob("*/pulumi-plugin.json")):
        plugins.setdefault(file.parent.name, json.loads(file.read_text()))
print(json.dumps({"version": platform.python_version(), "plugins": list(plugins.values())}))
"""

_LIST_DISTRIBUTIONS = """
import importlib.metadata, json
print(json.dumps(sorted({(d.metadata["Name"], d.version) for d in importlib.metadata.distributions()})))
"""


def interpreter(info: language_pb2.ProgramInfo) -> str:
    """The Python that runs a program: that of the option ``virtualenv`` in its Pulumi.yaml, else this one.

    Raises:
        FileNotFoundError: the option names a folder that holds no environment.
    """
    if "virtualenv" not in info.options.fields:
        return sys.executable
    environment = Path(info.root_directory, info.options.fields["virtualenv"].string_value)
    python = environment / "bin" / "python"
    if not python.is_file():
        raise FileNotFoundError(
            f"The option virtualenv in Pulumi.yaml names {environment}, which holds no Python environment. "
            f"Run make lab, or python3 -m venv {environment}."
        )
    return str(python)


def _ask(python: str, program: str) -> str:
    return subprocess.run([python, "-c", program], check=True, capture_output=True, text=True).stdout


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Answers the engine; each program runs in a process of its own, ended with the host. It runs no policy packs."""

    def __init__(self, engine_address: str, executor: Path) -> None:
        self._engine_address = engine_address
        self._executor = executor
        self._children: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    @contextlib.contextmanager
    def _child(
        self, arguments: list[str], *, directory: str, environment: dict[str, str]
    ) -> Generator[subprocess.Popen[bytes]]:
        with self._lock:
            if self._ending:
                raise InterruptedError("The language host is ending.")
            process = subprocess.Popen(arguments, cwd=directory, env=environment, stdin=subprocess.DEVNULL)
            self._children.add(process)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait()
            with self._lock:
                self._children.discard(process)

    def end(self) -> None:
        """End all programs, and let none start any more."""
        with self._lock:
            self._ending = True
            for process in self._children:
                process.terminate()

    def Handshake(  # noqa: D102, N802
        self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext
    ) -> language_pb2.LanguageHandshakeResponse:
        del context
        self._engine_address = request.engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(  # noqa: D102, N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> plugin_pb2.PluginInfo:
        del request, context
        return plugin_pb2.PluginInfo(version=VERSIONS.pulumi_engine)

    def About(  # noqa: D102, N802
        self, request: language_pb2.AboutRequest, context: grpc.ServicerContext
    ) -> language_pb2.AboutResponse:
        python = _interpreter_or_abort(request.info, context)
        version = json.loads(_ask(python, _DESCRIBE_INTERPRETER))["version"]
        return language_pb2.AboutResponse(executable=python, version=version)

    def GetRequiredPackages(  # noqa: D102, N802
        self, request: language_pb2.GetRequiredPackagesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetRequiredPackagesResponse:
        python = _interpreter_or_abort(request.info, context)
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin["name"],
                    kind="resource",
                    version=plugin.get("version", ""),
                    server=plugin.get("server", ""),
                )
                for plugin in json.loads(_ask(python, _DESCRIBE_INTERPRETER))["plugins"]
                if plugin.get("resource")
            ]
        )

    def GetProgramDependencies(  # noqa: D102, N802
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> language_pb2.GetProgramDependenciesResponse:
        python = _interpreter_or_abort(request.info, context)
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[
                language_pb2.DependencyInfo(name=name, version=version)
                for name, version in json.loads(_ask(python, _LIST_DISTRIBUTIONS))
            ]
        )

    def Run(  # noqa: D102, N802
        self, request: language_pb2.RunRequest, context: grpc.ServicerContext
    ) -> language_pb2.RunResponse:
        arguments = [
            _interpreter_or_abort(request.info, context),
            "-u",
            str(self._executor),
            f"--monitor={request.monitor_address}",
            f"--engine={self._engine_address}",
            f"--project={request.project}",
            f"--root_directory={request.info.root_directory}",
            f"--stack={request.stack}",
            f"--organization={request.organization}",
            f"--parallel={request.parallel}",
            f"--dry_run={'true' if request.dryRun else 'false'}",
            f"--pwd={request.pwd}",
            str(Path(request.info.program_directory, request.info.entry_point)),
            *request.args,
        ]
        # Configuration goes by the environment: a command line can be read by every user of the machine.
        environment = os.environ | {
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        with self._child(arguments, directory=request.pwd, environment=environment) as process:
            status = process.wait()
        if status == USER_HAS_SEEN_THE_ERROR:
            return language_pb2.RunResponse(bail=True)
        if status < 0:
            return language_pb2.RunResponse(error=f"Program ended by signal {signal.Signals(-status).name}")
        if status:
            return language_pb2.RunResponse(error=f"Program exited with non-zero exit code: {status}")
        return language_pb2.RunResponse()

    def Cancel(  # noqa: D102, N802
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        del request, context
        self.end()
        return empty_pb2.Empty()


def _interpreter_or_abort(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> str:
    try:
        return interpreter(info)
    except FileNotFoundError as error:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def serve(engine_address: str, executor: Path) -> None:
    """Serve until a signal comes or the engine has ended; print the port first, as the engine expects."""
    engine = os.getppid()
    host = LanguageHost(engine_address, executor)
    server = grpc.server(futures.ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)

    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # A killed engine sends no signal, but this process then has another parent.
    while not ended.wait(timeout=_PARENT_SECONDS) and os.getppid() == engine:
        pass
    host.end()
    server.stop(grace=None).wait()


def main() -> None:
    """Entry of the launcher ``pulumi-language-python``, which the Pulumi engine starts."""
    parser = argparse.ArgumentParser(description="Pulumi's language host for Python. Started by Pulumi.")
    parser.add_argument("--executor", type=Path, required=True, help="the vendor's pulumi-language-python-exec")
    parser.add_argument("engine_address", help="host:port of the engine's gRPC server")
    # The engine adds options for tracing and logging according to its own flags.
    arguments, _ = parser.parse_known_args()
    serve(arguments.engine_address, arguments.executor)


if __name__ == "__main__":
    main()
