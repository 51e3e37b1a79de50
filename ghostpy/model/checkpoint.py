"""What a run writes down, so that another can go on from there."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from ghostpy.model.keys import Bound, Key, Mark
from ghostpy.model.names import TableName


class Course(Struct):
    """How far a run has come. Right between two slices of work, when no chunk and no resync is under way."""

    low: Bound | None = None
    """The low watermark: all rows up to it are in the shadow, as the source had them when they were copied."""
    copied: bool = False
    """Whether all rows are."""
    bare: bool = False
    """Whether the shadow has no index yet that rows can be found by."""
    indexed: bool = False
    """Whether the shadow has all its indexes."""
    verified: Bound | None = None
    """Up to there source and shadow were compared."""
    compared: bool = False
    """Whether all of it was."""
    rows_copied: int = 0
    rows_verified: int = 0
    copy_seconds: float = 0.0

    @property
    def begun(self) -> bool:
        """Whether anything is done that is worth going on with."""
        return self.copied or self.low is not None


class Checkpoint(Struct, frozen=True):
    """With the shadow as it is, these four say all that a run must know: what it does, how far it is, where it reads, what is still dirty.

    `change`: what is done to which table of which server, by aspects that people know by name. `position`: by
    `ChangeStream.noted`; all changes before it are in the shadow, or their keys among `keys`, or above the watermark. `number`: higher than any
    heartbeat so far. `old`: what the old table is to be called.
    """

    change: Mapping[str, str]
    course: Course
    position: str
    number: int
    old: TableName
    keys: Mapping[Key, Mark] = field(default_factory=dict)
