import json
import re
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import grpc
import pytest
from google.protobuf import empty_pb2, struct_pb2
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from pulumi.runtime.proto import language_pb2, plugin_pb2

from tests.unit.toolchain.pulumi_project import PulumiProject
from toolchain.layout import Layout
from toolchain.versions import VERSIONS

Answer = TypeVar("Answer", bound=Message)


@dataclass(frozen=True)
class Host:
    """A running language host."""

    process: subprocess.Popen[str]
    channel: grpc.Channel

    def ask(self, method: str, request: Message, answer: type[Answer]) -> Answer:
        call = self.channel.unary_unary(
            f"/pulumirpc.LanguageRuntime/{method}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        return call(request, timeout=30)

    def must_end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


@contextmanager
def running_host(installed: Layout) -> Generator[Host]:
    """A language host of the test's own."""
    command = [installed.tools / "pulumi-language-python", "--tracing=x", "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Host(process, channel)
        if process.poll() is None:
            process.kill()


@pytest.fixture(scope="module")
def host(installed: Layout) -> Iterator[Host]:
    with running_host(installed) as host:
        yield host


def _info(root: Path, virtualenv: str) -> language_pb2.ProgramInfo:
    options = struct_pb2.Struct()
    options["virtualenv"] = virtualenv
    return language_pb2.ProgramInfo(
        root_directory=str(root), program_directory=str(root), entry_point=".", options=options
    )


def test_host_says_its_version_and_requires_the_plugin_that_the_environment_holds(host: Host, installed: Layout):
    assert host.ask("GetPluginInfo", empty_pb2.Empty(), plugin_pb2.PluginInfo).version == VERSIONS.pulumi_engine
    request = language_pb2.GetRequiredPackagesRequest(info=_info(installed.root, ".venv"))
    answer = MessageToDict(host.ask("GetRequiredPackages", request, language_pb2.GetRequiredPackagesResponse))
    assert {"name": "docker", "kind": "resource", "version": VERSIONS.docker_plugin} in answer["packages"]


def test_host_names_the_interpreter_of_the_environment(host: Host, installed: Layout):
    info = _info(installed.root, ".venv")
    about = host.ask("About", language_pb2.AboutRequest(info=info), language_pb2.AboutResponse)
    assert about.executable == str(installed.python)
    request = language_pb2.GetProgramDependenciesRequest(info=info)
    listed = host.ask("GetProgramDependencies", request, language_pb2.GetProgramDependenciesResponse)
    assert "paramiko" in {dependency.name for dependency in listed.dependencies}


def test_environment_that_is_not_there_is_named(host: Host, tmp_path: Path):
    with pytest.raises(grpc.RpcError) as failure:
        host.ask("About", language_pb2.AboutRequest(info=_info(tmp_path, "nowhere")), language_pb2.AboutResponse)
    assert failure.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert f"names {tmp_path}/nowhere, which holds no Python environment" in str(failure.value.details())


def test_host_ends_quietly_when_interrupted(installed: Layout):
    with running_host(installed) as host:
        host.process.send_signal(signal.SIGINT)
        assert host.must_end() == (0, "", "")


PROGRAM = """
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("made", {**props, "length": len(props["word"])})


class Word(Resource):
    length: pulumi.Output[int]

    def __init__(self, name, word):
        super().__init__(Provider(), name, {"word": word, "length": None})


word = pulumi.Config().require_secret("word")
pulumi.export("word", word)
pulumi.export("length", Word("word", word).length)
print("said by the program")
"""
WORD = "xyzzy-plugh-42"


@pytest.mark.nightly
def test_a_program_goes_up_unchanged_and_down_and_its_secret_is_plain_nowhere(project: PulumiProject):
    project.write(PROGRAM)
    project.must("config", "set", "--secret", "word", WORD)
    shown = project.must("up", "--yes", "--skip-preview", "--show-config", "--show-reads")
    assert "said by the program" in shown
    assert "+ 2 created" in shown
    assert json.loads(project.must("stack", "output", "--json", "--show-secrets")) == {"word": WORD, "length": 14}
    shown += project.must("stack", "output", "--json") + project.must("stack", "export")
    assert "[secret]" in shown
    kept = project.state() + (project.root / "Pulumi.probe.yaml").read_text()
    assert "made" in kept
    assert WORD not in shown + kept
    assert "warning" not in project.must("preview", "--expect-no-changes")
    assert "- 2 deleted" in project.must("destroy", "--yes", "--skip-preview")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("def broken():\n    raise RuntimeError('no such core')\n\n\nbroken()\n", "RuntimeError: no such core"),
        pytest.param(
            "import os\nos._exit(7)\n", "Program exited with non-zero exit code: 7", marks=pytest.mark.nightly
        ),
        pytest.param(
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
            "Program ended by signal SIGKILL",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_a_program_that_fails_fails_the_command_and_says_how(project: PulumiProject, program: str, said: str):
    project.write(program)
    answer = project.run("preview")
    assert answer.returncode != 0
    assert said in answer.stdout


@pytest.mark.nightly
def test_killed_engine_leaves_neither_host_nor_program_behind(project: PulumiProject, tmp_path: Path):
    mark = tmp_path / "pid"
    project.write(f"import os, time\nopen({str(mark)!r}, 'w').write(str(os.getpid()))\ntime.sleep(120)\n")
    engine = subprocess.Popen(
        ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview"],
        cwd=project.root,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    program = int(mark.read_text())
    language_host = int(Path(f"/proc/{program}/stat").read_text().rsplit(")", 1)[1].split()[1])
    engine.kill()
    engine.wait()
    deadline = time.monotonic() + 20
    for pid in (program, language_host):
        while Path(f"/proc/{pid}").exists():
            assert time.monotonic() < deadline, f"{pid} is still there"
            time.sleep(0.05)
    project.must("cancel", "--yes")


def test_plugin_that_no_resource_needs_is_not_fetched(project: PulumiProject):
    project.write("import pulumi\n\npulumi.export('answer', 42)\n")
    answer = project.run("preview", "--logtostderr", "-v=7")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"package aws-\S+ \(\) is required by language host", answer.stderr)
    assert "beginning install" not in answer.stderr
