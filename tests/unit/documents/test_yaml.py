"""A document in YAML that is wrong is refused with file, line and key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.errors import DocumentError
from documents.run.protocol import Protocol
from documents.stack.hosts import ContainerHost
from documents.stack.stack import Stack

STACK = """\
version: 1
name: local
host:
  kind: container
  cpus: 8
apis:
  - name: go
    source: apis/go
    port: 18080
  - name: rust
    source: apis/rust
    port: 18081
"""


def read(text: str) -> Stack:
    return Stack.from_yaml(text, name="stacks/local.yaml")


def faults(text: str) -> list[str]:
    with pytest.raises(DocumentError) as refusal:
        read(text)
    return str(refusal.value).splitlines()


def test_good_document_is_read_with_its_defaults():
    stack = read(STACK)
    assert [api.port for api in stack.apis] == [18080, 18081]
    assert stack.host == ContainerHost(kind="container", memory_gb=16)
    assert stack.cores == "auto"
    assert stack.services.postgres.port == 15432


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        (STACK.replace("cpus: 8", "cpu: 8"), "5: host.cpu: no such key; remove it or fix its spelling"),
        (STACK.replace("cpus: 8", "cpus: '8'"), "5: host.cpus: Input should be a valid integer"),
        (STACK.replace("cpus: 8", "cpus: 0"), "5: host.cpus: Input should be greater than or equal to 1"),
        (STACK.replace("name: local", "name: Local"), "2: name: String should match pattern"),
        (STACK.replace("    port: 18081\n", ""), "10: apis.1.port: this key is missing"),
        (STACK.replace("port: 18081", "port: 80"), "12: apis.1.port: Input should be greater than or equal to 1024"),
        (
            STACK.replace("source: apis/rust", "source: apis/../.."),
            "11: apis.1.source: this must be a path inside the folder",
        ),
        (STACK.replace("source: apis/rust", "source: /etc"), "11: apis.1.source: String should match pattern"),
        (STACK.replace("kind: container", "kind: moon"), "4: host.kind: Input should be 'container', 'ssh', 'aws' or"),
        (STACK.replace("  kind: container\n", ""), "3: host.kind: this key is missing"),
        (STACK.replace("version: 1", "version: 2"), "1: version: Input should be 1"),
        (STACK.replace("version: 1\n", ""), "1: version: this key is missing"),
        (STACK.replace("port: 18081", "port: 18080"), "12: apis.1.port: apis.0.port is 18080 already"),
        (STACK.replace("port: 18081", "port: 16379"), "12: apis.1.port: services.redis.port is 16379 already"),
        (STACK.replace("name: rust", "name: redis"), "10: apis.1.name: another API or service is named redis"),
        (STACK.replace("name: rust", "name: go"), "10: apis.1.name: another API or service is named go"),
        (STACK + "    environment:\n      GOGC: '1'\n      PORT: '1'\n", "15: apis.1.environment.PORT: PORT is set by"),
        (
            STACK + "services:\n  postgres:\n    settings:\n      fsync: 'off'\n",
            "16: services.postgres.settings.fsync: fsync must stay on",
        ),
        (STACK + "apis: []\n", "13: apis: this key is given twice."),
        (STACK.replace("  cpus: 8", "  kind: container"), "5: host.kind: this key is given twice."),
        (STACK + "base_image: 2026-01-31\n", "13: base_image: YAML reads this as a timestamp; put it in quotes."),
        (STACK + "base_image: !!binary eA==\n", "13: anchors, aliases and tags aren't allowed"),
        (STACK + "services: &all\n  redis: *all\n", "13: anchors, aliases and tags aren't allowed"),
        (STACK + "NO: x\n", "13: the document: a key that isn't text; put it in quotes."),
        (STACK + "<<: {base_image: x}\n", "13: the document: a key that isn't text; put it in quotes."),
        ("", "1: the document must be a mapping of keys to values."),
    ],
)
def test_fault_names_file_line_and_key(changed: str, fault: str):
    assert changed != STACK
    said = faults(changed)
    assert len(said) == 1
    assert said[0].startswith(f"stacks/local.yaml:{fault}")


def test_every_fault_is_reported_at_once():
    said = faults(STACK.replace("cpus: 8", "cpu: 8").replace("port: 18081", "port: '18081'"))
    assert [fault.split(": ")[:2] for fault in said] == [
        ["stacks/local.yaml:5", "host.cpu"],
        ["stacks/local.yaml:12", "apis.1.port"],
    ]


def test_fault_in_an_explicit_core_layout_is_reported_only_for_the_layout():
    said = faults(STACK + "cores:\n  api: 0-1\n  postgres: '2'\n  system: '3'\n  generator: 4-\n  gpu: '1'\n")
    assert [fault.split(": ")[:2] for fault in said] == [
        ["stacks/local.yaml:17", "cores.generator"],
        ["stacks/local.yaml:18", "cores.gpu"],
    ]


@pytest.mark.parametrize("text", ["a: [1", "a: 'b", "\tname: x", "a: b: c", "--- 1\n--- 2\n", "a: \x00"])
def test_text_that_is_not_yaml_is_refused_in_one_line_by_its_name(text: str):
    said = faults(text)
    assert len(said) == 1
    assert said[0].startswith("stacks/local.yaml is not valid YAML: ")


def test_two_scenarios_of_one_name_are_refused():
    scenario = "  - {name: light, workload: mixed, connections: 10, duration_seconds: 5}\n"
    text = f"version: 1\nname: quick\nblocks: 1\nwarm_up_seconds: 1\nscenarios:\n{scenario}"
    assert Protocol.from_yaml(text, name="quick.yaml").scenarios[0].connections == 10
    with pytest.raises(DocumentError, match=r"^quick.yaml:7: scenarios.1.name: another scenario is named light$"):
        Protocol.from_yaml(text + scenario, name="quick.yaml")


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*!#|>'\"%@`, \n?1"), max_size=60))
def test_any_text_gives_a_document_error(text: str):
    with pytest.raises(DocumentError, match=re.escape("stacks/local.yaml")):
        read(text)
