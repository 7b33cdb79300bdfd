"""A checkout with a history of its own: what it was forked from, and the change that is its HEAD."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

LOCAL = """
version: 1
name: local
host:
  kind: container
  cpus: 2
  memory_gb: 4
  ssh_port: 22022
services:
  postgres:
    port: 15432
apis:
  - name: go
    source: apis/go
    port: 18080
  - name: rust
    source: apis/rust
    port: 18081
  - name: rust-small
    source: apis/rust
    port: 18082
    target: small
    environment:
      POOL_SIZE: "4"
"""

FILES = {
    "stacks/local.yaml": LOCAL,
    "apis/go/Dockerfile": "FROM scratch\n",
    "apis/go/main.go": "package main // as it was\n",
    "apis/go-extra/main.go": "package extra\n",
    "apis/rust/Dockerfile": "FROM scratch\n",
    "apis/rust/src/main.rs": "fn main() {} // as it was\n",
    "apis/contract/CONTRACT.md": "The contract.\n",
}

IDENTITY = ("-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")


class Checkout:
    """A git repository whose branch `main` has some APIs, and whose branch `change` is checked out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self.git("init", "--quiet", "--initial-branch", "main")
        self.forked_at = self.commit(FILES)
        self.git("switch", "--quiet", "--create", "change")

    def git(self, *arguments: str) -> str:
        """Run git there; it must succeed."""
        done = subprocess.run(["git", *IDENTITY, *arguments], cwd=self.path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str], *, removed: tuple[str, ...] = ()) -> str:
        """Commit files with such contents, and others' removal; returns the commit."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        for name in removed:
            (self.path / name).unlink()
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "A commit.")
        return self.git("rev-parse", "HEAD")

    def commit_on_main(self, files: Mapping[str, str]) -> str:
        """Commit on the branch that the change isn't on; returns the commit."""
        self.git("switch", "--quiet", "main")
        commit = self.commit(files)
        self.git("switch", "--quiet", "change")
        return commit
