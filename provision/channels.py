"""Channels of an SSH connection, with an end to every wait for the host's answer.

Paramiko waits without one: for the answer to a channel's request, and for an SFTP server's first words. A sshd that is
stopped or hangs answers nothing, while its kernel goes on to acknowledge what is sent, so that neither TCP nor the
connection's keepalive notices.
"""

from collections.abc import Generator
from contextlib import contextmanager
from threading import Timer

import paramiko

from documents.errors import HostError, HostUnreachableError

ANSWER_SECONDS = 30
"""How long a host may take to answer what it can answer at once."""


def open_channel(transport: paramiko.Transport, label: str) -> paramiko.Channel:
    """Open a channel for one command or one subsystem.

    Raises:
        HostError: the host allows no further one.
        HostUnreachableError: the connection was lost, or the host didn't answer.
    """
    try:
        return transport.open_session(timeout=ANSWER_SECONDS)
    except paramiko.ChannelException as error:
        raise HostError(
            f"{label} opened no further session on this connection ({error.text}): too many commands run at once. "
            "Raise MaxSessions in its sshd_config, as host preparation does."
        ) from error
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(f"The connection to {label} is lost ({error}). Connect again.") from error


@contextmanager
def in_time(channel: paramiko.Channel, label: str, what: str) -> Generator[None]:
    """Close the channel where the block isn't done in time, which ends what waits for it.

    Args:
        channel: what the block waits for.
        label: the host's, for messages.
        what: what is asked of the host, as in "start `true`", for messages.

    Raises:
        HostUnreachableError: the connection was lost, or the host didn't answer.
    """
    timer = Timer(ANSWER_SECONDS, channel.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise HostUnreachableError(
            f"The connection to {label} was lost as it was asked to {what}, or it didn't answer within "
            f"{ANSWER_SECONDS} s ({str(error) or type(error).__name__}). Check that the host runs, then connect again."
        ) from error
    finally:
        timer.cancel()
