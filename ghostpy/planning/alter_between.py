"""The clauses that lead from one table's shape to another's, for MySQL and MariaDB. Pure.

Whether they do is not taken for granted: the server carries them out on an empty twin, whose shape is then compared (`differing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from ghostpy.errors import PlanRefused
from ghostpy.model.schema_difference import Change
from ghostpy.planning.lookalikes import staying
from ghostpy.planning.table_shape import PRIMARY, CheckShape, ColumnShape, TableShape, comparable

_RESETS = {
    "COMMENT": "''",
    "ROW_FORMAT": "DEFAULT",
    "KEY_BLOCK_SIZE": "0",
    "STATS_PERSISTENT": "DEFAULT",
    "STATS_AUTO_RECALC": "DEFAULT",
    "STATS_SAMPLE_PAGES": "DEFAULT",
    "MAX_ROWS": "0",
    "MIN_ROWS": "0",
    "AVG_ROW_LENGTH": "0",
    "CHECKSUM": "0",
    "DELAY_KEY_WRITE": "0",
    "PACK_KEYS": "DEFAULT",
    "COMPRESSION": "'none'",
    "ENGINE_ATTRIBUTE": "''",
    "SECONDARY_ENGINE_ATTRIBUTE": "''",
}


class Between(Struct, frozen=True):
    """Two shapes: the table as it is, its columns called as they are to be called already, and as it is desired.

    `renames`: which columns were called otherwise: (old, new).
    """

    now: TableShape
    wanted: TableShape
    renames: tuple[tuple[str, str], ...] = ()

    @property
    def dropped(self) -> tuple[ColumnShape, ...]:
        return tuple(column for column in self.now.columns if self.wanted.column(column.name) is None)

    @property
    def added(self) -> tuple[ColumnShape, ...]:
        return tuple(column for column in self.wanted.columns if self.now.column(column.name) is None)

    def changes(self, *, name_checks: bool = True) -> tuple[Change, ...]:
        """What an ALTER TABLE lists, in order. Raises PlanRefused for what none can do.

        `name_checks`: whether CHECK constraints get their names, which only one table of a database can have.
        """
        indexes = self._indexes()
        return (
            *(change for change in indexes if not change.what.startswith("add")),
            *self._dropped_checks(),
            *(
                Change("drop column", column.name, f"DROP COLUMN {_quoted(column.name)}", loses=not column.generated)
                for column in self.dropped
            ),
            *self._columns(),
            *(change for change in indexes if change.what.startswith("add")),
            *self._added_checks(named=name_checks),
            *self._options(),
        )

    def _columns(self) -> list[Change]:
        kept = [column.name for column in self.now.columns if self.wanted.column(column.name) is not None]
        order = [name for name in (column.name for column in self.wanted.columns) if self.now.column(name)]
        spelled = {name.casefold(): name for name in order}
        still = staying([spelled[name.casefold()] for name in kept], order)
        old_names = {new.casefold(): old for old, new in self.renames}
        anew = self._anew()
        last_kept = max(
            (place for place, column in enumerate(self.wanted.columns) if column.name in spelled.values()), default=-1
        )
        changes, before = [], ""
        for place, column in enumerate(self.wanted.columns):
            now = self.now.column(column.name)
            where = f" AFTER {_quoted(before)}" if before else " FIRST"
            before = column.name
            named, old = _quoted(column.name), old_names.get(column.name.casefold())
            if now is None:
                behind = where if place < last_kept else ""
                changes.append(Change("add column", column.name, f"ADD COLUMN {named} {column.definition}{behind}"))
                continue
            moved = "" if column.name in still else where
            if column.name.casefold() in anew:
                sql = f"DROP COLUMN {_quoted(old or now.name)}, ADD COLUMN {named} {column.definition}{where}"
                changes.append(Change("make column anew", column.name, sql, loses=not now.generated))
            elif old is not None or now.name != column.name:
                sql = f"CHANGE COLUMN {_quoted(old or now.name)} {named} {column.definition}{moved}"
                changes.append(Change("rename column", old or now.name, sql))
            elif moved or comparable(now.definition) != comparable(column.definition):
                what = "change column" if comparable(now.definition) != comparable(column.definition) else "move column"
                # A stored column takes the place of values that were given.
                loses = bool(column.generated) and not now.generated
                changes.append(Change(what, column.name, f"MODIFY COLUMN {named} {column.definition}{moved}", loses))
        return changes

    def _anew(self) -> frozenset[str]:
        """Columns that no MODIFY can lead to what they are to be ("ALTER TABLE and Generated Columns"), folded."""
        found = set()
        for column in self.wanted.columns:
            now = self.now.column(column.name)
            if now is None or now.generated == column.generated or "VIRTUAL" not in (now.generated, column.generated):
                continue
            if not column.generated:
                raise PlanRefused(
                    f"the column {column.name} is computed by the server when it is read (VIRTUAL) and is to hold values of its own: "
                    "no ALTER keeps them",
                    hint="Nothing was changed. Make it STORED first, by a change of its own.",
                )
            found.add(column.name.casefold())
        return frozenset(found)

    def _indexes(self) -> list[Change]:
        now, wanted = self.now.indexes, self.wanted.indexes
        folded = {name.casefold(): name for name in now}
        same = {
            name
            for name, text in wanted.items()
            if (other := folded.get(name.casefold())) and comparable(now[other]) == comparable(text)
        }
        gone = [name for name in now if name.casefold() not in {each.casefold() for each in same}]
        come = [name for name in wanted if name not in same]
        anew = self._anew()
        if anew:
            raised = [name for name in same if any(f"`{each}`" in wanted[name].casefold() for each in anew)]
            gone += [folded[name.casefold()] for name in raised]
            come += raised
        changes = []
        for name in list(gone):
            other = next((each for each in come if _nameless(wanted[each], each) == _nameless(now[name], name)), None)
            if other is None or PRIMARY in (name, other) or other.casefold() in folded or anew:
                continue
            gone.remove(name)
            come.remove(other)
            changes.append(Change("rename index", name, f"RENAME INDEX {_quoted(name)} TO {_quoted(other)}"))
        for name in gone:
            sql = "DROP PRIMARY KEY" if name == PRIMARY else f"DROP INDEX {_quoted(name)}"
            changes.append(Change("drop index" if name != PRIMARY else "drop primary key", name, sql))
        for name in come:
            what = "add index" if name != PRIMARY else "add primary key"
            changes.append(Change(what, name, f"ADD {wanted[name]}"))
        return changes

    def _checks(self) -> tuple[list[CheckShape], list[CheckShape], list[tuple[CheckShape, CheckShape]]]:
        """CHECK constraints that go, that come, and that stay. Two that say the same are one, whatever they are called.

        Unless the name of one that could stay is wanted for another.
        """
        gone = list(self.now.checks)
        stay: list[tuple[CheckShape, CheckShape]] = []
        for exactly in (True, False):
            for check in self.wanted.checks:
                if any(kept is check for _, kept in stay):
                    continue
                match = next((each for each in gone if _same_check(each, check, exactly=exactly)), None)
                if match is not None:
                    gone.remove(match)
                    stay.append((match, check))
        come = [check for check in self.wanted.checks if not any(kept is check for _, kept in stay)]
        while taken := [pair for pair in stay if any(each.name and each.name == pair[0].name for each in come)]:
            stay = [pair for pair in stay if pair not in taken]
            gone += [now for now, _ in taken]
            come += [wanted for _, wanted in taken]
        return gone, come, stay

    def _dropped_checks(self) -> list[Change]:
        return [Change("drop check", each.name, f"DROP CONSTRAINT {_quoted(each.name)}") for each in self._checks()[0]]

    def _added_checks(self, *, named: bool) -> list[Change]:
        return [
            Change("add check", each.name, f"ADD {f'CONSTRAINT {_quoted(each.name)} ' if named and each.name else ''}{each.text}")
            for each in self._checks()[1]
        ]  # fmt: skip

    def _options(self) -> list[Change]:
        changes = []
        charset, collation = self.wanted.collation
        if self.now.collation != self.wanted.collation:
            sql = f"DEFAULT CHARACTER SET {charset} COLLATE {collation}"
            changes.append(Change("change option", "collation", sql))
        for name, value in self.wanted.options.items():
            if self.now.options.get(name) != value:
                changes.append(Change("change option", name, f"{name}={value}"))
        for name in self.now.options:
            if name not in self.wanted.options:
                if name not in _RESETS:
                    raise PlanRefused(
                        f"the table has {name}={self.now.options[name]}, and it is not known how to take that away"
                    )
                changes.append(Change("change option", name, f"{name}={_RESETS[name]}"))
        if comparable(self.now.partitions) != comparable(self.wanted.partitions):
            sql = self.wanted.partitions or "REMOVE PARTITIONING"
            changes.append(Change("change partitions", "partitions", sql))
        return changes

    def renamed_checks(self) -> tuple[tuple[str, str], ...]:
        """CHECK constraints that say the same and are called otherwise: now, wanted."""
        return tuple((now.name, want.name) for now, want in self._checks()[2] if want.name and want.name != now.name)


def _same_check(one: CheckShape, other: CheckShape, *, exactly: bool) -> bool:
    return comparable(one.text) == comparable(other.text) and (not exactly or one.name == other.name)


def alter_text(changes: Sequence[Change]) -> str:
    """What follows the table's name. What is about partitions stands last, and without a comma before it."""
    listed = ",\n  ".join(change.sql for change in changes if change.what != "change partitions")
    return "\n".join([listed, *(change.sql for change in changes if change.what == "change partitions")]).strip()


def differing(one: TableShape, other: TableShape) -> tuple[str, ...]:
    """What the two shapes differ in, in words; nothing where they are the same."""
    found = []
    if [column.name for column in one.columns] != [column.name for column in other.columns]:
        found.append("the columns' names or order")
    for column in one.columns:
        match = other.column(column.name)
        if match is not None and comparable(match.definition) != comparable(column.definition):
            found.append(f"the column {column.name}")
    for name in {**one.indexes, **other.indexes}:
        if comparable(one.indexes.get(name, "")) != comparable(other.indexes.get(name, "")):
            found.append("the primary key" if name == PRIMARY else f"the index {name}")
    if _texts(one.checks) != _texts(other.checks):
        found.append("CHECK constraints")
    found += [
        f"the option {name}"
        for name in {**one.options, **other.options}
        if one.options.get(name) != other.options.get(name)
    ]
    if one.collation != other.collation:
        found.append("the default collation")
    if comparable(one.partitions) != comparable(other.partitions):
        found.append("the partitions")
    return tuple(dict.fromkeys(found))


def _texts(checks: Sequence[CheckShape]) -> Counter[str]:
    return Counter(comparable(check.text) for check in checks)


def told(columns: Sequence[ColumnShape]) -> Mapping[str, tuple[str, str]]:
    """Each column's type and whole definition, by which columns under two names may be one."""
    return {
        column.name: (column.type_text, comparable(column.definition)) for column in columns if not column.generated
    }


def _nameless(text: str, name: str) -> str:
    return comparable(text.replace(_quoted(name), "``", 1))


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
