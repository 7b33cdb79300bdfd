"""Images on a host's Docker engine: built, carried, and recorded."""

from provision.images.build import (
    MadeImage,
    build_image,
    carry_from_elsewhere,
    find_image,
    forget_image,
    image_bytes,
    note_image,
)
from provision.images.context import hash_build_context

__all__ = [
    "MadeImage",
    "build_image",
    "carry_from_elsewhere",
    "find_image",
    "forget_image",
    "hash_build_context",
    "image_bytes",
    "note_image",
]
