"""`lab api check`: what it says of a folder, of an image, and of the way from an entry to the contract."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Literal

import pytest

from apis.contract.checks import CheckFailedError, CheckResult, expect
from apis.contract.checks.wire import Answer
from documents.errors import HostError, LabError, RunError
from documents.lab.inventory import Inventory, Secrets
from documents.report.api_check import ApiCheck
from documents.stack.hosts import ContainerHost
from documents.stack.stack import Api, Stack
from experiment import api_check
from experiment.api_check import (
    FILES,
    build_faults,
    dockerfile_faults,
    image_faults,
    implementation_faults,
    missing_files,
)
from provision.images.context import hash_build_context
from tests.conftest import IMPLEMENTATIONS, ROOT
from tests.unit.documents.samples import INVENTORY, SECRETS

SOURCES = [f"apis/{name}" for name in IMPLEMENTATIONS]

GOOD = """# A comment.
ARG BASE=debian:trixie-slim

FROM ${BASE} AS toolchain
RUN --mount=type=cache,id=fairground-mine,target=/cache \\
    # a comment between
    make tools

FROM toolchain AS source
COPY . .

FROM source AS build
RUN make \\
    all

FROM scratch AS floor
FROM scratch AS redis-floor
FROM scratch AS api
"""


@pytest.mark.parametrize("source", SOURCES)
def test_every_implementation_keeps_the_rules_of_its_folder(source: str):
    assert missing_files(ROOT / source) == []
    assert build_faults(ROOT / source) == []
    assert implementation_faults(ROOT, source) == []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a copy of one implementation in `apis/mine`."""
    shutil.copytree(ROOT / "apis/go", tmp_path / "apis" / "mine")
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_missing_or_empty_is_named(project: Path, name: str):
    path = project / "apis" / "mine" / name
    path.write_text("")
    assert missing_files(path.parent) == [name]
    path.unlink()
    assert missing_files(path.parent) == [name]


def test_a_dockerfile_that_keeps_the_rules_has_no_fault():
    assert dockerfile_faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (
            "# A comment.",
            "# syntax=docker/dockerfile:1",
            "it has a line # syntax=, whose image would have to be pulled",
        ),
        ("ARG BASE=debian:trixie-slim", "ARG OTHER", "it has no ARG BASE in front of its first FROM"),
        ("FROM ${BASE} AS", "FROM debian:trixie-slim AS", "no stage of it is FROM ${BASE}, the lab's base"),
        ("FROM scratch AS floor\n", "", "it lacks these stages: floor"),
        ("AS api\n", "AS api\nFROM scratch\n", "its last stage is one without a name; it must be api, the image"),
        (
            "id=fairground-mine,",
            "id=mine,",
            "a cache mount has the id mine; give it an id that begins with fairground-",
        ),
        ("id=fairground-mine,", "", "a cache mount has no id; give it an id that begins with fairground-"),
    ],
)
def test_each_rule_of_a_dockerfile_is_reported_where_it_is_broken(old: str, new: str, fault: str):
    assert old in GOOD
    assert dockerfile_faults(GOOD.replace(old, new)) == [fault]


def test_what_a_build_gets_is_let_in_by_name(project: Path):
    folder = project / "apis" / "mine"
    (folder / ".dockerignore").write_text("# comment\n\n!src\n*\n")
    assert build_faults(folder) == [
        ".dockerignore: its first pattern is !src; * leaves out everything that isn't listed below it"
    ]
    (folder / "checks.Dockerfile").write_text("FROM scratch\n")
    assert [fault.partition(":")[0] for fault in build_faults(folder)] == ["checks.Dockerfile"] * 2 + [".dockerignore"]


def test_the_document_of_an_implementation_agrees_with_its_files(project: Path):
    document = project / "apis" / "mine" / "implementation.yaml"
    good = document.read_text()
    document.write_text(good.replace("-o /out/api ", "-o /out/other "))
    (fault,) = implementation_faults(project, "apis/mine")
    assert fault.startswith("implementation.yaml: build.command: the Dockerfile doesn't have this command: go build")
    for key, *patterns in (("sources", "cmd/api/*.go", "internal/**/*.go"), ("tests", "internal/**/*_test.go")):
        without = good
        for pattern in patterns:
            without = without.replace(pattern, "README.md")
        document.write_text(without)
        assert implementation_faults(project, "apis/mine") == [
            f"implementation.yaml: lines.{key}: its files have no line of code"
        ]
    document.unlink()
    (fault,) = implementation_faults(project, "apis/mine")
    assert "docs/adding-an-api.md has an example" in fault


IMAGE = {"User": "65532:65532", "Entrypoint": ["/api"], "Env": ["PATH=/bin", "UPLOAD_DIR=/uploads"]}


def test_a_right_image_has_no_fault():
    assert image_faults({"Config": IMAGE}, "65532/65532") == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"User": ""}, "its user is root; the lab's volumes belong to USER 65532:65532"),
        ({"User": "65532"}, "its user is 65532; the lab's volumes belong to USER 65532:65532"),
        ({"Entrypoint": None}, "it has no ENTRYPOINT"),
        (
            {"Entrypoint": ["/bin/sh", "-c", "/api"]},
            "its ENTRYPOINT has the shell form, so the shell would get the signals; write a list",
        ),
        ({"Env": ["UPLOAD_DIR=/tmp"]}, "its environment doesn't have UPLOAD_DIR=/uploads"),
        (
            {"Env": ["UPLOAD_DIR=/uploads", "JWT_SECRET=x"]},
            "its environment has JWT_SECRET, which only the lab may set",
        ),
    ],
)
def test_each_rule_of_an_image_is_reported_where_it_is_broken(changes: dict[str, Any], fault: str):
    assert image_faults({"Config": {**IMAGE, **changes}}, "65532/65532") == [fault]


@pytest.mark.parametrize(
    ("owner", "fault"),
    [
        (None, "it has no folder /uploads"),
        ("0/0", "its folder /uploads belongs to 0:0, and so would the volume there"),
    ],
)
def test_the_folder_for_uploads_is_its_user_s(owner: str | None, fault: str):
    assert image_faults({"Config": IMAGE}, owner) == [fault]


ENTRY = Api(name="mine", source="apis/mine", port=18084)
DOCUMENT = Stack(
    version=1,
    name="local",
    host=ContainerHost(kind="container", cpus=8, memory_gb=16, ssh_port=22022),
    apis=(Api(name="go", source="apis/go", port=18080), ENTRY),
)


class World:
    """The lab and its host, as they should be for one call."""

    def __init__(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        service = INVENTORY.apis[0].model_copy(
            update={
                **dict(ENTRY),
                "source_sha256": hash_build_context(project / ENTRY.source),
                "image_id": "sha256:0123456789abcdef",
            }
        )
        self.lab: tuple[Inventory, Secrets] = (
            INVENTORY.model_copy(update={"apis": (*INVENTORY.apis, service)}),
            SECRETS,
        )
        self.document = DOCUMENT
        self.owner = "65532/65532"
        self.unready: str | None = None
        self.gone: Exception | None = None
        self.results = [CheckResult(target="mine", check="posts.x", outcome="passed", detail="", seconds=1)]
        self.reported: list[str] = []

        class Connected:
            def forward(self, port: int, _address: str) -> nullcontext[int]:
                return nullcontext(port)

        def connect(_host: object) -> nullcontext[Connected]:
            if self.gone is not None:
                raise self.gone
            return nullcontext(Connected())

        stand_ins: dict[str, Callable[..., Any]] = {
            "connect": connect,
            "inspect_image": lambda *_: {"Config": IMAGE},
            "image_bytes": lambda *_: 12_345_678,
            "folder_owner": lambda *_: self.owner,
            "wait_for_api": lambda *_: None,
            "wait_until_ready": lambda *_, **__: self.unready,
            "held": lambda *_: nullcontext(),
            "verify_api": lambda *_: self.results,
        }
        for name, stand_in in stand_ins.items():
            monkeypatch.setattr(api_check, name, stand_in)

    def read_document(self) -> Stack:
        return self.document

    def read_lab(self) -> tuple[Inventory, Secrets]:
        return self.lab

    def check(self, name: str = "mine", read_lab: Callable[[], tuple[Inventory, Secrets]] | None = None) -> ApiCheck:
        found = api_check.check_api(
            self.project,
            name,
            stack="local",
            read_document=self.read_document,
            read_lab=read_lab or self.read_lab,
            show=lambda step: self.reported.append(step.name),
        )
        assert [step.name for step in found.steps] == self.reported == list(api_check.SECTIONS)
        self.reported.clear()
        return found


def outcomes(found: ApiCheck) -> dict[str, str]:
    return {step.name: step.outcome for step in found.steps if step.outcome != "passed"}


@pytest.fixture
def world(project: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(project, monkeypatch)


def test_an_implementation_that_is_done_passes_every_step(world: World):
    found = world.check()
    assert outcomes(found) == {}
    assert found.first_failure is None
    assert found.steps[-1].details == ("all 1 checks of `lab verify` passed",)
    assert ApiCheck.from_json(found.to_json(), name="it") == found
    assert json.loads(found.to_json())["steps"][0]["outcome"] == "passed"


def test_no_step_is_checked_without_an_entry(world: World):
    found = world.check("other")
    assert outcomes(found) == {"entry": "failed"} | dict.fromkeys([*api_check.SECTIONS][1:], "not checked")
    assert found.steps[0].details == ("stacks/local.yaml has no API named other; it has go, mine",)


def test_a_fault_in_the_folder_does_not_stop_later_steps(world: World):
    (world.project / "apis" / "mine" / "README.md").unlink()
    found = world.check()
    assert outcomes(found) == {"files": "failed"}
    assert found.first_failure == found.steps[1]
    assert found.steps[1].details == ("there is no apis/mine/README.md, or it is empty",)


def refuse() -> tuple[Inventory, Secrets]:
    raise LabError("The lab local isn't up; run `lab up`.")


def test_the_host_is_not_checked_without_a_lab_of_the_current_sources(world: World):
    on_the_host = dict.fromkeys(["image", "container", "contract"], "not checked")
    found = world.check(read_lab=refuse)
    assert outcomes(found) == {"lab": "failed", **on_the_host}
    assert found.steps[4].details == ("The lab local isn't up; run `lab up`.",)
    (world.project / "apis" / "mine" / "internal" / "new.go").write_text("package internal\n")
    found = world.check()
    assert outcomes(found) == {"lab": "failed", **on_the_host}
    assert (
        found.steps[4]
        .details[0]
        .startswith("the sources in apis/mine have changed since its image was built; run `lab")
    )


def test_an_entry_that_was_changed_or_added_needs_an_up(world: World):
    world.document = DOCUMENT.model_copy(
        update={"apis": (ENTRY.model_copy(update={"environment": {"LOG_LEVEL": "info"}}),)}
    )
    found = world.check()
    assert found.steps[4].details[0].startswith("its entry was changed since the lab was stood up; run `lab up")
    world.document, world.lab = DOCUMENT, (INVENTORY, SECRETS)
    found = world.check()
    assert found.steps[4].details == ("the lab local was stood up without this API; run `lab up --stack local`",)


def test_what_the_host_shows_is_reported_step_by_step(world: World):
    world.owner = "0/0"
    assert outcomes(world.check()) == {"image": "failed"}
    world.unready = "GET /readyz was answered with 503: {}"
    found = world.check()
    assert outcomes(found) == {"image": "failed", "container": "failed", "contract": "not checked"}
    assert found.steps[6].details == ("it isn't ready after 20 s. GET /readyz was answered with 503: {}",)
    world.gone = HostError("The host is away.")
    found = world.check()
    assert outcomes(found) == dict.fromkeys(["image", "container", "contract"], "not checked")
    assert found.first_failure is not None


def test_nothing_on_the_host_is_checked_while_a_run_holds_it(world: World, monkeypatch: pytest.MonkeyPatch):
    def held(*_: object) -> None:
        raise RunError("Another run holds the host.")

    looked: list[object] = []
    monkeypatch.setattr(api_check, "held", held)
    monkeypatch.setattr(api_check, "inspect_image", lambda *given: looked.append(given))  # pyright: ignore
    found = world.check()
    assert outcomes(found) == dict.fromkeys(["image", "container", "contract"], "not checked")
    assert {step.details for step in found.steps[5:]} == {("Another run holds the host.",)}
    assert looked == []


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_each_check_that_did_not_pass_is_reported_in_the_words_of_verify(
    world: World, outcome: Literal["failed", "skipped"]
):
    bad = CheckResult(target="mine", check="posts.y", outcome=outcome, detail="saw 500", seconds=1)
    world.results = [*world.results, bad]
    found = world.check()
    assert outcomes(found) == {"contract": "failed"}
    assert found.steps[-1].details == (f"posts.y: {outcome}: saw 500",)


@pytest.mark.parametrize("place", ["main.rs:12", "handler.py:7", "Main.java:33", "server.c:5"])
def test_a_place_in_a_source_of_any_language_is_no_part_of_an_answer(place: str):
    def answered(detail: str) -> Answer:
        body = json.dumps({"title": "Internal Server Error", "status": 500, "detail": detail}).encode()
        return Answer("GET /", 500, (("content-type", "application/problem+json"),), body)

    expect.problem(answered("Try again at 12:30."), 500)
    with pytest.raises(CheckFailedError, match="expected no cause of the error"):
        expect.problem(answered(f"in {place}"), 500)
