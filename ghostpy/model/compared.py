"""Values that are the same whatever some of their fields are."""

from __future__ import annotations

from msgspec import Struct


class ComparedInPart(Struct, frozen=True):
    """Equal, and with one hash, where `compared` is, among values of one class."""

    @property
    def compared(self) -> tuple[object, ...]:
        """What counts."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self)) and self.compared == other.compared

    def __hash__(self) -> int:
        return hash(self.compared)
