"""The inventory: the lab as it stands, exported by `pulumi up`. It holds no secret."""

from typing import Literal

from pydantic import Field

from documents.base import Document, Name, Port
from documents.cores import CoreLayout
from documents.host import Host, HostSize


class PostgresService(Document):
    """PostgreSQL on the host: its container, image and server settings."""

    container: str
    image_id: str
    port: Port
    database: str
    user: str
    settings: dict[str, str]


class RedisService(Document):
    """Redis on the host: its container, image and server settings; none in an inventory of before they were told."""

    container: str
    image_id: str
    port: Port
    settings: dict[str, str] = Field(default_factory=dict)


class ApiService(Document):
    """One API on the host. `environment` is what the stack document adds; the lab's own is not repeated here.

    `upload_volume` is the Docker volume mounted at the API's UPLOAD_DIR; `target` the Dockerfile's target, where the
    stack document names one.
    """

    name: Name
    source: str
    source_sha256: str
    image_id: str
    container: str
    port: Port
    environment: dict[str, str]
    upload_volume: str
    target: str | None = None


class Inventory(Document):
    """The lab as it stands: host, core layout, services and APIs.

    `contract_sha256` identifies the schema and the seed that PostgreSQL was loaded with. `own_kernel` tells whether the
    host's kernel settings are its own to change, or those of a machine that it is a container on. Both are None in an
    inventory of before they were told.
    """

    version: Literal[1] = 1
    stack: Name
    host: Host
    size: HostSize
    own_kernel: bool | None = None
    cores: CoreLayout
    base_image_id: str
    postgres: PostgresService
    redis: RedisService
    contract_sha256: str | None = None
    apis: tuple[ApiService, ...]

    def api(self, name: str) -> ApiService:
        """The API of that name.

        Raises:
            KeyError: the lab has no such API.
        """
        return {api.name: api for api in self.apis}[name]


class Secrets(Document):
    """The lab's secrets, exported beside the inventory as a Pulumi secret; shown by no `repr`."""

    version: Literal[1] = 1
    postgres_password: str = Field(repr=False)
    redis_password: str = Field(repr=False)
    jwt_secret: str = Field(repr=False)
