"""The host as a system: its identity, its preparation, and the CPUs of its processes."""

from provision.system.base_image import base_image_tag, make_base_image_here, make_base_image_on_host
from provision.system.changes import (
    JOURNAL,
    ChangeJournal,
    HostChanges,
    parse_changes,
    read_changes,
    read_journal,
    take_over,
    write_changes,
)
from provision.system.engine import find_labelled_on_host
from provision.system.identity import read_identity, read_resources, read_tool_versions
from provision.system.pinning import mismatches
from provision.system.preparation import (
    let_user_reach_engine,
    prepare,
    prepare_for_network,
    prepare_load_host,
    wait_for_engine,
)

__all__ = [
    "JOURNAL",
    "ChangeJournal",
    "HostChanges",
    "base_image_tag",
    "find_labelled_on_host",
    "let_user_reach_engine",
    "make_base_image_here",
    "make_base_image_on_host",
    "mismatches",
    "parse_changes",
    "prepare",
    "prepare_for_network",
    "prepare_load_host",
    "read_changes",
    "read_identity",
    "read_journal",
    "read_resources",
    "read_tool_versions",
    "take_over",
    "wait_for_engine",
    "write_changes",
]
