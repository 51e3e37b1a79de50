"""An exchange, and the plan that takes it back."""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy.dialects.mysql import quote, revert_record
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.inspect import describe, table_exists
from ghostpy.dialects.mysql.server_checks import ENGINES
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.types import carries_key, implicit_value
from ghostpy.model.column_map import ColumnMap
from ghostpy.model.finding import Finding
from ghostpy.model.names import TableName, reverted_name
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.revertible import Named, Revertible
from ghostpy.model.table import Column, Table
from ghostpy.planning.column_map import valueless_columns
from ghostpy.planning.copy_key import KeyChoice, choose_copy_key
from ghostpy.planning.turning import (
    columns_back,
    losses,
    no_way_back,
    no_way_back_from_a_filter,
    pairs_back,
    still_there,
)
from ghostpy.preflight.attached import attached_findings
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.preflight.source import source_findings


def first_turn(plan: Plan, transforms: Named, *, exchange: str) -> Revertible:
    """What a change notes down."""
    return Revertible(
        turn=1,
        source=plan.source.name,
        old=plan.names.old,
        aside=reverted_name(plan.names.old, limit=quote.NAME_LIMIT),
        pairs=pairs_back(plan.columns),
        fills=(),
        next_fills=transforms,
        exchange=exchange,
    )


def next_turn(before: Revertible, *, exchange: str) -> Revertible:
    """What the revert of `before` notes down."""
    return Revertible(
        turn=before.turn + 1,
        source=before.source,
        old=before.aside,
        aside=before.old,
        pairs=tuple((old, new) for new, old in before.pairs),
        fills=before.next_fills,
        next_fills=before.fills,
        exchange=exchange,
    )


def reversibility(plan: Plan, row_key: str | None) -> list[Finding]:
    """What is to be said before a change is made that is meant to be revertible. `row_key`: the only key that the stream carries, if one."""
    if plan.where:
        return [no_way_back_from_a_filter()]
    columns = columns_back(plan.shadow, plan.source, pairs_back(plan.columns), (), implicit_value)
    choice = _key(plan.shadow, plan.source, columns, row_key)
    if choice.finding is not None:
        return [no_way_back(choice.finding)]
    return losses(columns, plan.shadow, plan.source)


def stream_key(facts: ServerFacts, source: Table) -> str | None:
    """With minimal row images the stream tells only the columns of the server's own choice of key; else None."""
    if facts.row_image != "MINIMAL":
        return None
    unique = [
        index.name
        for index in source.indexes
        if index.unique and index.plain_columns and not any(source.column(c).nullable for c in index.plain_columns)
    ]
    return "PRIMARY" if "PRIMARY" in unique else unique[0] if len(unique) == 1 else "(binlog_row_image=FULL needed)"


async def plan_back(session: Session, facts: ServerFacts, noted: Revertible, ledger: TableName) -> Plan:
    """The plan that takes back what was `noted`. Raises PlanRefused, CannotResume."""
    address = session.settings.address
    found, kept = await describe(session, noted.source), await _old(session, noted, ledger)
    source, old = still_there(noted, found, kept, address)
    columns = columns_back(source, old, noted.pairs, noted.fills, implicit_value)
    findings = [*source_findings(source, engines=ENGINES), *attached_findings(source), *attached_findings(old)]
    findings += valueless_columns(replace(columns, added=_unfilled(columns)))
    choice = _key(source, old, columns, stream_key(facts, source))
    if choice.finding is not None:
        findings.append(choice.finding)
    if choice.key is None or refusing(findings):
        raise refusal(noted.source, address, findings)
    findings += losses(columns, source, old)
    return Plan(
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


async def _old(session: Session, noted: Revertible, ledger: TableName) -> Table | None:
    for name in revert_record.shadows(session, noted, ledger):
        if await table_exists(session, name) and (found := await describe(session, name)) is not None:
            return replace(found, name=noted.old)
    return None


def _key(source: Table, old: Table, columns: ColumnMap, row_key: str | None) -> KeyChoice:
    return choose_copy_key(source, old, columns, carries=carries_key, only_index=row_key)


def _unfilled(columns: ColumnMap) -> tuple[Column, ...]:
    filled = {feed.target.name for feed in columns.fills}
    return tuple(column for column in columns.added if column.name not in filled)
