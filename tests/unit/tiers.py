"""What of the tests depends on their tier: the gate, or a nightly run."""

import os

NIGHTLY = os.environ.get("FAIRGROUND_NIGHTLY") == "1"
"""Whether this is a nightly run: with random seeds, and as thorough as can be."""
