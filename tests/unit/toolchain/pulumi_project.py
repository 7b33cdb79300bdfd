"""A project of Pulumi's that a test may fill and run."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


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
