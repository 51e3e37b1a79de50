"""What a run that is dead has left in the database, looked at with the run's lock held."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping

from ghostpy import errors
from ghostpy.dialects import checkpoint_text
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.names import HelperNames, TableName

_GONE_WITHIN = 60.0
LATER = "later"
"""The ledger's row with what is to be done after the exchange."""
EXCHANGED = "exchanged"
"""The ledger's row that says that the names are exchanged, when the old table may be gone already."""
COMPLETED = "completed"
"""The ledger's row that says that the shadow has all that it is to have before the exchange."""


class EarlierRun:
    """Of the table `source`, by a session of the new run."""

    def __init__(self, session: Session, source: TableName, names: HelperNames) -> None:
        self._session = session
        self._source = source
        self._names = names

    async def rows(self) -> Mapping[str, str]:
        """The ledger; nothing where there is none."""
        if await table_oid(self._session, self._names.ledger) is None:
            return {}
        found = await self._session.query(
            f"SELECT id, value FROM {quote.table(self._names.ledger)}", doing="reading the ledger"
        )
        return {str(row[0]): str(row[1]) for row in found}

    async def saved(self) -> Checkpoint | None:
        """See `Housekeeping.saved`."""
        rows = await self.rows()
        if rows:
            await self.orphans_gone()
            rows = await self.rows()
        return checkpoint_text.read(rows)

    async def exchanged(self, old: TableName) -> bool:
        """See `Housekeeping.exchanged`: tables are told apart by their OIDs."""
        rows = await self.rows()
        if EXCHANGED in rows:
            return True
        planned = int(rows.get("oid", "0"))
        now = await table_oid(self._session, self._source)
        if now == planned:
            return False
        shadow, moved = await table_oid(self._session, self._names.shadow), await table_oid(self._session, old)
        if now is not None and moved == planned and shadow is None:
            return True
        if now is not None and shadow is not None:
            raise errors.CannotResume(f"{self._source} is another table than the one that the earlier run was changing")
        raise errors.CutOverInDoubt(
            f"an earlier run was changing {self._source} on {self._session.address}, and it cannot be told which table has its name now"
        )

    async def later(self) -> list[str]:
        """What the earlier run had still to do after its exchange."""
        return [str(statement) for statement in json.loads((await self.rows()).get(LATER, "[]"))]

    async def orphans_gone(self) -> None:
        """End what the dead run's sessions still do: the server finishes, and commits, a statement whose client is gone."""
        deadline = time.monotonic() + _GONE_WITHIN
        while True:
            orphans = await self._session.query(
                "SELECT pg_terminate_backend(pid), pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND application_name LIKE 'ghostpy%%' AND state <> 'idle' AND backend_type = 'client backend' "
                "AND position(%s in query) > 0",
                [quote.name(self._names.shadow.schema)],
                doing="ending a dead run's sessions",
            )
            if not orphans:
                return
            if time.monotonic() > deadline:
                raise errors.AlreadyRunning(
                    f"a session of an earlier run is at work on {self._names.shadow} and does not end (process {orphans[0][1]})"
                )
            await asyncio.sleep(0.1)
