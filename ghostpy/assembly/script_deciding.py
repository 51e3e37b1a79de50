"""How each statement of a script is carried out: by its text, and by what the server says."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import dialect_for
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.script import Decided, Kind, Statement, TableStanding, Way
from ghostpy.observe.figures import whole
from ghostpy.protocols import Applying
from ghostpy.settings import BackupSettings, MigrateSettings

Planned = Callable[[str, TableName], Coroutine[Any, Any, Plan]]


def migration_of(settings: MigrateSettings, server: Applying, alter: str, table: TableName) -> MigrateSettings:
    """The settings of the migration that a statement is."""
    asked, where = settings.target, server.target(table)
    # Two of a script may be about one table: their old tables need names of their own.
    target = replace(where, alter=alter, strategy=asked.strategy or "auto", ok_to_drop_old=asked.ok_to_drop_old)
    target = replace(target, timestamp_old_table=not asked.ok_to_drop_old)
    control = replace(settings.control, database=target.database, table=target.table)
    # Backups were asked for in front of the first statement.
    return replace(settings, target=target, control=control, backups=BackupSettings())


async def plan_of(settings: MigrateSettings) -> Plan:
    """What a migration would do, without an estimate. Raises PlanRefused and what else a plan raises."""
    dialect = dialect_for(replace(settings, execute=False))
    try:
        await dialect.open()
        return await dialect.plan()
    finally:
        await dialect.close()


class Decider:
    """Decides on one statement after the other. `forget` is to be called once all that was decided on is done."""

    def __init__(self, server: Applying, settings: MigrateSettings) -> None:
        self._server = server
        self._settings = settings
        self._made: set[str] = set()
        self._touched: dict[str, list[str] | None] = {}
        """Tables, and how they are changed; None: in a way that no plan can take in."""

    def forget(self) -> None:
        """What was decided on is on the server now."""
        self._made.clear()
        self._touched.clear()

    async def decide(self, statement: Statement) -> Decided:
        """How to carry it out; LATER where that depends on what was decided on before. Findings say what stands against it."""
        decided = await self._decided(statement)
        if decided.way is not Way.LATER:
            self._made |= {name[-1] for name in statement.makes}
            for concern in statement.concerns:
                earlier = self._touched.get(concern.name[-1], [])
                joins = bool(statement.alter) and earlier is not None
                self._touched[concern.name[-1]] = [*(earlier or ()), statement.alter] if joins else None
        warnings = tuple(self._weighed(finding) for finding in statement.findings)
        return replace(decided, findings=(*warnings, *decided.findings))

    def _weighed(self, finding: Finding) -> Finding:
        allowed = finding.code in self._settings.script.allowed
        return replace(finding, severity=Severity.WARN) if allowed else finding

    async def _decided(self, statement: Statement) -> Decided:
        if statement.kind is Kind.ROWS:
            return await self._rows(statement)
        if statement.kind is Kind.MAINTENANCE:
            return Decided(statement, Way.DIRECT, "it runs in no transaction")
        if statement.kind is Kind.TABLE and statement.alter:
            return await self._table(statement)
        if self._server.transactional:
            return Decided(statement, Way.TOGETHER, "definitions change in the transaction that notes it")
        return Decided(statement, Way.DIRECT, "the server carries it out as a whole or not at all")

    def _as_it_stands(self, statement: Statement, reason: str, standing: TableStanding) -> Decided:
        way = Way.TOGETHER if self._server.transactional else Way.DIRECT
        return Decided(statement, way, reason, table=standing.table)

    async def _table(self, statement: Statement) -> Decided:
        standing = await self._server.standing(statement)
        table = standing.table
        if table is None:
            if statement.concurrently and self._made:
                return Decided(statement, Way.LATER, "its table is made in front of it")
            made = statement.table and statement.table[-1] in self._made
            return self._as_it_stands(
                statement, "its table is made by this script" if made else "its table is not there", standing
            )
        if standing.small and not statement.concurrently:
            reason = f"{table} is small" if self._touched.get(table.table, []) == [] else f"{table} is small, or new"
            return self._as_it_stands(statement, reason, standing)
        earlier = self._touched.get(table.table, [])
        if earlier is None:
            return Decided(statement, Way.LATER, "what stands in front of it changes the same table", table=table)
        if not self._server.transactional:
            if earlier:
                return Decided(statement, Way.LATER, "what stands in front of it changes the same table", table=table)
            return Decided(statement, Way.ONLINE, table=table)
        return await self._planned(statement, table, earlier)

    async def _planned(self, statement: Statement, table: TableName, earlier: list[str]) -> Decided:
        try:
            plan = await plan_of(
                migration_of(self._settings, self._server, "; ".join([*earlier, statement.alter]), table)
            )
        except (errors.PlanRefused, errors.UsageError):
            if not earlier:
                raise
            plan = None
        if plan is not None and plan.strategy is Strategy.INSTANT and not statement.concurrently:
            return Decided(statement, Way.TOGETHER, plan.reason, plan.strategy.value, table)
        if earlier or plan is None:
            return Decided(statement, Way.LATER, "what stands in front of it changes the same table", table=table)
        return Decided(statement, Way.ONLINE, plan.reason, plan.strategy.value, table, findings=plan.findings)

    async def _rows(self, statement: Statement) -> Decided:
        standing = await self._server.standing(statement)
        together = Decided(
            statement, Way.TOGETHER, "rows change in the transaction that notes it", table=standing.table
        )
        if not standing.transactional:
            text = f"the rows of {standing.table} do not change in transactions, so that it could not be told whether {statement.told} ran"
            return replace(
                together, findings=(Finding("not-transactional", text, "Convert the table to InnoDB first."),)
            )
        if not statement.asks:
            return together
        try:
            rows = await self._server.rows_read(statement)
        except (errors.ServerGone, errors.TransientError, errors.MissingPrivilege):
            raise
        except errors.GhostpyError as error:
            if self._made or self._touched:
                return Decided(statement, Way.LATER, "what stands in front of it must be done first")
            text = f"the server refuses {statement.told}: {error.message}"
            return replace(together, findings=(Finding("statement-refused", text, "Correct the statement."),))
        limit = self._settings.script.small_rows
        if rows <= limit:
            return together
        text = f"{statement.told} goes through about {whole(rows)} rows in one transaction, more than {whole(limit)}"
        way_out = "Use `ghostpy backfill` for it, or accept it by --allow large-update."
        return replace(together, findings=(self._weighed(Finding("large-update", text, way_out)),))
