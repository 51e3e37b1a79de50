"""Row events of one row that are alike but for values: the same columns, the same NULLs, the same lengths. Then a key is where it was.

Source: as for `row_image`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Unpack = Callable[[bytes, int], tuple[Any, ...]]


class RowShape(NamedTuple):
    """An event has this shape where `same`, on the beginning of its body, gives `seen`; then `keys` gives the keys there."""

    same: Unpack
    seen: tuple[Any, ...]
    keys: Unpack


class ImagePlace(NamedTuple):
    """Of one row image: where its NULLs and its values begin, and the key among them if it has one, and where the lengths of values are and how wide."""

    nulls: int
    values: int
    key: int | None
    lengths: Sequence[tuple[int, int]]


def shape_of(buffer: bytes, body: int, fixed: int, images: Sequence[ImagePlace], key: struct.Struct) -> RowShape:
    """The shape of the event whose body begins at `body`, and what all of its kind begin with at `fixed`, up to the first image."""
    same, keys = _Layout(body), _Layout(body)
    same.add(fixed, f"{images[0].nulls - fixed}s", images[0].nulls - fixed)
    for image in images:
        same.add(image.nulls, f"{image.values - image.nulls}s", image.values - image.nulls)
        if image.key is not None:
            keys.add(image.key, key.format.lstrip("<"), key.size)
        for place, width in image.lengths:
            same.add(place, f"{width}s", width)
    unpack = same.unpack
    return RowShape(unpack, unpack(buffer, body), keys.unpack)


class _Layout:
    """A format, put together from the fields that are looked at, in their order, and the bytes between them."""

    def __init__(self, start: int) -> None:
        self._format = "<"
        self._at = start

    def add(self, place: int, form: str, size: int) -> None:
        self._format += f"{place - self._at}x{form}"
        self._at = place + size

    @property
    def unpack(self) -> Unpack:
        return struct.Struct(self._format).unpack_from
