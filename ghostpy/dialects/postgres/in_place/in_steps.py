"""Puts the recipes of all clauses together into the steps of one change, and tries those on the stand-in too.

What can fail comes first and can be undone; what cannot be undone comes last, in one transaction, which takes an instant.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.in_place import marks, probe
from ghostpy.dialects.postgres.in_place.locks import ACCESS_EXCLUSIVE, SHARE_ROW_EXCLUSIVE, lock_of
from ghostpy.dialects.postgres.in_place.probe import Effects
from ghostpy.dialects.postgres.in_place.recipes import Recipe, Recipes
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.in_place.table_state import TableState
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_alter import statements
from ghostpy.planning.postgres_clauses import Clause, Kind

_MOVES_TABLE = (Kind.RENAME_TABLE, Kind.SET_SCHEMA)


class Order(Struct, frozen=True):
    """What depends on what: the first order whose steps are proven is taken."""

    columns_first: bool = False
    """Added columns come before what refers to them; else with all that takes an instant, at the end."""
    rest_first: bool = False
    """In the last transaction, what is dropped goes before what takes its name or place."""
    drops_indexes: bool = False
    """Indexes too are dropped there, because others take their names; else CONCURRENTLY, after all."""


ORDERS = tuple(
    Order(columns, rest, drops)
    for rest, drops in ((False, False), (True, False), (True, True))
    for columns in (False, True)
)


def in_order(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    """`clauses` with those last after which the table has another name."""
    return tuple(sorted(clauses, key=lambda clause: clause.kind in _MOVES_TABLE))


def at_once(source: TableName, clauses: Sequence[Clause], parents: Sequence[str] = ()) -> Step:
    """The one step for clauses that take an instant each."""
    return Step(
        sql=statements(in_order(clauses), quote.table(source)),
        doing=f"altering {source}",
        lock=lock_of(clauses),
        others=tuple((parent, SHARE_ROW_EXCLUSIVE) for parent in parents),
        reason="only the catalogs change",
        completes=True,
    )


def assembled(
    recipes: Recipes, source: TableName, tried: Sequence[tuple[Clause, Effects]], order: Order
) -> tuple[Step, ...] | None:
    """The steps of the clauses, each with the effects that it had; None where one of them cannot be had in steps."""
    base: list[Clause] = []
    parts: list[Recipe] = []
    for clause, effects in tried:
        if not effects.work and (clause.kind is not Kind.DROP_INDEX or order.drops_indexes):
            base.append(clause)
            continue
        recipe = recipes.recipe(clause, effects)
        if recipe is None:
            return None
        parts.append(recipe)
        base += [recipe.base] if recipe.base else []
    early = [clause for clause in base if order.columns_first and clause.kind is Kind.ADD_COLUMN]
    late = [clause for clause in base if clause not in early]
    steps = [_columns(source, early)] if early else []
    steps += [step for part in parts for step in part.add]
    steps += [step for part in parts for step in part.check]
    steps += [step for part in parts for step in part.build]
    steps += _end(source, late, parts, [clause.column or "" for clause in early], steps, order)
    return (*steps, *(step for part in parts for step in part.last))


def _columns(source: TableName, clauses: Sequence[Clause]) -> Step:
    table, names = quote.table(source), [clause.column or "" for clause in clauses]
    drops = [marks.drop_column(source, name) for name in names]
    return Step(
        sql=(*statements(clauses, table), *(marks.mark_column(table, name) for name in names)),
        doing=f"adding columns to {source}",
        lock=lock_of(clauses),
        reason="the next steps are about them",
        undo=replace(
            drops[0],
            sql=tuple(sql for drop in drops for sql in drop.sql),
            doing=f"dropping the added columns of {source}",
        ),
    )


def _end(
    source: TableName,
    late: Sequence[Clause],
    parts: Sequence[Recipe],
    columns: Sequence[str],
    before: list[Step],
    order: Order,
) -> list[Step]:
    """The last transaction; where it would only take marks away, the last check does so, if it is the last."""
    table = quote.table(source)
    unmark = [sql for part in parts for sql in part.unmark]
    unmark += [marks.unmark_column(table, name) for name in columns]
    finish = [sql for part in parts for sql in part.finish]
    if not late and not finish and unmark and before and not before[-1].quick and not before[-1].alone:
        before[-1] = replace(before[-1], sql=(*before[-1].sql, *unmark), completes=True)
        return []
    staying = statements([clause for clause in late if clause.kind not in _MOVES_TABLE], table)
    # Afterwards the table has another name.
    moving = statements([clause for clause in late if clause.kind in _MOVES_TABLE], table)
    sql = (*staying, *finish, *unmark, *moving) if order.rest_first else (*finish, *unmark, *staying, *moving)
    if not sql:
        return []
    lock = ACCESS_EXCLUSIVE if finish else lock_of(late)
    doing = f"completing the change of {source}"
    return [Step(sql=sql, doing=doing, lock=lock, reason="only the catalogs change", completes=True)]


async def proves(session: Session, oid: int, steps: Sequence[Step], wanted: TableState) -> bool:
    """Whether `steps`, run on the stand-in, make of it what the ALTER made of it, and no quick one takes long."""
    async with probe.undone(session):
        after = None
        for step in steps:
            # Nobody else sees the stand-in: it needs no CONCURRENTLY, which no transaction allows.
            lines = [sql.replace(" CONCURRENTLY", "", 1) if step.alone else sql for sql in step.sql]
            try:
                effects = await probe.run(session, oid, lines, doing="trying the steps on an empty table")
            except (errors.ServerGone, errors.TransientError):
                raise
            except errors.GhostpyError:
                return False
            if effects.moved or (step.quick and effects.work):
                return False
            after = effects.after
        return after is not None and after.same_definition(wanted)
