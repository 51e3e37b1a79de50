"""What an exchange does so that it can be taken back: the table that goes stands still, the stream goes on with the one that comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from ghostpy.dialects.postgres import quote, revert_record
from ghostpy.dialects.postgres.fingerprint import shape
from ghostpy.dialects.postgres.replay import run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.standstill import Standstill, standstill
from ghostpy.dialects.postgres.wal.published import what_to_publish
from ghostpy.dialects.postgres.wal.stream import LogicalStream
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.revertible import Revertible

_DOING = "noting the exchange down"


class WayBack:
    """Of one plan's exchange. `noted`: what the engine has noted right before it; `slot`: the name of slot and publication."""

    def __init__(
        self, plan: Plan, stream: LogicalStream, slot: Callable[[], str], noted: Callable[[], Revertible | None]
    ) -> None:
        self._plan = plan
        self._stream = stream
        self._slot = slot
        self._noted = noted
        self._standstill: Standstill | None = None

    async def prepare(self, session: Session, new: int) -> None:
        """Before the lock. `new`: the OID of the table that comes. Raises PlanRefused where its changes could not be followed."""
        self._stream.hold(False)
        self._standstill = await standstill(session, self._plan.source.name)
        await self._published(session, self._plan.names.shadow, new)

    async def keep(self, session: Session, *, old: int, new: int, later: Sequence[str]) -> None:
        """In the exchange's transaction, once the names are exchanged. `later`: what is to be done after it.

        Changes of the new table are decoded by the catalogs as they were at the time: it is published from its first one on.
        """
        plan, noted = self._plan, self._noted()
        assert noted is not None
        # From the place on that is asked for then: nobody writes the source until the exchange is committed.
        self._stream.hold(True)
        noted = replace(noted, position=await self._stream.noted_now(session, noted.position))
        assert self._standstill is not None
        source, slot = plan.source.name, quote.name(self._slot())
        columns, generated = await self._published(session, source, new)
        statements = [
            *self._standstill.begin(quote.table(plan.names.old)),
            f"ALTER PUBLICATION {slot} SET TABLE ONLY {quote.table(source)}{columns}",
            *([f"ALTER PUBLICATION {slot} SET (publish_generated_columns = stored)"] if generated else []),
        ]
        await run_under(session, (source.schema,), statements, doing=_DOING)
        behind = revert_record.Behind(self._slot(), new, old, await shape(session, source), self._standstill)
        noted = replace(noted, more=behind.written())
        await session.execute(revert_record.write(noted, later, plan.names.ledger), doing=_DOING)

    def undone(self) -> None:
        """The exchange did not take place."""
        self._stream.hold(False)

    async def _published(self, session: Session, table: TableName, oid: int) -> tuple[str, bool]:
        """The list of columns as it stands in a publication, and whether generated ones have to be asked for."""
        version = session.connection.info.server_version
        found = await what_to_publish(session, table, oid, (), self._plan.shadow.columns, version=version)
        listed = ", ".join(quote.name(column.name) for column in found.relation.columns)
        return f" ({listed})" if found.column_list else "", found.generated
