"""What no file of the project may name: package registries, this machine's folders, the folder beside it."""

import re
import subprocess

from tests.conftest import ROOT

# The brackets around a letter keep this file from naming what it looks for.
REGISTRIES = "|".join(
    rf"{re.escape(host)}\.{domain}"
    for domain, hosts in {
        "org": "pypi files.pythonhosted proxy.golang sum.golang repo.maven.apache repo1.maven deb.debian ftp.debian",
        "io": "index.crates static.crates registry-1.docker index.docker ghcr quay",
        "com": "archive.ubuntu archive.canonical registry.npmjs registry.hub.docker repo.maven",
    }.items()
    for host in hosts.split()
)
FORBIDDEN = [rf"(?<![\w-])({REGISTRIES})(?![\w-])", r"\.\./share[d]", r"(?<![\w.}$-])/wor[k](?![\w-])"]
if len(ROOT.parts) > 2:  # a checkout that lies as near to the root as /src would be found in every other path
    FORBIDDEN.append(f"{re.escape(str(ROOT))}/")
HOME = re.compile(r"(?<![\w.}<$-])/roo[t](?![\w-])")
IN_A_CONTAINER = re.compile(r"(^|/)(checks\.)?Dockerfile$|^docs/adding-an-api|^lab/(images|hosts)/|^tests/(ssh|e2e)/")
"""Files that speak of the file system of a container, where root's home is no one's of this machine."""


def test_no_file_names_a_registry_or_a_place_of_this_machine():
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    forbidden, found = re.compile("|".join(FORBIDDEN)), list[str]()
    for name in filter(None, listing.split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines() if b"\0" not in content else ()):
            if forbidden.search(line) or (HOME.search(line) and not IN_A_CONTAINER.search(name)):
                found.append(f"{name}:{number + 1}: {line.strip()}")
    assert not found, "\n".join(found)
