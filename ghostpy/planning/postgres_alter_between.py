"""The statements that lead from one PostgreSQL table's shape to another's. Pure.

Whether they do is not taken for granted: the server carries them out on an empty twin, whose shape is then compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ghostpy.errors import PlanRefused
from ghostpy.model.names import TableName
from ghostpy.model.schema_difference import Change
from ghostpy.planning.postgres_alter import quoted
from ghostpy.planning.postgres_shape import OWN_SEQUENCE, ColumnShape, ConstraintShape, TableShape

_NOT_VALID = " NOT VALID"
RENAME, ALTER, STATEMENT = "rename", "alter", "statement"
_SETS_EXPRESSION = 170000
"""The version from which on a generated column can get another expression ("ALTER TABLE", SET EXPRESSION)."""


class Between(Struct, frozen=True):
    """Two shapes: the table as it is, its columns called as they are to be called already, and as it is desired.

    `renames`: which columns were called otherwise: (old, new). `version`: the server's, as libpq tells it.
    """

    now: TableShape
    wanted: TableShape
    renames: tuple[tuple[str, str], ...]
    version: int

    @property
    def dropped(self) -> tuple[ColumnShape, ...]:
        return tuple(column for column in self.now.columns if self.wanted.column(column.name) is None)

    @property
    def added(self) -> tuple[ColumnShape, ...]:
        return tuple(column for column in self.wanted.columns if self.now.column(column.name) is None)

    def changes(self, table: TableName) -> tuple[Change, ...]:
        """Whole statements and clauses of one ALTER TABLE, in order, for `table`. Raises PlanRefused for what none can do."""
        if self.now.method != self.wanted.method:
            raise PlanRefused(
                f"the access method is {self.now.method}, and not {self.wanted.method}: that is not changed here"
            )
        gone, come, renamed, proven = self._constraints()
        drops, creates = self._indexes(table)
        return (
            *self.rename_changes(table),
            *(
                Change(
                    "rename constraint",
                    old,
                    f"ALTER TABLE {_full(table)} RENAME CONSTRAINT {quoted(old)} TO {quoted(new)}",
                )
                for old, new in renamed
            ),
            *drops,
            *(Change("drop constraint", each.name, f"DROP CONSTRAINT {quoted(each.name)}") for each in gone),
            *(
                Change("drop column", each.name, f"DROP COLUMN {quoted(each.name)}", loses=not each.generated)
                for each in self.dropped
            ),
            *self._columns(),
            *(
                Change("add constraint", each.name, f"ADD CONSTRAINT {quoted(each.name)} {each.definition}")
                for each in come
            ),
            *(Change("validate constraint", name, f"VALIDATE CONSTRAINT {quoted(name)}") for name in proven),
            *self._options(),
            *creates,
            *self._comments(table),
        )

    def rename_changes(self, table: TableName) -> tuple[Change, ...]:
        """Of columns: they come first, and are made on the twin already."""
        return tuple(
            Change("rename column", old, f"ALTER TABLE {_full(table)} RENAME COLUMN {quoted(old)} TO {quoted(new)}")
            for old, new in self.renames
        )

    # --- columns -----------------------------------------------------------------------------------------------------

    def _columns(self) -> list[Change]:
        changes = []
        for column in self.wanted.columns:
            now = self.now.column(column.name)
            if now is None or self._anew(now, column):
                loses = now is not None and not now.generated
                if now is not None:
                    changes.append(Change("make column anew", column.name, f"DROP COLUMN {quoted(column.name)}", loses))
                changes.append(
                    Change("add column", column.name, f"ADD COLUMN {quoted(column.name)} {column.definition}")
                )
                changes += _stored(column, None)
            else:
                changes += self._changed(now, column)
        return changes

    def _anew(self, now: ColumnShape, wanted: ColumnShape) -> bool:
        """Whether the column can only be dropped and added again: what is computed then is computed anew."""
        if not wanted.generated:
            if now.generated == "v":
                raise PlanRefused(
                    f"the column {now.name} is computed by the server when it is read (VIRTUAL) and is to hold values of its own: "
                    "no ALTER keeps them"
                )
            return False
        return (
            now.generated != wanted.generated
            or now.typed != wanted.typed
            or (now.default != wanted.default and self.version < _SETS_EXPRESSION)
        )

    def _changed(self, now: ColumnShape, wanted: ColumnShape) -> list[Change]:
        column = f"ALTER COLUMN {quoted(wanted.name)}"
        clauses: list[str] = []
        if now.generated and not wanted.generated:
            clauses.append("DROP EXPRESSION")
        if wanted.generated and now.default != wanted.default:
            clauses.append(f"SET EXPRESSION AS ({wanted.default})")
        retyped = now.typed != wanted.typed
        given = "" if now.generated else now.default
        if now.identity and not wanted.identity:
            clauses.append("DROP IDENTITY")
        if not wanted.generated:
            clauses += _default(given, wanted.default, wanted.name, retyped=retyped)
        if retyped:
            clauses.append(f"TYPE {wanted.typed}")
        if now.not_null != wanted.not_null:
            clauses.append("SET NOT NULL" if wanted.not_null else "DROP NOT NULL")
        clauses += _identity(now, wanted)
        found = [Change("change column", wanted.name, f"{column} {clause}") for clause in clauses]
        return [*found, *_stored(wanted, now, retyped=retyped)]

    # --- what belongs to them ----------------------------------------------------------------------------------------

    def _constraints(
        self,
    ) -> tuple[list[ConstraintShape], list[ConstraintShape], list[tuple[str, str]], list[str]]:
        """Those that go, that come, that get another name (old, new), and those whose rows are to be looked at."""
        now = {each.name: each for each in self.now.constraints}
        wanted = {each.name: each for each in self.wanted.constraints}
        same = {name for name in now if now[name] == wanted.get(name)}
        proven = [
            name
            for name, each in now.items()
            if name in wanted and each.definition == wanted[name].definition + _NOT_VALID
        ]
        gone = [each for name, each in now.items() if name not in same and name not in proven]
        come = [each for name, each in wanted.items() if name not in same and name not in proven]
        renamed = []
        for each in list(gone):
            other = next((one for one in come if one.definition == each.definition and one.name not in now), None)
            if other is not None and each.name not in wanted:
                gone.remove(each)
                come.remove(other)
                renamed.append((each.name, other.name))
        return gone, come, renamed, proven

    def _indexes(self, table: TableName) -> tuple[list[Change], list[Change]]:
        now, wanted = ({each.name: each for each in shape.indexes} for shape in (self.now, self.wanted))
        drops = [
            Change("drop index", name, f"DROP INDEX {quoted(table.schema)}.{quoted(name)}")
            for name in now
            if now[name] != wanted.get(name)
        ]
        creates = [
            Change("create index", name, each.create(_full(table)))
            for name, each in wanted.items()
            if now.get(name) != each
        ]
        return drops, creates

    def _options(self) -> list[Change]:
        changes = [
            Change("change option", name, f"SET ({name} = {_text(value)})")
            for name, value in self.wanted.options.items()
            if self.now.options.get(name) != value
        ]
        changes += [
            Change("change option", name, f"RESET ({name})")
            for name in self.now.options
            if name not in self.wanted.options
        ]
        if self.now.unlogged != self.wanted.unlogged:
            how = "UNLOGGED" if self.wanted.unlogged else "LOGGED"
            changes.append(Change("change option", "persistence", f"SET {how}"))
        return changes

    def _comments(self, table: TableName) -> list[Change]:
        full, changes = _full(table), []
        if self.now.comment != self.wanted.comment:
            changes.append(Change("comment", table.table, f"COMMENT ON TABLE {full} IS {_text(self.wanted.comment)}"))
        for column in self.wanted.columns:
            now = self.now.column(column.name)
            before = None if now is None or self._anew(now, column) else now.comment
            if before != column.comment:
                sql = f"COMMENT ON COLUMN {full}.{quoted(column.name)} IS {_text(column.comment)}"
                changes.append(Change("comment", column.name, sql))
        return changes

    def notes(self) -> tuple[str, ...]:
        """What differs and counts for nothing, and what else there is to know."""
        found = []
        kept = [name for name in self.now.names if self.wanted.column(name)]
        places = [name for name in self.wanted.names if self.now.column(name)]
        added = {column.name for column in self.added}
        tail = self.wanted.names[len(places) :]
        if kept != places or (added and set(tail) != added):
            found.append(
                "the columns would stand in another order than in the desired table: PostgreSQL adds columns at the end and moves none, "
                "so their order counts for nothing"
            )
        for column in self.wanted.columns:
            now = self.now.column(column.name)
            if now is not None and column.identity and not now.identity and column.sequence is not None:
                found.append(
                    f"the identity of {column.name} begins at {column.sequence.start}, whatever is in the table: set it right with "
                    "ALTER TABLE … ALTER COLUMN … RESTART WITH …"
                )
        return tuple(found)


def statements(changes: Sequence[Change], table: TableName) -> tuple[str, ...]:
    """Whole statements, in order; the clauses in one ALTER TABLE, or in two."""
    clauses = [change for change in changes if change.what not in _WHOLE]
    first: list[Change] = []
    retyped = {change.name for change in clauses if _does(change, "TYPE")}
    if retyped and any(_does(change, "SET EXPRESSION") for change in clauses):
        # In one ALTER TABLE, PostgreSQL 18.6 was seen not to find the indexes and constraints of a retyped column any more once the
        # expressions are changed ("cache lookup failed").
        first = [
            change
            for change in clauses
            if change.what == "drop constraint" or (change.what == "change column" and change.name in retyped)
        ]
    found, placed = [], False
    for change in changes:
        if change.what in _WHOLE:
            found.append(change.sql)
        elif not placed:
            rest = [clause for clause in clauses if clause not in first]
            found += [_altering(part, table) for part in (first, rest) if part]
            placed = True
    return tuple(found)


def _does(change: Change, what: str) -> bool:
    """Whether it is `ALTER COLUMN … what`."""
    return change.what == "change column" and change.sql.startswith(f"ALTER COLUMN {quoted(change.name)} {what} ")


def _altering(clauses: Sequence[Change], table: TableName) -> str:
    listed = ",\n  ".join(clause.sql for clause in clauses)
    return f"ALTER TABLE {_full(table)}\n  {listed}"


_WHOLE = ("rename column", "rename constraint", "drop index", "create index", "comment")


def told(columns: Sequence[ColumnShape]) -> Mapping[str, tuple[str, str]]:
    """Each column's type and whole definition, by which columns under two names may be one."""
    return {column.name: (column.type_text, column.definition) for column in columns if not column.generated}


def _default(now: str, wanted: str, name: str, *, retyped: bool) -> list[str]:
    if wanted == OWN_SEQUENCE:
        if now != OWN_SEQUENCE:
            raise PlanRefused(
                f"the column {name} is to be serial and is not: an ALTER TABLE makes no sequence",
                hint="Nothing was changed. GENERATED BY DEFAULT AS IDENTITY does the same, and can be had.",
            )
        return []
    if now == wanted and not (retyped and wanted):
        return []
    # The server casts a default to the new type, and may not be able to; or spells it otherwise then.
    drop = ["DROP DEFAULT"] if now and (retyped or not wanted) else []
    return [*drop, *([f"SET DEFAULT {wanted}"] if wanted else [])]


def _identity(now: ColumnShape, wanted: ColumnShape) -> list[str]:
    if not wanted.identity or wanted.sequence is None:
        return []
    if not now.identity:
        return [f"ADD {wanted.identity_words} AS IDENTITY ({wanted.sequence.options()})"]
    if now.sequence != wanted.sequence:
        return [f"SET {wanted.identity_words} {wanted.sequence.options('SET ')}"]
    return [f"SET {wanted.identity_words}"] if now.identity != wanted.identity else []


def _stored(wanted: ColumnShape, now: ColumnShape | None, *, retyped: bool = False) -> list[Change]:
    column, changes = f"ALTER COLUMN {quoted(wanted.name)}", []
    storage = now.storage if now is not None and not retyped else ""
    if storage != wanted.storage:
        changes.append(Change("change column", wanted.name, f"{column} SET STORAGE {wanted.storage_word}"))
    if (now.compression if now is not None else "") != wanted.compression:
        changes.append(Change("change column", wanted.name, f"{column} SET COMPRESSION {wanted.compression_word}"))
    return changes


def _full(table: TableName) -> str:
    return f"{quoted(table.schema)}.{quoted(table.table)}"


def _text(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
