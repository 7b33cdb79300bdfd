"""The Pulumi engine's plugins: whether it has one, before it needs it."""

import importlib.metadata
import shutil
from collections.abc import Mapping
from pathlib import Path

from documents.errors import LabError


def has_plugin(plugin: str, version: str, environment: Mapping[str, str]) -> bool:
    """Whether the engine finds the plugin: in its home by its version, or on the PATH by its name alone.

    Args:
        plugin: the provider's name.
        version: its version, which is that of its Python package.
        environment: the engine's.
    """
    file = f"pulumi-resource-{plugin}"
    installed = Path(environment["PULUMI_HOME"]) / "plugins" / f"resource-{plugin}-v{version}" / file
    return installed.is_file() or shutil.which(file, path=environment.get("PATH")) is not None


def require_docker_plugin(environment: Mapping[str, str]) -> None:
    """Refuse what needs the Docker plugin where it is missing: the engine would look for it at the vendor's.

    Raises:
        LabError: it is missing; says how to have it.
    """
    version = importlib.metadata.version("pulumi-docker")
    if not has_plugin("docker", version, environment):
        raise LabError(
            f"The Pulumi engine has no plugin docker {version}, by which a lab's containers are made and removed. "
            "`make setup` installs it, and `lab doctor` tells where it is looked for."
        )
