"""From the settings and the server's answers to a plan. Leaves nothing behind on the server."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.clone import Altered, build_clone, own_findings
from ghostpy.dialects.postgres.clone.index_definitions import NO_IDENTITY
from ghostpy.dialects.postgres.copy_keys import carries_key, shadow_indexes, stream_index
from ghostpy.dialects.postgres.dependants.dependants import Dependants, dependants_of
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.fingerprint import table_fingerprint
from ghostpy.dialects.postgres.homeless_rows import homeless_rows
from ghostpy.dialects.postgres.in_place.planned import planned
from ghostpy.dialects.postgres.in_place.staged import LOCK_WAIT
from ghostpy.dialects.postgres.in_place.steps import Choice, Step
from ghostpy.dialects.postgres.in_place.strategy import choose
from ghostpy.dialects.postgres.inspect import describe, table_oid
from ghostpy.dialects.postgres.names import MADE_BY_US
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.server_checks import privilege_findings, server_findings
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.dialects.postgres.target import Target
from ghostpy.dialects.postgres.turning import no_cast_back, reversibility
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.column_map import ColumnMap, CopyKey
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Table
from ghostpy.planning.column_map import paired_columns, transform_findings, valueless_columns
from ghostpy.planning.copy_key import choose_copy_key
from ghostpy.planning.expansion import expansion_findings
from ghostpy.planning.expressions import expression_findings
from ghostpy.planning.postgres_alter import shadow_findings
from ghostpy.planning.postgres_clauses import Kind
from ghostpy.preflight.change import dropped_findings
from ghostpy.preflight.leftovers import leftover_findings
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.settings import TargetSettings

_PROBE_LOCK = "5s"
_DIVIDES = "PostgreSQL has no ALTER that makes a partitioned table of a plain one"


class _Probed(Struct, frozen=True):
    """The new table as the server makes it, on an empty clone that is gone again."""

    shadow: Table
    altered: Altered
    dependants: Dependants


_TRIGGERS = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"


class Planner:
    """Makes the plan of one run on an open session."""

    def __init__(
        self,
        session: Session,
        facts: ServerFacts,
        target: Target,
        settings: TargetSettings,
        *,
        revertible: bool = False,
        lock_wait: float = LOCK_WAIT,
    ) -> None:
        self._session = session
        self._facts = facts
        self._target = target
        self._settings = settings
        self._revertible = revertible
        self._lock_wait = lock_wait

    async def plan(self) -> tuple[Plan, Work]:
        """The plan, and what it comes down to. Raises PlanRefused with all findings, or MissingPrivilege where only those are missing."""
        source = await self._described()
        if self._settings.desired and not self._target.alter.clauses:
            return await self._in_place(source, Choice(Strategy.NOTHING, "the table is as it is desired"))
        choice = await self._choice(source)
        if choice is not None and choice.strategy is not Strategy.SHADOW:
            return await self._in_place(source, choice)
        try:
            plan, work = await self._by_shadow(source, choice)
        except errors.PlanRefused:
            nothing = await self._nothing_to_do() if choice is None else None
            if nothing is None:
                raise
            return await self._in_place(source, nothing)
        return (replace(plan, reason=choice.reason) if choice else plan), work

    async def _described(self) -> Table:
        name = self._target.source
        table = await describe(self._session, name)
        if table is None:
            text = f"there is no table {name} in the database {self._facts.database}, or no right to see it"
            raise self._refusal([Finding("no-such-table", text, "Check --table and the database.")])
        if table.kind not in ("BASE TABLE", "PARTITIONED TABLE"):
            text = f"{name} is a {table.kind.lower()}, not a table of rows"
            raise self._refusal([Finding("not-a-table", text, "Name the table below it.")])
        triggers = await self._session.query(_TRIGGERS, [quote.table(name)], doing="looking for triggers")
        expanded = expansion_findings(name, [str(trigger) for (trigger,) in triggers])
        if expanded:
            raise self._refusal(expanded)
        return table

    async def _choice(self, source: Table) -> Choice | None:
        settings = self._settings
        if settings.strategy == "shadow" or settings.transforms or settings.where:
            return None
        if source.kind == "PARTITIONED TABLE":
            return None  # which is refused there
        if self._target.alter.partitioning is not None:
            return self._to_shadow(Choice(Strategy.SHADOW, _DIVIDES))
        unfit = [finding for finding in server_findings(self._facts) if finding.code in _NO_PROBE]
        if unfit:
            raise self._refusal(unfit)
        try:
            scratch = self._target.names.probe.schema
            choice = await choose(self._session, source.name, self._target.alter, scratch=scratch, facts=self._facts)
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.MissingPrivilege as error:
            missing = await privilege_findings(self._session, self._facts, source.name, shadow=True)
            raise (self._refusal(missing) if missing else error) from error
        except errors.GhostpyError as error:
            text = f"the server refused the ALTER: {error.message}"
            raise self._refusal([Finding("alter-refused", text, "Correct the ALTER.")]) from error
        return self._to_shadow(choice)

    def _to_shadow(self, choice: Choice) -> Choice:
        if self._settings.strategy == "online" and choice.strategy is Strategy.SHADOW:
            text = f"the server cannot make this change online: {choice.reason}"
            raise self._refusal([Finding("needs-shadow", text, "Leave --strategy=online out.")])
        if self._revertible and choice.strategy in (Strategy.INSTANT, Strategy.STAGED):
            if self._settings.strategy == "online":
                text = "a change that is to be revertible needs a new table, and leaves the old one"
                raise self._refusal([Finding("needs-shadow", text, "Leave --strategy=online out.")])
            return Choice(Strategy.SHADOW, "so that it can be reverted")
        return choice

    async def _nothing_to_do(self) -> Choice | None:
        """The choice to do nothing, where a shadow is asked for and cannot be had because all is done already."""
        settings, clauses = self._settings, self._target.alter.clauses
        added = {clause.column for clause in clauses if clause.kind is Kind.ADD_COLUMN and not clause.conditional}
        if self._target.alter.partitioning is not None:
            return None
        if settings.where or not {column for column, _ in settings.transforms} <= added:
            return None
        scratch = self._target.names.probe.schema
        try:
            choice = await choose(
                self._session, self._target.source, self._target.alter, scratch=scratch, facts=self._facts
            )
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            return None
        return choice if choice.strategy is Strategy.NOTHING else None

    async def _in_place(self, source: Table, choice: Choice) -> tuple[Plan, Work]:
        findings = [f for f in await own_findings(self._session, source.name) if f.code in choice.concerns]
        findings += choice.findings
        findings += await privilege_findings(self._session, self._facts, source.name, shadow=False)
        if refusing(findings):
            raise self._refusal(findings)
        plan = Plan(
            source=source,
            shadow=source,
            names=self._target.names,
            alter=self._target.alter.text,
            strategy=choice.strategy,
            copy_key=CopyKey("", "", (), ()),
            columns=ColumnMap(()),
            where=None,
            findings=tuple(findings),
            reason=choice.reason,
            steps=tuple(planned(step, source.name, self._lock_wait) for step in choice.steps),
        )
        return plan, await self._work(source, steps=choice.steps)

    async def _by_shadow(self, source: Table, choice: Choice | None) -> tuple[Plan, Work]:
        findings = [*(choice.findings if choice else ())]
        findings += await own_findings(self._session, source.name)
        findings += server_findings(self._facts)
        findings += await privilege_findings(self._session, self._facts, source.name, shadow=True)
        findings += shadow_findings(self._target.alter)
        findings += self._expressions()
        findings += await self._leftovers()
        if any(finding.code in _NO_PROBE for finding in refusing(findings)):
            raise self._refusal(findings)
        probed = await self._probed(source, findings)
        findings += probed.dependants.findings
        findings.append(_SESSIONS)
        columns = self._columns(source, probed, findings)
        index = await stream_index(self._session, source.name)
        if index == NO_IDENTITY:
            index = None  # there is a finding of its own about that
        key = choose_copy_key(
            source, probed.shadow, columns, carries=carries_key, only_index=index, told_by="replica identity"
        )
        if key.finding:
            findings.append(key.finding)
        if key.key is None:
            raise self._refusal(findings)
        plan = self._assembled(source, probed.shadow, columns, key.key, findings)
        findings += await self._expressions_on_server(plan)
        if self._revertible:
            findings += reversibility(plan, probed.altered.stream_index)
            if not refusing(findings):
                findings += await no_cast_back(self._session, plan)
        if not refusing(findings):
            findings += await homeless_rows(self._session, Statements(plan), probed.altered)
        if refusing(findings):
            raise self._refusal(findings)
        plan = self._assembled(source, probed.shadow, columns, key.key, findings)
        return plan, await self._work(source, dependants=probed.dependants, altered=probed.altered)

    def _columns(self, source: Table, probed: _Probed, findings: list[Finding]) -> ColumnMap:
        using = tuple(self._target.alter.using.items())
        columns = paired_columns(source, probed.shadow, probed.altered.columns, (*using, *self._settings.transforms))
        findings += transform_findings(probed.shadow, self._settings.transforms)
        findings += valueless_columns(columns)
        findings += dropped_findings(columns)
        return columns

    def _assembled(
        self, source: Table, shadow: Table, columns: ColumnMap, key: CopyKey, findings: list[Finding]
    ) -> Plan:
        return Plan(
            source=source,
            shadow=shadow,
            names=self._target.names,
            alter=self._target.alter.text,
            strategy=Strategy.SHADOW,
            copy_key=key,
            columns=columns,
            where=self._settings.where,
            findings=tuple(findings),
        )

    async def _work(
        self,
        source: Table,
        *,
        dependants: Dependants | None = None,
        altered: Altered | None = None,
        steps: Sequence[Step] = (),
    ) -> Work:
        oid = await table_oid(self._session, source.name)
        assert oid is not None
        return Work(
            oid=oid,
            fingerprint=await table_fingerprint(self._session, source.name),
            alters=self._alters(self._target.names.shadow),
            dependants=dependants,
            altered=altered,
            steps=steps,
            partitioning=self._target.alter.partitioning,
        )

    def _alters(self, table: TableName) -> tuple[str, ...]:
        return self._target.alter.statements(quote.table(table))

    # --- questions to the server -------------------------------------------------------------------------------------

    async def _leftovers(self) -> list[Finding]:
        names = self._target.names
        existing = [name for name in (names.shadow, names.old) if await table_oid(self._session, name) is not None]
        # Who holds the run's lock knows that nobody works on a shadow that is there, so ours is simply made anew.
        theirs = [name for name in existing if name == names.old or not await self._ours(name.schema)]
        return leftover_findings(
            names,
            theirs,
            drop_shadow=False,
            drop_old=self._settings.initially_drop_old,
        )

    async def _ours(self, schema: str) -> bool:
        return bool(
            await self._session.scalar(
                "SELECT starts_with(obj_description(oid, 'pg_namespace'), %s) FROM pg_namespace WHERE nspname = %s",
                [MADE_BY_US, schema],
                doing="looking for a schema",
            )
        )

    def _expressions(self) -> list[Finding]:
        findings = []
        for column, text in self._settings.transforms:
            findings += expression_findings(f"--transform {column}=…", text)
        if self._settings.where:
            findings += expression_findings("--where", self._settings.where)
        return findings

    async def _expressions_on_server(self, plan: Plan) -> list[Finding]:
        """Let the server read the user's expressions, over no row at all, and put none into a table of the new columns."""
        statements, feeds = Statements(plan), plan.columns.feeds
        values = ", ".join(statements.value(feed) for feed in feeds)
        probe = self._target.names.probe
        types = ", ".join(f"{quote.name(feed.target.name)} {feed.target.full_type}" for feed in feeds)
        try:
            rows = await self._session.query(
                statements.transformed("FALSE"), doing="checking the new columns' expressions"
            )
            async with self._session.transaction(keep=False):
                await self._session.execute(
                    f"CREATE SCHEMA {quote.name(probe.schema)}; CREATE TABLE {quote.table(probe)} ({types}); "
                    f"INSERT INTO {quote.table(probe)} SELECT {values} FROM {statements.source} WHERE FALSE",
                    doing="checking the new columns' expressions",
                )
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError as error:
            text = f"the server refused a --transform, a USING or --where: {error.message}"
            return [Finding("bad-expression", text, "Correct the expression.")]
        if rows:  # only an aggregate makes a row out of none
            text = "a --transform aggregates rows; it must give one value a row"
            return [Finding("aggregate", text, "Use the row's own columns.")]
        return []

    async def _probed(self, source: Table, findings: list[Finding]) -> _Probed:
        """The altered table as the server makes it: an empty clone, in a transaction that is rolled back."""
        session, probe = self._session, self._target.names.probe
        try:
            async with session.transaction(keep=False, doing="trying the ALTER on an empty clone"):
                await session.execute(
                    f"SET LOCAL lock_timeout = '{_PROBE_LOCK}'; CREATE SCHEMA {quote.name(probe.schema)}",
                    doing="making room for an empty clone",
                )
                divided = self._target.alter.partitioning
                altered = await build_clone(session, source.name, probe, self._alters(probe), divided)
                shadow = await describe(session, probe)
                for index in altered.indexes:
                    await run_under(session, path_of(probe, source.name), index.create, doing=f"trying {index.name}")
                dependants = await dependants_of(
                    session,
                    source.name,
                    probe,
                    refresh_materialized=self._settings.refresh_materialized,
                    allow_all_tables=self._settings.allow_all_tables,
                    columns=altered.columns if divided is not None else None,
                )
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.PlanRefused as error:
            findings.append(Finding("alter-refused", error.message, error.hint))
            raise self._refusal(findings) from error
        except errors.GhostpyError as error:
            text = f"the server refused the ALTER: {error.message}"
            findings.append(Finding("alter-refused", text, "Correct the ALTER."))
            raise self._refusal(findings) from error
        if shadow is None:
            text = f"after the ALTER there is no table {source.name.table} any more"
            findings.append(Finding("alter-moves-table", text, "Correct the ALTER."))
            raise self._refusal(findings)
        return _Probed(shadow_indexes(shadow, altered.indexes), altered, dependants)

    def _refusal(self, findings: list[Finding]) -> errors.GhostpyError:
        return refusal(self._target.source, self._session.address, findings)


_SESSIONS = Finding(
    "sessions",
    "as after an ALTER of PostgreSQL's own that rewrites the table, sessions must prepare statements again whose result columns change, and a "
    "transaction in REPEATABLE READ that is older than the copy finds no rows in the new table",
    "Where a column's type changes, let pools reconnect after the exchange.",
    Severity.WARN,
)
_NO_PROBE = frozenset({"missing-privilege", "renames-table", "not-a-table", "partitioned", "read-only", "old-server"})
