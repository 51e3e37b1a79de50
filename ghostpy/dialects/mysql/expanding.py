"""MySQL, Percona Server and MariaDB: what the server does for an expansion, its contraction, and the way back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import expansion_text
from ghostpy.dialects.expansion_walk import in_turns
from ghostpy.dialects.mysql import expansion_sql, quote
from ghostpy.dialects.mysql.earlier_run import BACKFILL_COMMENT
from ghostpy.dialects.mysql.expansion_plan import READING, ExpansionPlanner, columns_of
from ghostpy.dialects.mysql.expansion_sql import MySQLStepSql, trigger_names
from ghostpy.dialects.mysql.expansion_uses import ExpansionUses
from ghostpy.dialects.mysql.facts import ServerFacts, server_facts
from ghostpy.dialects.mysql.housekeeping import Housekeeper, drop_at_last
from ghostpy.dialects.mysql.planner import resolve_target
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.topology import working_server
from ghostpy.dialects.mysql.types import implicit_value
from ghostpy.model.expansion import Expansion, Steps
from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames, TableName, backfill_names, expansion_ledger
from ghostpy.model.table import Column
from ghostpy.planning.expansion import same_wish
from ghostpy.preflight.refusal import refusal
from ghostpy.settings import MigrateSettings, TargetSettings

_NO_IMPLICIT_VALUE = {"time": "'00:00:00'"}
_SOME_MOMENT = "'1970-01-01'"


class MySQLExpanding:
    """Fulfils `Expanding`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        target = resolve_target(settings.target, started=datetime.now(), altered=False)
        self._asked = target.source
        self._names: HelperNames = target.names
        self._ledger = expansion_ledger(target.source, quote.NAME_LIMIT, settings.target.force_table_names)
        self._housekeeper = Housekeeper(self._connect, self._asked, self._names, "")
        self._facts: ServerFacts | None = None

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def version(self) -> str:
        return self._facts.version if self._facts is not None else ""

    @property
    def source(self) -> TableName:
        return self._asked

    @property
    def ledger(self) -> str:
        return str(self._ledger)

    @property
    def _session(self) -> Session:
        return self._housekeeper.session

    async def open(self) -> None:
        found = await asyncio.to_thread(working_server, self._settings.connect, self._settings.topology)
        if found != self._connect:
            self._connect = found
            self._housekeeper = Housekeeper(found, self._asked, self._names, "")
        await self._housekeeper.open()
        self._facts = self._housekeeper.facts = await server_facts(self._session)

    async def close(self) -> None:
        await self._housekeeper.close()

    async def lock_run(self) -> None:
        await self._housekeeper.lock_run()

    @property
    def _planner(self) -> ExpansionPlanner:
        assert self._facts is not None
        wish = self._settings.expand
        return ExpansionPlanner(self._session, self._facts, self._asked, self._names, self._ledger, wish)

    # --- the ledger ------------------------------------------------------------------------------------------------

    async def saved(self) -> Expansion | None:
        if await self._comment_of(self._ledger) != expansion_sql.COMMENT:
            return None
        text = await self._session.scalar(
            f"SELECT text FROM {quote.table(self._ledger)} WHERE id = '{expansion_text.ROW}'",
            doing="reading the ledger",
        )
        return None if text is None else expansion_text.read(str(text))

    async def save(self, expansion: Expansion) -> None:
        comment = await self._comment_of(self._ledger)
        if comment not in (None, expansion_sql.COMMENT):
            text = f"the table {self._ledger} is there, and is no ledger of ghostpy's"
            raise refusal(self.source, self.address, [Finding("name-taken", text, "Rename or drop it.")])
        for statement in (
            expansion_sql.create_ledger(self._ledger),
            expansion_sql.create_slots(self._ledger),
            f"REPLACE INTO {quote.table(self._ledger)} (id, number, text) "
            f"VALUES ('{expansion_text.ROW}', 0, {quote.text(expansion_text.written(expansion))})",
        ):
            await self._session.execute(statement, doing="writing the ledger")

    async def forget(self) -> None:
        filling = backfill_names(self._names, self._asked, quote.NAME_LIMIT, self._settings.target.force_table_names)
        if await self._comment_of(filling.ledger) == BACKFILL_COMMENT:
            await drop_at_last(self._session, filling.ledger)
        await drop_at_last(self._session, self._ledger)

    async def _comment_of(self, table: TableName) -> str | None:
        comment = await self._session.scalar(
            f"SELECT TABLE_COMMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = {quote.text(table.schema)} "
            f"AND TABLE_NAME = {quote.text(table.table)}",
            doing="looking for a ledger",
        )
        return None if comment is None else str(comment)

    async def wished(self) -> Expansion:
        return await self._planner.wished()

    async def wish_of(self, found: Expansion) -> bool:
        return same_wish(found, self._settings.expand, READING)

    async def examined(self, expansion: Expansion) -> tuple[list[Finding], list[str]]:
        return await self._planner.examined(expansion)

    # --- what is done ----------------------------------------------------------------------------------------------

    async def link(self, expansion: Expansion) -> None:
        async with self._locked():
            table = await self._planner.table()
            missing = [column.name for column in expansion.new if not table.has_column(column.name)]
            if missing:
                clauses = expansion_sql.add_columns(expansion, missing)
                await self._do(
                    f"ALTER TABLE {quote.table(self.source)} {clauses}, ALGORITHM=INSTANT", "adding the columns"
                )
                table = await self._planner.table()
            for name, statement in MySQLStepSql(expansion, columns_of(table), self._ledger).triggers().items():
                if name.table not in table.triggers:
                    await self._do(statement, "creating a trigger")

    async def unlink(self, expansion: Expansion, columns: Sequence[str]) -> Sequence[str]:
        table = await self._planner.table()
        there = [name for name in columns if table.has_column(name)]
        dropping = ", ".join(f"DROP COLUMN {quote.name(name)}" for name in there)
        if there:
            async with self._planner.probe(dropping) as (_, instant):
                at_once = instant
        async with self._locked():
            # In this order nobody is in trouble where it ends in the middle: an INSERT may leave the column out before the triggers go.
            for each in there:
                await self._loosen(table.column(each))
            for name in trigger_names(self.source).values():
                await self._do(f"DROP TRIGGER IF EXISTS {quote.table(name)}", "dropping a trigger")
            return there if there and not (at_once and await self._dropped(dropping)) else ()

    async def _dropped(self, dropping: str) -> bool:
        """Drop columns at once, where the server does so: a table altered often takes less than its empty clone."""
        try:
            await self._do(f"ALTER TABLE {quote.table(self.source)} {dropping}, ALGORITHM=INSTANT", "dropping columns")
        except errors.ConnectionFailed:
            raise
        except errors.ServerError:
            return False
        return True

    async def _loosen(self, column: Column) -> None:
        """Without its trigger an INSERT that leaves the column out must be taken still."""
        if column.nullable or column.has_default:
            return
        value = implicit_value(column)
        if value is None:
            value = _NO_IMPLICIT_VALUE.get(column.data_type, _SOME_MOMENT)
        elif column.data_type == "json" or column.data_type.endswith(("text", "blob")):
            value = f"({value})"
        await self._do(
            f"ALTER TABLE {quote.table(self.source)} ALTER COLUMN {quote.name(column.name)} SET DEFAULT {value}",
            "giving a column a default",
        )

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        """The table for us alone, so that nobody sees a half of what is done. The lock is waited for shortly, and often."""
        wait, attempts = self._settings.cut_over.lock_timeout, self._settings.cut_over.attempts
        await self._do(f"SET SESSION lock_wait_timeout = {wait}", "setting a time limit")
        lock = partial(self._do, f"LOCK TABLES {quote.table(self.source)} WRITE", f"locking {self.source}")
        await in_turns(attempts, wait, lock)
        try:
            yield
        finally:
            if self._session.usable:
                with contextlib.suppress(errors.GhostpyError):
                    await self._do("UNLOCK TABLES", "unlocking")

    async def _do(self, sql: str, doing: str) -> None:
        await self._session.execute(sql, doing=doing)

    async def filling(self, expansion: Expansion) -> TargetSettings:
        sql = MySQLStepSql(expansion, columns_of(await self._planner.table()), self._ledger)
        return replace(self._settings.target, assignments=expansion.up, where=sql.to_fill)

    async def steps(self, expansion: Expansion) -> Steps:
        table = await self._planner.table()
        if not all(table.has_column(column.name) for column in (*expansion.new, *expansion.old)):
            raise errors.SourceChanged(f"{self.source} on {self.address} has lost a column of its expansion")
        return await self._planner.rows(MySQLStepSql(expansion, columns_of(table), self._ledger), table).steps()

    async def linked(self, expansion: Expansion) -> bool:
        table = await self._planner.table()
        return {name.table for name in trigger_names(self.source).values()} <= set(table.triggers)

    def uses(self, expansion: Expansion) -> ExpansionUses:
        return ExpansionUses(self._session, expansion, self._ledger)

    async def removing(self, expansion: Expansion, columns: Sequence[str]) -> list[str]:
        drops = [f"DROP TRIGGER {quote.table(name)}" for name in trigger_names(self.source).values()]
        dropping = ", ".join(f"DROP COLUMN {quote.name(name)}" for name in columns)
        return [*drops, f"ALTER TABLE {quote.table(self.source)} {dropping}"]

    def rest(self, expansion: Expansion, left: Sequence[str]) -> str:
        clauses = [f"DROP COLUMN {quote.name(name)}" for name in left]
        clauses += [
            f"MODIFY COLUMN {quote.name(column.name)} {column.definition} NOT NULL"
            for column in expansion.new
            if column.required
        ]
        return ", ".join(clauses)
