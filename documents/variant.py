"""A variant: what a protocol has otherwise than the stack document, of an API and of the lab below it."""

from pydantic import Field

from documents.base import Document, Name
from documents.stack import Cores, Environment, PostgresSettings


class Variant(Document):
    """One way in which APIs are measured, in the words of the stack document; what it doesn't name is as declared.

    `environment` is added to an API's, `cores` is the host's core layout, and `postgres` has settings of PostgreSQL.
    `apis` are those that it is of, all that are measured unless given. One that names nothing else is of the APIs as
    they are declared.
    """

    name: Name
    environment: Environment = Field(default_factory=dict)
    cores: Cores | None = None
    postgres: PostgresSettings = Field(default_factory=dict)
    apis: tuple[Name, ...] = ()

    def is_of(self, api: str) -> bool:
        """Whether an API that is measured has this variant."""
        return not self.apis or api in self.apis
