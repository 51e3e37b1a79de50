"""May these columns be kept in step, and how would it be done? Nothing is left behind to find out."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ghostpy import errors
from ghostpy.dialects.expansion_rows import ExpansionRows, Walked
from ghostpy.dialects.postgres import expansion_sql, quote
from ghostpy.dialects.postgres.expansion_sql import TRIGGER, PostgresStepSql
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.inspect import describe
from ghostpy.dialects.postgres.server_checks import OLDEST
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.update_statements import UpdateStatements
from ghostpy.model.expansion import Expansion, ExpansionPhase, Fit, SideColumn
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.table import Column, Table
from ghostpy.planning import expansion as planning
from ghostpy.planning.backfill import assembled, backfill_key
from ghostpy.planning.postgres_tokens import tokenize
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.settings import ExpandSettings, TargetSettings

READING = planning.Reading(tokenize, str)
_CONSTANT = re.compile(r"\(?(?:'(?:[^']|'')*'|-?[\d.]+|NULL|true|false)\)?(?:::[\w\s\"().,]+(?:\[\])?)?", re.IGNORECASE)
_HANGS_ON = """
SELECT ARRAY(SELECT t.tgname::text FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype::int & 3 = 3 ORDER BY 1),
       ARRAY(SELECT r.rulename::text FROM pg_rewrite r WHERE r.ev_class = c.oid ORDER BY 1),
       ARRAY(SELECT i.inhrelid::regclass::text FROM pg_inherits i WHERE i.inhparent = c.oid ORDER BY 1), c.relispartition,
       has_database_privilege(current_database(), 'create'), pg_has_role(c.relowner, 'USAGE'), pg_get_userbyid(c.relowner)
FROM pg_class c WHERE c.oid = %s::regclass
"""
_PROBE = "ghostpy_probe"


class ExpansionPlanner:
    """On an open session. `schema`: where ledger and function of the expansion stand."""

    def __init__(
        self,
        session: Session,
        facts: ServerFacts,
        source: TableName,
        names: HelperNames,
        schema: str,
        wish: ExpandSettings,
    ) -> None:
        self._session = session
        self._facts = facts
        self.source = source
        self.address = session.address
        self._names = names
        self._schema = schema
        self._wish = wish

    async def wished(self) -> Expansion:
        """See `Expanding.wished`."""
        expansion, findings = planning.wished(await self.table(), self._wish, READING, _side)
        if expansion is None:
            raise refusal(self.source, self.address, findings)
        return expansion

    async def examined(self, expansion: Expansion) -> tuple[list[Finding], list[str]]:
        """See `Expanding.examined`."""
        table = await self.table()
        findings = self._server_findings() + await self._hanging_on() + self._default_findings(table, expansion)
        if refusing(findings):
            raise refusal(self.source, self.address, findings)
        missing = [column.name for column in expansion.new if not table.has_column(column.name)]
        sql = self.sql(expansion, {**await self.probed(expansion), **columns_of(table)})
        await self._try_function(sql)
        fit = await self._rehearsed(sql, table) if expansion.phase is not ExpansionPhase.EXPANDED else Fit()
        findings += planning.fit_findings(self.source, fit)
        if refusing(findings):
            raise refusal(self.source, self.address, findings)
        return findings, sql.link(missing)

    def sql(self, expansion: Expansion, columns: Mapping[str, Column]) -> PostgresStepSql:
        """The statements of an expansion; without `columns` only those that take it away."""
        return PostgresStepSql(expansion, columns, self._schema)

    async def probed(self, expansion: Expansion) -> dict[str, Column]:
        """The new columns as the server describes them in a temporary table."""
        parts = ", ".join(f"{quote.name(column.name)} {column.definition}" for column in expansion.new)
        try:
            await self._do(
                f"DROP TABLE IF EXISTS pg_temp.{_PROBE}; CREATE TEMPORARY TABLE {_PROBE} ({parts})",
                "trying the new columns",
            )
        except (errors.ConnectionFailed, errors.TransientError):
            raise
        except errors.GhostpyError as error:
            finding = Finding("alter-refused", f"the server refused --add: {error.message}", "Correct the definition.")
            raise refusal(self.source, self.address, [finding]) from error
        schema = await self._session.scalar(
            "SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()", doing="looking for a table"
        )
        probe = await describe(self._session, TableName(str(schema), _PROBE))
        domains = await self._session.query(
            "SELECT a.attname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND t.typtype = 'd'",
            [f"{quote.name(str(schema))}.{_PROBE}"],
            doing="looking for domains",
        )
        await self._do(f"DROP TABLE pg_temp.{_PROBE}", "dropping a temporary table")
        if domains:
            text = f"{', '.join(str(name) for (name,) in domains)} is of a domain: the server would read the whole table to add it"
            raise refusal(self.source, self.address, [Finding("not-instant", text, "Use the type below it.")])
        assert probe is not None
        return columns_of(probe)

    async def _try_function(self, sql: PostgresStepSql) -> None:
        """Let the server read the expressions where the triggers will: with the columns of one side."""
        for flag, side, expressions in (("--up", sql.old, sql.expansion.up), ("--down", sql.new, sql.expansion.down)):
            nulls = ", ".join(f"NULL::{sql.columns[name].full_type} AS {quote.name(name)}" for name in side)
            for name, text in expressions:
                of = f"(SELECT {nulls}) AS {quote.name(self.source.table)}"
                try:
                    await self._session.query(
                        f"EXPLAIN SELECT {sql.stored(f'({text})', sql.columns[name])} FROM {of}",
                        doing=f"reading {flag} {name}",
                    )
                except (errors.ConnectionFailed, errors.TransientError):
                    raise
                except errors.GhostpyError as error:
                    self._refuse_expression(error)

    def _refuse_expression(self, error: errors.GhostpyError) -> None:
        text = f"the server refused --up or --down: {error.message}"
        way_out = "Correct the expression; functions outside of pg_catalog and the table's schema need their schema before the name."
        raise refusal(self.source, self.address, [Finding("bad-expression", text, way_out)]) from error

    async def _rehearsed(self, sql: PostgresStepSql, table: Table) -> Fit:
        try:
            return await self.rows(sql, table).fit()
        except (errors.ConnectionFailed, errors.TransientError, errors.MissingPrivilege):
            raise
        except errors.ServerError as error:
            self._refuse_expression(error)
            raise

    def _server_findings(self) -> list[Finding]:
        facts = self._facts
        findings = []
        if facts.major < OLDEST:
            text = f"the server is PostgreSQL {facts.version}; {OLDEST} is the oldest that works"
            findings.append(Finding("old-server", text, "Upgrade it."))
        if facts.in_recovery or facts.read_only:
            findings.append(Finding("read-only", "the server is a standby or read-only", "Connect to the primary."))
        return findings

    async def _hanging_on(self) -> list[Finding]:
        facts = self._facts
        rows = await self._session.query(_HANGS_ON, [quote.table(self.source)], doing="looking at the table")
        triggers, rules, children, partition, creates, owns, owner = rows[0]
        findings = []
        later = [name for name in triggers if name > TRIGGER]
        if later:
            text = f"the triggers {', '.join(later)} of {self.source} fire after ours: what they change is not followed"
            findings.append(Finding("later-triggers", text, "See that they change none of the columns.", Severity.WARN))
        if rules:
            text = f"rules of {self.source} rewrite statements ({', '.join(rules)})"
            findings.append(Finding("rules", text, "Drop them first, or make triggers of them."))
        if children or partition:
            text = f"{self.source} has tables that inherit from it, or is partitioned"
            findings.append(Finding("inherited", text, "Partitioned tables cannot be expanded yet."))
        if not creates:
            text = f"{facts.user} has no CREATE on the database {facts.database} (for the ledger's schema)"
            findings.append(
                Finding("missing-privilege", text, f'GRANT CREATE ON DATABASE "{facts.database}" TO "{facts.user}";')
            )
        if not owns:
            text = f"{facts.user} does not own {self.source}, and is no member of {owner}"
            findings.append(Finding("missing-privilege", text, f'GRANT "{owner}" TO "{facts.user}";'))
        return findings

    def _default_findings(self, table: Table, expansion: Expansion) -> list[Finding]:
        columns = [table.column(side.name) for side in expansion.old]
        return planning.computed_defaults(
            [c.name for c in columns if c.default is not None and not _CONSTANT.fullmatch(c.default)]
        )

    async def table(self) -> Table:
        """The table as it is. Raises PlanRefused where it cannot be expanded for what it is."""
        table = await describe(self._session, self.source)
        if table is None:
            finding = Finding("no-such-table", f"there is no table {self.source}", "Check --table and the database.")
            raise refusal(self.source, self.address, [finding])
        if table.kind != "BASE TABLE":
            text = f"{self.source} is a {table.kind.lower()}, not a plain table"
            raise refusal(self.source, self.address, [Finding("not-a-table", text, "Name a table of rows.")])
        return table

    def rows(self, sql: PostgresStepSql, table: Table) -> ExpansionRows:
        """What looks at all rows. Raises PlanRefused where there is no key to go along."""
        key, findings = backfill_key(table, (), fits=lambda _: True)
        if key is None:
            raise refusal(self.source, self.address, findings)
        old = [table.column(name) for name in sql.old]
        findings = planning.key_findings(key, sql.old)
        if findings:
            raise refusal(self.source, self.address, findings)
        asked = TargetSettings(assignments=tuple((column.name, quote.name(column.name)) for column in old))
        along = UpdateStatements(assembled(table, key, old, self._names, asked, quoted="", update=lambda *_: ""))
        walked = Walked(key, along, along.source, "pg_temp.ghostpy_fit", expansion_sql.definition_of, str)
        return ExpansionRows(self._session, sql, walked)

    async def _do(self, sql: str, doing: str) -> None:
        await self._session.execute(sql, doing=doing)


def columns_of(table: Table) -> dict[str, Column]:
    """By their names."""
    return {column.name: column for column in table.columns}


def _side(column: Column) -> SideColumn:
    return SideColumn(column.name, expansion_sql.definition_of(column), required=not column.nullable)
