"""Reading a stack document, `stacks/NAME.yaml`."""

from pathlib import Path

from documents.errors import DocumentError
from documents.stack import Stack


def read_stack(project: Path, name: str) -> Stack:
    """Read and check the document of the stack called `name` in the project's folder.

    Raises:
        DocumentError: there is no such file, it is not of the right shape, it names another stack than its file
            does, or an API's source has no Dockerfile.
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
    if stack.name != name:
        raise DocumentError(f"{shown}: name: the stack calls itself {stack.name!r}; name it as the file is named.")
    for api in stack.apis:
        if not (project / api.source / "Dockerfile").is_file():
            raise DocumentError(f"{shown}: apis.{api.name}.source: there is no {api.source}/Dockerfile.")
    return stack
