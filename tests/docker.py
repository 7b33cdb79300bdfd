"""The docker command on this machine's engine."""

import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from toolchain.layout import lock


def docker(*arguments: str, given: str | bytes | None = None, timeout: float = 600) -> str:
    """Run a docker command that must succeed; returns its output, without white space around it."""
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(["docker", *arguments], input=data, capture_output=True, check=False, timeout=timeout)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr.decode()}"
    return done.stdout.decode().strip()


@contextmanager
def making(image: str) -> Generator[None]:
    """Have an image made by one process at a time: tests in the others then find it instead of making it again."""
    with lock(Path(tempfile.gettempdir()) / image.replace(":", "-"), waiting=lambda: None):
        yield
