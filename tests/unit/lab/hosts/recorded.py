"""What the engine is asked for at a cloud, in a form to be written into the YAML files beside this one.

`python -m tests.unit.lab.hosts.recorded` writes them again. Read their difference before you commit it: they are what
the lab makes, opens and pays for.
"""

from pathlib import Path
from typing import Any, cast

import yaml

from documents.lab.host import Host
from documents.stack.hosts import CloudHost
from lab.hosts.cloud import cloud_config
from tests.unit.documents.samples import AWS_HOST, HETZNER_HOST
from tests.unit.lab.hosts.mocked_cloud import (
    HOST_PRIVATE_KEY,
    HOST_PUBLIC_KEY,
    USER_PUBLIC_KEY,
    Declaration,
    Declared,
    declare,
)

FOLDER = Path(__file__).parent

USER_DATA = cloud_config(
    host_private_key=HOST_PRIVATE_KEY, host_public_key=HOST_PUBLIC_KEY, user_public_key=USER_PUBLIC_KEY
)

BASE = "with a load host"

CASES: dict[str, dict[str, tuple[CloudHost, int]]] = {
    "aws": {
        BASE: (AWS_HOST, 1),
        "alone": (AWS_HOST, 0),
        "burstable": (AWS_HOST.model_copy(update={"instance_type": "t3.2xlarge", "availability_zone": None}), 1),
        "large": (
            AWS_HOST.model_copy(
                update={"disk_gb": 500, "region": "us-gov-west-1", "availability_zone": "us-gov-west-1a"}
            ),
            1,
        ),
    },
    "hetzner": {
        BASE: (HETZNER_HOST, 1),
        "alone": (HETZNER_HOST, 0),
        "shared": (
            HETZNER_HOST.model_copy(update={"server_type": "cpx41", "location": "ash", "image": "debian-12"}),
            1,
        ),
    },
}
"""What is declared at each cloud: the first one is recorded whole, of the others what is different there."""


def record(made: Declaration) -> dict[str, Any]:
    """Everything that was asked for, by name, and what the rest of the lab is given.

    Of a load host only that is recorded in which it differs from the host.
    """
    given = {"host": made.host, "host_id": made.host_id, "machine": made.machine, "api": made.api_address}
    given |= {f"load-host-{number}": host for number, host in enumerate(made.loads, start=1)}
    found = {one.name: _record(one) for one in sorted(made.resources, key=lambda one: one.name)}
    assert len(found) == len(made.resources), "two resources have the same name"
    return {
        "given to the lab": _plain(given),
        **{
            name: difference(found["host"], one) if name.startswith("load-host-") else one
            for name, one in found.items()
        },
    }


def _record(one: Declared) -> dict[str, Any]:
    inputs = {
        f"{name} (secret)" if name in one.secrets else name: "user_data.yaml" if value == USER_DATA else value
        for name, value in one.inputs.items()
        if name != "__provider"  # Pulumi's: the class of a dynamic resource, pickled
    }
    options = {
        "provider": one.provider,
        "after": sorted(one.after),
        "secret outputs": sorted(one.secret_outputs),
        "replaced for": sorted(one.replaced_for),
        "deleted first": one.deleted_first,
        "inputs": _plain(inputs),
    }
    return {"type": one.type, **{name: value for name, value in options.items() if value}}


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever is recorded
    """A value as YAML shows it best: names in their order, a text of lines as a list of them, whole numbers as such."""
    match value:
        case Host():
            return _plain(value.model_dump(mode="json", exclude_defaults=True))
        case dict():
            members = cast("dict[str, Any]", value)
            return {name: _plain(members[name]) for name in sorted(members)}
        case list():
            return [_plain(inner) for inner in cast("list[Any]", value)]
        case str() if "\n" in value:
            return value.splitlines()
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def difference(before: Any, after: Any) -> Any:  # noqa: ANN401 - whatever is recorded
    """What another record says in place of the first one; None stands for what it lacks."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    one, other = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
    return {
        name: difference(one.get(name), other.get(name)) for name in one | other if one.get(name) != other.get(name)
    }


def record_cases(cloud: str) -> dict[str, Any]:
    """What the file of a cloud has."""
    found = {name: record(declare(*case)) for name, case in CASES[cloud].items()}
    return {name: one if name == BASE else difference(found[BASE], one) for name, one in found.items()}


def read_cases(cloud: str) -> dict[str, Any]:
    """What the file of a cloud has, as it was recorded."""
    return yaml.safe_load((FOLDER / f"{cloud}.yaml").read_text(encoding="utf-8"))


if __name__ == "__main__":
    (FOLDER / "user_data.yaml").write_text(USER_DATA, encoding="utf-8")
    for cloud in CASES:
        text = yaml.safe_dump(record_cases(cloud), sort_keys=False, default_flow_style=None, width=150)
        (FOLDER / f"{cloud}.yaml").write_text(text, encoding="utf-8")
