"""What a stack document may ask for, beyond the shape of its text."""

import pytest
from pydantic import ValidationError

from documents.stack import LAB_ENVIRONMENT, Stack

API = {"name": "go", "source": "apis/go", "port": 18080}


def stack(**changes: object) -> Stack:
    document: dict[str, object] = {"version": 1, "name": "local", "host": {"kind": "container"}, "apis": (API,)}
    return Stack.model_validate(document | changes)


def test_two_variants_of_one_source_can_stand_side_by_side():
    tuned = API | {"name": "go-tuned", "port": 18081, "environment": {"GOGC": "200"}}
    assert [api.source for api in stack(apis=(API, tuned)).apis] == ["apis/go", "apis/go"]


def test_two_apis_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="another API or service is named go"):
        stack(apis=(API, API | {"port": 18081}))


@pytest.mark.parametrize("name", ["postgres", "redis"])
def test_api_named_like_a_service_is_refused(name: str):
    with pytest.raises(ValidationError, match=f"another API or service is named {name}"):
        stack(apis=(API | {"name": name},))


@pytest.mark.parametrize(
    "changes",
    [
        {"apis": (API, API | {"name": "other"})},
        {"services": {"postgres": {"port": 18080}}},
        {"services": {"redis": {"port": 18080}}},
        {"services": {"postgres": {"port": 18081}, "redis": {"port": 18081}}},
    ],
)
def test_port_given_twice_is_refused(changes: dict[str, object]):
    with pytest.raises(ValidationError, match=r"port is 1808[01], too"):
        stack(**changes)


def test_lab_without_an_api_is_refused():
    with pytest.raises(ValidationError, match="apis"):
        stack(apis=())


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit"])
@pytest.mark.parametrize("value", ["off", "OFF", "false", "0", "local", "no"])
def test_postgres_that_may_lose_commits_is_refused(name: str, value: str):
    with pytest.raises(ValidationError, match=f"{name} stays on"):
        stack(services={"postgres": {"settings": {name: value}}})
    assert stack(services={"postgres": {"settings": {name: "on"}}}).services.postgres.settings == {name: "on"}


@pytest.mark.parametrize(
    "name", ["port", "listen_addresses", "shared_preload_libraries", "pg_stat_statements.track", "pg_stat_statements.x"]
)
def test_postgres_setting_of_the_lab_itself_is_refused(name: str):
    with pytest.raises(ValidationError, match=f"{name} is set by the lab itself"):
        stack(services={"postgres": {"settings": {name: "1"}}})


@pytest.mark.parametrize("name", ["FSYNC", "fsync=off -c x", "-c", ""])
def test_postgres_setting_of_no_proper_name_is_refused(name: str):
    with pytest.raises(ValidationError, match="pattern"):
        stack(services={"postgres": {"settings": {name: "on"}}})


@pytest.mark.parametrize("name", sorted(LAB_ENVIRONMENT))
def test_environment_of_the_lab_itself_can_not_be_replaced(name: str):
    with pytest.raises(ValidationError, match=f"{name} is set by the lab itself"):
        stack(apis=(API | {"environment": {name: "x"}},))


@pytest.mark.parametrize("image", ["-v", "Debian", "debian trixie", "$(id)", ""])
def test_base_image_of_no_proper_name_is_refused(image: str):
    with pytest.raises(ValidationError, match="base_image"):
        stack(base_image=image)


@pytest.mark.parametrize("cpus", ["", "a", "1,", "-1", "1-", "1--2", "0-99999", " 1", "1\n", "٣"])
def test_text_that_is_no_cpu_list_is_refused(cpus: str):
    with pytest.raises(ValidationError, match="cores"):
        stack(cores={"api": cpus, "postgres": "1", "system": "2", "generator": "3"})
