"""What tells a lab's host from any other that may take its place, known before either is made."""

from pathlib import Path

from documents.host_kinds import AnyHost, ExistingHost


def name_place(document: AnyHost | ExistingHost) -> str:
    """The place of a host in one word: where a machine that exists is, or the kind of one that the lab makes."""
    if isinstance(document, ExistingHost):
        return f"{document.address}-{document.port}".replace(":", "-")
    return document.kind


def host_folder(document: AnyHost | ExistingHost, folder: Path) -> Path:
    """Where the controller keeps what it has of a host, beside that of any host whose place it takes.

    Args:
        document: the host.
        folder: the stack's own on the controller.
    """
    return folder / "hosts" / name_place(document)
