"""From the settings and the server's answers to a plan. Leaves nothing behind on the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.done_already import DoneAlready
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.housekeeping import drop_at_last
from ghostpy.dialects.mysql.inspect import describe, table_exists
from ghostpy.dialects.mysql.native import Native, native_way
from ghostpy.dialects.mysql.privileges import (
    ON_TABLES,
    granted,
    hidden_findings,
    missing_privileges,
    privilege_findings,
)
from ghostpy.dialects.mysql.server_checks import ENGINES, binlog_filter_findings, server_findings
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.turning import reversibility, stream_key
from ghostpy.dialects.mysql.types import carries_key, implicit_value
from ghostpy.model.column_map import ColumnMap, CopyKey
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import HelperNames, TableName, helper_names
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Table
from ghostpy.planning.alter import AlterText, parse_alter
from ghostpy.planning.column_map import map_columns, transform_findings, valueless_columns
from ghostpy.planning.copy_key import choose_copy_key
from ghostpy.planning.expressions import expression_findings
from ghostpy.planning.outcome import nowhere, steps_of
from ghostpy.preflight.attached import attached_findings
from ghostpy.preflight.change import change_findings, dropped_findings
from ghostpy.preflight.checks import check_findings
from ghostpy.preflight.leftovers import leftover_findings
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.preflight.source import source_findings
from ghostpy.settings import TargetSettings, TopologySettings

_CLEAN_UP_LIMIT = 30.0


class Target(Struct, frozen=True):
    """What to change, names resolved."""

    source: TableName
    alter: AlterText
    names: HelperNames


def resolve_target(target: TargetSettings, *, started: datetime, altered: bool = True) -> Target:
    """Names and, where the table is `altered`, clauses from the settings. Raises UsageError where they contradict each other or are missing."""
    as_desired = bool(target.desired) and not target.alter
    alter = parse_alter(target.alter) if altered and not as_desired else AlterText("")
    for flag, given, written in (
        ("--database", target.database, alter.database),
        ("--table", target.table, alter.table),
    ):
        if given and written and given != written:
            raise errors.UsageError(f"{flag} says {given!r}, but the ALTER names {written!r}")
    schema, table = target.database or alter.database or "", target.table or alter.table or ""
    if not table:
        raise errors.UsageError("no table given: use --table, or write a whole ALTER TABLE statement")
    if not schema:
        raise errors.UsageError("no database given: use --database, the URL's path, or ALTER TABLE db.table")
    source = TableName(schema, table)
    names = helper_names(
        source,
        limit=quote.NAME_LIMIT,
        base=target.force_table_names,
        old_timestamp=started if target.timestamp_old_table else None,
    )
    return Target(source, alter, names)


class Planner:
    """Makes the plan of one run on an open session."""

    def __init__(
        self,
        session: Session,
        facts: ServerFacts,
        target: Target,
        settings: TargetSettings,
        topology: TopologySettings,
        *,
        execute: bool,
        resuming: bool = False,
        revertible: bool = False,
        lock_timeout: float = 3,
    ) -> None:
        self._session = session
        self._facts = facts
        self._target = target
        self._settings = settings
        self._topology = topology
        self._address = session.settings.address
        self._execute = execute
        self._resuming = resuming
        self._revertible = revertible
        self._lock_timeout = lock_timeout
        self._blind = False
        self.found: Native | None = None
        """How the server would make the change, as far as that was asked; None also where it would copy the table."""
        self.native: Native | None = None
        """The same, where the plan is that it does."""
        self.empty_seconds = 0.0
        """That the ALTER took on an empty clone."""

    async def plan(self) -> Plan:
        """The plan. Raises PlanRefused with all findings, or MissingPrivilege where only privileges are missing."""
        findings = await self._privileges()
        findings += server_findings(self._facts, self._topology)
        findings += await self._filters(findings)
        findings += change_findings(self._target.alter, self._target.source)
        findings += self._expressions()
        source = await self._described(self._target.source, findings)
        findings += source_findings(source, engines=ENGINES)
        if self._settings.desired and not self._target.alter.clauses and not refusing(findings):
            return self._nothing(source)
        findings += attached_findings(source)
        findings += check_findings(self._target.alter, source)
        findings += leftover_findings(
            self._target.names,
            await self._existing(),
            drop_shadow=self._settings.initially_drop_shadow or self._resuming,
            drop_old=self._settings.initially_drop_old,
        )
        if refusing(findings) and any(f.code in _NO_PROBE for f in findings):
            raise refusal(self._target.source, self._address, findings)
        return await self._probed(source, findings)

    async def _probed(self, source: Table, findings: list[Finding]) -> Plan:
        async with self._probe(source, findings) as (shadow, native):
            if shadow is None:
                return self._nothing(source)
            columns = map_columns(
                source,
                shadow,
                renamed=() if self._settings.skip_renamed_columns else self._target.alter.renamed,
                dropped=self._dropped(),
                transforms=self._settings.transforms,
                implicit_value=implicit_value,
            )
            if self._native_allowed and native is not None and native.strategy is not Strategy.SHADOW:
                return self._in_place(source, shadow, columns, native, findings)
            if self._settings.strategy == "online":
                why = self._why_shadow(native) or "what else is asked for needs a new table"
                text = f"the server cannot make this change online: {why}"
                findings.append(Finding("needs-shadow", text, "Leave --strategy=online out."))
            findings += transform_findings(shadow, self._settings.transforms)
            findings += source_findings(shadow, engines=ENGINES)
            findings += valueless_columns(columns)
            findings += dropped_findings(columns)
            choice = choose_copy_key(
                source, shadow, columns, carries=carries_key, only_index=stream_key(self._facts, source)
            )
            if choice.finding:
                findings.append(choice.finding)
            plan = None
            if choice.key is not None:
                plan = self._assembled(source, shadow, columns, choice.key, findings, native=native)
                findings += await self._expressions_on_server(plan)
                if self._revertible:
                    findings += reversibility(plan, stream_key(self._facts, shadow))
        if plan is None or refusing(findings):
            raise refusal(self._target.source, self._address, findings)
        return self._assembled(source, shadow, columns, plan.copy_key, findings, native=native)

    def _in_place(
        self, source: Table, shadow: Table, columns: ColumnMap, native: Native, findings: Sequence[Finding]
    ) -> Plan:
        """On the table itself: what only a shadow would tear off does not stand in the way."""
        found = [finding for finding in findings if finding.code not in _OF_A_SHADOW]
        found += [*dropped_findings(columns), *source_findings(shadow, engines=ENGINES)]
        if native.strategy is Strategy.STAGED:
            found.append(_REPLICAS_WAIT)
        if refusing(found):
            raise refusal(self._target.source, self._address, found)
        self.native = native
        return Plan(
            source=source,
            shadow=shadow,
            names=self._target.names,
            alter=self._target.alter.clauses,
            strategy=native.strategy,
            copy_key=CopyKey("", "", (), ()),
            columns=columns,
            where=None,
            findings=tuple(found),
            reason=native.reason,
            steps=(native.step(source.name, self._target.alter.clauses, self._lock_timeout),),
        )

    @property
    def _native_allowed(self) -> bool:
        """Whether the server may make the change itself, and no new table is asked for by name or by what it is needed for."""
        settings = self._settings
        values = settings.transforms or settings.where or settings.skip_renamed_columns
        kept = self._revertible or self._resuming or self._topology.on_replica
        return settings.strategy in _NATIVE and not values and not kept

    def _why_shadow(self, native: Native | None) -> str:
        if native is not None:
            return native.reason
        if self._native_allowed:
            return _NO_NATIVE
        if self._revertible and self._settings.strategy in _NATIVE:
            return "a change that is to be revertible needs a new table"
        if self._settings.transforms or self._settings.where:
            return "what --transform and --where ask for needs rows to be written"
        if self._takes_instant is None or self._settings.strategy in _NATIVE:
            return ""
        if not self._takes_instant:
            return "the definition alone is not enough: an empty clone did not take ALGORITHM=INSTANT"
        return "--attempt-instant-ddl is not given, by which it would be done at once"

    def _nothing(self, source: Table) -> Plan:
        return Plan(
            source=source,
            shadow=source,
            names=self._target.names,
            alter=self._target.alter.clauses,
            strategy=Strategy.NOTHING,
            copy_key=CopyKey("", "", (), ()),
            columns=ColumnMap(()),
            where=None,
            findings=tuple(nowhere(steps_of(self._target.alter.clauses) or (), source)),
        )

    def _assembled(
        self,
        source: Table,
        shadow: Table,
        columns: ColumnMap,
        key: CopyKey,
        findings: list[Finding],
        *,
        native: Native | None,
    ) -> Plan:
        instant = native is not None and native.strategy is Strategy.INSTANT
        clauses = self._target.alter.clauses
        return Plan(
            source=source,
            shadow=shadow,
            names=self._target.names,
            alter=self._target.alter.clauses,
            strategy=Strategy.INSTANT if instant else Strategy.SHADOW,
            copy_key=key,
            columns=columns,
            where=self._settings.where,
            findings=tuple(findings),
            reason=self._why_shadow(native),
            steps=(native.step(source.name, clauses, self._lock_timeout),) if native is not None and instant else (),
            takes_instant=None if instant else self._takes_instant,
        )

    @property
    def _takes_instant(self) -> bool | None:
        """Whether an empty clone took the change by its definition alone; None where it was not asked."""
        if not self._instant_asked:
            return None
        return self.found is not None and self.found.strategy is Strategy.INSTANT

    @property
    def _instant_asked(self) -> bool:
        # Values that a --transform makes need rows to be written. A dry run tells of other ways.
        settings = self._settings
        wanted = settings.attempt_instant_ddl or not self._execute
        return self._native_allowed or (wanted and not settings.transforms and not settings.where)

    def _dropped(self) -> tuple[str, ...]:
        if self._settings.skip_renamed_columns:
            return (*self._target.alter.dropped, *(old for old, _ in self._target.alter.renamed))
        return self._target.alter.dropped

    # --- questions to the server -------------------------------------------------------------------------------------

    async def _described(self, name: TableName, findings: list[Finding]) -> Table:
        table = await describe(self._session, name)
        if table is None and self._blind:
            raise refusal(name, self._address, findings)
        if table is None:
            findings.append(Finding("no-such-table", f"there is no table {name}", "Check --database and --table."))
            raise refusal(name, self._address, findings)
        return table

    async def _privileges(self) -> list[Finding]:
        grants = await granted(self._session)
        mariadb = self._facts.flavour == "mariadb" and self._facts.numbers >= (10, 5, 2)
        missing = missing_privileges(grants, self._target.source.schema, mariadb=mariadb)
        # Who has no privilege on a table is not shown that it is there.
        self._blind = set(missing) >= set(ON_TABLES)
        return privilege_findings(missing, self._target.source) or hidden_findings(grants, self._target.source)

    async def _filters(self, findings: list[Finding]) -> list[Finding]:
        if any(finding.code == "missing-privilege" for finding in findings):
            return []  # without REPLICATION CLIENT the question is refused
        return await binlog_filter_findings(self._session, self._facts)

    async def _existing(self) -> list[TableName]:
        names = self._target.names
        return [name for name in (names.shadow, names.old) if await table_exists(self._session, name)]

    def _expressions(self) -> list[Finding]:
        findings = []
        for column, text in self._settings.transforms:
            findings += expression_findings(f"--transform {column}=…", text)
        if self._settings.where:
            findings += expression_findings("--where", self._settings.where)
        return findings

    async def _expressions_on_server(self, plan: Plan) -> list[Finding]:
        """Let the server read the user's expressions, over no row at all."""
        if not self._settings.transforms and not self._settings.where:
            return []
        sql = Statements(plan, locking=False, zone=self._facts.time_zone).transformed("FALSE")
        try:
            rows = await self._session.query(sql, doing="checking --transform and --where")
        except errors.GhostpyError as error:
            return [
                Finding(
                    "bad-expression",
                    f"the server refused a --transform or --where: {error.message}",
                    "Correct the expression.",
                )
            ]
        if rows:  # only an aggregate makes a row out of none
            return [
                Finding(
                    "aggregate",
                    "a --transform aggregates rows; it must give one value a row",
                    "Use the row's own columns.",
                )
            ]
        return []

    @asynccontextmanager
    async def _probe(self, source: Table, findings: list[Finding]) -> AsyncIterator[tuple[Table | None, Native | None]]:
        """The altered table as the server makes it: an empty clone, gone again afterwards. None: the source is like that already."""
        # Never under the shadow's name: killed now, the run would leave a table that nothing tells whose it is. What has
        # the clone's name only ever was such a clone. A dry run leaves a leftover of the shadow's name alone.
        name, shadow_name = self._target.names.probe, self._target.names.shadow
        clone = quote.table(name)
        begins = self._execute and not self._resuming
        leftovers = [name, *([shadow_name] if begins and self._settings.initially_drop_shadow else [])]
        for leftover in leftovers:
            if await table_exists(self._session, leftover):
                await self._session.execute(
                    f"DROP TABLE IF EXISTS {quote.table(leftover)}", doing=f"dropping the leftover {leftover}"
                )
        ours = True
        try:
            try:
                await self._session.execute(
                    f"CREATE TABLE {clone} LIKE {quote.table(source.name)}", doing=f"creating the empty clone {name}"
                )
            except errors.ServerGone:
                raise
            except errors.GhostpyError:
                ours = False
                raise
            already = DoneAlready(self._session, clone, source, self._target.alter.clauses, self._settings)
            await already.look()
            self.found, began = await self._native_way(name), time.monotonic()
            self.empty_seconds = self.found.seconds if self.found is not None else 0.0
            native = self.found if self._native_allowed or self._settings.attempt_instant_ddl else None
            done = False
            if self.found is None:
                try:
                    await self._session.execute(
                        f"ALTER TABLE {clone} {self._target.alter.clauses}", doing="trying the ALTER on an empty clone"
                    )
                    self.empty_seconds = time.monotonic() - began
                except (errors.ServerGone, errors.TransientError):
                    raise
                except errors.GhostpyError as error:
                    done = await already.after_refusal()
                    if not done:
                        text = f"the server refused the ALTER: {error.message}"
                        findings.append(Finding("alter-refused", text, "Correct the ALTER."))
                        raise refusal(self._target.source, self._address, findings) from error
            shadow = None if done else await describe(self._session, name)
            if shadow is None and not done:
                findings.append(
                    Finding(
                        "alter-moves-table", f"after the ALTER there is no table {name} any more", "Correct the ALTER."
                    )
                )
                raise refusal(self._target.source, self._address, findings)
            if not done and await already.after_success():
                shadow = None
            yield shadow, native
        except BaseException as error:
            if ours:
                await self._remove(name, error)
            raise
        await self._remove(name)

    async def _remove(self, clone: TableName, ended: BaseException | None = None) -> None:
        """Drop the clone. Where that cannot be done, `ended` says so, or ServerGone is raised."""
        try:
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                await drop_at_last(self._session, clone)
        except (errors.GhostpyError, TimeoutError) as failure:
            left = f"{clone}, an empty table, may be left behind."
            if ended is None:
                raise errors.ServerGone(f"{failure or 'The server does not answer.'} {left}") from failure
            if isinstance(ended, asyncio.CancelledError):
                left = f"{self._target.source} was not changed. {left}"
            ended.add_note(left)

    async def _native_way(self, clone: TableName) -> Native | None:
        if not self._instant_asked:
            return None
        return await native_way(self._session, clone, self._target.alter, only_instant=not self._native_allowed)


_NATIVE = ("auto", "online")
_NO_NATIVE = "by itself, the server would copy the whole table while writers wait (ALGORITHM=COPY)"
_OF_A_SHADOW = frozenset({"foreign-key-out", "foreign-key-in", "foreign-keys-hidden", "triggers", "renames-check"})
_REPLICAS_WAIT = Finding(
    "replicas-wait",
    "replicas carry the statement out after the source has, each in one go, and lag behind for as long as that takes them",
    "Where that is too long, use --strategy=shadow.",
    Severity.WARN,
)
_NO_PROBE = frozenset(
    {
        "super-read-only",
        "not-a-table",
        "storage-engine",
        "leftover-shadow",
        "missing-privilege",
        "renames-table",
        "read-only",
    }
    | {"names-check"}
)
