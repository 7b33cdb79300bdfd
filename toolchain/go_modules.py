"""Writes go_tools/go.mod and go.sum again after a version in them or in versions.toml was changed.

Called by hand: ``.venv/bin/python -m toolchain.go_modules``.
"""

import shutil
import tempfile
from pathlib import Path

from toolchain.console import step
from toolchain.go_toolchain import ensure_go
from toolchain.layout import project_layout
from toolchain.pulumi_tools import BUILD_TAGS, BUILT_PACKAGES, GO_TOOLS, lay_out_sources


def main() -> None:
    """The command. Where no Go is installed, the one that it fetches stays in the user's cache."""
    layout = project_layout()
    with step("Go modules", layout.log) as current, tempfile.TemporaryDirectory() as place:
        go, sources = ensure_go(current, layout), Path(place)
        lay_out_sources(current, go, sources)
        # `go mod tidy` would ask for what only the tests of all modules need.
        (sources / "go.sum").unlink()
        current.run(
            [go.command, "list", "-C", sources, "-mod=mod", f"-tags={BUILD_TAGS}", "-deps", *BUILT_PACKAGES],
            environment=go.environment,
            remedy="See that the Go module proxy can be reached.",
        )
        for name in ("go.mod", "go.sum"):
            shutil.copyfile(sources / name, GO_TOOLS / name)
        current.done("written")


if __name__ == "__main__":
    main()
