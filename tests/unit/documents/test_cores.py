"""CPU lists as the kernel writes them, and core layouts that can't contradict themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from documents.lab.host import ROLES, CoreLayout, parse_cpu_list

cpu_sets = st.sets(st.integers(min_value=0, max_value=300), min_size=1, max_size=20)


def _ranges(cpus: set[int]) -> str:
    """The set written with ranges, as the kernel does."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1].append(cpu)
        else:
            parts.append([cpu])
    return ",".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


@given(cpu_sets)
def test_list_is_read_as_the_cpus_it_names(cpus: set[int]):
    assert parse_cpu_list(_ranges(cpus)) == tuple(sorted(cpus))
    assert parse_cpu_list(",".join(map(str, cpus)) + "\n") == tuple(sorted(cpus))


@given(cpu_sets)
def test_list_that_a_layout_writes_is_read_back(cpus: set[int]):
    every = tuple(sorted(cpus))
    layout = CoreLayout(api=every, postgres=every, redis=every, generator=every, system=every, shared=True)
    assert parse_cpu_list(layout.cpu_list("api")) == every


def test_overlapping_ranges_name_each_cpu_once():
    assert parse_cpu_list("0-3,2-4,3") == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("text", ["", ",", "1,", "a", "-1", "1-", "1-2-3", "1 2", "0x1", "1.5", "0-99999", "٣"])
def test_text_that_is_no_list_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a CPU list such as 0-2,5"):
        parse_cpu_list(text)


def test_falling_range_is_refused_by_name():
    with pytest.raises(ValueError, match="the range 5-3 in the CPU list '1,5-3' falls"):
        parse_cpu_list("1,5-3")


def layout(**changes: object) -> CoreLayout:
    whole: dict[str, object] = {
        "api": (0, 1),
        "postgres": (2,),
        "redis": (3,),
        "system": (3,),
        "generator": (4,),
        "shared": False,
    }
    return CoreLayout.model_validate(whole | changes)


def test_redis_shares_with_the_system_without_counting_as_shared():
    assert not layout().shared


@pytest.mark.parametrize(
    "changes", [{"generator": (1,)}, {"postgres": (0,)}, {"redis": (4,)}, {"system": (0,)}, {"redis": (2,)}]
)
def test_layout_must_say_truly_whether_it_is_shared(changes: dict[str, object]):
    with pytest.raises(ValidationError, match="`shared` must say"):
        layout(**changes)
    assert layout(**changes, shared=True).shared
    with pytest.raises(ValidationError, match="`shared` must say"):
        layout(shared=True)


def test_roles_share_if_they_have_a_cpu_in_common():
    whole = layout(postgres=(2, 3), shared=True)
    assert [role for role in ROLES if whole.shares(role)] == ["postgres", "redis", "system"]


@pytest.mark.parametrize("role", ["api", "postgres", "redis", "system"])
def test_role_without_a_cpu_is_refused(role: str):
    with pytest.raises(ValidationError, match="every role but the generator needs a CPU"):
        layout(**{role: ()})
    assert layout(generator=()).generator == ()


@pytest.mark.parametrize("cpus", [(1, 0), (0, 0)])
def test_cpus_that_do_not_rise_are_refused(cpus: tuple[int, ...]):
    with pytest.raises(ValidationError, match="the CPUs of api must rise"):
        layout(api=cpus)
