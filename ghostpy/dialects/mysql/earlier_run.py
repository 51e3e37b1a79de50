"""What a run that is dead has left on the server, looked at with the run's lock held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.dialects import checkpoint_text
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.dialects.mysql.queued_exchange import AsideNames
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import HelperNames, TableName

LEDGER_COMMENT = "ghostpy: ledger of a running change"
BACKFILL_COMMENT = "ghostpy: ledger of a backfill"
SOURCE = "source"
"""The ledger's row with the names of the source, of the shadow, and of what else an exchange makes of it."""
EXCHANGED = "exchanged"
"""The row that says that the names are exchanged, when the old table may be gone already."""
_GONE_WITHIN = 60.0
_QUERY_ONLY = ("SELECT", "SHOW", "EXPLAIN", "(SELECT")


class EarlierRun:
    """Of the table `source`, by the sessions of the new run."""

    def __init__(self, session: Session, source: TableName, names: HelperNames) -> None:
        self._session = session
        self._source = source
        self._names = names

    async def saved(self) -> Checkpoint | None:
        """See `Housekeeping.saved`."""
        if not await self.is_there():
            return None
        await self.orphans_gone()
        rows = await self._session.query(
            f"SELECT id, text FROM {quote.table(self._names.ledger)} WHERE text IS NOT NULL", doing="reading the ledger"
        )
        return checkpoint_text.read({str(row[0]): str(row[1]) for row in rows})

    async def is_there(self) -> bool:
        """Whether the ledger is one of ours: then the shadow is, too."""
        ledger = self._names.ledger
        comment = await self._session.scalar(
            "SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
            f"{quote.text(ledger.schema)} AND TABLE_NAME = {quote.text(ledger.table)}",
            doing="looking for a ledger",
        )
        return str(comment or "") == LEDGER_COMMENT

    async def exchanged(self, old: TableName) -> bool:
        """See `Housekeeping.exchanged`."""
        noted = await self._session.query(
            f"SELECT 1 FROM {quote.table(self._names.ledger)} WHERE id = '{EXCHANGED}'", doing="reading the ledger"
        )
        if noted:
            return True
        source, moved = await table_exists(self._session, self._source), await table_exists(self._session, old)
        shadow = any([await table_exists(self._session, name) for name in self._shadows()])
        if source and moved and not shadow:
            return True
        if source and shadow:
            return False
        missing = [str(name) for name, there in ((self._source, source), (self._names.shadow, shadow)) if not there]
        if source:
            raise errors.CannotResume(
                f"an earlier run's ledger {self._names.ledger} is there, and {self._names.shadow} is not",
                hint="Run with --restart to begin anew.",
            )
        raise errors.CutOverInDoubt(
            f"an earlier run was changing {self._source} on {self._session.settings.address}, and there is no {' and no '.join(missing)} now"
        )

    async def take_back(self) -> None:
        """Give the shadow its own name again, where a run died in the middle of an exchange by two sessions."""
        if not self._session.mariadb:
            return
        aside = AsideNames.of(self._source, self._names)
        for table in (aside.guard, aside.passed):
            await self._session.execute(f"DROP TABLE IF EXISTS {quote.table(table)}", doing=f"dropping {table}")
        if await table_exists(self._session, aside.shadow):
            await self._session.execute(
                f"RENAME TABLE {quote.table(aside.shadow)} TO {quote.table(self._names.shadow)}",
                doing="giving the shadow its name again",
            )

    def _shadows(self) -> Sequence[TableName]:
        if not self._session.mariadb:
            return (self._names.shadow,)
        return (self._names.shadow, AsideNames.of(self._source, self._names).shadow)

    async def orphans_gone(self) -> None:
        """End what the dead run's sessions still do: the server finishes, and commits, a statement whose client is gone."""
        marks = [quote.name(name.table) for name in (*self._shadows(), self._names.old)]
        deadline = time.monotonic() + _GONE_WITHIN
        while True:
            orphans = [
                row[0]
                for row in await self._session.sessions(whole=True, doing="looking for a dead run's sessions")
                if row[0] != self._session.connection_id and _writes(str(row[7] or ""), marks)
            ]
            if not orphans:
                return
            if time.monotonic() > deadline:
                raise errors.AlreadyRunning(
                    f"a session of an earlier run is at work on {self._names.shadow} and does not end (connection {orphans[0]})"
                )
            for identity in orphans:
                try:
                    await self._session.execute(f"KILL {int(identity)}", doing="ending a dead run's session")
                except (errors.ServerError, errors.MissingPrivilege):
                    continue  # gone by itself, or not ours: then it must end by itself
            await asyncio.sleep(0.1)


def _writes(statement: str, marks: Sequence[str]) -> bool:
    text = statement.lstrip()
    return not text.upper().startswith(_QUERY_ONLY) and any(mark in text for mark in marks)
