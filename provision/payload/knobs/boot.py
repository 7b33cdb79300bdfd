"""What puts settings back after a restart of the host in the middle of a run: a systemd unit, or a line for cron.

It is there only while a run has settings changed, and goes with the journal.
"""

from pathlib import Path

from provision.payload.knobs.journal import sync_folder, write_whole

UNIT = "etc/systemd/system/fairground-restore.service"
WANTED = "etc/systemd/system/multi-user.target.wants/fairground-restore.service"
CRON = "etc/cron.d/fairground-restore"


def install(root: str, program: str, state: str) -> str:
    """Have the settings put back at the next boot.

    Args:
        root: the host's root folder.
        program: the path of this program on the host.
        state: the folder with journal and lease.

    Returns:
        By what: `systemd`, `cron` or `nothing`, where the host has neither.
    """
    command = f"python3 -I {program} lapse {state} {root}"
    if Path(root, "etc/systemd/system").is_dir() and Path(root, "run/systemd/system").is_dir():
        unit = (
            "[Unit]\n"
            "Description=Put back the kernel settings that a run of Fairground had changed\n"
            f"ConditionPathExists={state}/journal.jsonl\n"
            "\n"
            "[Service]\n"
            "Type=oneshot\n"
            f"ExecStart=/usr/bin/env {command}\n"
        )
        write_whole(str(Path(root, UNIT)), unit, 0o644)
        link = Path(root, WANTED)
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(f"/{UNIT}")
        sync_folder(str(link))
        return "systemd"
    if Path(root, "etc/cron.d").is_dir():
        write_whole(str(Path(root, CRON)), f"@reboot root {command}\n", 0o644)
        return "cron"
    return "nothing"


def remove(root: str) -> None:
    """Remove what `install` made."""
    for name in (WANTED, UNIT, CRON):
        Path(root, name).unlink(missing_ok=True)
