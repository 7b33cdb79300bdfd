"""What tells a lab's host from any other that may take its place, known before either is made."""

from pathlib import Path

from documents.host_kinds import AnyHost, SshHost


def name_place(document: AnyHost) -> str:
    """The place of a host in one word: where a machine that exists is, or the kind of one that the lab makes."""
    return f"{document.address}-{document.port}".replace(":", "-") if isinstance(document, SshHost) else document.kind


def host_folder(document: AnyHost, folder: Path) -> Path:
    """Where the controller keeps what it has of a host, beside that of any host whose place it takes.

    Args:
        document: the host.
        folder: the stack's own on the controller.
    """
    return folder / "hosts" / name_place(document)
