"""What carries a stack's label is found on a real Docker engine and removed; nothing else is."""

import pytest

from documents.errors import LabError
from documents.lab.inventory import STACK_LABEL
from provision.containers import LOCAL_DOCKER, Labelled, find_labelled, remove_labelled
from tests.docker import docker
from tests.unit.lab.engine_room import import_empty_image


def test_everything_labelled_is_found_in_the_order_in_which_it_can_go_and_goes(stack_name: str, image: str):
    label = f"{STACK_LABEL}={stack_name}"
    docker("volume", "create", "--label", label, f"{stack_name}-volume")
    docker("network", "create", "--label", label, f"{stack_name}-network")
    docker("create", "--name", f"{stack_name}-one", "--volume", f"{stack_name}-volume:/x", image, "none")
    docker("create", "--name", f"{stack_name}-two", "--network", f"{stack_name}-network", image, "none")
    found = find_labelled(LOCAL_DOCKER, stack_name)
    assert [str(thing) for thing in found] == [
        f"container {stack_name}-two",
        f"container {stack_name}-one",
        f"network {stack_name}-network",
        f"image {image}",
        f"volume {stack_name}-volume",
    ]
    for thing in found:
        remove_labelled(LOCAL_DOCKER, thing)
    assert find_labelled(LOCAL_DOCKER, stack_name) == ()


def test_things_of_another_stack_are_left_alone(stack_name: str, image: str):
    assert [thing.kind for thing in find_labelled(LOCAL_DOCKER, stack_name)] == ["image"]
    assert find_labelled(LOCAL_DOCKER, stack_name[:-1]) == ()
    assert find_labelled(LOCAL_DOCKER, f"{stack_name}-more") == ()
    assert docker("images", "--quiet", image)


def test_image_with_two_names_goes_with_the_last(stack_name: str, image: str):
    docker("tag", image, f"fairground-{stack_name}:2")
    found = find_labelled(LOCAL_DOCKER, stack_name)
    assert len(found) == 2
    for thing in found:
        remove_labelled(LOCAL_DOCKER, thing)
    assert find_labelled(LOCAL_DOCKER, stack_name) == ()


def test_image_without_a_name_goes_by_its_id(stack_name: str):
    identity = import_empty_image(stack_name)
    (leftover,) = find_labelled(LOCAL_DOCKER, stack_name)
    assert (leftover.name, leftover.id) == ("<none>:<none>", identity)
    remove_labelled(LOCAL_DOCKER, leftover)
    assert find_labelled(LOCAL_DOCKER, stack_name) == ()


def test_container_is_removed_with_its_anonymous_volumes(stack_name: str, image: str):
    container = docker("create", "--volume", "/data", image, "none")
    (volume,) = docker("inspect", "--format", "{{range .Mounts}}{{.Name}} {{end}}", container).split()
    assert docker("volume", "ls", "--quiet", "--filter", f"name={volume}") == volume
    (thing,) = [thing for thing in find_labelled(LOCAL_DOCKER, stack_name) if thing.kind == "container"]
    assert thing.id == container
    remove_labelled(LOCAL_DOCKER, thing)
    assert docker("volume", "ls", "--quiet", "--filter", f"name={volume}") == ""


def test_a_refusal_of_the_engine_is_quoted_and_what_no_longer_exists_is_fine(stack_name: str):
    volume = f"{stack_name}-volume"
    remove_labelled(LOCAL_DOCKER, Labelled("volume", volume, volume))
    docker("volume", "create", volume)
    container = docker("create", "--volume", f"{volume}:/x", import_empty_image(stack_name), "none")
    try:
        with pytest.raises(LabError, match=rf"^docker volume rm failed: .*{volume}: volume is in use"):
            remove_labelled(LOCAL_DOCKER, Labelled("volume", volume, volume))
    finally:
        docker("rm", container)
        docker("volume", "rm", volume)
