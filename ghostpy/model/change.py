"""What a change stream tells: which rows changed, never what they look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ghostpy.model.keys import Key, Mark


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the change stream; `token` is read by its dialect only, `text` is for people."""

    token: object
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Some changes in stream order, merged by key.

    `events` counts row changes before merging. `heartbeat` is the highest heartbeat number of the ledger seen so far, or None.
    `position` is reached once this batch is taken in (an idle stream yields batches without keys).
    """

    keys: Mapping[Key, Mark]
    events: int
    position: Position
    heartbeat: int | None = None
