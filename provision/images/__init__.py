"""Images on a host's Docker engine: built, carried, kept on record."""

from provision.images.build import build_image, find_image, image_bytes
from provision.images.carrying import MadeImage, carry_from_elsewhere, forget_image, note_image
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
