"""What a comparison of two tables finds."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct, field

from ghostpy.model.keys import Bound, Key


class Kind(Enum):
    """How a row differs between the source and the other table."""

    CHANGED = "differing"
    MISSING = "only in the first"
    SURPLUS = "only in the second"


class Difference(Struct, frozen=True):
    """A row that is not the same in both tables, with what was seen of it on either side: a digest, or None where there is no such row."""

    key: Key
    source: int | bytes | None
    other: int | bytes | None

    @property
    def kind(self) -> Kind:
        if self.other is None:
            return Kind.MISSING
        return Kind.SURPLUS if self.source is None else Kind.CHANGED


class Comparison(Struct):
    """What one pass over two tables found. `moving`: rows that were other ones at each look, so that nothing can be said of them.

    `settled`: rows that differed at the first look and were equal later. `given_up_at`: the pass ended there, with too many differences.
    """

    rows: int = 0
    standing: list[Difference] = field(default_factory=list)
    moving: list[Key] = field(default_factory=list)
    settled: int = 0
    given_up_at: Bound | None = None
    gave_up: bool = False

    @property
    def equal(self) -> bool:
        return not (self.standing or self.moving or self.gave_up)
