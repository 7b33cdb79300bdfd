"""Standing a lab up and taking it down."""

from lab.lifecycle.drift import read_drift
from lab.lifecycle.engine import Engine, ResourceProgress
from lab.lifecycle.existing_host import ask_for_key, unknown_hosts
from lab.lifecycle.lifecycle import (
    Ended,
    Receipt,
    adopt,
    await_services,
    look_around,
    read_lab,
    stand_up,
    take_down,
    take_down_expired,
)
from lab.lifecycle.preflight import cost_lines, cost_until_expiry
from lab.lifecycle.state import list_recorded, read_state, remove_superseded_images

__all__ = [
    "Ended",
    "Engine",
    "Receipt",
    "ResourceProgress",
    "adopt",
    "ask_for_key",
    "await_services",
    "cost_lines",
    "cost_until_expiry",
    "list_recorded",
    "look_around",
    "read_drift",
    "read_lab",
    "read_state",
    "remove_superseded_images",
    "stand_up",
    "take_down",
    "take_down_expired",
    "unknown_hosts",
]
