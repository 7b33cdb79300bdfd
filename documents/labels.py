"""The labels that everything made by a lab carries, so that what is left of it can be found."""

STACK_LABEL = "org.fairground.stack"
"""Names the stack; on containers, images and volumes, on the controller's engine and on the host's."""

HOST_LABEL = "org.fairground.host"
"""Names the host that a container was made for: a host made anew gets its containers made anew (labels force it)."""


VARIED_LABEL = "org.fairground.varied"
"""Names the container that a variant's was made from. A run makes such, and removes them at its end."""


def stack_labels(stack: str) -> dict[str, str]:
    """The labels of what belongs to the stack."""
    return {STACK_LABEL: stack}
