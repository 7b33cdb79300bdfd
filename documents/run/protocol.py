"""The protocol, `experiment/protocols/NAME.yaml`: what is measured and how often; and the plan, its cells in order."""

from itertools import pairwise
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from documents.base import Document, FaultyKeyError, Name, explain
from documents.stack import Cores, Environment, PostgresSettings


class Variant(Document):
    """One way in which APIs are measured.

    Keys that it leaves out are as declared; with a name alone it is the API as declared.

    Attributes:
        environment: variables that add to an API's own or replace them
        cores: the host's core layout
        postgres: settings of PostgreSQL
        apis: the APIs that it applies to; all that are measured unless given
    """

    name: Name
    environment: Environment = Field(default_factory=dict)
    cores: Cores | None = None
    postgres: PostgresSettings = Field(default_factory=dict)
    apis: tuple[Name, ...] = ()

    def is_of(self, api: str) -> bool:
        """Whether this variant applies to an API."""
        return not self.apis or api in self.apis


Workload = Literal[
    "mixed",
    "read-post",
    "list-posts",
    "read-user",
    "read-me",
    "create-post",
    "update-post",
    "login",
    "upload",
]


Connections = Annotated[int, Field(ge=1, le=10_000)]


class Scenario(Document):
    """One load: connections that each send the next request when the last one is answered.

    Attributes:
        workload: which stream of requests
    """

    name: Name
    workload: Workload
    connections: Connections
    duration_seconds: Annotated[int, Field(ge=1, le=3600)]


class Scenarios(Scenario):
    """One load, or one for each of several numbers of connections, as a protocol is written.

    Attributes:
        connections: how many connections; a list makes a load of each, named `NAME-16` for 16
    """

    connections: Connections | Annotated[tuple[Connections, ...], Field(min_length=1)]  # pyright: ignore[reportIncompatibleVariableOverride]


def _one_for_each(given: object) -> object:
    """A scenario with a list of connections as one scenario for each number, ``NAME-16`` for 16.

    Faults of a scenario are reported here, where its index is still that of the document.
    """
    if not isinstance(given, list):
        return given
    scenarios = cast("list[object]", given)
    if not any(isinstance(_members(scenario).get("connections"), list) for scenario in scenarios):
        return tuple(scenarios)
    spread: list[Scenario] = []
    names: set[str] = set()
    for index, scenario in enumerate(scenarios):
        members = _members(scenario)
        connections = members.get("connections")
        if not isinstance(connections, list):
            found = [_faultless(scenario, index)]
        elif not connections:
            raise FaultyKeyError((index, "connections"), "the list is empty; name at least one number")
        else:
            counts = cast("list[object]", connections)
            found = [
                _faultless(members | {"connections": count} | _numbered(members, count), index) for count in counts
            ]
        for one in found:
            if one.name in names:
                fault = "connections" if len(found) > 1 else "name"
                raise FaultyKeyError((index, fault), f"another scenario is named {one.name}")
            names.add(one.name)
        spread += found
    return tuple(spread)


def _numbered(members: dict[str, Any], count: object) -> dict[str, str]:
    """The name of a scenario with this number of connections; nothing if the name is missing."""
    return {"name": f"{members['name']}-{count}"} if "name" in members else {}


def _members(scenario: object) -> dict[str, Any]:
    return cast("dict[str, Any]", scenario) if isinstance(scenario, dict) else {}


def _faultless(scenario: object, index: int) -> Scenario:
    try:
        return Scenario.model_validate(scenario)
    except ValidationError as error:
        fault = error.errors()[0]
        raise FaultyKeyError((index, *fault["loc"]), explain(fault)) from error


MOST_BLOCKS = 1000
"""The most blocks that a protocol may have."""

Blocks = Annotated[int, Field(ge=1, le=MOST_BLOCKS)]

MARGIN = 0.03
"""The margin unless a protocol has another one: the same on every host, and independent of a run's noise."""

Share = Annotated[float, Field(gt=0, lt=1)]
"""A part of a whole, neither nothing nor all of it."""


class OpenLoop(Document):
    """Windows in which requests arrive at a given rate, however long the answers take. All APIs have the same rates.

    Attributes:
        scenario: whose workload is played, over at most as many connections
        shares: the rates, as rising shares of the throughput that the slowest API reached in that scenario
        seconds: the length of a window
        blocks: how often each API is measured at each rate
    """

    scenario: Name
    shares: Annotated[tuple[Share, ...], Field(min_length=1)]
    seconds: Annotated[int, Field(ge=1, le=3600)]
    blocks: Blocks

    @model_validator(mode="after")
    def _rising(self) -> "OpenLoop":
        if any(later <= earlier for earlier, later in pairwise(self.shares)):
            raise FaultyKeyError(("shares",), "each share must be greater than the one before")
        return self


class Protocol(Document):
    """What a run does: `blocks` times all scenarios for every API, in an order drawn from a recorded seed.

    The unit of the statistics is the cell: one restart of the API, one warm-up, one load window.

    Attributes:
        blocks: how often each API meets each scenario; a comparison needs two, better ten
        warm_up_seconds: the longest that a warm-up may last; it ends when throughput is steady
        warm_up_least_seconds: the shortest
        request_seed: what the stream of requests is drawn from, the same for all APIs
        timeout_seconds: a slower answer is an error
        attempts: how often a cell is run until it is valid
        twin: each block measures one API twice under each scenario, each API in turn: A/A
        margin: the share up to which two APIs count as the same, fixed before the run: 0.03 for ratios from 1/1.03
            to 1.03
        open_loop: cells at given rates, after all others
        apis: the APIs that are measured; all of the lab's unless given
        vary: the variants that each API is measured in
    """

    version: Literal[1]
    name: Name
    blocks: Blocks
    warm_up_seconds: Annotated[int, Field(ge=0, le=600)]
    warm_up_least_seconds: Annotated[int, Field(ge=0, le=600)] = 0
    scenarios: Annotated[
        tuple[Scenario, ...],
        BeforeValidator(_one_for_each, json_schema_input_type=Annotated[tuple[Scenarios, ...], Field(min_length=1)]),
        Field(min_length=1),
    ]
    request_seed: int = 20260131
    timeout_seconds: Annotated[int, Field(ge=1, le=60)] = 2
    attempts: Annotated[int, Field(ge=1, le=5)] = 3
    twin: bool = True
    margin: Annotated[float, Field(gt=0, le=0.5)] = MARGIN
    open_loop: OpenLoop | None = None
    apis: Annotated[tuple[Name, ...], Field(exclude_if=lambda apis: not apis)] = ()
    vary: Annotated[tuple[Variant, ...], Field(exclude_if=lambda variants: not variants)] = ()

    @model_validator(mode="after")
    def _ordered(self) -> "Protocol":
        if self.warm_up_least_seconds > self.warm_up_seconds:
            raise FaultyKeyError(
                ("warm_up_least_seconds",),
                f"the least is more than warm_up_seconds, which is the most: {self.warm_up_seconds}",
            )
        return self

    @model_validator(mode="after")
    def _distinct(self) -> "Protocol":
        names: set[str] = set()
        for index, scenario in enumerate(self.scenarios):
            if scenario.name in names:
                raise FaultyKeyError(("scenarios", index, "name"), f"another scenario is named {scenario.name}")
            names.add(scenario.name)
        if self.open_loop is not None and self.open_loop.scenario not in names:
            raise FaultyKeyError(("open_loop", "scenario"), f"there is no scenario {self.open_loop.scenario}")
        return self

    @model_validator(mode="after")
    def _variants_apart(self) -> "Protocol":
        names: set[str] = set()
        for index, variant in enumerate(self.vary):
            if variant.name in names:
                raise FaultyKeyError(("vary", index, "name"), f"another variant is named {variant.name}")
            names.add(variant.name)
            for place, api in enumerate(variant.apis):
                if self.apis and api not in self.apis:
                    raise FaultyKeyError(("vary", index, "apis", place), f"{api} isn't among the protocol's `apis`")
        return self

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name.

        Raises:
            KeyError: the protocol has no such scenario.
        """
        return {scenario.name: scenario for scenario in self.scenarios}[name]

    def window_of(self, open_loop: OpenLoop) -> Scenario:
        """The scenario of the open loop's cells, whose windows are as long as the open loop says."""
        return self.scenario(open_loop.scenario).model_copy(update={"duration_seconds": open_loop.seconds})


class Cell(Document):
    """One restart of one API, one warm-up, one load window.

    Attributes:
        number: from 1, in the run's order; the open loop's go on after the last of `plan.json`
        block: from 1; the open loop's count from 1 again
        twin: the second cell of the API that its block measures twice under this scenario
    """

    number: int
    block: int
    api: Name
    scenario: Scenario
    twin: bool = False

    @property
    def id(self) -> str:
        """The cell's folder in `cells/`: ``<number>-<api>-<scenario>``."""
        return f"{self.number:03d}-{self.api}-{self.scenario.name}"


class Plan(Document):
    """`plan.json`: the cells in the order in which they are measured.

    Attributes:
        order_seed: what the order was drawn from
    """

    version: Literal[1] = 1
    order_seed: int
    cells: tuple[Cell, ...]
