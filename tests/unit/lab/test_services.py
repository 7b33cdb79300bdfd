"""The settings of PostgreSQL and Redis."""

from lab.components.services import POSTGRES_SETTINGS, REDIS_SETTINGS, redis_configuration


def test_no_setting_lets_postgres_lose_a_commit():
    assert {name: POSTGRES_SETTINGS[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
    }


def test_redis_listens_on_loopback_alone_asks_for_the_password_and_writes_nothing():
    lines = redis_configuration(16379, "abc123").splitlines()
    assert {"bind 127.0.0.1", "port 16379", "requirepass abc123", "protected-mode yes", "appendonly no"} <= set(lines)
    assert 'save ""' in lines
    # All but the first three, which are no setting but where it is and who may ask, are recorded in the inventory.
    assert [tuple(line.split(" ", 1)) for line in lines[3:]] == [*REDIS_SETTINGS.items()]
