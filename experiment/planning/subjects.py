"""The subjects of a run: the protocol that names them, and the APIs that it measures, each in its variants."""

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
        name_or_path: a name such as ``quick``, or the path of a file, which ends in ``.yaml``.

    Raises:
        RunError: there is no such protocol, or its file can't be read.
        DocumentError: the file isn't a valid protocol; names each key at fault and its line.
    """
    is_path = name_or_path.endswith(".yaml")
    path = Path(name_or_path) if is_path else _PROTOCOLS / f"{name_or_path}.yaml"
    if not is_path and name_or_path not in protocol_names():
        raise RunError(
            f"There is no protocol named {name_or_path}. There are {', '.join(protocol_names())}; "
            "a protocol of your own is named by its path, which ends in .yaml."
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"The protocol {path} can't be read: {error}.") from error
    return Protocol.from_yaml(text, name=str(path))


def protocol_names() -> list[str]:
    """The names of the protocols that come with the lab."""
    return sorted(path.stem for path in _PROTOCOLS.glob("*.yaml"))


def subject_names(inventory: Inventory, protocol: Protocol) -> dict[str, tuple[str, ...]]:
    """The names of an API's variants by that of the API, in the lab's order; its own where no variant is of it.

    APIs that the protocol doesn't measure are left out.

    Raises:
        RunError: the lab lacks an API that the protocol names, or a variant can't have its name.
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
        wanted: names of APIs, which stand for all variants of theirs, or of variants; all of the protocol's unless
            given. They go before those that the protocol names.
        read_cores: asks the host for its physical cores; asked only where a variant has a core layout.

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
    """Refuse the name of an API that a protocol measures as several variants and never as itself.

    Raises:
        RunError: one of the names is such; the message names its variants.
    """
    known = subject_names(inventory, protocol.model_copy(update={"apis": ()}))
    for name in names:
        if name in known and name not in known[name]:
            raise RunError(
                f"The protocol {protocol.name} measures {name} as {', '.join(known[name])}, and not as it is declared. "
                "Name two of these."
            )


def with_subjects(inventory: Inventory, subjects: Collection[ApiService]) -> Inventory:
    """The inventory of a run: the lab's, and in it each variant that is measured."""
    varied = tuple(api for api in subjects if api.varied is not None)
    return inventory.model_copy(update={"apis": (*inventory.apis, *varied)})


def without_subjects(inventory: Inventory) -> Inventory:
    """The lab's inventory out of a run's."""
    return inventory.model_copy(update={"apis": tuple(api for api in inventory.apis if api.varied is None)})


def _name(api: str, variant: Variant, known: Collection[str]) -> str:
    name = f"{api}-{variant.name}"
    if name in known:
        raise RunError(
            f"The variant {variant.name} of the API {api} would be called {name}, as another API of the lab is. Give "
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
    """The core layout of a variant of that name, on the cores that the lab has of its host."""
    if (wanted.generator is None) != bool(inventory.load_hosts):
        fault = "the load hosts have the generator; leave it out" if inventory.load_hosts else "this key is missing"
        raise RunError(f"The variant {name} can't be measured: cores.generator: {fault}.")
    try:
        return explicit_cores(wanted, tuple(core for core in cores if set(core) <= {*inventory.size.cpus}))
    except LayoutError as error:
        raise RunError(f"The variant {name} doesn't fit the host: {error}") from error


def _require_cpu_for_interrupts(inventory: Inventory, subjects: Sequence[ApiService]) -> None:
    """Have a CPU left for interrupts where the lab sets on which they are served, once for the whole run."""
    layouts = layouts_of(inventory, subjects)
    if len(layouts) > 1 and inventory.own_kernel and set(api_cpus(layouts)) >= set(inventory.size.cpus):
        raise RunError(
            "The core layouts of the variants leave the host no CPU on which interrupts could be served: each is the "
            "API's in one of them. Leave one of the CPUs to other roles in all, or measure the layouts in runs of "
            "their own."
        )


def layouts_of(inventory: Inventory, subjects: Collection[ApiService]) -> tuple[CoreLayout, ...]:
    """Each core layout that a run measures with, once."""
    return tuple(dict.fromkeys(map(inventory.cores_of, subjects)))
