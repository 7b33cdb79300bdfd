"""Pages of docs/evidence/: the heading with date, commit and host, and writing the file. Messages of benchmarks."""

import sys
from datetime import UTC, datetime

from cli.context import ROOT, open_engine
from documents.files import replace_file
from documents.run import HostIdentity
from lab.lifecycle import read_lab
from provision.ssh import connect
from provision.system import read_identity

PAGES = ROOT / "docs" / "evidence"


def heading(title: str, stack: str, commit: str) -> str:
    """A page's title, and below it the date, the commit and the host; the lab must be up."""
    inventory, _ = read_lab(open_engine(stack))
    with connect(inventory.host) as connection:
        identity = read_identity(connection)
    return f"# {title}\n\n{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {_host(identity)}."


def _host(identity: HostIdentity) -> str:
    return f"{len(identity.cpus)} CPUs ({identity.cpu_model}), kernel {identity.kernel}"


def write_page(name: str, text: str) -> None:
    """Write a page, replacing an earlier one, and print its path on standard error."""
    PAGES.mkdir(exist_ok=True)
    path = PAGES / name
    replace_file(path, text)
    say(f"Wrote {path}")


def say(text: str) -> None:
    """Print a message on standard error at once."""
    print(text, file=sys.stderr, flush=True)
