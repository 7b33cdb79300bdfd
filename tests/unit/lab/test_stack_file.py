"""Reading stacks/NAME.yaml: what is wrong with it is said in a sentence that names file, line and key."""

import re
from pathlib import Path

import pytest

from documents.errors import DocumentError
from lab.stack_file import read_stack, read_stacks
from tests.conftest import ROOT, STACKS

STACK = "version: 1\nname: probe\nhost:\n  kind: container\napis:\n  - name: go\n    source: api\n    port: 18080\n"
CORES = "cores:\n  api: '0'\n  postgres: '1'\n  system: '2'\n  generator: '3'\n"
FOUR = ((0,), (1,), (2,), (3,))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "Dockerfile").touch()
    (tmp_path / "stacks" / "probe.yaml").write_text(STACK)
    return tmp_path


def refusal(project: Path, text: str, topology: tuple[tuple[int, ...], ...] | None = None) -> str:
    (project / "stacks" / "probe.yaml").write_text(text)
    with pytest.raises(DocumentError) as error:
        read_stack(project, "probe", topology)
    return str(error.value)


def test_good_document_is_read(project: Path):
    assert read_stack(project, "probe").apis[0].source == "api"


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.stem)
def test_stacks_of_the_project_are_good(path: Path):
    stack = read_stack(ROOT, path.stem)
    assert stack.cores == "auto"
    assert stack.base_image == "debian:trixie-slim"


def test_stacks_of_the_project_stand_side_by_side():
    ports: list[int] = []
    for path in STACKS:
        stack = read_stack(ROOT, path.stem)
        services = stack.services
        assert stack.host.kind == "container"
        ports += [stack.host.ssh_port, services.postgres.port, services.redis.port, *(api.port for api in stack.apis)]
    assert len(set(ports)) == len(ports) > 20
    assert max(ports) < 32768


@pytest.mark.parametrize("path", STACKS, ids=lambda path: path.stem)
def test_targets_of_the_stacks_are_stages_of_the_dockerfiles_and_not_the_last(path: Path):
    for api in read_stack(ROOT, path.stem).apis:
        dockerfile = (ROOT / api.source / "Dockerfile").read_text(encoding="utf-8")
        stages = re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE)
        assert stages[-1] == "api"
        assert api.target is None or api.target in stages[:-1]


def test_missing_document_is_refused_with_those_that_there_are(project: Path):
    with pytest.raises(DocumentError, match=r"^There is no stacks/other\.yaml; the stacks described here: probe\.$"):
        read_stack(project, "other")
    (project / "stacks" / "probe.yaml").unlink()
    with pytest.raises(DocumentError, match=r"^There is no stacks/other\.yaml; the stacks described here: none\.$"):
        read_stack(project, "other")


def test_document_that_can_not_be_read_is_refused_by_its_name(project: Path):
    path = project / "stacks" / "probe.yaml"
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(DocumentError, match=r"^stacks/probe\.yaml can't be read: 'utf-8' codec"):
        read_stack(project, "probe")
    path.unlink()
    path.mkdir()
    with pytest.raises(DocumentError, match=r"^stacks/probe\.yaml can't be read: .*Is a directory"):
        read_stack(project, "probe")


def test_fault_of_shape_names_the_file_as_it_lies_in_the_project(project: Path):
    assert refusal(project, STACK.replace("  kind", "  sort")).startswith("stacks/probe.yaml:")


def test_document_of_another_name_than_its_file_is_refused(project: Path):
    said = refusal(project, STACK.replace("name: probe", "name: lab"))
    assert said == "stacks/probe.yaml:2: name: the stack calls itself 'lab'; name it as the file is named."


def test_source_without_a_dockerfile_is_refused(project: Path):
    said = refusal(project, STACK + "  - name: rust\n    port: 18081\n    source: rust\n")
    assert said == "stacks/probe.yaml:11: apis.1.source: there is no rust/Dockerfile."


def test_core_layout_that_does_not_fit_is_refused_with_its_line(project: Path):
    said = refusal(project, STACK + CORES.replace("generator: '3'", "generator: '4'"), FOUR)
    assert said.startswith("stacks/probe.yaml:13: cores.generator: the host has no CPU 4, only 0, 1, 2, 3;")
    said = refusal(project, STACK + CORES, ((0, 1), (2, 3)))
    assert said.startswith("stacks/probe.yaml:9: cores: api and postgres would share the physical core of CPUs 0, 1;")


def test_core_layout_is_held_against_the_host_s_cpus_and_not_the_machine_s(project: Path):
    said = refusal(project, STACK.replace("container\n", "container\n  cpus: 3\n") + CORES, FOUR)
    assert said.startswith("stacks/probe.yaml:14: cores.generator: the host has no CPU 3, only 0, 1, 2;")


def test_core_layout_that_fits_is_taken_and_without_a_machine_any_is(project: Path):
    (project / "stacks" / "probe.yaml").write_text(STACK + CORES)
    assert read_stack(project, "probe", FOUR) == read_stack(project, "probe")


def test_all_stacks_are_read_and_one_that_is_not_good_does_not_keep_the_others(project: Path):
    for name in ("a", "z"):
        (project / "stacks" / f"{name}.yaml").write_text(STACK.replace("name: probe", f"name: {name}"))
    (project / "stacks" / "m.yaml").write_text(STACK.replace("  kind", "  sort"))
    stacks, faults = read_stacks(project)
    assert [stack.name for stack in stacks] == ["a", "probe", "z"]
    assert {name: fault.partition(":")[0] for name, fault in faults.items()} == {"m": "stacks/m.yaml"}
