"""`lab tune`: show and set the kernel settings that a measurement depends on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.context import DEFAULT_STACK, JsonOption, StackOption, open_engine, print_json, terminal
from documents.errors import HostError

if TYPE_CHECKING:
    from documents.lab import Inventory
    from documents.run import HostIdentity, KnobRecord
    from provision.kernel import Knob


def tune(
    check: Annotated[bool, typer.Option("--check", help="Only show the host's identity and settings.")] = False,
    restore: Annotated[bool, typer.Option("--restore", help="Restore the host's settings at once.")] = False,
    minutes: Annotated[int, typer.Option("--minutes", min=1, help="How long the settings stay set.")] = 30,
    stack: StackOption = DEFAULT_STACK,
    json: JsonOption = False,
) -> None:
    """Set the host's kernel settings for a measurement, for some time; a run does this itself.

    The host restores them after that time, or at --restore. In a container they are only read, because they are the
    machine's. --check shows the host's identity and each setting, and exits with 1 if one of them isn't as wanted on a
    host with its own kernel.
    """
    if check and restore:
        raise typer.BadParameter("--check only looks, so it doesn't go with --restore.")
    from lab.lifecycle import read_lab

    inventory, _secrets = read_lab(open_engine(stack))
    if check:
        _check(inventory, json=json)
    else:
        _act(inventory, minutes=minutes, restore=restore, json=json)


def _check(inventory: "Inventory", *, json: bool) -> None:
    from documents.run import describe_control
    from provision.kernel import KnobPaths, knobs, tuning
    from provision.ssh import connect
    from provision.system import read_identity, read_tool_versions

    wanted, settable = knobs.knobs_of(inventory.cores), inventory.own_kernel
    with connect(inventory.host) as connection:
        identity = read_identity(connection)
        versions = read_tool_versions(connection, inventory)
        found = tuning.read(connection, wanted, settable=settable, paths=KnobPaths())
    if json:
        print_json(
            {
                "host": inventory.host.kind,
                "settable": settable,
                "control": describe_control(found),
                "identity": identity.model_dump(mode="json"),
                "tool_versions": versions,
                "knobs": _as_json(wanted, found),
            }
        )
    else:
        _show_identity(identity, versions)
        _show_knobs(wanted, found, settable=settable)
    astray = [knob for knob in found if knob.state == "only-read"]
    if settable and astray:
        raise HostError(
            f"{len(astray)} of {len(found)} settings of the host aren't as wanted for a measurement: "
            f"{', '.join(knob.name for knob in astray)}. `lab run` sets them for its time; `lab tune` sets them now."
        )


def _act(inventory: "Inventory", *, minutes: int, restore: bool, json: bool) -> None:
    from documents.run import describe_control
    from experiment.bench import held
    from provision.kernel import KnobPaths, knobs, tuning
    from provision.ssh import connect

    if not inventory.own_kernel:
        raise HostError(
            f"The host of the lab {inventory.stack} is a container: its kernel settings are those of the machine that "
            "it runs on, and are only read. `lab tune --check` shows them."
        )
    wanted = knobs.knobs_of(inventory.cores)
    # While a run holds the host, its settings are the run's.
    with connect(inventory.host) as connection, held(connection, "lab tune"):
        if restore:
            restored = tuning.restore(connection, paths=KnobPaths())
            found = tuning.read(connection, wanted, settable=True, paths=KnobPaths())
        else:
            restored = None
            found = tuning.tune(connection, wanted, seconds=60 * minutes, paths=KnobPaths())
    if json:
        print_json({"control": describe_control(found), "knobs": _as_json(wanted, found)})
        return
    _show_knobs(wanted, found, settable=True)
    said = f"Set for {minutes} minutes." if restored is None else f"{restored.restored} values were restored."
    terminal().print(said)


def _as_json(wanted: "Sequence[Knob]", found: "Sequence[KnobRecord]") -> list[dict[str, Any]]:
    return [
        record.model_dump(mode="json") | {"controlled": record.controlled, "why": knob.why, "source": knob.source}
        for knob, record in zip(wanted, found, strict=True)
    ]


def _show_identity(identity: "HostIdentity", versions: dict[str, str]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("host", "", box=None, pad_edge=False)
    mappings = {
        "cgroup limit": identity.cgroup_limits,
        "mitigation": identity.mitigations,
        "setting": identity.settings,
        "version": versions,
    }
    for name, value in identity.model_dump(exclude={"cgroup_limits", "mitigations", "settings"}).items():
        table.add_row(Text(name.replace("_", " ")), Text("unknown" if value is None else str(value)))
    for name, mapping in mappings.items():
        for key, value in sorted((mapping or {}).items()):
            table.add_row(Text(f"{name}: {key}"), Text(value))
        if not mapping:
            table.add_row(Text(f"{name}s"), Text("unknown" if mapping is None else "none"))
    terminal().print(table)


def _show_knobs(wanted: "Sequence[Knob]", found: "tuple[KnobRecord, ...]", *, settable: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from documents.run import describe_control

    console = terminal()
    table = Table("setting", "is", "wanted", "settable here", "why", box=None, pad_edge=False)
    for knob, record in zip(wanted, found, strict=True):
        there = record.state not in {"not-told", "nothing-to-control"}
        table.add_row(
            Text(f"{'' if record.controlled else '! '}{knob.name}"),
            Text("not there" if record.during is None else record.during),
            Text(knob.wanted),
            Text("yes" if settable and there else "no"),
            Text(knob.why),
        )
    console.print(table)
    control = describe_control(found)
    console.print(f"The host is {control}." if found else control, markup=False, soft_wrap=True)
    for record in found:
        if not record.controlled:
            console.print(f"  {record.name}: {record.message}", markup=False, soft_wrap=True)
