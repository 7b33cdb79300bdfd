"""`facts/NAME-ID.json`: how one API's image is built and starts, as `lab facts` measured it."""

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
    """Repetitions of the release build, each in a container of its own from the stage `source`, without a network.

    A clean build begins with the dependencies downloaded and nothing compiled. The incremental one follows it, after
    the change of one line in `changed_file`. `cpus` are those that the builds could use, `binary_bytes` is the size of
    what a build leaves for the image, `dependencies` what of others is in it.
    """

    cpus: tuple[int, ...]
    clean_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    incremental_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    changed_file: str
    binary_bytes: Annotated[int, Field(ge=1)]
    dependencies: tuple[str, ...]


class Starting(Document):
    """Repeated starts of the API's own container, on the host's monotonic clock.

    `engine_seconds` pass from the command to start it until its process runs, which is the Docker engine's share;
    `first_answer_seconds` from then until the whole of the first right answer is there. `memory_bytes` is the cgroup's
    anonymous memory `rest_seconds` after that answer, before any load. `cpus` are the API's.
    """

    cpus: tuple[int, ...]
    engine_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    first_answer_seconds: Annotated[tuple[Seconds, ...], Field(min_length=1)]
    rest_seconds: Seconds
    memory_bytes: Annotated[tuple[int, ...], Field(min_length=1)]


class Facts(Document):
    """All facts of one API: its image and environment as the lab had them, and the host that they were measured on.

    `code_lines` and `test_lines` count lines that hold code: none that is blank, or has but comments, brackets or text.
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
