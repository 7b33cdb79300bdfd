"""The typed documents that pass between the rooms: no I/O, no host, no engine.

Each document is a frozen pydantic model that refuses unknown members and carries its own version, so a file
written by one release is either read rightly by another or refused by name.
"""
