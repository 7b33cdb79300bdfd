"""What a run needs of a host."""

from experiment.bench.bench import Bench, Beside, Found, Load, Measured, WarmedUp
from experiment.bench.load_hosts import require_identical
from experiment.bench.readiness import CHECK_READY_SECONDS, verify_api, wait_until_ready
from experiment.bench.remote import RemoteBench, connected_load_hosts, open_bench
from experiment.bench.run_lock import held

__all__ = [
    "CHECK_READY_SECONDS",
    "Bench",
    "Beside",
    "Found",
    "Load",
    "Measured",
    "RemoteBench",
    "WarmedUp",
    "connected_load_hosts",
    "held",
    "open_bench",
    "require_identical",
    "verify_api",
    "wait_until_ready",
]
