"""Facts about building, `facts/NAME-ID.json`: what `lab facts` measured of an API's image."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from documents.base import Document, Name
from documents.run.records import HostIdentity

Seconds = Annotated[float, Field(ge=0)]

Fact = Literal[
    "clean_build",
    "incremental_build",
    "binary_size",
    "image_size",
    "code_lines",
    "dependencies",
    "first_answer",
    "rest_memory",
]
"""What `lab facts` measures, by name."""


class Building(Document):
    """Repeated release builds, each in a container of its own from the stage `source`, without a network.

    A clean build begins with the dependencies downloaded and nothing compiled.

    Attributes:
        cpus: those that the builds could use
        incremental_seconds: each after the clean build of the same place, with one line changed
        binary_bytes: the size of what a build leaves for the image
        dependencies: the dependencies in the binary
    """

    cpus: tuple[int, ...]
    clean_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    incremental_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    changed_file: str
    binary_bytes: Annotated[int, Field(ge=1)]
    dependencies: tuple[str, ...]


class Starting(Document):
    """Repeated starts of the API's own container, on the host's monotonic clock.

    Attributes:
        cpus: the API's
        engine_seconds: from the command to start the container until its process runs: the Docker engine's share
        first_answer_seconds: from then to the whole of the first right answer
        rest_seconds: from that answer to the reading of the memory
        memory_bytes: anonymous memory then, before any load
    """

    cpus: tuple[int, ...]
    engine_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    first_answer_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    rest_seconds: Seconds
    memory_bytes: Annotated[tuple[int, ...], Field(min_length=1)]


class Facts(Document):
    """`facts/NAME-ID.json`: all that `lab facts` measured of one API's image.

    Attributes:
        source_sha256: of the build context
        environment: what the stack document adds
        host: the host that it was measured on
        image_bytes: all layers, unpacked
        code_lines: lines of the sources that hold code
        test_lines: the same of the tests
    """

    version: Literal[1] = 1
    api: Name
    language: str
    source: str
    source_sha256: str
    image_id: str
    environment: dict[str, str]
    measured_at: datetime
    git_commit: str
    stack: Name
    host: HostIdentity
    image_bytes: Annotated[int, Field(ge=1)]
    code_lines: Annotated[int, Field(ge=1)]
    test_lines: Annotated[int, Field(ge=0)]
    building: Building
    starting: Starting
