"""The protocol of a run, and its subjects: the APIs that it measures, each in its variants."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from documents.base import is_name
from documents.errors import RunError
from documents.lab import ApiService, CoreLayout, Inventory, PhysicalCore, Varied
from documents.run import Protocol, Variant
from documents.stack import Cores, LayoutError, explicit_cores
from provision.kernel import api_cpus

_PROTOCOLS = Path(__file__).parents[1] / "protocols"


def read_protocol(name_or_path: str) -> Protocol:
    """Read a protocol.

    Args:
        name_or_path: a name such as ``quick``, or the path of a file that ends in ``.yaml``.

    Raises:
        RunError: there is no such protocol, or its file can't be read.
        DocumentError: the file isn't a valid protocol; names each key at fault and its line.
    """
    file = protocol_file(name_or_path)
    path = Path(file) if file else _PROTOCOLS / f"{name_or_path}.yaml"
    if file is None and name_or_path not in protocol_names():
        raise RunError(
            f"There is no protocol named {name_or_path}. There are {', '.join(protocol_names())}; "
            "give a protocol of your own by its path, which ends in .yaml."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(
            f"The protocol {path} can't be read: {error}. Check that the file is there, its mode, and that it is UTF-8."
        ) from error
    return Protocol.from_yaml(text, name=str(path))


def protocol_file(name_or_path: str) -> str | None:
    """The path of a protocol's file as it was given; None for the name of one of the lab's own."""
    return name_or_path if name_or_path.endswith(".yaml") else None


def protocol_names() -> list[str]:
    """The names of the protocols that come with the lab."""
    return sorted(path.stem for path in _PROTOCOLS.glob("*.yaml"))


def subject_names(inventory: Inventory, protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """The names of each API's variants, in the lab's order; an API without variants has its own name.

    APIs that the protocol doesn't measure are left out.

    Raises:
        RunError: the lab lacks an API of the protocol, or the name of a variant is taken or too long.
    """
    known = [api.name for api in inventory.apis]
    named = {*protocol.apis, *(api for variant in protocol.vary for api in variant.apis)}
    if unknown := sorted(named - set(known)):
        raise RunError(
            f"The protocol {protocol.name} is about {', '.join(unknown)}, and the lab {inventory.stack} has no such "
            f"API; it has {', '.join(known)}."
        )
    found: dict[str, tuple[str, ...]] = {}
    for api in known:
        if protocol.apis and api not in protocol.apis:
            continue
        variants = tuple(_name(api, variant, known) for variant in protocol.vary if variant.is_of(api))
        found[api] = variants or (api,)
    return found


def subjects_of(
    inventory: Inventory,
    protocol: Protocol,
    wanted: Collection[str],
    read_cores: Callable[[], Sequence[PhysicalCore]],
) -> tuple[ApiService, ...]:
    """The subjects of a run, in the order of the lab and of the protocol.

    Args:
        inventory: the lab.
        protocol: what to measure.
        wanted: names of APIs, with all their variants, or of variants; all of the protocol's unless given. They
            replace the protocol's `apis`.
        read_cores: reads the host's physical cores; called only if a variant has a core layout.

    Raises:
        RunError: there is no such API or variant, or a variant doesn't fit the host.
    """
    names = subject_names(inventory, protocol.model_copy(update={"apis": ()}) if wanted else protocol)
    every = {name for variants in names.values() for name in variants} | names.keys()
    if unknown := sorted(set(wanted) - every):
        among = [name for variants in names.values() for name in variants]
        of_protocol = f", by the protocol {protocol.name}" if protocol.vary else ""
        raise RunError(
            f"The lab {inventory.stack} has no API {', '.join(unknown)}{of_protocol}; it has {', '.join(among)}."
        )
    chosen = [
        (inventory.api(api), name)
        for api, variants in names.items()
        for name in variants
        if not wanted or api in wanted or name in wanted
    ]
    variants = {variant.name: variant for variant in protocol.vary}
    found = tuple(
        api
        if name == api.name
        else _subject(inventory, api, variants[name.removeprefix(f"{api.name}-")], name, read_cores)
        for api, name in chosen
    )
    _require_cpu_for_interrupts(inventory, found)
    return found


def require_subjects(inventory: Inventory, protocol: Protocol, names: Collection[str]) -> None:
    """Refuse the name of an API that a protocol measures only as variants.

    Raises:
        RunError: one of the names is such an API; names its variants.
    """
    known = subject_names(inventory, protocol.model_copy(update={"apis": ()}))
    for name in names:
        if name in known and name not in known[name]:
            raise RunError(
                f"The protocol {protocol.name} measures {name} as {', '.join(known[name])}, not as declared. Name two "
                "of these."
            )


def with_subjects(inventory: Inventory, subjects: Collection[ApiService]) -> Inventory:
    """The inventory of a run: the lab's with each measured variant."""
    varied = tuple(api for api in subjects if api.varied is not None)
    return inventory.model_copy(update={"apis": (*inventory.apis, *varied)})


def without_subjects(inventory: Inventory) -> Inventory:
    """The lab's inventory, from a run's."""
    return inventory.model_copy(update={"apis": tuple(api for api in inventory.apis if api.varied is None)})


def _name(api: str, variant: Variant, known: Collection[str]) -> str:
    name = f"{api}-{variant.name}"
    if name in known:
        raise RunError(
            f"The variant {variant.name} of the API {api} would be called {name}, like another API of the lab. Give "
            "the variant another name."
        )
    if not is_name(name):
        raise RunError(
            f"The variant {variant.name} of the API {api} would be called {name}, which is too long for a name. Give "
            "the variant a shorter one."
        )
    return name


def _subject(
    inventory: Inventory, api: ApiService, variant: Variant, name: str, read_cores: Callable[[], Sequence[PhysicalCore]]
) -> ApiService:
    return api.model_copy(
        update={
            "name": name,
            "container": f"{api.container.removesuffix(api.name)}{name}",
            "environment": {**api.environment, **variant.environment},
            "varied": Varied(
                api=api.name,
                variant=variant.name,
                environment=variant.environment,
                cores=None if variant.cores is None else _layout(inventory, variant.name, variant.cores, read_cores()),
                postgres=variant.postgres,
            ),
        }
    )


def _layout(inventory: Inventory, name: str, wanted: Cores, cores: Sequence[PhysicalCore]) -> CoreLayout:
    """The core layout of a variant of that name, on the lab's cores of the host."""
    if fault := wanted.generator_fault(load_hosts=bool(inventory.load_hosts)):
        raise RunError(f"The variant {name} can't be measured: cores.generator: {fault}.")
    try:
        return explicit_cores(wanted, tuple(core for core in cores if set(core) <= {*inventory.size.cpus}))
    except LayoutError as error:
        raise RunError(f"The variant {name} doesn't fit the host: {error}") from error


def _require_cpu_for_interrupts(inventory: Inventory, subjects: Sequence[ApiService]) -> None:
    """Require a CPU for interrupts if the lab sets their CPUs, which it does once for the whole run."""
    layouts = layouts_of(inventory, subjects)
    if len(layouts) > 1 and inventory.own_kernel and set(api_cpus(layouts)) >= set(inventory.size.cpus):
        raise RunError(
            "The core layouts of the variants leave no CPU for interrupts: each CPU is the API's in one of them. Leave "
            "one of the CPUs to other roles in all layouts, or measure them in separate runs."
        )


def layouts_of(inventory: Inventory, subjects: Collection[ApiService]) -> tuple[CoreLayout, ...]:
    """The distinct core layouts of a run."""
    return tuple(dict.fromkeys(map(inventory.cores_of, subjects)))
