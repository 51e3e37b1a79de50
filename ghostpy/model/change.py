"""What a change stream tells: which rows changed, never what they look like."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ghostpy.model.keys import Key, Mark


class Position(Struct, frozen=True):
    """A place in the change stream; `token` is read by its dialect only, `text` is for people."""

    token: object
    text: str

    def __str__(self) -> str:
        return self.text


class ChangeBatch(Struct, frozen=True):
    """Some changes in stream order, merged by key.

    `events` counts row changes before merging. `heartbeat` is the highest heartbeat number of the ledger seen so far, or None.
    `position` is reached once this batch is taken in (an idle stream yields batches without keys).
    """

    keys: Mapping[Key, Mark]
    events: int
    position: Position
    heartbeat: int | None = None
