"""A lab on a machine that it didn't make: its document is written for it and removed with it."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping

import yaml

from cli.context import open_engine
from documents.inventory import Inventory
from lab.lifecycle.lifecycle import read_lab
from tests.conftest import LAB, ROOT, run_lab
from tests.e2e.plain_pulumi import pulumi
from tests.machines.machine import Machine

Finished = subprocess.CompletedProcess[str]


class SshLab:
    """A stack whose host is a machine of the test's; no other test has one of this name."""

    def __init__(self, name: str, machine: Machine, *, user: str) -> None:
        self.name = name
        self.machine = machine
        self.engine = open_engine(name)
        self.document = ROOT / "stacks" / f"{name}.yaml"
        self.host: dict[str, object] = {
            "kind": "ssh",
            "address": machine.address,
            "user": user,
            "private_key": str(machine.user_key),
            "host_key": machine.host_public_key,
        }

    def describe(self, document: Mapping[str, object], **host: object) -> None:
        """Write the document: all but name and host as given, and the host with these changes to it."""
        changed = {key: value for key, value in {**self.host, **host}.items() if value is not None}
        self.document.write_text(yaml.safe_dump({**document, "name": self.name, "host": changed}, sort_keys=False))

    def lab(self, command: str, *arguments: str, timeout: float = 900) -> Finished:
        """Run a subcommand of `lab` on this lab."""
        return run_lab([command, *arguments, "--stack", self.name], timeout=timeout)

    def up_at_terminal(self, answer: str) -> Finished:
        """Run `lab up` at a terminal, where its question is answered; both streams come out as one."""
        return subprocess.run(
            ["script", "--quiet", "--return", "--command", f"{LAB} up --stack {self.name}", "/dev/null"],
            cwd=ROOT,
            input=f"{answer}\n",
            env=os.environ | {"COLUMNS": "500"},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )

    def up(self) -> Inventory:
        """Stand it up as it is described."""
        done = self.lab("up")
        assert done.returncode == 0, done.stdout + done.stderr
        return read_lab(self.engine)[0]

    def down(self, *arguments: str) -> list[str]:
        """Take it down, and return the receipt."""
        done = self.lab("down", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        lines = done.stdout.splitlines()
        return [line.strip() for line in lines[lines.index(f"Receipt for the lab {self.name}:") + 1 :]]

    def pulumi(self, *arguments: str) -> Finished:
        """Run a plain `pulumi` command on it."""
        return pulumi(self.name, *arguments)

    def forget(self) -> None:
        """Lose the record, as with a state that was deleted."""
        shutil.rmtree(ROOT / ".lab" / "stacks" / self.name, ignore_errors=True)
        for path in (ROOT / ".lab" / "state").rglob(f"{self.name}*"):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Take away all but the machine: what of the lab is on that goes with it."""
        self.forget()
        self.document.unlink(missing_ok=True)
        (ROOT / f"Pulumi.{self.name}.yaml").unlink(missing_ok=True)


def but_for_its_host(inventory: Inventory) -> dict[str, object]:
    """An inventory without its host and what is the host's own."""
    document = json.loads(inventory.to_json())
    for member in ("host", "size", "own_kernel"):
        del document[member]
    return document
