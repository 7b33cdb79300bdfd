"""What a lab at a cloud needs on the controller, looked at before anything is made or paid for."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from documents.cloud_hosts import CloudHost
from documents.errors import LabError
from lab.hosts.extras import EXTRAS, missing_extra
from lab.lifecycle.cost import cost_until_expiry
from lab.lifecycle.plugins import has_plugin


@dataclass(frozen=True)
class _Needs:
    """What a kind needs: its provider's plugin, and one of several sets of variables with the cloud's credentials."""

    plugin: str
    credentials: tuple[tuple[str, ...], ...]


_NEEDS = {
    "aws": _Needs(
        "aws",
        (
            ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            ("AWS_PROFILE",),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
        ),
    ),
    "hetzner": _Needs("hcloud", (("HCLOUD_TOKEN",),)),
}


def check_cloud(host: CloudHost, *, environment: Mapping[str, str], now: datetime) -> None:
    """Refuse early what would fail late, or would be made for a lab that has expired.

    Args:
        host: the host as the stack document describes it.
        environment: the engine's, in which its plugin finds the cloud's credentials.
        now: the moment.

    Raises:
        LabError: the lab has expired; the kind's Python package or its provider's plugin isn't installed; or there are
            no credentials of the cloud. Says what to do, and names variables but never what is in them.
    """
    cost_until_expiry(host.bill(1), now)
    needs = _NEEDS[host.kind]
    try:
        version = importlib.metadata.version(EXTRAS[host.kind])
    except importlib.metadata.PackageNotFoundError as error:
        raise missing_extra(host.kind) from error
    if not has_plugin(needs.plugin, version, environment):
        raise LabError(
            f"The Pulumi engine has no plugin {needs.plugin} {version}, which makes hosts of the kind {host.kind}. It "
            "comes from the vendor alone; where that can be reached, run: "
            f". ./env && pulumi plugin install resource {needs.plugin} {version}"
        )
    if not any(all(environment.get(name) for name in names) for names in needs.credentials):
        alternatives = ", or ".join(" and ".join(names) for names in needs.credentials)
        raise LabError(
            f"There are no credentials for a host of the kind {host.kind}: set {alternatives} in the environment of "
            "this command."
        )
