"""Which rows of the source changed."""

from __future__ import annotations

from typing import Protocol

from ghostpy.model.change import ChangeBatch, Position


class ChangeStream(Protocol):
    """Which rows of the source changed, at least once each, in the order of their commits.

    No change that commits after the position given to `open` is left out. After a loss of the connection the stream goes on by
    itself from the last complete transaction, so changes may come again; they never go missing.
    """

    async def start(self) -> Position:
        """The place to follow from: all changes before it are visible to reads."""

    def noted(self, position: Position) -> str:
        """A place that was reached, as text for `resumed`."""

    async def resumed(self, noted: str) -> Position:
        """The place to follow from, where an earlier run noted it down. Raises StreamLost where it cannot be followed from."""

    async def open(self, start: Position) -> None:
        """Begin to follow from `start`. Raises StreamLost where the server no longer holds it."""

    async def read(self) -> ChangeBatch:
        """The next changes; waits for them, but never longer than about a second (then: a batch without keys).

        One caller at a time. Raises SourceChanged at DDL, TRUNCATE or statement-format DML on the source, and StreamLost where
        following cannot go on.
        """

    async def fence(self) -> None:
        """Return once every change that `read` has returned is visible to reads on the server.

        A dialect that fences key by key, by the marks, has nothing to do here.
        """

    async def end(self) -> Position:
        """The end of the stream now: what committed before this call lies before it."""

    def passed(self, position: Position) -> bool:
        """Whether all changes before `position` have been returned by `read`."""

    def kept(self, position: Position) -> None:
        """What a later run needs of all that lies before `position` is on the server: it need not hold it for us any more."""

    async def close(self, *, keep: bool = False) -> None:
        """Stop following and deregister, unless a later run is to go on (`keep`). Never raises; safe to call twice."""
