import json
import subprocess
import uuid

from tests.unit.toolchain.pulumi_project import PulumiProject

PROGRAM = """
import pulumi
import pulumi_docker as docker

name = pulumi.Config().require("name")
network = docker.Network("network", name=name, internal=True)
volume = docker.Volume("volume")
image = docker.RemoteImage(
    "image", name=name, build={"context": ".", "use_legacy_builder": True}, keep_locally=False
)
container = docker.Container(
    "container",
    name=name,
    image=image.image_id,
    command=["/program", "argument"],
    must_run=False,
    start=False,
    memory=64,
    memory_swap=64,
    capabilities={"drops": ["CAP_NET_RAW"]},
    networks_advanced=[{"name": network.name}],
    volumes=[{"volume_name": volume.name, "container_path": "/data"}],
    labels=[{"label": "purpose", "value": pulumi.Config().require("purpose")}],
)
pulumi.export("volume", volume.name)
"""


def _docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout


def test_plugin_makes_keeps_replaces_and_removes_what_the_sdk_declares(project: PulumiProject):
    name = f"fairground-test-{uuid.uuid4().hex[:8]}"
    (project.root / "Dockerfile").write_text('FROM scratch\nCOPY Pulumi.yaml /program\nCMD ["/program"]\n')
    project.write(PROGRAM)
    project.must("config", "set", "name", name)
    project.must("config", "set", "purpose", "first")
    project.must("up", "--yes", "--skip-preview")
    container = json.loads(_docker("inspect", name))[0]
    assert container["Config"]["Cmd"] == ["/program", "argument"]
    assert list(container["NetworkSettings"]["Networks"]) == [name]
    assert container["HostConfig"]["Memory"] == 64 * 1024 * 1024
    volume = project.must("stack", "output", "volume").strip()
    assert volume.startswith("volume-"), "a volume without a name gets one of its own"
    project.must("preview", "--expect-no-changes")

    # Labels force a replacement: with one name and one port it must delete first.
    project.must("config", "set", "purpose", "second")
    assert "1 replaced" in project.must("up", "--yes", "--skip-preview")
    replaced = json.loads(_docker("inspect", name))[0]
    assert replaced["Id"] != container["Id"]
    assert replaced["Config"]["Labels"]["purpose"] == "second"

    project.must("destroy", "--yes", "--skip-preview")
    assert _docker("ps", "--all", "--quiet", "--filter", f"name={name}") == ""
    assert _docker("network", "ls", "--quiet", "--filter", f"name={name}") == ""
    assert _docker("volume", "ls", "--quiet", "--filter", f"name={volume}") == ""
    assert _docker("images", "--quiet", name) == ""
