"""What a check is, what it is asked about, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from documents.base import Document
from documents.errors import ContractError

if TYPE_CHECKING:
    from apis.contract.checks.context import Context

Service = Literal["database", "redis"]
"""A service that a check must reach beside the API itself."""


class Target(Document):
    """A running implementation, as the checks reach it.

    `database_url` and `redis_url` are the controller's own way to the services behind the API; without one the checks
    that need it are skipped. The database's role must be a superuser: `README.md` says what for. `pool_size` is the
    API's DB_POOL_SIZE.
    """

    name: str
    base_url: Annotated[str, Field(pattern=r"^http://[^/]+$")]
    jwt_secret: str = Field(repr=False)
    database_url: str | None = Field(default=None, repr=False)
    redis_url: str | None = Field(default=None, repr=False)
    pool_size: Annotated[int, Field(ge=1)] = 32


class CheckFailedError(ContractError):
    """A check saw something else than the contract says; the message has both."""


class CheckResult(Document):
    """The outcome of one check on one target.

    `detail` is empty where it passed, else says why it didn't; `seconds` is what the last of its attempts took.
    """

    target: str
    check: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str
    seconds: Annotated[float, Field(ge=0)]
    attempts: Annotated[int, Field(ge=0)] = 1


@dataclass(frozen=True, slots=True)
class Check:
    """A check; its function raises where the target doesn't keep the contract, and its docstring says what holds.

    `attempts` is how often it may be tried. It is more than one where the contract's own time limits decide what is
    seen: a machine that gives the target no CPU for 50 ms makes it pass Redis over, as it must, with nobody at fault.

    `waits` is true of a check that does little but wait, and asks neither PostgreSQL nor Redis anything: it may run
    beside the others, which count what is asked there.
    """

    name: str
    function: "Callable[[Context], None]"
    needs: frozenset[Service]
    attempts: int
    waits: bool

    @property
    def group(self) -> str:
        """The module that the check is in; its name is `group.function`."""
        return self.name.partition(".")[0]


def check(*needs: Service, attempts: int = 1, waits: bool = False) -> "Callable[[Callable[[Context], None]], Check]":
    """Make a function a check named after its module and itself.

    Args:
        needs: the services that it asks beside the API; it is skipped for a target that doesn't name them.
        attempts: how often it may be tried, see `Check`.
        waits: whether it may run beside others, see `Check`.
    """

    def make(function: "Callable[[Context], None]") -> Check:
        group = function.__module__.rpartition(".")[2]
        name = f"{group}.{function.__name__}"
        return Check(name=name, function=function, needs=frozenset(needs), attempts=attempts, waits=waits)

    return make
