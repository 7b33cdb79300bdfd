"""The subjects of a run: each API in each of its variants, what they are called, and what doesn't fit."""

import pytest

from documents.errors import RunError
from documents.lab.host import PhysicalCore
from documents.lab.inventory import Inventory, LoadHost
from documents.run.protocol import Protocol, Variant
from documents.stack.stack import Cores
from experiment.planning.subjects import require_subjects, subjects_of, with_subjects, without_subjects
from tests.unit.experiment.fake_bench import INVENTORY, LAYOUT, PROTOCOL

POOLS = tuple(Variant(name=f"pool-{size}", environment={"DB_POOL_SIZE": str(size)}) for size in (16, 32))
LARGE = Variant(name="large", postgres={"work_mem": "64MB"})
OTHER_CORES = Variant(name="wide", cores=Cores(api="0-2", postgres="3", system="5", generator="4"))

CORES: tuple[PhysicalCore, ...] = tuple((cpu,) for cpu in range(8))


def varied(*variants: Variant, apis: tuple[str, ...] = ()) -> Protocol:
    return PROTOCOL.model_copy(update={"vary": variants, "apis": apis})


def names(protocol: Protocol, *wanted: str) -> list[str]:
    return [api.name for api in subjects_of(INVENTORY, protocol, wanted, lambda: CORES)]


def refused(protocol: Protocol, inventory: Inventory = INVENTORY, *, cores: tuple[PhysicalCore, ...] = CORES) -> str:
    with pytest.raises(RunError) as refusal:
        subjects_of(inventory, protocol, (), lambda: cores)
    return str(refusal.value)


def test_each_api_is_measured_in_each_variant_in_the_order_of_lab_and_protocol():
    assert names(varied(*POOLS)) == ["go-pool-16", "go-pool-32", "rust-pool-16", "rust-pool-32"]


def test_a_protocol_names_the_apis_and_a_variant_those_that_it_is_of():
    assert names(varied(*POOLS, apis=("go",))) == ["go-pool-16", "go-pool-32"]
    assert names(varied(apis=("rust",))) == ["rust"]
    of_go = tuple(pool.model_copy(update={"apis": ("go",)}) for pool in POOLS)
    assert names(varied(*of_go)) == ["go-pool-16", "go-pool-32", "rust"], "one without a variant is measured as it is"
    assert names(varied(*of_go, LARGE)) == ["go-pool-16", "go-pool-32", "go-large", "rust-large"]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (("rust",), ["rust-pool-16", "rust-pool-32"]),
        (("go-pool-32", "rust-pool-16"), ["go-pool-32", "rust-pool-16"]),
        (("go-pool-16", "rust"), ["go-pool-16", "rust-pool-16", "rust-pool-32"]),
    ],
)
def test_whoever_asks_for_an_api_gets_its_variants_and_for_one_of_these_gets_that_alone(
    wanted: tuple[str, ...], chosen: list[str]
):
    assert names(varied(*POOLS), *wanted) == chosen
    assert names(varied(*POOLS, apis=("go",)), *wanted) == chosen, "whoever asks goes before the protocol"


def test_a_variant_is_an_api_of_the_runs_inventory_and_none_of_the_labs():
    subjects = subjects_of(INVENTORY, varied(*POOLS, apis=("go",)), (), lambda: CORES)
    run = with_subjects(INVENTORY, subjects)
    assert [api.name for api in run.apis] == ["go", "rust", "go-pool-16", "go-pool-32"]
    assert without_subjects(run) == INVENTORY
    declared, variant = run.api("go"), run.api("go-pool-16")
    assert variant.container == "fairground-api-go-pool-16"
    same = {"source", "source_sha256", "image_id", "port", "upload_volume", "target"}
    assert variant.model_dump(include=same) == declared.model_dump(include=same)
    assert variant.environment == {"DB_POOL_SIZE": "16"}
    assert variant.varied is not None
    assert (variant.varied.api, variant.varied.variant) == ("go", "pool-16")
    assert run.cores_of(variant) == run.cores_of(declared) == LAYOUT
    assert run.postgres_of(variant) == run.postgres_of(declared) == INVENTORY.postgres


def test_a_variant_goes_before_what_the_stack_document_adds_to_an_environment():
    go = INVENTORY.apis[0].model_copy(update={"environment": {"DB_POOL_SIZE": "8", "LOG_LEVEL": "info"}})
    lab = INVENTORY.model_copy(update={"apis": (go,)})
    [subject] = subjects_of(lab, varied(POOLS[0]), (), lambda: CORES)
    assert subject.environment == {"DB_POOL_SIZE": "16", "LOG_LEVEL": "info"}
    assert subject.varied is not None
    assert subject.varied.environment == {"DB_POOL_SIZE": "16"}


def test_a_variant_of_postgres_is_a_container_of_its_own_with_the_other_settings_of_the_lab():
    lab = INVENTORY.model_copy(
        update={"postgres": INVENTORY.postgres.model_copy(update={"settings": {"work_mem": "8MB", "jit": "off"}})}
    )
    go, rust = subjects_of(lab, varied(LARGE), (), lambda: CORES)
    assert lab.postgres_of(go) == lab.postgres_of(rust)
    assert lab.postgres_of(go).container == "fairground-postgres-large"
    assert lab.postgres_of(go).settings == {"work_mem": "64MB", "jit": "off"}


def test_a_core_layout_is_laid_out_on_the_cores_that_the_lab_has():
    [subject] = subjects_of(INVENTORY, varied(OTHER_CORES, apis=("go",)), (), lambda: CORES)
    layout = INVENTORY.cores_of(subject)
    assert (layout.api, layout.postgres, layout.redis, layout.generator) == ((0, 1, 2), (3,), (5,), (4,))
    assert not layout.shared


def test_the_host_is_asked_for_its_cores_only_where_a_layout_varies():
    def ask() -> tuple[PhysicalCore, ...]:
        raise AssertionError("nobody needs to know")

    assert subjects_of(INVENTORY, varied(*POOLS, LARGE), (), ask)


def test_a_layout_that_does_not_fit_the_host_is_refused():
    beyond = OTHER_CORES.model_copy(update={"cores": Cores(api="6", postgres="3", system="5", generator="4")})
    assert "The variant wide doesn't fit the host: cores.api: the host has no CPU 6, only 0, 1, 2" in refused(
        varied(beyond)
    ), "CPUs that the host has and the lab hasn't are none of its own"
    siblings = ((0, 3), (1,), (2,), (4,), (5,))
    assert "would share the physical core of CPUs 0, 3" in refused(varied(OTHER_CORES), cores=siblings)


def test_a_layout_has_the_generator_where_the_load_comes_from():
    lacking = OTHER_CORES.model_copy(update={"cores": Cores(api="0", postgres="3", system="5")})
    assert "cores.generator: this key is missing" in refused(varied(lacking))
    load_host = LoadHost(host=INVENTORY.host, size=INVENTORY.size, own_kernel=False, generator=(0,), system=(1,))
    apart = INVENTORY.model_copy(
        update={"load_hosts": (load_host,), "cores": LAYOUT.model_copy(update={"generator": ()})}
    )
    assert "cores.generator: the load hosts have the generator" in refused(varied(OTHER_CORES), apart)


def test_a_cpu_is_left_for_interrupts_where_the_lab_sets_where_they_are_served():
    own = INVENTORY.model_copy(update={"own_kernel": True})
    others = OTHER_CORES.model_copy(
        update={"name": "rest", "cores": Cores(api="3-5", postgres="0", system="1", generator="2")}
    )
    assert "leave no CPU for interrupts" in refused(varied(OTHER_CORES, others), own)
    assert len(subjects_of(own, varied(OTHER_CORES), (), lambda: CORES)) == 2
    assert len(subjects_of(INVENTORY, varied(OTHER_CORES, others), (), lambda: CORES)) == 4


@pytest.mark.parametrize(
    ("protocol", "said"),
    [
        (varied(apis=("zig",)), "is about zig, and the lab test has no such API; it has go, rust"),
        (varied(POOLS[0].model_copy(update={"apis": ("zig",)})), "is about zig, and the lab test has no such API"),
        (varied(Variant(name="a-name-that-is-just-long-enough")), "which is too long for a name"),
    ],
)
def test_what_the_lab_lacks_or_cannot_be_called_so_is_refused(protocol: Protocol, said: str):
    assert said in refused(protocol)


def test_a_variant_is_not_called_as_another_api_is():
    other = INVENTORY.apis[0].model_copy(update={"name": "go-pool-16"})
    lab = INVENTORY.model_copy(update={"apis": (*INVENTORY.apis, other)})
    assert "would be called go-pool-16, like another API of the lab" in refused(varied(*POOLS), lab)


def test_a_missing_name_is_reported_with_the_existing_ones():
    with pytest.raises(RunError, match=r"no API go-pool-64, by the protocol tiny; it has go-pool-16, go-pool-32"):
        names(varied(*POOLS, apis=("go",)), "go-pool-64")


def test_an_api_that_is_measured_as_its_variants_alone_cannot_be_judged_by_its_name():
    require_subjects(INVENTORY, varied(*POOLS), ("go-pool-16", "go-pool-32"))
    require_subjects(INVENTORY, PROTOCOL, ("go", "rust"))
    with pytest.raises(RunError, match="measures go as go-pool-16, go-pool-32, not as declared"):
        require_subjects(INVENTORY, varied(*POOLS), ("go", "go-pool-32"))
