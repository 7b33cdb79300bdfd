"""Section 8 of the contract: whether If-None-Match matches an ETag."""


def matches(values: list[bytes], tag: bytes) -> bool:
    """Whether the fields match the tag."""
    if not values:
        return False
    whole = b",".join(values)
    if whole.strip(b" \t") == b"*":
        return True
    elements = (element.strip(b" \t").removeprefix(b"W/") for element in whole.split(b","))
    return tag in elements
