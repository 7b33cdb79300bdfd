"""Reading `implementation.yaml` in an implementation's folder."""

from pathlib import Path

from documents.errors import DocumentError
from documents.implementation import Implementation

FILE_NAME = "implementation.yaml"


def read_implementation(project: Path, source: str) -> Implementation:
    """Read and check the document of the implementation in the folder `source` of the project.

    Raises:
        DocumentError: there is no such file, it isn't valid, or the change that it names can't be made to its file.
    """
    shown = f"{source}/{FILE_NAME}"
    try:
        text = (project / shown).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DocumentError(
            f"There is no {shown}, which tells how the implementation is built. docs/adding-an-api.md has an example."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"{shown} can't be read: {error}.") from error
    implementation = Implementation.from_yaml(text, name=shown)
    changed_file(project / source, implementation)
    return implementation


def changed_file(folder: Path, implementation: Implementation) -> bytes:
    """The file that the document's change is made to, after the change.

    Args:
        folder: the implementation's folder.
        implementation: its document.

    Raises:
        DocumentError: there is no such file, or it doesn't have the text that is to be changed exactly once.
    """
    change = implementation.build.change
    try:
        text = (folder / change.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(
            f"{folder.name}/{FILE_NAME}: build.change.file: {change.file} can't be read: {error}."
        ) from error
    if (count := text.count(change.old)) != 1:
        raise DocumentError(
            f"{folder.name}/{FILE_NAME}: build.change.old: {change.file} has this text {count} times; name one that it "
            "has once."
        )
    return text.replace(change.old, change.new).encode()
