"""Sequences of serial columns belong to nobody while the two tables change places.

A table takes the sequences that it owns along when it moves, but these have to stay. Who has called nextval() holds a lock that
ALTER SEQUENCE must wait for, to the end of his transaction. While writers are frozen that wait can be without end: where the
application calls nextval() before INSERT, and 16 sessions did, not one exchange in 15 got through; with the sequence first, and
writers that had touched the table before their INSERT, not one either. So the sequences are let go in a transaction of their own
before the exchange, and get their owner after it in another [measured on 18].

What gives a sequence its owner back stands in the ledger, from the moment it has none, and is changed in the exchange's own
transaction; so a run that dies in between is made good by the next one, or by `cleanup`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import Mapping, Sequence

import psycopg
from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import LONGEST_WAIT, Session
from ghostpy.model.names import TableName

_ATTEMPTS = 40
_ROW = "sequence "
"""How the ids of the ledger's rows begin."""
_MAY_READ = """
SELECT has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
_NEXT_NUMBER = "SELECT format('nextval(%%L::regclass)', format('%%I.%%I', %s::text, %s::text))"
# The sequence, the table or the column is gone, or there is another owner: nothing is left to be done.
_PAST = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.ObjectNotInPrerequisiteState,
)


class Lent(Struct, frozen=True):
    """A sequence that goes over from the source's column to the new table's."""

    sequence: TableName
    column: str
    new_column: str
    new_owner: str | None
    """Where the ALTER gives the table away, and its sequences with it."""

    @property
    def row(self) -> str:
        return quote.text(f"{_ROW}{quote.table(self.sequence)}")

    def back_to(self, source: TableName) -> str:
        """What the ledger says of a sequence that is to be the source's again."""
        return _noted(self.sequence, source, self.column, None)

    def over_to(self, new: TableName) -> str:
        """What the ledger says of a sequence that is to be the new table's."""
        return _noted(self.sequence, new, self.new_column, self.new_owner)


def _noted(sequence: TableName, table: TableName, column: str, owner: str | None) -> str:
    names = [sequence.schema, sequence.table, table.schema, table.table, column, owner]
    return quote.text(json.dumps(names, ensure_ascii=False))


async def let_go(session: Session, lent: Sequence[Lent], source: TableName, ledger: TableName) -> None:
    """Take the sequences from `source`; a second time nothing is done. Outside of a transaction. Raises LockTimeout."""
    for each in lent:
        script = (
            f"BEGIN; SET LOCAL lock_timeout = {_milliseconds()}; "
            f"INSERT INTO {quote.table(ledger)} VALUES ({each.row}, {each.back_to(source)}) ON CONFLICT DO NOTHING; "
            f"ALTER SEQUENCE {quote.table(each.sequence)} OWNED BY NONE; COMMIT"
        )
        held = await session.query(
            f"SELECT 1 FROM {quote.table(ledger)} WHERE id = {each.row}", doing=f"letting go of {each.sequence}"
        )
        if held:
            continue
        try:
            await _in_one(session, script, f"letting go of {each.sequence}")
        except errors.TransientError as error:
            raise errors.LockTimeout(error.message) from error


def promised(lent: Sequence[Lent], new: TableName, ledger: TableName) -> tuple[str, ...]:
    """Statements for the exchange's transaction: from its COMMIT on the sequences are to be the new table's."""
    return tuple(f"UPDATE {quote.table(ledger)} SET value = {each.over_to(new)} WHERE id = {each.row}" for each in lent)


async def give_back(session: Session, ledger: TableName) -> None:
    """Give the sequences that were let go the owners that the ledger names, where there is such a ledger. Outside of a transaction."""
    doing = "giving sequences their owner"
    if not await session.scalar("SELECT to_regclass(%s) IS NOT NULL", [quote.table(ledger)], doing=doing):
        return
    table = quote.table(ledger)
    question = f"SELECT id, value FROM {table} WHERE starts_with(id, {quote.text(_ROW)}) ORDER BY id"
    for row, noted in await session.query(question, doing=doing):
        schema, name, *where, column, owner = json.loads(noted)
        sequence, target = TableName(schema, name), TableName(*where)
        done = f"DELETE FROM {table} WHERE id = {quote.text(row)}"
        if not await _rightful(session, ledger, sequence, owner):
            continue
        give = f"ALTER SEQUENCE {quote.table(sequence)} OWNER TO {quote.name(owner)}; " if owner is not None else ""
        give += f"ALTER SEQUENCE {quote.table(sequence)} OWNED BY {quote.table(target)}.{quote.name(column)}"
        script = f"BEGIN; SET LOCAL lock_timeout = {_milliseconds()}; {give}; {done}; COMMIT"
        await _with_patience(session, script, done, doing)


async def lent_defaults(session: Session, ledger: TableName, table: TableName) -> Mapping[str, str]:
    """By column of `table`: how the server spells the default of one whose sequence was let go, and not given back yet; of a ledger we may read."""
    doing = "looking for sequences that were let go"
    if not await session.scalar(_MAY_READ, [ledger.schema, ledger.table], doing=doing):
        return {}
    question = f"SELECT value FROM {quote.table(ledger)} WHERE starts_with(id, {quote.text(_ROW)})"
    found = {}
    for (noted,) in await session.query(question, doing=doing):
        schema, name, *where, column, _ = json.loads(noted)
        if TableName(*where) == table:
            found[str(column)] = str(await session.scalar(_NEXT_NUMBER, [schema, name], doing=doing))
    return found


async def _rightful(session: Session, ledger: TableName, sequence: TableName, owner: str | None) -> bool:
    """Whether the ledger's owner could do it himself: he may have made the ledger up, for us to do what he may not."""
    given = "true" if owner is None else f"pg_has_role(l.relowner, {quote.text(owner)}, 'usage')"
    return bool(
        await session.scalar(
            f"SELECT pg_has_role(l.relowner, s.relowner, 'usage') AND {given} FROM pg_class l, pg_class s "
            "WHERE l.oid = to_regclass(%s) AND s.oid = to_regclass(%s)",
            [quote.table(ledger), quote.table(sequence)],
            doing="giving sequences their owner",
        )
    )


async def _with_patience(session: Session, script: str, done: str, doing: str) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            return await _in_one(session, script, doing)
        except errors.TransientError:
            if attempt == _ATTEMPTS - 1:
                raise
        except errors.ServerError as error:
            if not isinstance(error.__cause__, _PAST):
                raise
            return await _in_one(session, done, doing)
        await asyncio.sleep(random.uniform(0.1, 0.5))
    raise AssertionError("the last attempt returns or raises")


async def _in_one(session: Session, script: str, doing: str) -> None:
    try:
        await session.execute(script, doing=doing)
    except errors.GhostpyError:
        with contextlib.suppress(errors.GhostpyError):
            await session.rollback()
        raise


def _milliseconds() -> int:
    return round(LONGEST_WAIT * 1000)
