"""The rules of an implementation's image, as Docker on the host tells of it."""

from collections.abc import Mapping
from typing import Any

from provision.container_state import items, members, split_environment

USER = "65532:65532"
UPLOADS = "/uploads"

_SECRETS = ("DATABASE_URL", "REDIS_URL", "JWT_SECRET")
_SHELLS = (["/bin/sh", "-c"], ["sh", "-c"])


def image_faults(inspected: Mapping[str, Any], owner: str | None) -> list[str]:
    """What is at fault with an image.

    Args:
        inspected: what `docker image inspect` says of it.
        owner: who owns its folder for uploads, as ``65532/65532``; None where it has none.
    """
    config = members(inspected, "Config")
    entry_point = items(config, "Entrypoint")
    environment = split_environment(items(config, "Env"))
    faults: list[str] = []
    if (user := config.get("User") or "root") != USER:
        faults.append(f"its user is {user}; USER {USER} is what the lab's volumes belong to")
    if not entry_point:
        faults.append("it has no ENTRYPOINT")
    elif entry_point[:2] in _SHELLS:
        faults.append("its ENTRYPOINT is in the shell form, and the shell would get the signals; write a list")
    if environment.get("UPLOAD_DIR") != UPLOADS:
        faults.append(f"its environment doesn't have UPLOAD_DIR={UPLOADS}")
    faults += [f"its environment has {name}, which is the lab's to set" for name in _SECRETS if name in environment]
    if owner is None:
        faults.append(f"it has no folder {UPLOADS}")
    elif owner != USER.replace(":", "/"):
        faults.append(f"its folder {UPLOADS} belongs to {owner.replace('/', ':')}, and so would the volume there")
    return faults
