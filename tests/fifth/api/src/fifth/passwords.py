"""Passwords: argon2id, one hash at a time for each CPU, never on the thread that answers requests."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, hash_len=32, salt_len=16)
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
"""What an unknown email's password is compared with, so that it takes as long as a wrong one."""


class Passwords:
    """Hashes and verifies. argon2 lets go of the interpreter's lock, so that threads use all CPUs."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(len(os.sched_getaffinity(0)), "argon2")

    async def hash(self, password: str) -> str:
        """The password's hash in PHC format, with a salt of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _HASHER.hash, password)

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Whether the password is the one of the hash; None is the hash of nobody."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _verify, hashed or _NOBODY, password)

    def close(self) -> None:
        """Let go of what still waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
