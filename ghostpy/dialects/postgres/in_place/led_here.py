"""Has the table the shape already that the ALTER asks for? Told from states of the stand-in.

A change that was carried out cannot be tried again: its column is there, its constraint is gone. So the question is turned round: is there
a table from which the clauses lead to the one that is there now? It is made by undoing each clause whose outcome is there; then the server
runs the clauses on it. Of what is not understood the answer is no.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.in_place.table_state import PRIMARY, Constraint, IndexState, TableState
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_clauses import Clause, Kind

_CONSTRAINTS = frozenset(
    {Kind.ADD_CHECK, Kind.ADD_FOREIGN_KEY, Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY, Kind.ADD_NOT_NULL, Kind.ADD_EXCLUDE}
)
_AGAIN = frozenset(
    {Kind.ALTER_TYPE, Kind.SET_NOT_NULL, Kind.DROP_NOT_NULL, Kind.SET_DEFAULT, Kind.DROP_DEFAULT, Kind.VALIDATE}
    | {Kind.SET_STORAGE, Kind.SET_STATISTICS, Kind.COLUMN_OPTIONS, Kind.TABLE_OPTIONS, Kind.COMMENT}
)
"""Where their outcome is there already, they change nothing."""
_UNNAMED = frozenset({Kind.ADD_CHECK, Kind.ADD_FOREIGN_KEY, Kind.ADD_UNIQUE, Kind.ADD_EXCLUDE, Kind.CREATE_INDEX})
_ADDS_IDENTITY = re.compile(r"\bADD\s+GENERATED\b", re.IGNORECASE)


def undoing(clauses: Sequence[Clause], now: TableState, clone: TableName) -> tuple[str, ...]:
    """Statements that lead from the stand-in as it is to one from which the clauses could have led here; none where there are none."""
    if any(clause.kind not in _UNDONE and clause.kind not in _AGAIN for clause in clauses):
        return ()
    found = [text for clause in clauses for text in _undone(clause, now, clone)]
    return tuple(dict.fromkeys(found))


_UNDONE = _CONSTRAINTS | {
    Kind.ADD_COLUMN,
    Kind.DROP_COLUMN,
    Kind.RENAME_COLUMN,
    Kind.DROP_CONSTRAINT,
    Kind.CREATE_INDEX,
    Kind.DROP_INDEX,
    Kind.IDENTITY,
}


def _undone(clause: Clause, now: TableState, clone: TableName) -> list[str]:
    table, column, name = f"ALTER TABLE {quote.table(clone)}", clause.column or "", clause.name or ""
    here = now.column(column) is not None
    if clause.kind in _CONSTRAINTS:
        named = [name] if name in now.constraints else []
        if clause.kind is Kind.ADD_PRIMARY_KEY:
            named = [each.name for each in now.constraints.values() if each.kind == PRIMARY]
        return [f"{table} DROP CONSTRAINT IF EXISTS {quote.name(each)} CASCADE" for each in named]
    match clause.kind:
        case Kind.ADD_COLUMN if here:
            return [f"{table} DROP COLUMN IF EXISTS {quote.name(column)} CASCADE"]
        case Kind.DROP_COLUMN if not here:
            return [f"{table} ADD COLUMN {quote.name(column)} int"]
        case Kind.RENAME_COLUMN if not here and now.column(name) is not None:
            return [f"{table} RENAME COLUMN {quote.name(name)} TO {quote.name(column)}"]
        case Kind.DROP_CONSTRAINT if name not in now.constraints:
            return [f"{table} ADD CONSTRAINT {quote.name(name)} CHECK (true)"]
        case Kind.CREATE_INDEX if name in now.indexes:
            return [f"DROP INDEX IF EXISTS {quote.table(TableName(clone.schema, name))}"]
        case Kind.DROP_INDEX if name not in now.indexes:
            return [f"CREATE INDEX {quote.name(name)} ON {quote.table(clone)} ((1))"]
        case Kind.IDENTITY if here and _ADDS_IDENTITY.search(clause.text):
            return [f"{table} ALTER COLUMN {quote.name(column)} DROP IDENTITY IF EXISTS"]
    return []


def on_source(state: TableState, now: TableState, source: TableState, parents: Mapping[str, str]) -> TableState:
    """A stand-in's state with its foreign keys as the source has them. `now`: the stand-in at first; `parents`: for whom others stand in."""
    constraints: dict[str, Constraint] = {}
    for name, each in state.constraints.items():
        if each.parent is not None and each == now.constraints.get(name):
            each = source.constraints.get(name, each)
        elif each.parent is not None and each.parent in parents:
            real = parents[each.parent]
            each = replace(each, definition=each.definition.replace(each.parent, real), parent=real)
        constraints[name] = replace(each, comment=None)
    # A sequence of an identity column that LIKE has made is always one of bigint.
    made = state.sequences != now.sequences
    return replace(state, constraints=constraints, sequences=state.sequences if made else source.sequences)


def same_shape(clauses: Sequence[Clause], now: TableState, undone: TableState, redone: TableState) -> bool:
    """Whether `redone` is the table `now`.

    Indexes and constraints that went when `undone` was made, and that the clauses say nothing about, are none of their outcome; nor is
    the place of a column that they add.
    """
    if (now.facts, now.sequences) != (redone.facts, redone.sequences) or _columns(now) != _columns(redone):
        return False
    free = {clause.column for clause in clauses if clause.kind is Kind.ADD_COLUMN}
    if _order(now, free) != _order(redone, free):
        return False
    here, was, there = _others(now), _others(undone), _others(redone)
    known = all(here.get(name) == what for name, what in there.items())
    return known and all(name not in was for name in here.keys() - there.keys())


def _columns(state: TableState) -> Mapping[str, Any]:
    return {column.name: column for column in state.columns}


def _order(state: TableState, free: set[str | None]) -> list[str]:
    return [column.name for column in state.columns if column.name not in free]


def _others(state: TableState) -> dict[tuple[str, str], Constraint | IndexState]:
    constraints = {("constraint", name): each for name, each in state.constraints.items()}
    # The numbers of columns are others after a column was made anew.
    indexes = {
        ("index", name): replace(each, file=0, facts={k: v for k, v in each.facts.items() if k != "indkey"})
        for name, each in state.indexes.items()
    }
    return {**constraints, **indexes}


def only_twins(clauses: Sequence[Clause], before: TableState, after: TableState) -> bool:
    """Whether the clauses add nothing but, without naming them, constraints and indexes that are there under other names."""
    unnamed = [clause.kind in _UNNAMED and not clause.name for clause in clauses]
    if not any(unnamed) or not all(
        twin or clause.kind in _AGAIN for twin, clause in zip(unnamed, clauses, strict=True)
    ):
        return False
    constraints = {name: each for name, each in after.constraints.items() if name in before.constraints}
    indexes = {name: each for name, each in after.indexes.items() if name in before.indexes}
    if not before.same_definition(replace(after, constraints=constraints, indexes=indexes)):
        return False
    new = [after.constraints[name] for name in after.constraints.keys() - before.constraints.keys()]
    built = [after.indexes[name] for name in after.indexes.keys() - before.indexes.keys()]
    return all(any(_nameless(each) == _nameless(old) for old in before.constraints.values()) for each in new) and all(
        any(_unnamed(each) == _unnamed(old) for old in before.indexes.values()) for each in built
    )


def _nameless(constraint: Constraint) -> Constraint:
    return replace(constraint, name="", index=None)


def _unnamed(index: IndexState) -> IndexState:
    return replace(index, name="", file=0, definition=index.definition.partition(" ON ")[2])


def nowhere(clauses: Sequence[Clause], now: TableState, source: TableName) -> tuple[Finding, ...]:
    """What is to be dropped and is not there: gone by an earlier run, or misspelled."""
    missing = [
        (what, name)
        for clause in clauses
        for kind, what, name, known in (
            (Kind.DROP_COLUMN, "column", clause.column, {column.name for column in now.columns}),
            (Kind.DROP_CONSTRAINT, "constraint", clause.name, now.constraints),
            (Kind.DROP_INDEX, "index", clause.name, now.indexes),
        )
        if clause.kind is kind and name not in known and not clause.conditional
    ]
    return tuple(
        Finding("nothing-to-drop", f"{source} has no {what} {name} to drop", severity=Severity.WARN)
        for what, name in missing
    )
