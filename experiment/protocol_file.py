"""Reading a protocol, by the name of one in `protocols/` or by the path of a file of one's own."""

from pathlib import Path

from documents.errors import RunError
from documents.protocol import Protocol

_PROTOCOLS = Path(__file__).parent / "protocols"


def read_protocol(name_or_path: str) -> Protocol:
    """Read a protocol.

    Args:
        name_or_path: a name such as ``quick``, or the path of a file, which ends in ``.yaml``.

    Raises:
        RunError: there is no such protocol, or its file can't be read.
        DocumentError: the file isn't a valid protocol; names each key at fault and its line.
    """
    is_path = name_or_path.endswith(".yaml")
    path = Path(name_or_path) if is_path else _PROTOCOLS / f"{name_or_path}.yaml"
    if not is_path and name_or_path not in protocol_names():
        raise RunError(
            f"There is no protocol named {name_or_path}. There are {', '.join(protocol_names())}; "
            "a protocol of your own is named by its path, which ends in .yaml."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"The protocol {path} can't be read: {error}.") from error
    return Protocol.from_yaml(text, name=str(path))


def protocol_names() -> list[str]:
    """The names of the protocols that come with the lab."""
    return sorted(path.stem for path in _PROTOCOLS.glob("*.yaml"))
