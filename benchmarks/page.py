"""A page of docs/evidence/: when and where something was measured, and writing it."""

import sys
from datetime import UTC, datetime

from cli.context import ROOT, open_engine
from documents.run import HostIdentity
from lab.lifecycle import read_lab
from provision.ssh import connect
from provision.system import read_identity

PAGES = ROOT / "docs" / "evidence"


def heading(title: str, stack: str, commit: str) -> str:
    """The title of a page, and below it when, of what commit and on what host; the lab must be up."""
    inventory, _ = read_lab(open_engine(stack))
    with connect(inventory.host) as connection:
        identity = read_identity(connection)
    return f"# {title}\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {_host(identity)}."


def _host(identity: HostIdentity) -> str:
    return f"{len(identity.cpus)} CPUs ({identity.cpu_model}), kernel {identity.kernel}"


def write_page(name: str, text: str) -> None:
    """Write a page, in place of the one that was there, and say where on standard error."""
    PAGES.mkdir(exist_ok=True)
    path = PAGES / name
    path.write_text(text, encoding="utf-8")
    print(f"Wrote {path}", file=sys.stderr)
