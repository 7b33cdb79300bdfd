"""The SSH connection to a host: login, commands, files, forwarded ports."""

from provision.ssh.answers import COUNT, SHA256, Amount, matching, read_answer, unexpected, whole_number
from provision.ssh.connection import Connection, connect
from provision.ssh.execution import KILLED, Beat, CancelScope, Completed, Held, checkpoint, shield
from provision.ssh.login import DEAD_PEER_SECONDS, fetch_host_key, fingerprint, label

__all__ = [
    "COUNT",
    "DEAD_PEER_SECONDS",
    "KILLED",
    "SHA256",
    "Amount",
    "Beat",
    "CancelScope",
    "Completed",
    "Connection",
    "Held",
    "checkpoint",
    "connect",
    "fetch_host_key",
    "fingerprint",
    "label",
    "matching",
    "read_answer",
    "shield",
    "unexpected",
    "whole_number",
]
