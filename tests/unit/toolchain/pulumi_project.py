"""A project of Pulumi's that a test may fill and run."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from toolchain.layout import Layout, place


@dataclass(frozen=True)
class PulumiProject:
    """A project with state, home and passphrase of its own, run by the installed engine."""

    root: Path
    environment: dict[str, str]

    def write(self, program: str) -> None:
        (self.root / "__main__.py").write_text(program)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", "--non-interactive", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def must(self, *arguments: str) -> str:
        answer = self.run(*arguments)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout

    def state(self) -> str:
        """All that the backend holds, as text."""
        files_of_state = (self.root / "state").rglob("*")
        return "\n".join(path.read_text(errors="replace") for path in files_of_state if path.is_file())


def lay_project(name: str, root: Path, home: Path, installed: Layout) -> dict[str, str]:
    """Make a project in `root`, with state, passphrase and a `home` of its own; returns its environment."""
    (root / "state").mkdir(parents=True)
    (root / "passphrase").write_text("correct horse")
    (root / "Pulumi.yaml").write_text(
        f"name: {name}\nruntime:\n  name: python\n  options:\n"
        f"    virtualenv: {os.path.relpath(installed.environment, root)}\n"
    )
    # Whatever is installed in the environment, the engine looks for its plugin.
    place(installed.docker_plugin, home / installed.docker_plugin.relative_to(installed.pulumi_home))
    environment = os.environ | installed.pulumi_environment()
    environment |= {
        "PULUMI_HOME": str(home),
        "PULUMI_BACKEND_URL": f"file://{root}/state?metadata=skip",
        "PULUMI_CONFIG_PASSPHRASE_FILE": str(root / "passphrase"),
    }
    environment.pop("PULUMI_CONFIG_PASSPHRASE", None)
    return environment
