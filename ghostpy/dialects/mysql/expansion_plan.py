"""May these columns be kept in step, and how would it be done? Nothing is left behind to find out."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.expansion_rows import ExpansionRows, Walked
from ghostpy.dialects.mysql import expansion_sql, quote
from ghostpy.dialects.mysql.conflicts import shown
from ghostpy.dialects.mysql.expansion_sql import MySQLStepSql
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.housekeeping import drop_at_last
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.key_codec import fits_key
from ghostpy.dialects.mysql.privileges import FOR_EXPANSION, granted, missing_privileges, privilege_findings
from ghostpy.dialects.mysql.server_checks import ENGINES
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.update_statements import UpdateStatements
from ghostpy.model.column_map import CopyKey
from ghostpy.model.expansion import Expansion, ExpansionPhase, Fit, SideColumn
from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.table import Column, Table
from ghostpy.planning import expansion as planning
from ghostpy.planning.backfill import assembled, backfill_key
from ghostpy.planning.sql_tokens import tokenize
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.preflight.source import source_findings
from ghostpy.settings import ExpandSettings, TargetSettings

READING = planning.Reading(tokenize, str.casefold)
_CONSTANT_DEFAULT = re.compile(r" DEFAULT (?:NULL\b|'|-?[\d.]+\b|_\w+')", re.IGNORECASE)
_OLDEST_MARIADB = (10, 6, 0)
"""The first with SKIP LOCKED ("SELECT … FOR UPDATE", MariaDB Knowledge Base)."""


class ExpansionPlanner:
    """On an open session. `ledger`: where the triggers note writes."""

    def __init__(
        self,
        session: Session,
        facts: ServerFacts,
        source: TableName,
        names: HelperNames,
        ledger: TableName,
        wish: ExpandSettings,
    ) -> None:
        self._session = session
        self._facts = facts
        self.source = source
        self.address = session.settings.address
        self._names = names
        self._ledger = ledger
        self._wish = wish

    async def wished(self) -> Expansion:
        """See `Expanding.wished`."""
        expansion, findings = planning.wished(await self.table(), self._wish, READING, _side)
        if expansion is None:
            raise refusal(self.source, self.address, findings)
        return expansion

    async def examined(self, expansion: Expansion) -> tuple[list[Finding], list[str]]:
        """See `Expanding.examined`."""
        findings = await self._privileges()
        if findings:
            raise refusal(self.source, self.address, findings)
        table, findings = await self.table(), self._server_findings()
        missing = [column.name for column in expansion.new if not table.has_column(column.name)]
        findings += self._table_findings(table, expansion)
        if refusing(findings):
            raise refusal(self.source, self.address, findings)
        clauses = expansion_sql.add_columns(expansion, missing)
        async with self.probe(clauses) as (probe, instant):
            if not instant:
                text = f"the server cannot add the columns to {self.source} at once, without writing the table anew"
                way_out = 'Where that is for want of a rebuild: `ghostpy migrate --alter "ENGINE=InnoDB" --execute`; then run the same command again.'
                raise refusal(self.source, self.address, [*findings, Finding("not-instant", text, way_out)])
            sql = MySQLStepSql(expansion, {**columns_of(table), **columns_of(probe)}, self._ledger)
        findings += [
            Finding(
                "type-not-kept",
                f"{name} is of the type {sql.columns[name].full_type}, which cannot be kept in step",
                "Use another type.",
            )
            for name in (*sql.old, *sql.new)
            if not expansion_sql.is_kept(sql.columns[name])
        ]
        if refusing(findings):
            raise refusal(self.source, self.address, findings)
        fit = await self._rehearsed(sql, table) if expansion.phase is not ExpansionPhase.EXPANDED else Fit()
        findings += planning.fit_findings(self.source, fit)
        if refusing(findings):
            raise refusal(self.source, self.address, findings)
        await self._try_triggers(sql, clauses)
        add = [f"ALTER TABLE {quote.table(self.source)} {clauses}, ALGORITHM=INSTANT"] if clauses else []
        return findings, [*add, *sql.triggers().values()]

    async def _privileges(self) -> list[Finding]:
        facts = self._facts
        mariadb = facts.flavour == "mariadb" and facts.numbers >= (10, 5, 2)
        missing = missing_privileges(
            await granted(self._session), self.source.schema, mariadb=mariadb, on_tables=FOR_EXPANSION
        )
        return privilege_findings(missing, self.source)

    async def _try_triggers(self, sql: MySQLStepSql, clauses: str) -> None:
        """Create them on an empty clone: what the server asks for beside privileges, it says then."""
        async with self.probe(clauses) as (probe, _):
            for statement in (
                MySQLStepSql(replace(sql.expansion, source=probe.name), sql.columns, self._ledger).triggers().values()
            ):
                try:
                    await self._session.execute(statement, doing="trying a trigger on an empty clone")
                except (errors.ConnectionFailed, errors.TransientError):
                    raise
                except errors.GhostpyError as error:
                    text = f"the server refused the triggers: {error.message}"
                    way_out = "Where it asks for SUPER: SET GLOBAL log_bin_trust_function_creators = 1, or an account that has it."
                    raise refusal(self.source, self.address, [Finding("trigger-refused", text, way_out)]) from error

    async def _rehearsed(self, sql: MySQLStepSql, table: Table) -> Fit:
        try:
            return await self.rows(sql, table).fit()
        except (errors.ConnectionFailed, errors.TransientError):
            raise
        except errors.MissingPrivilege as error:
            text = f"{error.message}: whether all rows fit is looked at in a temporary table"
            raise errors.MissingPrivilege(
                text, hint="GRANT CREATE TEMPORARY TABLES on the database, then run it again. Nothing was changed."
            ) from error
        except errors.ServerError as error:
            finding = Finding(
                "bad-expression", f"the server refused --up or --down: {error.message}", "Correct the expression."
            )
            raise refusal(self.source, self.address, [finding]) from error

    def _server_findings(self) -> list[Finding]:
        facts = self._facts
        findings = []
        if facts.read_only:
            findings.append(Finding("read-only", "the server is read-only (a replica?)", "Connect to the primary."))
        if facts.log_bin and facts.binlog_format == "STATEMENT":
            text = "the binary log holds statements (binlog_format=STATEMENT): triggers would run on replicas as well, and note writes there"
            findings.append(Finding("binlog-format", text, "SET GLOBAL binlog_format = 'ROW', then run it again."))
        if facts.flavour == "mariadb" and facts.numbers < _OLDEST_MARIADB:
            findings.append(Finding("old-server", f"MariaDB {facts.version} has no SKIP LOCKED", "Upgrade it to 10.6."))
        return findings

    def _table_findings(self, table: Table, expansion: Expansion) -> list[Finding]:
        computed = [c.name for c in expansion.old if _computed_default(table, table.column(c.name))]
        findings = planning.computed_defaults(computed)
        for key in table.foreign_keys_out:
            named = [c.name for c in expansion.old if f"`{c.name}`" in _constraint(table.create_sql, key.name)]
            if named:
                text = f"{', '.join(named)} is in the foreign key {key.name}, whose cascades fire no triggers on this server"
                findings.append(Finding("foreign-key", text, "Drop the foreign key first."))
        return findings

    @asynccontextmanager
    async def probe(self, clauses: str) -> AsyncIterator[tuple[Table, bool]]:
        """An empty clone of the table with these clauses, and whether the server took them at once; gone afterwards."""
        name = self._names.probe
        await drop_at_last(self._session, name)
        try:
            await self._session.execute(
                f"CREATE TABLE {quote.table(name)} LIKE {quote.table(self.source)}", doing="creating an empty clone"
            )
            instant = True
            if clauses:
                instant = await self._takes(name, f"{clauses}, ALGORITHM=INSTANT") or not await self._takes(
                    name, clauses, why=True
                )
            probe = await describe(self._session, name)
            assert probe is not None
            yield probe, instant
        finally:
            await drop_at_last(self._session, name)

    async def _takes(self, table: TableName, clauses: str, *, why: bool = False) -> bool:
        try:
            await self._session.execute(
                f"ALTER TABLE {quote.table(table)} {clauses}", doing="trying the change on an empty clone"
            )
        except (errors.ConnectionFailed, errors.TransientError):
            raise
        except errors.GhostpyError as error:
            if why:
                finding = Finding("alter-refused", f"the server refused it: {error.message}", "Correct the definition.")
                raise refusal(self.source, self.address, [finding]) from error
            return False
        return True

    async def table(self) -> Table:
        """The table as it is. Raises PlanRefused where it cannot be expanded for what it is."""
        table = await describe(self._session, self.source)
        if table is None:
            finding = Finding("no-such-table", f"there is no table {self.source}", "Check --database and --table.")
            raise refusal(self.source, self.address, [finding])
        findings = source_findings(table, engines=ENGINES)
        if findings:
            raise refusal(self.source, self.address, findings)
        return table

    def rows(self, sql: MySQLStepSql, table: Table) -> ExpansionRows:
        """What looks at all rows. Raises PlanRefused where there is no key to go along."""
        old = [table.column(name) for name in sql.old if table.has_column(name)]
        key, findings = backfill_key(table, (), fits=fits_key)
        if key is None:
            raise refusal(self.source, self.address, findings)
        findings = planning.key_findings(key, [column.name for column in old])
        if findings:
            raise refusal(self.source, self.address, findings)
        along = _along(table, key, self._names, old)
        return ExpansionRows(
            self._session,
            sql,
            Walked(
                key,
                along,
                of=f"{along.source} {along.index}",
                temporary=f"{quote.name(self.source.schema)}.`_ghostpy_fit`",
                typed=expansion_sql.definition_of,
                shown=shown,
            ),
        )


def columns_of(table: Table) -> dict[str, Column]:
    """By their names."""
    return {column.name: column for column in table.columns}


def _side(column: Column) -> SideColumn:
    return SideColumn(column.name, expansion_sql.definition_of(column), required=not column.nullable)


def _computed_default(table: Table, column: Column) -> bool:
    """Whether it is more than a constant, by the column's own line: information_schema writes both alike."""
    start = f"{quote.name(column.name)} "
    line = next((line for line in table.create_sql.splitlines() if line.strip().startswith(start)), "")
    return column.has_default and not _CONSTANT_DEFAULT.search(line)


def _constraint(create_sql: str, name: str) -> str:
    """The line of CREATE TABLE that makes a constraint."""
    return next((line for line in create_sql.splitlines() if f"CONSTRAINT {quote.name(name)}" in line), "")


def _along(table: Table, key: CopyKey, names: HelperNames, set_: Sequence[Column]) -> UpdateStatements:
    asked = TargetSettings(assignments=tuple((column.name, quote.name(column.name)) for column in set_))
    plan = assembled(table, key, set_, names, asked, quoted="", update=lambda *_: "")
    return UpdateStatements(plan)
