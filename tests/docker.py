"""The docker command on this machine's engine."""

import subprocess


def docker(*arguments: str, given: str | bytes | None = None, timeout: float = 600) -> str:
    """Run a docker command that must succeed; returns its output, without white space around it."""
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(["docker", *arguments], input=data, capture_output=True, check=False, timeout=timeout)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr.decode()}"
    return done.stdout.decode().strip()
