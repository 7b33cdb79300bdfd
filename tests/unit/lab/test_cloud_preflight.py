"""What a lab at a cloud lacks on the controller is reported before anything is made or paid for."""

import importlib.metadata
from datetime import timedelta
from pathlib import Path

import pytest

from documents.errors import LabError
from documents.stack.hosts import CloudHost
from lab.hosts.cloud import CLOUDS
from lab.lifecycle.preflight import check_cloud
from tests.unit.documents.samples import AWS_HOST, CLOUD_HOSTS, HETZNER_HOST

PLUGINS = {"aws": "aws", "hetzner": "hcloud"}
BEFORE = AWS_HOST.expires - timedelta(hours=1)

SECRET = "a-very-secret-value"

both = pytest.mark.parametrize("host", CLOUD_HOSTS, ids=lambda host: host.kind)


def environment(home: Path, host: CloudHost) -> dict[str, str]:
    """All that a host of this kind needs: its plugin is installed, and its credentials are there."""
    name, version = PLUGINS[host.kind], importlib.metadata.version(CLOUDS[host.kind].package)
    folder = home / "plugins" / f"resource-{name}-v{version}"
    folder.mkdir(parents=True)
    (folder / f"pulumi-resource-{name}").touch(mode=0o755)
    credentials = {
        "aws": {"AWS_ACCESS_KEY_ID": SECRET, "AWS_SECRET_ACCESS_KEY": SECRET},
        "hetzner": {"HCLOUD_TOKEN": SECRET},
    }
    return {"PULUMI_HOME": str(home), "PATH": "/nonexistent", **credentials[host.kind]}


def refusal(host: CloudHost, variables: dict[str, str]) -> str:
    with pytest.raises(LabError) as error:
        check_cloud(host, environment=variables, now=BEFORE)
    assert SECRET not in str(error.value)
    return str(error.value)


@both
def test_expired_lab_is_refused(tmp_path: Path, host: CloudHost):
    with pytest.raises(LabError, match=r"^This lab expired at 2026-01-31 12:00 UTC"):
        check_cloud(host, environment=environment(tmp_path, host), now=host.expires)


@both
def test_missing_package_is_named_with_its_extra(tmp_path: Path, host: CloudHost, monkeypatch: pytest.MonkeyPatch):
    variables = environment(tmp_path, host)

    def version(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    said = refusal(host, variables)
    package = CLOUDS[host.kind].package
    assert said.startswith(f"A host of the kind {host.kind} is made with the Python package {package}")
    assert said.endswith(f"pip install -e '.[{host.kind}]'")


@both
def test_missing_plugin_is_named_with_the_command_that_installs_it(tmp_path: Path, host: CloudHost):
    version = importlib.metadata.version(CLOUDS[host.kind].package)
    variables = environment(tmp_path / "home", host)
    plugins = tmp_path / "home" / "plugins"
    [folder] = plugins.iterdir()
    folder.rename(plugins / f"resource-{PLUGINS[host.kind]}-v0.0.1")
    said = refusal(host, variables)
    assert said.endswith(f". ./env && pulumi plugin install resource {PLUGINS[host.kind]} {version}")


@both
def test_plugin_on_the_path_will_do(tmp_path: Path, host: CloudHost):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / f"pulumi-resource-{PLUGINS[host.kind]}").touch(mode=0o755)
    variables = environment(tmp_path / "home", host)
    changed = {"PULUMI_HOME": str(tmp_path / "another"), "PATH": str(tmp_path / "bin")}
    check_cloud(host, environment=variables | changed, now=BEFORE)


@pytest.mark.parametrize(
    "present",
    [
        {},
        {"AWS_ACCESS_KEY_ID": SECRET},
        {"AWS_SECRET_ACCESS_KEY": SECRET},
        {"AWS_ACCESS_KEY_ID": SECRET, "AWS_SECRET_ACCESS_KEY": ""},
        {"AWS_ROLE_ARN": SECRET},
        {"HCLOUD_TOKEN": SECRET},
    ],
)
def test_half_of_the_credentials_of_aws_is_none(tmp_path: Path, present: dict[str, str]):
    whole = environment(tmp_path, AWS_HOST)
    variables = {name: whole[name] for name in ("PULUMI_HOME", "PATH")} | present
    assert refusal(AWS_HOST, variables) == (
        "There are no credentials for a host of the kind aws: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "AWS_PROFILE, or AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN in the environment of this command."
    )


@pytest.mark.parametrize(
    "present",
    [{"AWS_PROFILE": "work"}, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/run/token", "AWS_ROLE_ARN": "arn:aws:iam::1:role/lab"}],
)
def test_other_credentials_of_aws_will_do(tmp_path: Path, present: dict[str, str]):
    whole = environment(tmp_path, AWS_HOST)
    variables = {name: whole[name] for name in ("PULUMI_HOME", "PATH")} | present
    check_cloud(AWS_HOST, environment=variables, now=BEFORE)


def test_hetzner_without_its_token_is_refused_by_the_variable_s_name(tmp_path: Path):
    variables = environment(tmp_path, HETZNER_HOST)
    del variables["HCLOUD_TOKEN"]
    assert "set HCLOUD_TOKEN in the environment" in refusal(HETZNER_HOST, variables)
