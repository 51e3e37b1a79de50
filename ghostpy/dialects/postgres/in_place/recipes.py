"""How one clause that would take long under a strong lock is done in steps instead.

Constraints are added NOT VALID and validated later ("ALTER TABLE": both allow reads and writes meanwhile), indexes are built
CONCURRENTLY and then become the constraint's own. A column becomes NOT NULL without being read where a valid CHECK proves that it holds
none; from 18 on the NOT NULL constraint itself can be added NOT VALID. What is added is read off the catalogs, after the clause was
tried on a stand-in, so nothing that the user wrote is written anew; but for a column's own constraints, which are cut out of its
definition.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.in_place import marks
from ghostpy.dialects.postgres.in_place.locks import (
    ACCESS_EXCLUSIVE,
    ROW_SHARE,
    SHARE_ROW_EXCLUSIVE,
    SHARE_UPDATE_EXCLUSIVE,
)
from ghostpy.dialects.postgres.in_place.probe import Effects
from ghostpy.dialects.postgres.in_place.stand_in import timing
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.dialects.postgres.in_place.table_state import (
    CHECK,
    FOREIGN_KEY,
    NOT_NULL,
    PRIMARY,
    UNIQUE,
    Constraint,
    IndexState,
)
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_alter import alone, parse_alter
from ghostpy.planning.postgres_clauses import Clause, Kind
from ghostpy.planning.postgres_columns import Part, column_parts, redirected, without
from ghostpy.planning.postgres_tokens import tokenize

_STAGED = frozenset(
    {Kind.ADD_CHECK, Kind.ADD_FOREIGN_KEY, Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY, Kind.ADD_NOT_NULL, Kind.SET_NOT_NULL}
    | {Kind.VALIDATE, Kind.CREATE_INDEX, Kind.DROP_INDEX, Kind.ADD_COLUMN, Kind.ALTER_TYPE}
)


# What the rest of a clause adds itself, without looking at rows.
_LEFT_IN_BASE = {Kind.ADD_COLUMN: (NOT_NULL,), Kind.ADD_UNIQUE: (UNIQUE,), Kind.ADD_PRIMARY_KEY: (PRIMARY,)}


class Recipe(Struct, frozen=True):
    """The steps of one clause, by when they come. `base`: what is left of the clause itself."""

    base: Clause | None = None
    add: tuple[Step, ...] = ()
    check: tuple[Step, ...] = ()
    build: tuple[Step, ...] = ()
    finish: tuple[str, ...] = ()
    """Statements of the last transaction, of no length."""
    unmark: tuple[str, ...] = ()
    last: tuple[Step, ...] = ()


class Recipes:
    """Makes them for one table.

    `names`: what indexes and their constraints are called instead, where their names are taken. `parents`: which tables foreign
    keys point to instead of stand-ins; all of them quoted and qualified. `comments`: those of the constraints that are there.
    """

    def __init__(
        self,
        source: TableName,
        names: Mapping[str, str] | None = None,
        parents: Mapping[str, str] | None = None,
        comments: Mapping[str, str] | None = None,
    ) -> None:
        self._source = source
        self._table = quote.table(source)
        self._names = names or {}
        self._parents = parents or {}
        self._comments = comments or {}

    def recipe(self, clause: Clause, effects: Effects) -> Recipe | None:
        """The recipe for `clause`, which had these effects; None where there is none."""
        if effects.moved or clause.kind not in _STAGED:
            return None
        if clause.kind is Kind.DROP_INDEX:
            return None if clause.cascade or clause.name is None else Recipe(last=(self._drop(clause.name),))
        if clause.kind is Kind.VALIDATE:
            return Recipe(check=(self._validation(clause.name or "", clause.text, effects.after.constraints),))
        if clause.kind is Kind.ALTER_TYPE:
            return self._retyped(clause, effects)
        if clause.kind is Kind.CREATE_INDEX:
            return self._index(clause, effects)
        if clause.kind is Kind.ADD_COLUMN and any(part is Part.PRIMARY_KEY for part, _ in column_parts(clause.text)):
            return None
        return self._constraints(clause, effects)

    def _constraints(self, clause: Clause, effects: Effects) -> Recipe | None:
        before, after = effects.before, effects.after
        whole = Recipe()
        if clause.kind in (Kind.ADD_UNIQUE, Kind.ADD_PRIMARY_KEY) and _uses_index(clause):
            # The index is there; what takes long is to see that its columns are not null.
            whole = Recipe(base=clause)
        if clause.kind is Kind.ADD_COLUMN:
            text = without(clause.text, Part.CHECK, Part.UNIQUE, Part.REFERENCES)
            whole = Recipe(base=Clause(clause.kind, text, clause.statement, column=clause.column))
        else:
            # From 18 on this is a constraint like others.
            named = {column for each in after.constraints.values() if each.kind == NOT_NULL for column in each.columns}
            for column in before.columns:
                now = after.column(column.name)
                if now is not None and now.not_null and not column.not_null and column.name not in named:
                    whole = _joined(whole, self._not_null(column.name))
        for constraint in after.constraints.values():
            known = before.constraints.get(constraint.name)
            if known is None:
                if constraint.kind in _LEFT_IN_BASE.get(clause.kind, ()) and whole.base:
                    continue
                part = self._added(constraint, after.indexes)
                if part is None:
                    return None
                whole = _joined(whole, part)
            elif constraint.valid and not known.valid:
                text = f"VALIDATE CONSTRAINT {quote.name(constraint.name)}"
                whole = _joined(whole, Recipe(check=(self._validation(constraint.name, text, after.constraints),)))
        return whole

    def _retyped(self, clause: Clause, effects: Effects) -> Recipe | None:
        """A type that needs no new rows, but has the rows looked at for each CHECK on the column: they can be looked at afterwards."""
        before, after = effects.before.constraints, effects.after.constraints
        checks = [
            each for each in before.values() if each.kind == CHECK and each.valid and clause.column in each.columns
        ]
        if effects.built or effects.referred or not checks or any(each.name not in after for each in checks):
            return None
        lines = [f"ALTER TABLE {self._table} DROP CONSTRAINT {quote.name(each.name)}" for each in checks]
        lines.append(f"ALTER TABLE {self._table} {clause.text}")
        for each in checks:
            name = quote.name(each.name)
            lines.append(f"ALTER TABLE {self._table} ADD CONSTRAINT {name} {after[each.name].definition} NOT VALID")
            if each.name in self._comments:
                comment = quote.text(self._comments[each.name])
                lines.append(f"COMMENT ON CONSTRAINT {name} ON {self._table} IS {comment}")
        validate = [f"VALIDATE CONSTRAINT {quote.name(each.name)}" for each in checks]
        last = [self._validation(each.name, text, after) for each, text in zip(checks, validate, strict=True)]
        return Recipe(finish=tuple(lines), last=tuple(last))

    def _added(self, constraint: Constraint, indexes: Mapping[str, IndexState]) -> Recipe | None:
        if constraint.kind in (PRIMARY, UNIQUE) and not constraint.temporal and constraint.index:
            return self._unique(constraint, indexes[constraint.index])
        if constraint.kind in (CHECK, FOREIGN_KEY, NOT_NULL):
            definition = constraint.definition
            if constraint.to_itself:
                definition = redirected(definition, "REFERENCES", [self._table])
            elif parent := self._parents.get(constraint.parent or ""):
                constraint = replace(constraint, parent=parent)
                definition = redirected(definition, "REFERENCES", [parent])
            valid = constraint.valid and constraint.enforced
            return self._not_valid(constraint, definition) if valid else None
        return None

    def _not_valid(self, constraint: Constraint, definition: str) -> Recipe:
        name, source = constraint.name, self._source
        refers = constraint.kind == FOREIGN_KEY
        text = f"VALIDATE CONSTRAINT {quote.name(name)}"
        return Recipe(
            add=(
                Step(
                    sql=(
                        f"ALTER TABLE {self._table} ADD CONSTRAINT {quote.name(name)} {definition} NOT VALID",
                        marks.mark_constraint(self._table, name),
                    ),
                    doing=f"adding the constraint {name} to {source}, for new rows",
                    lock=SHARE_ROW_EXCLUSIVE if refers else ACCESS_EXCLUSIVE,
                    others=((constraint.parent, SHARE_ROW_EXCLUSIVE),) if refers and constraint.parent else (),
                    reason="new rows are held to it at once, the others are looked at later",
                    undo=marks.drop_constraint(source, name),
                ),
            ),
            check=(
                replace(
                    self._validation(name, text, {name: constraint}, constraint.parent),
                    refers=definition if refers else "",
                ),
            ),
            unmark=(marks.unmark_constraint(self._table, name),),
        )

    def _validation(
        self, name: str, clause: str, constraints: Mapping[str, Constraint], parent: str | None = None
    ) -> Step:
        found = constraints.get(name)
        return Step(
            sql=(f"ALTER TABLE {self._table} {clause}",),
            doing=f"checking the rows of {self._source} against {name}",
            lock=SHARE_UPDATE_EXCLUSIVE,
            others=((parent, ROW_SHARE),) if parent else (),
            reason="every row is read",
            quick=False,
            against=found.expression or "" if found and found.kind == CHECK else _not_null(found),
        )

    def _not_null(self, column: str) -> Recipe:
        """Before 18: a valid CHECK spares SET NOT NULL from reading the rows ("ALTER TABLE": SET NOT NULL)."""
        name = marks.building_name(f"{self._source.table}_{column}_not_null")
        condition = f"{quote.name(column)} IS NOT NULL"
        proof = Constraint(
            name=name,
            kind=CHECK,
            definition=f"CHECK ({condition})",
            valid=True,
            deferrable=False,
            deferred=False,
            enforced=True,
            temporal=False,
            index=None,
            to_itself=False,
            expression=condition,
            columns=(column,),
            parent=None,
        )
        recipe = self._not_valid(proof, proof.definition)
        return Recipe(
            add=recipe.add,
            check=recipe.check,
            finish=(
                f"ALTER TABLE {self._table} ALTER COLUMN {quote.name(column)} SET NOT NULL",
                f"ALTER TABLE {self._table} DROP CONSTRAINT {quote.name(name)}",
            ),
        )

    def _unique(self, constraint: Constraint, index: IndexState) -> Recipe:
        name = self._names.get(constraint.name, constraint.name)
        building = marks.building_name(name)
        (clause,) = parse_alter(index.definition).clauses
        create = alone(clause, self._table, concurrently=True, name=building)
        if index.tablespace:
            create += f" TABLESPACE {quote.name(index.tablespace)}"
        kind = "PRIMARY KEY" if constraint.kind == PRIMARY else "UNIQUE"
        add = f"ADD CONSTRAINT {quote.name(name)} {kind} USING INDEX {quote.name(building)}{timing(constraint)}"
        return Recipe(build=(self._building(create, name, building),), finish=(f"ALTER TABLE {self._table} {add}",))

    def _index(self, clause: Clause, effects: Effects) -> Recipe | None:
        added = [name for name in effects.after.indexes if name not in effects.before.indexes]
        if len(added) != 1:
            return None if added else Recipe()
        name = self._names.get(added[0], added[0])
        building = marks.building_name(name)
        create = alone(clause, self._table, concurrently=True, name=building)
        rename = f"ALTER INDEX {quote.table(self._source.beside(building))} RENAME TO {quote.name(name)}"
        return Recipe(build=(self._building(create, name, building),), finish=(rename,))

    def _building(self, create: str, name: str, building: str) -> Step:
        return Step(
            sql=(create,),
            doing=f"building the index {name} of {self._source}",
            lock=SHARE_UPDATE_EXCLUSIVE,
            reason="it is built while the table is written, and waits for transactions that are older",
            quick=False,
            alone=True,
            undo=marks.drop_index_at_once(self._source, building),
        )

    def _drop(self, name: str) -> Step:
        return marks.drop_index(self._source, name)


def _not_null(constraint: Constraint | None) -> str:
    if constraint is None or constraint.kind != NOT_NULL:
        return ""
    return " AND ".join(f"{quote.name(column)} IS NOT NULL" for column in constraint.columns)


def _uses_index(clause: Clause) -> bool:
    words = [token.text.upper() for token in tokenize(clause.text, "a clause") if token.depth == 0]
    places = [place for place in range(len(words) - 1) if words[place : place + 2] == ["USING", "INDEX"]]
    return any(words[place + 2 : place + 3] != ["TABLESPACE"] for place in places)


def _joined(one: Recipe, two: Recipe) -> Recipe:
    return Recipe(
        base=one.base or two.base,
        add=one.add + two.add,
        check=one.check + two.check,
        build=one.build + two.build,
        finish=one.finish + two.finish,
        unmark=one.unmark + two.unmark,
        last=one.last + two.last,
    )
