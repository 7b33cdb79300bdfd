"""What a check is, what it is asked about, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from documents.base import Document
from documents.errors import ContractError

Service = Literal["database", "redis"]
"""A service that a check must reach, in addition to the API itself."""

Function = Callable[[Any], object]
"""What a check calls, with a `Context`."""


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

    `detail` is empty where it passed, else says why it didn't; `seconds` is what its last attempt took, and `earlier`
    says why each attempt before that failed.
    """

    target: str
    check: str
    outcome: Literal["passed", "failed", "skipped"]
    detail: str
    seconds: Annotated[float, Field(ge=0)]
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """A check; its function raises where the target doesn't keep the contract, and its docstring says what holds.

    It is skipped for a target that doesn't name the services that it `needs`. `attempts` is how often it may be tried:
    more than once where time decides what is seen, because on a busy machine a target may rightly pass Redis over.
    """

    name: str
    function: Function
    needs: frozenset[Service]
    attempts: int

    @property
    def group(self) -> str:
        """The module that the check is in; its name is `group.function`."""
        return self.name.partition(".")[0]


def check(*needs: Service, attempts: int = 1) -> Callable[[Function], "Check"]:
    """Make a function a check, named after its module and itself; see `Check`."""

    def make(function: Function) -> Check:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
        return Check(name=name, function=function, needs=frozenset(needs), attempts=attempts)

    return make
