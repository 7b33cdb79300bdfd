"""An SFTP server that damages what is read from it: OpenSSH's own behind a filter of its answers.

Usage, as sshd's sftp subsystem: ``damaging_sftp.py SERVER flip|truncate|hang-up``. Files whose content begins with
``DAMAGE`` are damaged; packets are those of draft-ietf-secsh-filexfer-02.
"""

import os
import struct
import subprocess
import sys
from typing import IO

DATA = 103
STATUS = 101
END_OF_FILE = 1


def main() -> None:
    server, damage = sys.argv[1:]
    process = subprocess.Popen([server], stdin=sys.stdin.fileno(), stdout=subprocess.PIPE)
    assert process.stdout is not None
    damaging = False
    while packet := read_packet(process.stdout):
        if packet[0] == DATA:
            if packet[9:15] == b"DAMAGE":
                damaging = True
            if damaging:
                if damage == "hang-up":
                    os._exit(1)
                packet = flipped(packet) if damage == "flip" else at_end(packet)
        sys.stdout.buffer.write(struct.pack(">I", len(packet)) + packet)
        sys.stdout.buffer.flush()


def read_packet(stream: IO[bytes]) -> bytes:
    head = stream.read(4)
    return stream.read(struct.unpack(">I", head)[0]) if len(head) == 4 else b""


def flipped(packet: bytes) -> bytes:
    """The same bytes except for one bit of the last: the size stays right."""
    return packet[:-1] + bytes([packet[-1] ^ 1])


def at_end(packet: bytes) -> bytes:
    """The first packet as it was; an end of file instead of each that follows."""
    if packet[9:15] == b"DAMAGE":
        return packet
    return struct.pack(">B", STATUS) + packet[1:5] + struct.pack(">III", END_OF_FILE, 0, 0)


if __name__ == "__main__":
    main()
