"""`apis/NAME/implementation.yaml`: what `lab facts` must know of an implementation to measure how it is built.

Its Dockerfile has a stage `source` with compilers, dependencies and sources, in which nothing of the API is compiled.
All commands are the shell's, in that stage's working folder, without a network.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from documents.base import Document, FaultyKeyError, WithoutParents

RelativePath = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.*][A-Za-z0-9_.*/-]*$"), WithoutParents]
"""A path, or a pattern of paths, inside the implementation's folder."""

Command = Annotated[str, Field(min_length=1, pattern=r"^[^\x00\n]+$")]
"""A command of the shell, on one line."""


class CodeChange(Document):
    """A change of one line of code that shows in the binary.

    Attributes:
        file: the file, in the implementation's folder
        old: a text that the file has exactly once
        new: the text that replaces it
    """

    file: RelativePath
    old: Annotated[str, Field(min_length=1, pattern=r"^[^\n]+$")]
    new: Annotated[str, Field(pattern=r"^[^\n]*$")]

    @model_validator(mode="after")
    def _differs(self) -> "CodeChange":
        if self.old == self.new:
            raise FaultyKeyError(("new",), "this changes nothing")
        return self


class Build(Document):
    """The release build.

    Attributes:
        command: the build, as the Dockerfile has it too
        artifacts: the binary or archive that it makes; then files or folders that go into the image with it, such
            as the archives of dependencies
        dependencies: a command that lists the dependencies in them, one a line; it runs after the build
        change: a change after which the build runs again
    """

    command: Command
    artifacts: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_./-]+$")], ...], Field(min_length=1)]
    dependencies: Command
    change: CodeChange


class Lines(Document):
    """The files whose lines are counted, as patterns such as ``src/**/*.rs``.

    Attributes:
        sources: those of the API; what `tests` matches isn't counted among them
        tests: those of its tests
        others: files that aren't counted, such as the floor's
    """

    sources: Annotated[tuple[RelativePath, ...], Field(min_length=1)]
    tests: Annotated[tuple[RelativePath, ...], Field(min_length=1)]
    others: tuple[RelativePath, ...] = ()


class Implementation(Document):
    """One implementation of the API: how `lab facts` builds it and counts its lines.

    Attributes:
        language: how the reports name it
    """

    version: Literal[1]
    language: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 +#.-]{0,30}$")]
    build: Build
    lines: Lines
