"""The lab's base image, bootstrapped and pulled, on the controller's engine.

A registry on loopback stands in for the public one.
"""

import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.errors import LabError
from provision.system.base_image import TRUST_ANCHORS, BaseImage, make_base_image_here, trust_anchors
from tests.docker import docker
from tests.ports import free_port

# All in one part of the tests: they share images, which beside each other they would remove.
pytestmark = [pytest.mark.nightly, pytest.mark.builds, pytest.mark.usefixtures("live_lab")]

STACK = "e2e-base"
BOOTSTRAPPED = f"fairground-{STACK}-base:bootstrapped"
PULLED = f"fairground-{STACK}-base:pulled"

WITHOUT_A_REGISTRY = """#!/bin/sh
case "$*" in
    "pull "* | "image inspect debian:"*) echo "no registry can be reached" >&2; exit 1 ;;
esac
exec {docker} "$@"
"""


@pytest.fixture(scope="module")
def bootstrapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseImage]:
    """The base, made where no registry can be reached."""
    folder = Path(tmp_path_factory.mktemp("bin"))
    (folder / "docker").write_text(WITHOUT_A_REGISTRY.format(docker=shutil.which("docker")))
    (folder / "docker").chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        made = make_base_image_here("debian:trixie-slim", BOOTSTRAPPED)
    yield made
    docker("image", "rm", BOOTSTRAPPED)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an empty registry on loopback."""
    folder = Path(tmp_path_factory.mktemp("registry"))
    port = free_port()
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/blobs}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\nlog: {{level: error}}\n"
    )
    with subprocess.Popen(["docker-registry", "serve", folder / "config.yml"], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5).close()
                break
            except urllib.error.URLError:
                assert time.monotonic() < deadline, "the registry doesn't answer"
        yield port
        process.terminate()


@pytest.fixture(scope="module")
def published(registry: int, bootstrapped: BaseImage) -> str:
    """The name under which the registry has a Debian image; no engine has it under that name."""
    name = f"127.0.0.1:{registry}/debian:trixie-slim"
    docker("tag", bootstrapped.id, name)
    docker("push", "--quiet", name)
    docker("image", "rm", name)
    return name


def test_base_is_bootstrapped_where_it_can_not_be_pulled(bootstrapped: BaseImage):
    assert bootstrapped.origin == "bootstrapped"
    assert docker("image", "inspect", "--format", "{{.Id}}", BOOTSTRAPPED) == bootstrapped.id
    run = ("run", "--rm", "--network=none", bootstrapped.id)
    assert "VERSION_CODENAME=trixie" in docker(*run, "cat", "/etc/os-release")
    anchors = docker(*run, "ls", str(TRUST_ANCHORS)).split()
    assert sorted(anchors) == [path.name for path in trust_anchors()]
    assert docker("images", "--quiet", f"{BOOTSTRAPPED}-rootfs") == ""


def test_base_is_pulled_where_it_can_be_and_the_pulled_name_goes(published: str):
    made = make_base_image_here(published, PULLED)
    try:
        assert made.origin == "pulled"
        assert docker("images", "--quiet", published) == ""
        assert docker("images", "--quiet", f"{PULLED}-rootfs") == ""
        label = '{{index .Config.Labels "org.fairground.base"}}'
        assert docker("image", "inspect", "--format", label, PULLED) == "pulled"
        assert make_base_image_here(published, PULLED) == made
    finally:
        docker("image", "rm", PULLED)


def test_image_that_the_user_had_before_keeps_its_name(published: str, bootstrapped: BaseImage):
    docker("tag", bootstrapped.id, published)
    try:
        made = make_base_image_here(published, PULLED)
        docker("image", "rm", PULLED)
        assert made.origin == "pulled"
        assert docker("images", "--quiet", "--no-trunc", published) == bootstrapped.id
    finally:
        docker("image", "rm", published)


def test_image_that_no_registry_has_and_that_is_not_debian_s_is_one_sentence(registry: int):
    image = f"127.0.0.1:{registry}/nosuch:1"
    with pytest.raises(LabError) as refusal:
        make_base_image_here(image, PULLED)
    said = str(refusal.value)
    assert said.startswith(f"The base image {image} can't be pulled (")
    assert "and only debian:trixie-slim can be bootstrapped." in said
    assert "\n" not in said
    assert docker("images", "--quiet", PULLED) == ""
