"""PostgreSQL: what the server does for an expansion, its contraction, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import expansion_text
from ghostpy.dialects.expansion_walk import in_turns
from ghostpy.dialects.postgres import expansion_sql, quote
from ghostpy.dialects.postgres.expansion_plan import READING, ExpansionPlanner, columns_of
from ghostpy.dialects.postgres.expansion_sql import TRIGGER
from ghostpy.dialects.postgres.expansion_uses import ExpansionUses
from ghostpy.dialects.postgres.facts import ServerFacts, server_facts
from ghostpy.dialects.postgres.housekeeping import Housekeeper, drop_our_schema
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.names import LEDGER, backfill_ledger, expansion_schema, helper_names
from ghostpy.dialects.postgres.session import LONGEST_WAIT, Session
from ghostpy.dialects.postgres.target import schema_of, split_name
from ghostpy.model.expansion import Expansion, Steps
from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames, TableName
from ghostpy.planning.expansion import same_wish
from ghostpy.preflight.refusal import refusal
from ghostpy.settings import MigrateSettings, TargetSettings

log = logging.getLogger("ghostpy.postgres")

_OURS = "SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname = %s"


class PostgresExpanding:
    """Fulfils `Expanding`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._connect = settings.connect
        self._housekeeper = Housekeeper(self._connect, settings.cut_over.attempts, log.info)
        self._source = TableName("", settings.target.table)
        self._names: HelperNames | None = None
        self._schema = ""
        self._facts: ServerFacts | None = None

    @property
    def address(self) -> str:
        return self._connect.address

    @property
    def version(self) -> str:
        return self._facts.version if self._facts is not None else ""

    @property
    def source(self) -> TableName:
        return self._source

    @property
    def ledger(self) -> str:
        return self._schema

    @property
    def _session(self) -> Session:
        return self._housekeeper.session

    async def open(self) -> None:
        await self._housekeeper.open()
        self._facts = await server_facts(self._session)
        schema, table = split_name(self._settings.target.table)
        self._source = TableName(schema or await schema_of(self._session, table), table)
        base = self._settings.target.force_table_names
        self._names = helper_names(self._source, base=base)
        self._schema = expansion_schema(self._source, base)
        self._housekeeper.aim(self._source, self._names)
        # The triggers' function finds names like this; here they must be the same.
        await self._do(f"SET search_path = pg_catalog, {quote.name(self._source.schema)}, pg_temp", "setting the path")

    async def close(self) -> None:
        await self._housekeeper.close()

    async def lock_run(self) -> None:
        await self._housekeeper.lock_run()

    @property
    def _planner(self) -> ExpansionPlanner:
        assert self._facts is not None
        assert self._names is not None
        wish = self._settings.expand
        return ExpansionPlanner(self._session, self._facts, self._source, self._names, self._schema, wish)

    # --- the ledger ------------------------------------------------------------------------------------------------

    async def _comment(self) -> str | None:
        rows = await self._session.query(_OURS, [self._schema], doing="looking for a ledger")
        return str(rows[0][0] or "") if rows else None

    async def saved(self) -> Expansion | None:
        if not (await self._comment() or "").startswith(expansion_sql.COMMENT):
            return None
        text = await self._session.scalar(
            f"SELECT value FROM {self._table_of_ledger} WHERE id = {quote.text(expansion_text.ROW)}",
            doing="reading the ledger",
        )
        return None if text is None else expansion_text.read(str(text))

    @property
    def _table_of_ledger(self) -> str:
        return quote.table(TableName(self._schema, LEDGER))

    async def save(self, expansion: Expansion) -> None:
        comment = await self._comment()
        if comment is not None and not comment.startswith(expansion_sql.COMMENT):
            text = f"the schema {self._schema} is there, and is none of ghostpy's expansions"
            raise refusal(self.source, self.address, [Finding("name-taken", text, "Rename or drop it.")])
        async with self._session.transaction(doing="writing the ledger"):
            if comment is None:
                await self._do(expansion_sql.create_ledger(self._schema, self._source), "creating the ledger")
            await self._do(
                f"INSERT INTO {self._table_of_ledger} VALUES ({quote.text(expansion_text.ROW)}, "
                f"{quote.text(expansion_text.written(expansion))}) ON CONFLICT (id) DO UPDATE SET value = excluded.value",
                "writing the ledger",
            )

    async def forget(self) -> None:
        await drop_our_schema(
            self._session, backfill_ledger(self._source, self._settings.target.force_table_names).schema
        )
        if await table_oid(self._session, self._source) is None:
            # With the table its trigger has gone, but neither function nor sequence.
            await self._do(expansion_sql.drop_functions(self._schema), "dropping what is left")
        await drop_our_schema(self._session, self._schema)

    async def wished(self) -> Expansion:
        return await self._planner.wished()

    async def wish_of(self, found: Expansion) -> bool:
        return same_wish(found, self._settings.expand, READING)

    async def examined(self, expansion: Expansion) -> tuple[list[Finding], list[str]]:
        return await self._planner.examined(expansion)

    # --- what is done ----------------------------------------------------------------------------------------------

    async def link(self, expansion: Expansion) -> None:
        planner = self._planner
        table = await planner.table()
        missing = [column.name for column in expansion.new if not table.has_column(column.name)]
        columns = {**await planner.probed(expansion), **columns_of(table)}
        await self._at_once(planner.sql(expansion, columns).link(missing), "adding columns and triggers")

    async def unlink(self, expansion: Expansion, columns: Sequence[str]) -> Sequence[str]:
        await self._at_once(self._planner.sql(expansion, {}).unlink(columns), "removing triggers and columns")
        return ()

    async def _at_once(self, statements: Sequence[str], doing: str) -> None:
        """In one transaction, which waits for no lock longer than is told, and is tried again."""
        wait = min(float(self._settings.cut_over.lock_timeout), LONGEST_WAIT)

        async def attempt() -> None:
            async with self._session.transaction(doing=doing):
                await self._do(f"SET LOCAL lock_timeout = '{int(wait * 1000)}ms'", "setting a time limit")
                for statement in statements:
                    await self._do(statement, doing)

        await in_turns(self._settings.cut_over.attempts, wait, attempt)

    async def _do(self, sql: str, doing: str) -> None:
        await self._session.execute(sql, doing=doing)

    async def filling(self, expansion: Expansion) -> TargetSettings:
        planner = self._planner
        sql = planner.sql(expansion, columns_of(await planner.table()))
        return replace(self._settings.target, assignments=expansion.up, where=sql.to_fill)

    async def steps(self, expansion: Expansion) -> Steps:
        planner = self._planner
        table = await planner.table()
        if not all(table.has_column(column.name) for column in (*expansion.new, *expansion.old)):
            raise errors.SourceChanged(f"{self.source} on {self.address} has lost a column of its expansion")
        return await planner.rows(planner.sql(expansion, columns_of(table)), table).steps()

    async def linked(self, expansion: Expansion) -> bool:
        return bool(
            await self._session.scalar(
                "SELECT count(*) FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname = %s AND tgenabled <> 'D'",
                [quote.table(self.source), TRIGGER],
                doing="looking for triggers",
            )
        )

    def uses(self, expansion: Expansion) -> ExpansionUses:
        return ExpansionUses(self._session, expansion, self._schema)

    async def removing(self, expansion: Expansion, columns: Sequence[str]) -> list[str]:
        return self._planner.sql(expansion, {}).unlink(columns)

    def rest(self, expansion: Expansion, left: Sequence[str]) -> str:
        return ", ".join(f"ALTER COLUMN {quote.name(c.name)} SET NOT NULL" for c in expansion.new if c.required)
