"""Standing a lab up and taking it down."""

from lab.lifecycle.drift import read_drift
from lab.lifecycle.engine import Engine, ResourceProgress
from lab.lifecycle.existing_host import ask_for_key, unknown_hosts
from lab.lifecycle.preflight import cost_lines, cost_until_expiry
from lab.lifecycle.state import is_recorded, list_recorded, read_state, remove_superseded_images

__all__ = [
    "Engine",
    "ResourceProgress",
    "ask_for_key",
    "cost_lines",
    "cost_until_expiry",
    "is_recorded",
    "list_recorded",
    "read_drift",
    "read_state",
    "remove_superseded_images",
    "unknown_hosts",
]
