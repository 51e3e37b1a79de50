"""What runs have left on a server: ledgers, which name the other tables of their run, empty clones, and old tables.

A run holds the lock of its table as long as it lives, so whoever can take that lock has a dead run's things before them.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from ghostpy import errors
from ghostpy.dialects import backfill_text, expansion_text, script_text, whose
from ghostpy.dialects.mysql import quote, script_ledger
from ghostpy.dialects.mysql.desired import NAME_BEGINS, RANDOM_DIGITS
from ghostpy.dialects.mysql.earlier_run import BACKFILL_COMMENT, LEDGER_COMMENT, SOURCE
from ghostpy.dialects.mysql.expansion_sql import COMMENT as EXPANSION_COMMENT
from ghostpy.dialects.mysql.housekeeping import lock_name
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.dialects.mysql.revert_record import row_id
from ghostpy.dialects.mysql.session import Session, opened
from ghostpy.model.leftover import Leftover
from ghostpy.model.names import TableName, table_of
from ghostpy.settings import ConnectSettings

_WHERE = "TABLE_SCHEMA NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema')"
_LEDGERS = f"SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_COMMENT IN ({quote.text(LEDGER_COMMENT)}, {quote.text(BACKFILL_COMMENT)}) AND {_WHERE}"
_EXPANSIONS = f"SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_COMMENT = {quote.text(EXPANSION_COMMENT)} AND {_WHERE}"
_SCRIPTS = f"SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_COMMENT = {quote.text(script_ledger.COMMENT)} AND {_WHERE}"
_BY_NAME = (
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES "
    f"WHERE TABLE_NAME LIKE '\\_%' AND TABLE_NAME REGEXP '{{suffix}}$' AND {_WHERE}"
)
_TABLES = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = {schema}"
_LONGEST_WAIT = 10
"""Seconds that a DROP waits for a table that somebody reads, and all who come later behind it."""
_DESIRED = (
    "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES "
    f"WHERE TABLE_NAME REGEXP '^{NAME_BEGINS}[0-9a-f]{{{RANDOM_DIGITS}}}$' AND {_WHERE}"
)
_OLD, _CLONE = "(_[0-9]{14})?(_rev)?_del", "_ghp"


@asynccontextmanager
async def leftovers(settings: ConnectSettings) -> AsyncIterator[MySQLLeftovers]:
    """The leftovers of the server that `settings` lead to, for the length of a block."""
    async with opened(settings, purpose="cleanup") as session:
        yield MySQLLeftovers(session)


class MySQLLeftovers:
    """Fulfils `Leftovers`, for all databases that the account sees."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._of: dict[Leftover, tuple[TableName, TableName]] = {}
        """The table itself, and the one that the run was about."""

    async def find(self) -> Sequence[Leftover]:
        self._of = {}
        for schema, table in await self._session.query(_LEDGERS, doing="looking for ledgers"):
            await self._of_ledger(TableName(str(schema), str(table)))
        for schema, table in await self._session.query(_EXPANSIONS, doing="looking for expansions"):
            await self._of_expansion(TableName(str(schema), str(table)))
        for schema, table in await self._session.query(_SCRIPTS, doing="looking for ledgers of scripts"):
            name = TableName(str(schema), str(table))
            await self._note(script_text.KIND, name, name, kept=True)
        for table, source in await self._by_name(_CLONE, doing="looking for clones of plans"):
            await self._note("clone", table, source)
        for schema, table in await self._session.query(_DESIRED, doing="looking for desired tables"):
            # Each is under a lock of its own name, for which table it was made nobody knows any more.
            name = TableName(str(schema), str(table))
            await self._note("desired table", name, name)
        for table, source in await self._by_name(_OLD, doing="looking for old tables"):
            await self._note("old table", table, source, kept=True)
        return tuple(self._of)

    async def _by_name(self, suffix: str, *, doing: str) -> Sequence[tuple[TableName, TableName]]:
        """Tables whose names tell which table of their database they were made for; and that one. `suffix`: a pattern."""
        tables: dict[str, set[str]] = {}
        found = []
        for schema, name in await self._session.query(_BY_NAME.format(suffix=suffix), doing=doing):
            schema, name = str(schema), str(name)
            if schema not in tables:
                rows = await self._session.query(_TABLES.format(schema=quote.text(schema)), doing=doing)
                tables[schema] = {str(row[0]) for row in rows}
            # `_a_rev_del` is an old table of `a`, or else of `a_rev`.
            ends = [name[at:] for at in range(1, len(name)) if re.fullmatch(suffix, name[at:])]
            sources = (table_of(name, end, tables[schema], limit=quote.NAME_LIMIT) for end in ends)
            source = next((each for each in sources if each is not None), None)
            if source is not None:
                found.append((TableName(schema, name), TableName(schema, source)))
        return found

    async def remove(self, leftover: Leftover, *, named: bool = False) -> None:
        table, source = self._of[leftover]
        if leftover.alive or (leftover.kept and not named):
            raise errors.AlreadyRunning(f"{leftover.kind} {leftover.name} is in use; it was not removed")
        lock = quote.text(lock_name(source))
        if await self._session.scalar(f"SELECT GET_LOCK({lock}, 0)", doing="taking the run's lock") != 1:
            raise errors.AlreadyRunning(
                f"a run on {source} has begun meanwhile; {leftover.kind} {leftover.name} was not removed"
            )
        try:
            await self._session.execute(
                f"SET SESSION lock_wait_timeout = {_LONGEST_WAIT}", doing="setting a time limit"
            )
            await self._session.execute(f"DROP TABLE IF EXISTS {quote.table(table)}", doing=f"dropping {table}")
        finally:
            if self._session.is_open:
                await self._session.query(f"SELECT RELEASE_LOCK({lock})", doing="giving up the lock")

    async def _of_ledger(self, ledger: TableName) -> None:
        rows = await self._session.query(
            f"SELECT id, text FROM {quote.table(ledger)} "
            f"WHERE id IN ('{SOURCE}', '{whose.ROW}', 'checkpoint', '{backfill_text.ROW}', '{row_id(0)}', '{row_id(1)}')",
            doing="reading a ledger",
        )
        told = {str(row[0]): str(row[1]) for row in rows}
        seen = await self._session.scalar(f"SELECT MAX(changed) FROM {quote.table(ledger)}", doing="reading a ledger")
        names = json.loads(told[SOURCE]) if SOURCE in told else [ledger.table]
        source, *made = (ledger.beside(str(name)) for name in names)
        resumable, run = "checkpoint" in told, told.get(whose.ROW, "")
        # The ledger last: without it nobody knows any more whose the others are.
        for table in made:
            if await table_exists(self._session, table):
                await self._note("new table", table, source, resumable=resumable, seen=seen, run=run)
        revertible = not resumable and bool(told.keys() & {row_id(0), row_id(1)})
        backfill = backfill_text.ROW in told
        kind = "ledger for a revert" if revertible else "ledger of a backfill" if backfill else "ledger"
        await self._note(kind, ledger, source, resumable=resumable or backfill, seen=seen, run=run)

    async def _of_expansion(self, ledger: TableName) -> None:
        text = await self._session.scalar(
            f"SELECT text FROM {quote.table(ledger)} WHERE id = '{expansion_text.ROW}'", doing="reading a ledger"
        )
        source = ledger
        if text is not None:
            with contextlib.suppress(errors.CannotResume):
                source = expansion_text.read(str(text)).source
        there = await table_exists(self._session, source)
        kind, standing = expansion_text.kind_of(None if text is None else str(text), there=there)
        await self._note(kind, ledger, source, standing=standing)

    async def _note(
        self,
        kind: str,
        table: TableName,
        source: TableName,
        *,
        kept: bool = False,
        resumable: bool = False,
        standing: bool = False,
        seen: datetime | None = None,
        run: str = "",
    ) -> None:
        free = await self._session.scalar(
            f"SELECT IS_FREE_LOCK({quote.text(lock_name(source))})", doing="looking for runs under way"
        )
        size = await self._session.scalar(
            "SELECT DATA_LENGTH + INDEX_LENGTH FROM information_schema.TABLES "
            f"WHERE TABLE_SCHEMA = {quote.text(table.schema)} AND TABLE_NAME = {quote.text(table.table)}",
            doing="asking for a table's size",
        )
        leftover = Leftover(
            kind,
            str(table),
            str(source),
            alive=standing or (free != 1 and not kept),
            kept=kept,
            resumable=resumable,
            size=None if size is None else int(size),
            moment=None if seen is None else seen.replace(tzinfo=UTC),  # our sessions are in UTC
            moment_is="last seen" if seen is not None else "",
            run=run,
        )
        self._of[leftover] = table, source
