"""Has the source the shape already that the ALTER asks for? The server says, on an empty clone."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.table import Table
from ghostpy.planning.outcome import Does, Step, anywhere, same_shape, steps_of, takes_away, undoing
from ghostpy.settings import TargetSettings

_DOING = "looking whether the change is made already"


class DoneAlready:
    """Asks about one clone, which must be as the source is at first. `clone` is its quoted name."""

    def __init__(self, session: Session, clone: str, source: Table, clauses: str, settings: TargetSettings) -> None:
        self._session = session
        self._clone = clone
        self._source = source
        self._clauses = clauses
        self._steps = _shape_alone(steps_of(clauses), settings)
        self._rows_too = bool(settings.transforms)
        self._now = ""

    async def look(self) -> None:
        """Read the clone before the ALTER is tried on it."""
        self._now = await self._shown()

    async def after_success(self) -> bool:
        """Whether the ALTER, which the clone took, changes nothing. May leave the clone as anything."""
        if not self._steps or self._rows_too or takes_away(self._steps, self._source):
            return False
        if await self._shown() == self._now:
            return True
        if not any(step.does is Does.ADD_INDEX and not step.named for step in self._steps):
            return False
        # An index without a name of its own is made again and again, under other names.
        return await self._leads_here(fresh=True)

    async def after_refusal(self) -> bool:
        """Whether the server refused the ALTER because its outcome is there. May leave the clone as anything."""
        return bool(self._steps) and await self._leads_here(fresh=False)

    async def _leads_here(self, *, fresh: bool) -> bool:
        undo = undoing(self._steps, self._source)
        if not undo:
            return False
        try:
            if fresh:
                source = quote.table(self._source.name)
                await self._session.execute(f"DROP TABLE {self._clone}", doing=_DOING)
                await self._session.execute(f"CREATE TABLE {self._clone} LIKE {source}", doing=_DOING)
            await self._session.execute(f"ALTER TABLE {self._clone} {', '.join(undo)}", doing=_DOING)
            undone = await self._shown()
            await self._session.execute(f"ALTER TABLE {self._clone} {self._clauses}", doing=_DOING)
            redone = await self._shown()
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            return False
        return same_shape(self._now, undone, redone, anywhere(self._steps))

    async def _shown(self) -> str:
        rows = await self._session.query(f"SHOW CREATE TABLE {self._clone}", doing=_DOING)
        return str(rows[0][1])


def _shape_alone(steps: Sequence[Step] | None, settings: TargetSettings) -> Sequence[Step]:
    """No steps where more than a shape is asked for: rows filtered, or values computed for columns that are not new."""
    added = {step.name.casefold() for step in steps or () if step.does is Does.ADD_COLUMN}
    computed = {column.casefold() for column, _ in settings.transforms}
    return () if steps is None or settings.where or not computed <= added else steps
