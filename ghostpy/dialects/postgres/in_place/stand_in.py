"""An empty table like the source, in a transaction that is rolled back, for the server to say what an ALTER would do.

It has what the answer depends on: columns, constraints in their state of validity, and indexes, under the source's own names. What is
tied to other tables is tied to stand-ins of those, because a foreign key to the real one would lock it; and in the place of whatever
uses single columns (views, policies, triggers) stands one view, for PostgreSQL refuses to change those columns' types.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.in_place.marks import Leftovers
from ghostpy.dialects.postgres.in_place.table_state import CHECK, NOT_NULL, Constraint, TableState, table_state
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_columns import redirected

TEMPORARY = "pg_temp"
"""The schema of the session's temporary tables ("Runtime config, search_path")."""
_DOING = "making an empty table to try the ALTER on"

_FOREIGN_KEYS = """
SELECT k.conname::text, k.conrelid = k.confrelid, k.conrelid = %s::int8::oid, k.convalidated, k.condeferrable, k.condeferred,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, p)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY p),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM unnest(k.conkey) WITH ORDINALITY u (n, p)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY p),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u (n, p)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY p),
       ARRAY(SELECT format_type(a.atttypid, a.atttypmod) FROM unnest(k.confkey) WITH ORDINALITY u (n, p)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n ORDER BY p)
FROM pg_constraint k WHERE k.contype = 'f' AND %s::int8::oid IN (k.conrelid, k.confrelid)
    AND k.conparentid = 0 AND NOT coalesce((to_jsonb(k) ->> 'conperiod')::bool, false) ORDER BY k.conname
"""
# A column of the source that something else than its own constraints, indexes and defaults depends on.
_USED_COLUMNS = """
SELECT DISTINCT a.attname::text FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %s::int8::oid AND d.refobjsubid > 0 AND a.attnum > 0 AND d.deptype = 'n'
    AND d.classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass, 'pg_publication_rel'::regclass)
UNION SELECT a.attname::text FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %s::int8::oid AND d.refobjsubid > 0
    AND d.classid IN ('pg_trigger'::regclass, 'pg_publication_rel'::regclass) ORDER BY 1
"""


async def make_stand_in(
    session: Session, source: TableName, oid: int, clone: TableName, *, left: Leftovers, taken: frozenset[str]
) -> int:
    """Make it as `clone`, in a schema of its own or in TEMPORARY, and return its OID. `taken`: names that invalid indexes must not have."""
    state = await table_state(session, oid)
    table = quote.table(clone)
    if clone.schema != TEMPORARY:
        await _do(session, f"CREATE SCHEMA IF NOT EXISTS {quote.name(clone.schema)}")
    like = "EXCLUDING INDEXES EXCLUDING CONSTRAINTS EXCLUDING STATISTICS EXCLUDING COMMENTS"
    await _do(session, f"CREATE TABLE {table} (LIKE {quote.table(source)} INCLUDING ALL {like})")
    made = int(await session.scalar(f"SELECT {quote.text(table)}::regclass::oid::int8", doing=_DOING))
    for statement in _own(state, clone, left, taken, tuple((await table_state(session, made)).constraints.values())):
        await _do(session, statement)
    for statement in _others(clone, await session.query(_FOREIGN_KEYS, [oid, oid], doing=_DOING), left):
        await _do(session, statement)
    used = [name for (name,) in await session.query(_USED_COLUMNS, [oid, oid], doing=_DOING)]
    if used:
        columns = ", ".join(quote.name(name) for name in used)
        await _do(session, f"CREATE VIEW {users_of_columns(clone)} AS SELECT {columns} FROM {table}")
    for column in left.columns:
        await _do(session, f"ALTER TABLE {table} DROP COLUMN {quote.name(column)} CASCADE")
    return made


def _own(
    state: TableState, clone: TableName, left: Leftovers, taken: frozenset[str], copied: Sequence[Constraint]
) -> list[str]:
    table = quote.table(clone)
    lines = [
        redirected(index.definition, "ON", [table])
        for index in state.indexes.values()
        if index.name not in left.indexes
        and not (index.name in left.invalid and index.name in taken)
        and not _indexed_otherwise(state, index.name)
    ]
    constraints = [constraint for constraint in state.constraints.values() if constraint.name not in left.constraints]
    # LIKE brings NOT NULL constraints along, and makes valid ones of those that are not.
    invalid = [constraint for constraint in constraints if constraint.kind == NOT_NULL and not constraint.valid]
    names = {constraint.name for constraint in invalid} | set(left.constraints)
    lines += [f"ALTER TABLE {table} DROP CONSTRAINT {quote.name(each.name)}" for each in copied if each.name in names]
    lines += [_constraint_line(table, each) for each in constraints if each.kind == CHECK or each in invalid]
    for constraint in constraints:
        if constraint.index is not None:
            lines.append(_index_constraint(table, constraint, state))
    if state.facts["relreplident"] == "f":
        lines.append(f"ALTER TABLE {table} REPLICA IDENTITY FULL")
    return lines


def _indexed_otherwise(state: TableState, index: str) -> bool:
    """Whether the index can only be made by its constraint."""
    return any(constraint.index == index and _by_definition(constraint) for constraint in state.constraints.values())


def _by_definition(constraint: Constraint) -> bool:
    return constraint.kind == "x" or constraint.temporal


def _constraint_line(table: str, constraint: Constraint) -> str:
    valid = "" if constraint.valid or not constraint.enforced else " NOT VALID"
    return f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(constraint.name)} {constraint.definition}{valid}"


def _index_constraint(table: str, constraint: Constraint, state: TableState) -> str:
    add = f"ALTER TABLE {table} ADD CONSTRAINT {quote.name(constraint.name)}"
    if _by_definition(constraint):
        return f"{add} {constraint.definition}"
    kind = "PRIMARY KEY" if constraint.kind == "p" else "UNIQUE"
    return f"{add} {kind} USING INDEX {quote.name(constraint.name)}{timing(constraint)}"


def timing(constraint: Constraint) -> str:
    """DEFERRABLE as the definition of a unique constraint has it."""
    if not constraint.deferrable:
        return ""
    return " DEFERRABLE INITIALLY DEFERRED" if constraint.deferred else " DEFERRABLE"


def users_of_columns(clone: TableName) -> str:
    """The view in the place of all that uses single columns; it is not there where nothing does."""
    return _other(clone, "users of columns")


def _other(clone: TableName, what: str) -> str:
    return quote.table(TableName(clone.schema, f"stand-in: {what}"[:60]))


def _others(clone: TableName, keys: Sequence[Sequence[Any]], left: Leftovers) -> list[str]:
    table = quote.table(clone)
    lines: list[str] = []
    for number, (name, to_itself, outgoing, valid, deferrable, deferred, *columns) in enumerate(keys):
        if outgoing and name in left.constraints:
            continue
        children, child_types, parents, parent_types = columns
        child, parent = table, table
        other = _other(clone, f"{number} {name}")
        if not to_itself:
            described = zip(parents, parent_types, strict=True) if outgoing else zip(children, child_types, strict=True)
            unique = f", UNIQUE ({_listed(parents)})" if outgoing else ""
            lines.append(f"CREATE TABLE {other} ({', '.join(f'{quote.name(c)} {t}' for c, t in described)}{unique})")
            child, parent = (table, other) if outgoing else (other, table)
        tail = (" DEFERRABLE INITIALLY DEFERRED" if deferred else " DEFERRABLE") if deferrable else ""
        lines.append(
            f"ALTER TABLE {child} ADD CONSTRAINT {quote.name(name)} FOREIGN KEY ({_listed(children)}) "
            f"REFERENCES {parent} ({_listed(parents)}){tail}{'' if valid else ' NOT VALID'}"
        )
    return lines


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(quote.name(column) for column in columns)


async def _do(session: Session, sql: str) -> None:
    try:
        await session.execute(sql, doing=_DOING)
    except (errors.ServerGone, errors.TransientError, errors.MissingPrivilege):
        raise
    except errors.GhostpyError as error:
        error.add_note(f"The statement was: {sql}")
        raise
