"""The protocol as YAML: what it may vary, and where a fault in it is reported."""

import re

import pytest

from documents.errors import DocumentError
from documents.run.protocol import Protocol
from tests.conftest import ROOT

TEXT = """version: 1
name: pools
blocks: 2
warm_up_seconds: 1
apis: [go]
scenarios:
  - {name: read, workload: read-post, connections: [16, 64], duration_seconds: 3}
  - {name: mixed, workload: mixed, connections: 5, duration_seconds: 3}
vary:
  - name: pool-16
    environment: {DB_POOL_SIZE: "16"}
  - name: large
    postgres: {shared_buffers: 2GB}
    cores: {api: "1", postgres: "0", system: "0", generator: "0"}
  - name: as-declared
"""


def read(text: str) -> Protocol:
    return Protocol.from_yaml(text, name="pools.yaml")


def test_a_run_or_its_analysis_reads_every_key():
    code = "\n".join(path.read_text() for room in ("experiment", "analysis") for path in (ROOT / room).rglob("*.py"))
    read_keys = {*re.findall(r"\bprotocol\.([a-z_]+)", code)}
    assert Protocol.model_fields.keys() - read_keys == {"version"}


def test_a_list_of_connections_is_a_load_for_each_in_its_place():
    assert [(load.name, load.connections) for load in read(TEXT).scenarios] == [
        ("read-16", 16),
        ("read-64", 64),
        ("mixed", 5),
    ]
    assert {load.workload for load in read(TEXT).scenarios[:2]} == {"read-post"}


def test_an_open_loop_may_be_at_one_of_these_loads():
    open_loop = "open_loop: {scenario: read-64, shares: [0.5], seconds: 7, blocks: 1}\n"
    protocol = read(TEXT + open_loop)
    assert protocol.open_loop is not None
    window = protocol.window_of(protocol.open_loop)
    assert (window.name, window.connections, window.duration_seconds) == ("read-64", 64, 7)
    with pytest.raises(DocumentError, match=r"pools\.yaml:\d+: open_loop\.scenario: there is no scenario read$"):
        read(TEXT + open_loop.replace("read-64", "read"))


def test_variants_are_read_and_written():
    protocol = read(TEXT)
    pool, large, as_declared = protocol.vary
    assert pool.environment == {"DB_POOL_SIZE": "16"}
    assert large.postgres == {"shared_buffers": "2GB"}
    assert large.cores is not None
    assert (as_declared.environment, as_declared.cores, as_declared.postgres) == ({}, None, {})
    assert Protocol.from_json(protocol.to_json(), name="protocol.json") == protocol


def test_a_protocol_that_varies_nothing_is_written_as_it_was_before_there_were_variants():
    plain = read(TEXT[: TEXT.index("vary:")].replace("apis: [go]\n", ""))
    assert not {"apis", "vary"} & plain.model_dump().keys()


def test_without_a_list_of_connections_every_fault_is_reported():
    text = TEXT.replace("[16, 64]", "0").replace("connections: 5", "conections: 5")
    with pytest.raises(DocumentError) as refusal:
        read(text)
    assert [line.split(": ")[1] for line in str(refusal.value).splitlines()] == [
        "scenarios.0.connections",
        "scenarios.1.connections",
        "scenarios.1.conections",
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("connections: 5", "connections: 0", r":8: scenarios\.1\.connections: Input should be greater"),
        ("[16, 64]", "[16, 0]", r":7: scenarios\.0\.connections: Input should be greater"),
        ("[16, 64]", "[]", r":7: scenarios\.0\.connections: the list is empty; name at least one number"),
        ("[16, 64]", "[16, 16]", r":7: scenarios\.0\.connections: another scenario is named read-16"),
        ("name: read, ", "", r":7: scenarios\.0\.name: this key is missing"),
        ("name: mixed", "name: read-64", r":8: scenarios\.1\.name: another scenario is named read-64"),
        ("name: read,", "name: a-load-of-more-than-enough-of-it,", r":7: scenarios\.0\.name: String should match"),
        ('"16"', "16", r":11: vary\.0\.environment\.DB_POOL_SIZE: Input should be a valid string"),
        ("DB_POOL_SIZE", "JWT_SECRET", r":11: vary\.0\.environment\.JWT_SECRET: JWT_SECRET is set by the lab itself"),
        ("shared_buffers: 2GB", "port: '5432'", r":13: vary\.1\.postgres\.port: port is set by the lab itself"),
        ("shared_buffers: 2GB", "fsync: 'off'", r":13: vary\.1\.postgres\.fsync: fsync must stay on"),
        ('api: "1"', 'api: "one"', r":14: vary\.1\.cores\.api: .one. is not a CPU list"),
        ("name: as-declared", "name: pool-16", r":15: vary\.2\.name: another variant is named pool-16"),
        ("name: as-declared", "name: x\n    apis: [go, rust]", r":16: vary\.2\.apis\.1: rust isn't among the protocol"),
        ("name: as-declared", "name: x\n    redis: {}", r":16: vary\.2\.redis: no such key"),
    ],
)
def test_what_is_at_fault_is_reported_by_its_line_and_key(old: str, new: str, said: str):
    assert old in TEXT
    with pytest.raises(DocumentError, match=rf"^pools\.yaml{said}"):
        read(TEXT.replace(old, new))
