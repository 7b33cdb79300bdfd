"""The settings of PostgreSQL and Redis against the inventory."""

from typing import Any

import pytest

from documents.lab.drift import Difference
from lab.lifecycle.drift import DriftComparison, compare_postgres, compare_redis, redis_settings
from provision.services.settings import PostgresOverride, PostgresSetting, PostgresState, means
from tests.unit.documents.samples import INVENTORY

CONTRACT = "5" * 64
POSTGRES = INVENTORY.postgres.model_copy(update={"settings": {"fsync": "on", "work_mem": "8MB"}})


def setting(value: str, unit: str | None = None, kind: str = "string", **members: Any) -> PostgresSetting:  # noqa: ANN401
    given: dict[str, Any] = {"shown": value, "source": "command line", **members}
    return PostgresSetting(value=value, unit=unit, kind=kind, **given)


STATE = PostgresState(
    settings={
        "fsync": setting("on", kind="bool"),
        "work_mem": setting("8192", "kB", "integer", shown="8MB"),
        "port": setting("15432", kind="integer"),
        "commit_delay": setting("0", kind="integer", source="default"),
    },
    altered={},
    overrides=(),
    databases=("fairground", "fairground_seed", "postgres"),
    seeded_contract=CONTRACT,
)


def differences(contract: str = CONTRACT, **changes: Any) -> list[Difference]:  # noqa: ANN401 - any member
    comparison = DriftComparison(())
    compare_postgres(comparison, POSTGRES, STATE.model_copy(update=changes), contract_sha256=contract)
    return comparison.differences


def test_postgres_with_the_settings_of_the_inventory_has_no_drift():
    assert differences() == []


def test_a_setting_that_differs_from_the_inventory_is_reported():
    settings = {**STATE.settings, "work_mem": setting("65536", "kB", "integer", shown="64MB")}
    (found,) = differences(settings=settings)
    assert found.message == "postgres: its setting work_mem is 64MB instead of 8MB; run `lab up`."


def test_a_setting_that_the_server_does_not_know_is_reported():
    (found,) = differences(settings={name: one for name, one in STATE.settings.items() if name != "work_mem"})
    assert (found.what, found.declared, found.effective) == ("its setting work_mem", "8MB", None)


@pytest.mark.parametrize(
    ("role", "database", "where", "remedy"),
    [
        ("fairground", None, "the role fairground", "ALTER ROLE fairground RESET work_mem"),
        (None, "fairground", "the database fairground", "ALTER DATABASE fairground RESET work_mem"),
        (
            "fairground",
            "fairground",
            "the role fairground in the database fairground",
            "ALTER ROLE fairground IN DATABASE fairground RESET work_mem",
        ),
        (None, None, "all roles", "ALTER ROLE ALL RESET work_mem"),
    ],
)
def test_a_setting_of_a_role_or_a_database_is_reported_once_with_its_remedy(
    role: str | None, database: str | None, where: str, remedy: str
):
    override = PostgresOverride(role=role, database=database, name="work_mem", value="64MB")
    # The session that asks has it, too.
    settings = {**STATE.settings, "work_mem": setting("65536", "kB", "integer", shown="64MB", source="user")}
    (found,) = differences(overrides=(override,), settings=settings)
    assert found.message == (
        f"postgres: its setting work_mem for {where} is 64MB, which isn't declared; take it back with `{remedy}`."
    )


def test_what_alter_system_wrote_is_reported_with_its_effect():
    at_work, idle = differences(altered={"work_mem": "64MB", "commit_delay": "5"})
    assert at_work.what == "its setting commit_delay by ALTER SYSTEM"
    assert "without effect" not in at_work.message
    assert "without effect, because the server's command line has precedence" in idle.message
    assert "`ALTER SYSTEM RESET work_mem` and `SELECT pg_reload_conf()`" in idle.remedy


def test_a_missing_database_and_another_seed_are_reported():
    (gone,) = differences(databases=("fairground_seed", "postgres"))
    assert (gone.what, gone.declared, gone.effective) == ("its database", "fairground", None)
    (seed,) = differences(databases=("fairground", "postgres"), seeded_contract=None)
    assert (seed.declared, seed.effective) == ("fairground_seed", None)
    for found in ("6" * 64, None):
        (contract,) = differences(seeded_contract=found)
        assert (contract.what, contract.declared, contract.effective) == ("its seeded contract", CONTRACT, found)


@pytest.mark.parametrize(
    ("declared", "value", "unit", "kind", "same"),
    [
        ("on", "on", None, "bool", True),
        ("off", "on", None, "bool", False),
        ("Replica", "replica", None, "enum", True),
        ("1GB", "131072", "8kB", "integer", True),
        ("1GB", "131073", "8kB", "integer", False),
        ("15min", "900", "s", "integer", True),
        ("0.5h", "1800", "s", "integer", True),
        ("900B", "900", "s", "integer", False),
        ("1.10", "1.1", None, "real", True),
        ("1.2", "1.1", None, "real", False),
        ("200MB", "200", None, "integer", False),
        ("-1", "-1", "kB", "integer", True),
        ("many", "200", None, "integer", False),
        ("*", "127.0.0.1", None, "string", False),
    ],
)
def test_two_texts_of_a_setting_that_mean_the_same_are_the_same(
    declared: str, value: str, unit: str | None, kind: str, same: bool
):
    assert means(declared, setting(value, unit, kind)) is same


def test_redis_settings_that_differ_or_are_missing_are_reported():
    redis = INVENTORY.redis.model_copy(update={"settings": {"save": '""', "appendonly": "no"}})
    assert redis_settings(redis) == {"bind": "127.0.0.1", "port": "16379", "save": "", "appendonly": "no"}
    as_declared = redis_settings(redis)
    for changes, effective in (({}, None), ({"save": "60 1"}, "60 1")):
        comparison = DriftComparison(())
        compare_redis(comparison, redis, {**as_declared, **changes})
        assert comparison.compared["redis"] == 4
        assert [one.effective for one in comparison.differences] == ([] if effective is None else [effective])
        for difference in comparison.differences:
            assert difference.message == (
                'redis: its setting save is 60 1 instead of ""; '
                "restart it: `docker restart fairground-redis` on its engine."
            )
    comparison = DriftComparison(())
    compare_redis(comparison, redis, {"bind": "0.0.0.0", "port": "16379", "save": ""})  # noqa: S104 - what is found
    assert [(one.what, one.effective) for one in comparison.differences] == [
        ("its setting appendonly", None),
        ("its setting bind", "0.0.0.0"),  # noqa: S104
    ]
