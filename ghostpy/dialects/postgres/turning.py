"""An exchange, and the plan that takes it back."""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.postgres import quote, revert_record
from ghostpy.dialects.postgres.clone.own_findings import own_findings
from ghostpy.dialects.postgres.copy_keys import carries_key, stream_index
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.fingerprint import shape
from ghostpy.dialects.postgres.inspect import describe
from ghostpy.dialects.postgres.key_text import INTEGERS
from ghostpy.dialects.postgres.names import reverted_name
from ghostpy.dialects.postgres.server_checks import privilege_findings
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.turned_statements import TurnedStatements
from ghostpy.dialects.postgres.turned_work import work_back
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.column_map import ColumnMap
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.revertible import Named, Revertible
from ghostpy.model.table import Column, Generated, Table
from ghostpy.planning.copy_key import KeyChoice, choose_copy_key
from ghostpy.planning.turning import (
    columns_back,
    losses,
    no_way_back,
    no_way_back_from_a_filter,
    pairs_back,
    still_there,
)
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.settings import TargetSettings

_TEXTS = frozenset({"text", "character varying"})


def first_turn(plan: Plan, transforms: Named) -> Revertible:
    """What a change notes down."""
    return Revertible(
        turn=1,
        source=plan.source.name,
        old=plan.names.old,
        aside=reverted_name(plan.names.old),
        pairs=pairs_back(plan.columns),
        fills=(),
        next_fills=transforms,
        exchange="",
    )


def next_turn(before: Revertible) -> Revertible:
    """What the revert of `before` notes down."""
    return Revertible(
        turn=before.turn + 1,
        source=before.source,
        old=before.aside,
        aside=before.old,
        pairs=tuple((old, new) for new, old in before.pairs),
        fills=before.next_fills,
        next_fills=before.fills,
        exchange="",
    )


def reversibility(plan: Plan, row_key: str | None) -> list[Finding]:
    """What is to be said before a change is made that is meant to be revertible. `row_key`: the only key of the new table that its stream carries, if one."""
    if plan.where:
        return [no_way_back_from_a_filter()]
    if plan.shadow.kind != "BASE TABLE":
        return [
            Finding(
                "not-revertible",
                "this change could not be reverted: the new table is partitioned",
                "Leave --revert-window and --keep-revertible out.",
            )
        ]
    columns = columns_back(plan.shadow, plan.source, pairs_back(plan.columns), (), _no_value)
    choice = _key(plan.shadow, plan.source, columns, row_key)
    if choice.finding is not None:
        return [no_way_back(choice.finding)]
    return [*_losses(columns, plan.shadow, plan.source, pairs_back(plan.columns)), _WAL]


async def no_cast_back(session: Session, plan: Plan) -> list[Finding]:
    """What else speaks against a change that is meant to be revertible."""
    columns = columns_back(plan.shadow, plan.source, pairs_back(plan.columns), (), _no_value)
    return (await casts(session, plan.source.name, columns))[1]


_WAL = Finding(
    "revert-wal",
    "until it is reverted, or given up, the replication slot of this change holds the server's WAL",
    "max_slot_wal_keep_size bounds it. `ghostpy cleanup --execute` gives the way back up, and the WAL free.",
    Severity.WARN,
)


async def check_shape(session: Session, noted: Revertible, *, unless_exchanged: bool = False) -> None:
    """Raises SourceChanged where the new table is not what it was right after its exchange, but for what a revert carries along.

    With `unless_exchanged` not where another table has the name by now.
    """
    found, expected = await shape(session, noted.source), revert_record.behind(noted).shape
    if unless_exchanged and found.split(" ")[0] != expected.split(" ")[0]:
        return
    if found != expected:
        raise errors.SourceChanged(
            f"{noted.source} on {session.address} was altered or truncated since the exchange, or all its rows were written anew "
            "(VACUUM FULL, CLUSTER); it was not touched by this run",
            hint="A revert goes back to the table as it was. `ghostpy cleanup --execute` removes what was kept for it.",
        )


async def plan_back(
    session: Session, facts: ServerFacts, noted: Revertible, ledger: TableName, settings: TargetSettings
) -> tuple[Plan, Work, TurnedStatements]:
    """The plan that takes back what was `noted`. Raises PlanRefused, CannotResume, SourceChanged."""
    address = session.settings.address
    found, kept = await describe(session, noted.source), await describe(session, noted.old)
    source, old = still_there(noted, found, kept, address)
    await check_shape(session, noted)
    columns = columns_back(source, old, noted.pairs, noted.fills, _no_value)
    findings = await own_findings(session, noted.source)
    findings += await privilege_findings(session, facts, noted.source, shadow=True)
    choice = _key(source, old, columns, await stream_index(session, noted.source))
    if choice.finding is not None:
        findings.append(choice.finding)
    if choice.key is None or refusing(findings):
        raise refusal(noted.source, address, findings)
    work, more = await work_back(session, noted, settings)
    cast, unfit = await casts(session, noted.old, columns)
    findings += [*more, *unfit]
    if refusing(findings):
        raise refusal(noted.source, address, findings)
    findings += _losses(columns, source, old, noted.pairs)
    plan = Plan(
        source=source,
        shadow=old,
        names=revert_record.names(noted, ledger),
        alter="",
        strategy=Strategy.REVERT,
        copy_key=choice.key,
        columns=columns,
        where=None,
        findings=tuple(findings),
    )
    return plan, work, TurnedStatements(plan, cast=cast)


async def casts(session: Session, old: TableName, columns: ColumnMap) -> tuple[frozenset[str], list[Finding]]:
    """The columns of `old` that take the new table's values by an explicit cast only, and a word on those that do not take them at all."""
    cast, unfit, table = set(), [], quote.table(old)
    for feed in columns.feeds:
        assert feed.source is not None
        if feed.source.full_type == feed.target.full_type:
            continue
        assigned = f"EXPLAIN UPDATE {table} SET {quote.name(feed.target.name)} = NULL::{feed.source.data_type}"
        if await _taken(session, assigned):
            continue
        if await _taken(session, f"{assigned}::{feed.target.data_type}"):
            cast.add(feed.target.name)
        else:
            text = f"the server has no cast that leads from {feed.source.name} ({feed.source.full_type}) back to {feed.target.full_type}"
            unfit.append(Finding("not-revertible", text, "Leave --revert-window and --keep-revertible out."))
    return frozenset(cast), unfit


async def _taken(session: Session, sql: str) -> bool:
    try:
        await session.query(sql, doing="trying a cast")
    except (errors.ServerGone, errors.TransientError, errors.MissingPrivilege):
        raise
    except errors.GhostpyError:
        return False
    return True


def _losses(columns: ColumnMap, source: Table, old: Table, pairs: Named) -> list[Finding]:
    findings = losses(columns, source, old, refuses=_refuses)
    for new, name in pairs:
        if old.column(name).generated is not Generated.NO and source.column(new).generated is Generated.NO:
            text = f"a revert computes {name} again: it does not bring back what else was written to {new}"
            findings.append(Finding("revert-computes", text, severity=Severity.WARN))
    for column in columns.added:
        if not (column.nullable or column.has_default or column.auto_increment) and column.name not in _filled(columns):
            text = (
                f"{column.name} has no default: a revert stops at the first row inserted since, with the table as it is"
            )
            findings.append(Finding("revert-no-value", text, "Give the column a default.", Severity.WARN))
    return findings


def _filled(columns: ColumnMap) -> set[str]:
    return {feed.target.name for feed in columns.fills}


def _refuses(one: Column, other: Column) -> bool:
    """Whether a value of the one type that the other cannot hold is refused there, and never rounded or cut."""
    return all(c.data_type in INTEGERS for c in (one, other)) or all(c.data_type in _TEXTS for c in (one, other))


def _no_value(column: Column) -> str | None:
    """This server fills nothing into a column without a default."""
    return None


def _key(source: Table, old: Table, columns: ColumnMap, row_key: str | None) -> KeyChoice:
    return choose_copy_key(source, old, columns, carries=carries_key, only_index=row_key, told_by="replica identity")
