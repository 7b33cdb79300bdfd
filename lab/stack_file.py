"""Reading a stack document, `stacks/NAME.yaml`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from documents.base import line_of
from documents.errors import DocumentError
from documents.lab import PhysicalCore
from documents.stack import LayoutError, Stack, explicit_cores
from lab.cores import take_cores


def read_stacks(project: Path) -> tuple[tuple[Stack, ...], Mapping[str, str]]:
    """All valid stacks of the project, in the order of their names; and the faults of the others by name."""
    stacks: list[Stack] = []
    faults: dict[str, str] = {}
    for path in sorted((project / "stacks").glob("*.yaml")):
        try:
            stacks.append(read_stack(project, path.stem))
        except DocumentError as error:
            faults[path.stem] = str(error)
    return tuple(stacks), faults


def read_stack(project: Path, name: str, topology: Sequence[PhysicalCore] | None = None) -> Stack:
    """Read and check the document of the stack called `name` in the project's folder.

    Args:
        project: the checkout.
        name: the stack's name.
        topology: the controller's physical cores, to check an explicit core layout of a host that is created on it;
            None to skip that check.

    Raises:
        DocumentError: there is no such file, it has a fault, it names another stack than its file does, an API's source
            has no Dockerfile, or the core layout doesn't fit. Names file, line and key.
    """
    path = project / "stacks" / f"{name}.yaml"
    shown = f"stacks/{name}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        known = ", ".join(sorted(file.stem for file in path.parent.glob("*.yaml"))) or "none"
        raise DocumentError(f"There is no {shown}; the stacks described here: {known}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{shown} can't be read: {error}.") from error
    stack = Stack.from_yaml(text, name=shown)

    def place(*location: int | str) -> str:
        return f"{shown}:{line_of(text, location)}"

    if stack.name != name:
        raise DocumentError(
            f"{place('name')}: name: the stack calls itself {stack.name!r}; name it as the file is named."
        )
    for index, api in enumerate(stack.apis):
        if not (project / api.source / "Dockerfile").is_file():
            raise DocumentError(
                f"{place('apis', index, 'source')}: apis.{index}.source: there is no {api.source}/Dockerfile."
            )
    if topology is not None and stack.host.kind == "container" and stack.cores != "auto":
        try:
            explicit_cores(stack.cores, take_cores(topology, stack.host.cpus))
        except LayoutError as error:
            raise DocumentError(f"{place(*error.location)}: {error}") from error
    return stack
