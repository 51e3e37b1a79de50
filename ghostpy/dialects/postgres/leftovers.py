"""What dead runs have left in a database: slots, publications, and schemas with a shadow or an old table.

A run holds the advisory lock of its table as long as it lives, so whoever can take that lock has a dead run's things before them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from ghostpy import errors
from ghostpy.dialects import backfill_text, expansion_text, script_text, whose
from ghostpy.dialects.postgres import quote, revert_record, script_ledger
from ghostpy.dialects.postgres.expansion_sql import drop_functions
from ghostpy.dialects.postgres.housekeeping import LOCK_CLASS, drop_our_schema, lock_number
from ghostpy.dialects.postgres.names import LEDGER, MADE_BY_US
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.dialects.postgres.wal import slot
from ghostpy.model.leftover import Leftover
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings

_SCHEMA, _OF_BACKFILL, _FOR_A_REVERT = "schema", "ledger of a backfill", " for a revert"
_SCHEMAS_OF = (_SCHEMA, _OF_BACKFILL, expansion_text.EXPANSION, expansion_text.NOTE, script_text.KIND)
_OLD = f"{MADE_BY_US}old table of "

# The tables that a run is at work on, by their OIDs ("pg_locks": objsubid is 2 for a key of two parts).
_ALIVE = f"""
SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = {LOCK_CLASS} AND objsubid = 2
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
_SCHEMAS = """
SELECT nspname, obj_description(n.oid, 'pg_namespace'), EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid),
       EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = %s AND c.relkind = 'r')
FROM pg_namespace n WHERE starts_with(obj_description(n.oid, 'pg_namespace'), %s) ORDER BY nspname
"""
_TABLE_NAMED = """
SELECT c.oid::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = %s AND c.relkind IN ('r', 'p')
"""
_UNUSED_SINCE = (
    "SELECT (to_jsonb(s) ->> 'inactive_since')::timestamptz FROM pg_replication_slots s WHERE slot_name = %s"
)
"""From version 17 on."""
_SIZE = """
SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r'
"""
_LONGEST_WAIT = "10s"
"""That a DROP waits for a table that somebody reads, and all who come later behind it."""
_NAME_OF = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s
"""


@asynccontextmanager
async def leftovers(settings: ConnectSettings) -> AsyncIterator[PostgresLeftovers]:
    """The leftovers of the database that `settings` lead to, for the length of a block."""
    async with opened(settings, purpose="cleanup") as session:
        await session.execute(f"SET lock_timeout = '{_LONGEST_WAIT}'", doing="setting a time limit")
        yield PostgresLeftovers(session)


class PostgresLeftovers:
    """Fulfils `Leftovers`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tables: dict[Leftover, int | None] = {}

    async def find(self) -> Sequence[Leftover]:
        alive = {int(oid) for (oid,) in await self._session.query(_ALIVE, doing="looking for runs under way")}
        schemas, kept = await self._schemas(alive)
        self._tables = {**await self._registrations(alive, kept), **schemas}
        return tuple(self._tables)

    async def remove(self, leftover: Leftover, *, named: bool = False) -> None:
        oid = self._tables[leftover]
        await self._lock(leftover, oid, named=named)
        try:
            if leftover.kind == expansion_text.EXPANSION:
                await self._session.execute(drop_functions(leftover.name), doing=f"dropping {leftover.name}")
            if leftover.kind.removesuffix(_FOR_A_REVERT) in _SCHEMAS_OF:
                await drop_our_schema(self._session, leftover.name)
            else:
                await slot.deregister(self._session, leftover.name)
        finally:
            if oid is not None and self._session.is_open:
                await self._session.query(
                    f"SELECT pg_advisory_unlock({LOCK_CLASS}, {lock_number(oid)})", doing="giving up the lock"
                )

    async def _registrations(self, alive: set[int], kept: set[str]) -> dict[Leftover, int | None]:
        """`kept`: the names of those by which exchanges can be taken back."""
        found: dict[Leftover, int | None] = {}
        for each in await slot.leftovers(self._session):
            oid = int(each.name.rpartition("_")[2])
            of = await self._session.scalar(_NAME_OF, [oid], doing="looking for a table")
            kind = " and ".join(
                what for what, there in (("replication slot", each.slot), ("publication", each.publication)) if there
            )
            unused = await self._session.scalar(_UNUSED_SINCE, [each.name], doing="asking since when a slot is unused")
            leftover = Leftover(
                f"{kind}{_FOR_A_REVERT}" if each.name in kept else kind,
                each.name,
                str(of or "a table that is gone"),
                each.alive or oid in alive,
                size=await slot.retained_bytes(self._session, each.name) if each.slot else None,
                moment=unused,
                moment_is="unused since" if unused is not None else "",
            )
            found[leftover] = oid
        return found

    async def _schemas(self, alive: set[int]) -> tuple[dict[Leftover, int | None], set[str]]:
        found: dict[Leftover, int | None] = {}
        slots: set[str] = set()
        rows = await self._session.query(_SCHEMAS, [LEDGER, MADE_BY_US], doing="looking for schemas of earlier runs")
        for name, comment, filled, ledger in rows:
            if comment == script_ledger.COMMENT:
                size = await self._session.scalar(_SIZE, [name], doing="asking for a schema's size")
                found[Leftover(script_text.KIND, str(name), "scripts", alive=False, kept=True, size=int(size or 0))] = (
                    None
                )
                continue
            of = str(comment).partition(" of ")[2]
            oid = await self._table_of(str(name), of, ledger=ledger)
            kept = str(comment).startswith(_OLD) and filled
            # Where it is not known which table it was, any run under way may be at work on it.
            busy = bool(alive) if oid is None else oid in alive
            told = await self._told(str(name)) if ledger else {}
            slot_name = await self._slot_behind(str(name)) if revert_record.ROW in told else None
            slots |= {slot_name} if slot_name else set()
            size = await self._session.scalar(_SIZE, [name], doing="asking for a schema's size")
            kind = _OF_BACKFILL if backfill_text.ROW in told else f"{_SCHEMA}{_FOR_A_REVERT}" if slot_name else _SCHEMA
            if expansion_text.ROW in told:
                kind, standing = expansion_text.kind_of(told[expansion_text.ROW], there=oid is not None)
                busy = busy or standing
            leftover = Leftover(
                kind,
                str(name),
                of or "an unknown table",
                busy and not kept,
                kept,
                "checkpoint" in told or backfill_text.ROW in told,
                size=int(size or 0),
                moment=_moment(told.get("begun")),
                moment_is="begun" if told.get("begun") else "",
                run=told.get(whose.ROW, ""),
            )
            found[leftover] = oid
        return found, slots

    async def _slot_behind(self, schema: str) -> str | None:
        """By which slot the exchange can be taken back that the ledger in this schema tells of."""
        try:
            noted = await revert_record.noted_in(self._session, TableName(schema, LEDGER))
            return None if noted is None else revert_record.behind(noted).slot
        except errors.CannotResume:
            return None

    async def _told(self, schema: str) -> dict[str, str]:
        """What the ledger says, but for the checkpoint's own text."""
        rows = await self._session.query(
            f"SELECT id, CASE WHEN id IN ('begun', '{whose.ROW}', '{expansion_text.ROW}') THEN value ELSE '' END FROM {quote.table(TableName(schema, LEDGER))}",
            doing="reading a ledger",
        )
        return {str(name): str(value) for name, value in rows}

    async def _table_of(self, schema: str, of: str, *, ledger: bool) -> int | None:
        if ledger:
            noted = await self._session.scalar(
                f"SELECT value FROM {quote.table(TableName(schema, LEDGER))} WHERE id = 'oid'", doing="reading a ledger"
            )
            if noted is not None:
                return int(noted)
        named = await self._session.scalar(_TABLE_NAMED, [of], doing="looking for a table")
        return None if named is None else int(named)

    async def _lock(self, leftover: Leftover, oid: int | None, *, named: bool) -> None:
        if leftover.alive or (leftover.kept and not named):
            raise errors.AlreadyRunning(f"{leftover.kind} {leftover.name} is in use; it was not removed")
        if oid is None:
            return
        got = await self._session.scalar(
            f"SELECT pg_try_advisory_lock({LOCK_CLASS}, {lock_number(oid)})", doing="taking the run's lock"
        )
        if not got:
            raise errors.AlreadyRunning(
                f"a run on {leftover.of} has begun meanwhile; {leftover.kind} {leftover.name} was not removed"
            )


def _moment(text: str | None) -> datetime | None:
    """A timestamp as the server writes it; None where it cannot be read."""
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
