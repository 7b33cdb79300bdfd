"""The real Pulumi engine on a real program: progress, errors in sentences, and interrupts."""

import signal
import stat
from dataclasses import replace

import pytest

from documents.errors import LabError
from lab.lifecycle.engine import ResourceProgress, read_outputs
from lab.lifecycle.state import ensure_stack, read_state
from tests.unit.lab.engine_room import STEPS, EngineRoom


@pytest.fixture(autouse=True)
def _stack(room: EngineRoom) -> None:
    ensure_stack(room.engine)


def test_progress_shows_each_resource_and_the_log_has_no_secret(room: EngineRoom):
    exports = "pulumi.export('open', [1])\npulumi.export('hidden', pulumi.Output.secret('s3cret'))\n"
    room.write(f'{STEPS}first = Step("first")\nStep("second", after=[first])\n{exports}')
    begun, ended, *second = room.up()
    assert begun == ResourceProgress("first", "Step", "creating", "created", None)
    assert ended.seconds is not None
    assert ended == replace(begun, seconds=ended.seconds)
    assert [(step.name, step.seconds is None) for step in second] == [("second", True), ("second", False)]
    assert read_outputs(room.engine) == {"open": [1], "hidden": "s3cret"}
    (log,) = room.engine.stack_folder.iterdir()
    assert log.name == "up.log"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert "open" in log.read_text()
    assert "s3cret" not in log.read_text()
    assert [(step.doing, step.done) for step in room.operate("destroy", "--yes", "--skip-preview")][-1] == (
        "deleting",
        "deleted",
    )


def test_program_that_refuses_is_an_error_in_its_own_words(room: EngineRoom):
    room.write("import pulumi\nraise pulumi.RunError('stacks/x.yaml:5: host.cpu: no such key')\n")
    with pytest.raises(LabError) as failure:
        room.up()
    assert str(failure.value) == (
        f"stacks/x.yaml:5: host.cpu: no such key. (all that pulumi said: .lab/stacks/{room.engine.stack}/up.log)"
    )


def test_each_failed_resource_is_an_error_in_the_words_of_its_last_exception(room: EngineRoom):
    room.write(STEPS + 'Step("a", seconds=0.5, fails="One is away.")\nStep("b", seconds=0.5, fails="Two is.")\n')
    with pytest.raises(LabError) as failure:
        room.up()
    assert str(failure.value).partition(" (all that")[0] in {"One is away. Two is.", "Two is. One is away."}


def test_refusal_of_the_docker_plugin_names_the_resource_and_no_source_line(room: EngineRoom):
    room.write(
        "import pulumi_docker as docker\n"
        f"docker.Container('data', name='{room.engine.stack}', image='no-such-image:{room.engine.stack}')\n"
    )
    with pytest.raises(LabError, match=r"^data: .*no-such-image.*\. \(all that pulumi said: ") as failure:
        room.up()
    for noise in ("sdk-v2", "provider=", "<{%", "\n"):
        assert noise not in str(failure.value)


def test_interrupt_lets_the_engine_finish_what_it_is_at(room: EngineRoom):
    room.write(STEPS + 'first = Step("first", seconds=1)\nStep("second", after=[first], seconds=20)\n')

    def interrupt(step: ResourceProgress) -> None:
        if step.name == "first" and step.seconds is None:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        room.engine.operate("up", "--yes", "--skip-preview", progress=interrupt)
    assert room.locks == []
    state = read_state(room.engine)
    assert [resource.name for resource in state.resources] == ["first"]
    assert not state.pending
    assert room.processes() == set()


@pytest.mark.nightly
def test_engine_whose_progress_nobody_hears_any_more_finishes_what_it_is_at(room: EngineRoom):
    room.write(STEPS + 'first = Step("first", seconds=1)\nStep("second", after=[first], seconds=20)\n')

    def break_pipe(_step: ResourceProgress) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        room.engine.operate("up", "--yes", "--skip-preview", progress=break_pipe)
    assert [path.name for path in room.engine.stack_folder.iterdir()] == ["up.log"]
    assert room.locks == []
    assert [resource.name for resource in read_state(room.engine).resources] == ["first"]
    assert room.processes() == set()


def test_question_that_the_engine_refuses_is_an_error_in_its_own_words(room: EngineRoom):
    with pytest.raises(LabError, match=r"^pulumi stack failed: no stack named 'other' found\.$"):
        replace(room.engine, stack="other").query("stack", "export")


def test_missing_engine_is_an_error_with_a_remedy(room: EngineRoom):
    engine = replace(room.engine, environment={**room.engine.environment, "PATH": "/nonexistent"})
    with pytest.raises(LabError, match=r"^There is no pulumi command; run `make setup`"):
        engine.query("stack", "export")


def test_environment_with_its_passphrase_is_shown_by_no_repr(room: EngineRoom):
    assert "passphrase" not in repr(room.engine)
