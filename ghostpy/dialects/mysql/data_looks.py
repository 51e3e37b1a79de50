"""Looks through the source for what the new table does not take, within a bounded time. Plain reads: nothing is locked."""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.conflicts import colliding_on, shown
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.key_codec import key_sql
from ghostpy.dialects.mysql.session import Session
from ghostpy.dialects.mysql.statements import Statements
from ghostpy.dialects.mysql.time_limit import limited
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan
from ghostpy.planning.misfits import Dialect, Look, kept_apart, looks, unlooked

_SECONDS = 5
"""For one look."""
_EXAMPLES = 3
_DOING = "looking for values that do not fit"
_SAYS = Dialect(
    name=quote.name,
    micros=lambda value: f"MICROSECOND({value})",
    # With blanks at the end: an INSERT … SELECT refuses to cut them off (1265).
    length=lambda value: f"CHAR_LENGTH({value})",
    text=frozenset({"char", "varchar"}),
)


async def misfits(session: Session, facts: ServerFacts, plan: Plan) -> list[Finding]:
    """What was found of it. `session` is in autocommit; its limit of time for a statement is as before afterwards."""
    statements = Statements(plan, locking=False, zone=facts.time_zone)
    async with limited(session, facts, _SECONDS, doing=_DOING):
        return await _found(session, statements)


async def _found(session: Session, of: Statements) -> list[Finding]:
    findings, plan = list[Finding](), of.plan
    columns = ", ".join(column.name for column in plan.copy_key.source_columns)
    try:
        for look in looks(plan.columns, _SAYS):
            rows = await session.query(_rows(of, look), doing=_DOING)
            if rows:
                findings.append(look.finding(columns, [shown(row[0]) for row in rows]))
        for index in plan.shadow.indexes:
            if not index.unique or kept_apart(plan.columns, index.plain_columns or (), plan.source):
                continue
            error = await colliding_on(session, of, index)
            if error is not None:
                findings.append(
                    Finding("duplicate-rows", error.message.rstrip("."), "Remove the duplicates from the source.")
                )
    except errors.ConnectionFailed:
        raise
    except errors.GhostpyError as error:
        findings.append(unlooked(error.message))
    return findings


def _rows(of: Statements, look: Look) -> str:
    key = key_sql(of.plan.copy_key.source_columns)
    return f"SELECT {key} FROM {of.source} WHERE {look.condition}{of.filter} LIMIT {_EXAMPLES}"
