"""What takes a minute: it has gone on since the first test that asked for an implementation."""

from apis.contract.checks import Target
from tests.contract.idle_watch import IdleWatch


def test_an_idle_connection_is_closed_after_a_minute(target: Target, idle_watch: IdleWatch):
    lifetime = idle_watch.lifetime(target.name)
    assert lifetime is not None, "the connection wasn't closed"
    assert 57 < lifetime < 66
