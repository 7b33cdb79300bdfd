"""The typed documents that pass between the rooms.

Each document is a frozen pydantic model that refuses unknown members and has a version, so a file of one release is
either read correctly by another or refused by name. Except for `documents.files`, nothing here does I/O.
"""
