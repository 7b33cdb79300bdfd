"""Properties are tried with the same examples each time in the gate, and with more, random ones at night.

There is no deadline for one example: how long it takes depends on what else the machine does.
"""

from hypothesis import settings

from tests.unit.tiers import NIGHTLY

settings.register_profile("gate", max_examples=50, derandomize=True, deadline=None)
settings.register_profile("nightly", max_examples=300, deadline=None)
settings.load_profile("nightly" if NIGHTLY else "gate")
