"""The errors of Fairground.

Each message says in whole sentences what happened, where, and what to do. The command line prints the message of a
`FairgroundError` unchanged and exits with the status 1; any other exception is a defect and shows its traceback.
"""


class FairgroundError(Exception):
    """An error in terms of the lab; the parent of every error raised on purpose."""


class DocumentError(FairgroundError):
    """A document (stack, protocol, inventory, file of a run) is invalid."""


class ToolchainError(FairgroundError):
    """A tool that the lab needs is missing, too old, or couldn't be installed or started."""


class LabError(FairgroundError):
    """The lab couldn't be declared, stood up or taken down."""


class HostError(FairgroundError):
    """Something done to a host over SSH failed."""


class HostUnreachableError(HostError):
    """The host didn't answer within the deadline, or the connection was lost."""


class HostKeyError(HostError):
    """The host showed a key other than the pinned one, or none is pinned: it is refused."""


class HostAuthenticationError(HostError):
    """The host refused the lab's user or key."""


class RemoteCommandError(HostError):
    """A command on the host ended with a status other than 0."""


class DeadlineExceededError(HostError):
    """A command or job on the host didn't finish by its deadline, and was ended."""


class TransferError(HostError):
    """A file arrived incomplete: its checksum or size isn't that of its source."""


class ContractError(FairgroundError):
    """An API doesn't keep the contract."""


class RunError(FairgroundError):
    """A run can't be planned, started, resumed or finished."""


class AnalysisError(FairgroundError):
    """The raw files of a run can't be turned into numbers."""


class PublicationError(FairgroundError):
    """A verdict couldn't be published at a code forge."""
