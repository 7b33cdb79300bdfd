"""No wait of Paramiko's ends because somebody sets the clock."""

import sys

import paramiko

from provision.ssh.login import WAITING

USE_IT_OTHERWISE = {"agent", "proxy", "sftp_attr", "sftp_client", "sftp_file"}
"""Modules that sleep, or set or show a file's time; and that of a command in place of a connection, which the lab has
nowhere."""


def test_paramiko_waits_nowhere_else():
    loaded = {name: module for name, module in sys.modules.items() if name.startswith(f"{paramiko.__name__}.")}
    using = {name.partition(".")[2] for name, module in loaded.items() if hasattr(module, "time")}
    assert using == {module.__name__.partition(".")[2] for module in WAITING} | USE_IT_OTHERWISE
