"""A lab of its own for whoever walks through the docs, standing it up and taking it down: the Go API, its floor, and
one that is slowed.

What runs on it is built on the large lab's host, where most of it is compiled already. The names, and the variable of
the slowed one, are those of `stacks/known-difference.yaml`; the floor is there for `benchmarks/apis.py`.
"""

from pathlib import Path

from benchmarks.known_difference import AGAIN, PLAIN, SLOWED
from provision.images import build
from provision.ssh.connection import Connection, connect
from tests.conftest import ROOT, LiveLab
from tests.e2e.lab_run import API
from tests.e2e.scratch import Scratch, lay_program

WALKED_LAB = "e2e-docs"

SOURCE = ROOT / "apis" / API

TARGETS = {"api": "api", "slowed": "slowed", "floor": "floor"}
"""Targets of the API's Dockerfile, each with the file that it is about."""

DOCUMENT = """
version: 1
name: {name}
host:
  kind: container
  cpus: 2
  memory_gb: 4
  ssh_port: {ssh_port}
  build_cache: keep
services:
  postgres:
    settings:
      shared_buffers: 128MB
apis:
  - name: {plain}
    source: {sources}/api
    port: 18080
  - name: {again}
    source: {sources}/api
    port: 18081
  - name: {slowed}
    source: {sources}/slowed
    port: 18082
    environment:
      SLOWED_ROUNDS: "1000"
  - name: {plain}-floor
    source: {sources}/floor
    port: 18083
"""


def prepare_walked_lab(scratch: Scratch, built_by: LiveLab) -> None:
    """Make a small lab that one: it has its sources and its document afterwards, and doesn't stand yet."""
    with connect(built_by.inventory.host) as host:
        for target, program in TARGETS.items():
            _build(host, built_by, target, program, scratch.sources / target)
    scratch.document.write_text(
        DOCUMENT.format(
            name=scratch.name,
            ssh_port=scratch.ssh_port,
            sources=scratch.sources.relative_to(ROOT),
            plain=PLAIN,
            again=AGAIN,
            slowed=SLOWED,
        ).lstrip()
    )


def _build(host: Connection, lab: LiveLab, target: str, program: str, folder: Path) -> None:
    """Build a target on a lab's host, and lay its program into the folder; the image is gone afterwards."""
    # Without the lab's label: another test counts what the lab itself has for a single use.
    name = f"{WALKED_LAB}-{target}"
    (base,) = host.run(
        ["docker", "image", "inspect", "--format", "{{index .RepoTags 0}}", lab.inventory.base_image_id],
        deadline_seconds=60,
    ).stdout.split()
    build.build_image(host, SOURCE, name=name, base=base, target=target, labels={})
    container = host.run(["docker", "create", name], deadline_seconds=60).stdout.strip()
    try:
        lay_program(host, container, program, folder)
    finally:
        host.run(["docker", "rm", container], deadline_seconds=60)
        host.run(["docker", "image", "rm", name], deadline_seconds=60)
