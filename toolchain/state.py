"""The checkout's own Pulumi state: its folder, its passphrase, and the stack."""

import secrets
import subprocess
from pathlib import Path

from documents.errors import ToolchainError
from documents.files import remove_lines, replace_file
from toolchain.layout import DEFAULT_STACK, Layout

_COMMAND_SECONDS = 60.0


def stack_file(layout: Layout) -> Path:
    """The file with Pulumi's record of the stack."""
    return layout.state / ".pulumi" / "stacks" / "fairground" / f"{DEFAULT_STACK}.json"


def ensure(layout: Layout) -> bool:
    """Create folder, passphrase and stack, each if it is missing.

    Returns:
        Whether the stack was created now.

    Raises:
        ToolchainError: there is a state, but no passphrase, or not the one that its secrets are encrypted with.
    """
    layout.state.mkdir(parents=True, exist_ok=True)
    layout.private.chmod(0o700)
    existing = stack_file(layout).is_file()
    if not layout.passphrase.is_file():
        if existing:
            raise ToolchainError(
                f"{layout.passphrase} is gone, and with it the key to the secrets in {layout.state}. Put the file "
                f"back. If it is lost, remove the state by hand, rm -r {layout.state}, then run make setup, which "
                "creates both again, then lab down, which removes the lab by its label."
            )
        replace_file(layout.passphrase, secrets.token_urlsafe(32) + "\n", mode=0o600)
    if existing:
        _check_passphrase(layout)
    else:
        # Pulumi would check the new passphrase against the salt of a removed state, and call it incorrect.
        remove_lines(layout.root / f"Pulumi.{DEFAULT_STACK}.yaml", "encryptionsalt:")
        run_pulumi(layout, "stack", "select", "--create", DEFAULT_STACK)
    return not existing


def _check_passphrase(layout: Layout) -> None:
    # Its output has the secrets in plain text, and is dropped.
    answer = run_pulumi(layout, "stack", "export", "--show-secrets", "--stack", DEFAULT_STACK, check=False)
    if answer.returncode != 0 and "passphrase" in answer.stderr:
        raise ToolchainError(
            f"The passphrase in {layout.passphrase} isn't the one with which the secrets in {layout.state} were "
            f"encrypted. Put the right file back. If it is lost, remove both by hand, "
            f"rm -r {layout.state} {layout.passphrase}, then run make setup, which creates them again, then lab down, "
            "which removes the lab by its label."
        )
    if answer.returncode != 0:
        raise _failure(layout, answer)


def run_pulumi(layout: Layout, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command of Pulumi's on this checkout's state, also if the caller's shell is set up for another.

    Raises:
        ToolchainError: it failed, and `check` is set.
    """
    answer = subprocess.run(
        [str(layout.tools / "pulumi"), "--non-interactive", *arguments],
        cwd=layout.root,
        env=layout.whole_environment(),
        capture_output=True,
        text=True,
        timeout=_COMMAND_SECONDS,
        check=False,
    )
    if check and answer.returncode != 0:
        raise _failure(layout, answer)
    return answer


def _failure(layout: Layout, answer: subprocess.CompletedProcess[str]) -> ToolchainError:
    said = answer.stderr.strip().removeprefix("error: ") or f"status {answer.returncode}"
    return ToolchainError(f"Pulumi couldn't open the stack {DEFAULT_STACK} in {layout.state}: {said}")
