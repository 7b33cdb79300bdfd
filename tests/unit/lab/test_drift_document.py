"""What a preview of Pulumi's and the record say, as differences."""

import json
from pathlib import Path
from typing import Any

from lab.lifecycle.drift import DriftComparison, compare_steps
from lab.lifecycle.engine import Engine
from lab.lifecycle.state import read_declared
from tests.unit.lab.drifting import CONTAINER_ID, INPUTS, declared

URN = "urn:pulumi:local::fairground::fairground:index:Lab$docker:index/container:Container::redis"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def found(*steps: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    comparison = DriftComparison(())
    compare_steps(comparison, {"steps": [{"urn": URN, **step} for step in steps], "changeSummary": {"same": 22}})
    assert comparison.compared["document"] == 22 + len(comparison.differences)
    return [(one.what, one.declared, one.effective) for one in comparison.differences]


def changed(old: object, new: object) -> dict[str, Any]:
    return {
        "op": "update",
        "diffReasons": ["cpuSet"],
        "oldState": {"inputs": {"cpuSet": old}},
        "newState": {"inputs": {"cpuSet": new}},
    }


def test_what_is_the_same_is_no_drift():
    assert found({"op": "same"}, {"op": "read"}) == []


def test_the_stack_s_own_outputs_are_no_drift():
    stack = "urn:pulumi:local::fairground::pulumi:pulumi:Stack::fairground-local"
    assert found({"op": "update", "urn": stack, "oldState": {"inputs": {}}, "newState": {"inputs": {}}}) == []


def test_a_property_that_the_document_changed_is_reported_with_both_values():
    assert found(changed("0", "1")) == [("cpuSet of redis (Container)", "1", "0")]
    assert found(changed(None, ["a"])) == [("cpuSet of redis (Container)", '["a"]', "not set")]
    assert found(changed("0", UNKNOWN)) == [("cpuSet of redis (Container)", "known once it is created", "0")]
    assert found(changed("x" * 100, "1")) == [("cpuSet of redis (Container)", "1", f"{'x' * 60}…")]


def test_a_value_that_the_preview_hides_is_reported_as_changed():
    assert found(changed("[secret]", "[secret]")) == [
        ("cpuSet of redis (Container)", "as the document has it now", "as the last `lab up` left it")
    ]


def test_what_is_new_and_what_is_no_longer_declared_is_reported():
    assert found({"op": "create", "newState": {"inputs": {}}}, {"op": "delete", "oldState": {"inputs": {}}}) == [
        ("the resource redis (Container)", "created", None),
        ("the resource redis (Container)", None, "still there"),
    ]


def recorded(
    name: str, kind: str, identity: str, inputs: object, *, parent: str = "fairground:index:Lab$"
) -> dict[str, object]:
    return {
        "urn": f"urn:pulumi:local::fairground::{parent}{kind}::{name}",
        "type": kind,
        "custom": True,
        "id": identity,
        "inputs": inputs,
    }


HOST = "fairground:index:Lab$fairground:hosts:ContainerHost$"


class Record(Engine):
    """An engine whose record is this one."""

    def query(self, *arguments: str) -> str:
        assert arguments == ("stack", "export", "--show-secrets")
        secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
        inputs = {**INPUTS, "envs": {**secret, "plaintext": json.dumps(INPUTS["envs"])}}
        container = "docker:index/container:Container"
        resources = [
            {
                "urn": "urn:pulumi:local::fairground::pulumi:pulumi:Stack::fairground-local",
                "type": "pulumi:pulumi:Stack",
            },
            *(
                recorded(
                    name, container, identity, {"name": f"fairground-local-{name}", "image": "sha256:1"}, parent=HOST
                )
                for name, identity in (("load-host-10", "h3"), ("load-host-2", "h2"), ("host", "h1"))
            ),
            recorded("ready-host", "pulumi-python:dynamic/fairground:ReadyHost", "h1", {"host_id": "h1"}),
            recorded("go", container, CONTAINER_ID, inputs),
            {**recorded("go", container, "gone", inputs), "delete": True},
        ]
        return json.dumps({"deployment": {"resources": resources}})


def test_the_record_has_the_host_and_its_containers():
    record = read_declared(Record(root=Path(), stack="local", environment={}))
    assert record.host is not None
    assert (record.host.subject, record.host.id) == ("host", "h1")
    assert [(one.subject, one.id) for one in record.load_hosts] == [("load-host-2", "h2"), ("load-host-10", "h3")]
    assert [one.subject for one in record.containers] == ["go"]
    assert record.containers[0].state({}) == declared().state({})
    # Nothing that is printed by mistake shows a secret.
    assert "secret" not in repr(record)
