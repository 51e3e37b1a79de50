"""Has a table the shape already that an ALTER of MySQL's would give it? What of that can be told from texts.

An ALTER that was carried out cannot be tried again: its column is there, its index is gone. So the question is turned round: is there
a table from which this ALTER leads to the one that is there now? That table is made on an empty clone by undoing each clause whose
outcome is there; then the server runs the ALTER on it, and the definitions are compared. What is not understood tells nothing, and then the
answer is no.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from enum import Enum
from itertools import pairwise

from msgspec import Struct

from ghostpy.model.finding import Finding, Severity
from ghostpy.model.table import Table
from ghostpy.planning.alter import Reader, split_clauses
from ghostpy.planning.sql_tokens import Token, TokenKind, tokenize

_WHAT = "The ALTER text"
# They ask for work that leaves no mark in a table's definition, or for something else than a shape.
_NO_SHAPE = (
    "ENGINE",
    "FORCE",
    "PARTITION",
    "PARTITIONING",
    "PARTITIONS",
    "TABLESPACE",
    "UNION",
    "VALIDATION",
    "EXCHANGE",
)
_OPTIONS = (
    "COMMENT",
    "DEFAULT",
    "CHARACTER",
    "CHARSET",
    "COLLATE",
    "ROW_FORMAT",
    "KEY_BLOCK_SIZE",
    "ALGORITHM",
    "LOCK",
)
_INDEX_WORDS = ("INDEX", "KEY")
_COLUMN = re.compile(r"  `((?:[^`]|``)+)` ")


class Does(Enum):
    """What a clause does, as far as it matters here."""

    ADD_COLUMN = "add column"
    DROP_COLUMN = "drop column"
    RENAME_COLUMN = "rename column"
    ADD_INDEX = "add index"
    DROP_INDEX = "drop index"
    RENAME_INDEX = "rename index"
    ADD_PRIMARY = "add primary key"
    DROP_PRIMARY = "drop primary key"
    AGAIN = "can be done again"
    """Where its outcome is there already, it changes nothing."""


class Step(Struct, frozen=True):
    """One clause. Names are unquoted."""

    does: Does
    name: str = ""
    """Of an index that gets none: the one that the server gives it by default."""
    new_name: str = ""
    placed: bool = False
    """A new column's place is said: FIRST or AFTER."""
    named: bool = True


def steps_of(clauses: str) -> tuple[Step, ...] | None:
    """What the clauses do; None where one of them is not understood, or asks for more than a shape."""
    tokens = tokenize(clauses, _WHAT)
    outside = [token for token in tokens if token.depth == 0]
    if any(token.kind is TokenKind.CONDITION or token.is_word(*_NO_SHAPE) for token in outside):
        return None
    if any(one.is_word("ORDER") and two.is_word("BY") for one, two in pairwise(outside)):
        return None
    found: list[Step] = []
    for clause in split_clauses(tokens):
        steps = _read(Reader(clause), clause)
        if not steps:
            return None
        found += steps
    return tuple(found)


def _read(reader: Reader, clause: Sequence[Token]) -> list[Step]:
    if reader.take("ADD"):
        return _read_add(reader, clause)
    if reader.take("DROP"):
        return _read_drop(reader)
    if reader.take("CHANGE"):
        return _read_change(reader)
    if reader.take("RENAME"):
        return _read_rename(reader)
    if reader.take("MODIFY") or reader.sees(*_OPTIONS) or reader.take("CONVERT", "TO"):
        return [Step(Does.AGAIN)]
    if reader.take("ALTER") and not reader.sees("CHECK", "CONSTRAINT"):
        return [Step(Does.AGAIN)]
    return []


def _read_add(reader: Reader, clause: Sequence[Token]) -> list[Step]:
    if reader.take("PRIMARY", "KEY") or (reader.sees("CONSTRAINT") and _named_primary(reader)):
        return [Step(Does.ADD_PRIMARY)]
    if reader.sees("CONSTRAINT", "FOREIGN", "CHECK", "PRIMARY"):
        return _read_named_unique(reader)
    following = reader.peek(1)
    if reader.sees("PERIOD", "SYSTEM") and following is not None and following.is_word("FOR", "VERSIONING"):
        return []
    kind = reader.sees("FULLTEXT", "SPATIAL", "UNIQUE") or (
        reader.sees("VECTOR") and following is not None and following.is_word(*_INDEX_WORDS)
    )
    if kind or reader.sees(*_INDEX_WORDS):
        if kind:
            reader.name()
        return _read_index(reader)
    reader.take("COLUMN")
    if (token := reader.peek()) is not None and token.is_symbol("("):
        return []
    reader.take("IF", "NOT", "EXISTS")
    name = reader.name()
    return [Step(Does.ADD_COLUMN, name, placed=_placed(clause))] if name else []


def _named_primary(reader: Reader) -> bool:
    ahead = [reader.peek(place) for place in range(4)]
    words = [token.text.upper() if token is not None else "" for token in ahead]
    return words[1:3] == ["PRIMARY", "KEY"] or words[2:4] == ["PRIMARY", "KEY"]


def _read_named_unique(reader: Reader) -> list[Step]:
    """`CONSTRAINT name UNIQUE …` makes an index of that name."""
    if not reader.take("CONSTRAINT"):
        return []
    name = None if reader.sees("UNIQUE") else reader.name()
    if not reader.take("UNIQUE"):
        return []
    found = _read_index(reader)
    return [Step(Does.ADD_INDEX, name)] if name and found and not found[0].named else found


def _read_index(reader: Reader) -> list[Step]:
    """`[INDEX|KEY] [IF NOT EXISTS] [name] [USING …] (column, …)`."""
    if not reader.take("INDEX"):
        reader.take("KEY")
    reader.take("IF", "NOT", "EXISTS")
    token = reader.peek()
    if token is not None and not token.is_symbol("(") and not token.is_word("USING"):
        name = reader.name()
        return [Step(Does.ADD_INDEX, name)] if name else []
    if reader.take("USING"):
        reader.name()
    first = reader.name() if reader.take_symbol("(") else None
    return [Step(Does.ADD_INDEX, first, named=False)] if first else []


def _placed(clause: Sequence[Token]) -> bool:
    return clause[-1].is_word("FIRST") or (len(clause) > 2 and clause[-2].is_word("AFTER"))


def _read_drop(reader: Reader) -> list[Step]:
    if reader.take("PRIMARY", "KEY"):
        return [Step(Does.DROP_PRIMARY)]
    does = Does.DROP_INDEX if reader.take("INDEX") or reader.take("KEY") else Does.DROP_COLUMN
    following = reader.peek(1)
    if does is Does.DROP_COLUMN and not reader.take("COLUMN"):
        if reader.sees("CHECK", "CONSTRAINT", "FOREIGN"):
            return []
        if reader.sees("PERIOD", "SYSTEM") and following is not None and following.is_word("FOR", "VERSIONING"):
            return []
    reader.take("IF", "EXISTS")
    name = reader.name()
    return [Step(does, name)] if name else []


def _read_change(reader: Reader) -> list[Step]:
    reader.take("COLUMN")
    reader.take("IF", "EXISTS")
    old, new = reader.name(), reader.name()
    if not old or not new:
        return []
    return [Step(Does.RENAME_COLUMN, old, new)] if old.casefold() != new.casefold() else [Step(Does.AGAIN)]


def _read_rename(reader: Reader) -> list[Step]:
    if reader.take("COLUMN"):
        does = Does.RENAME_COLUMN
    elif reader.take("INDEX") or reader.take("KEY"):
        does = Does.RENAME_INDEX
    else:
        return []
    reader.take("IF", "EXISTS")
    old = reader.name()
    new = reader.name() if reader.take("TO") else None
    return [Step(does, old, new)] if old and new else []


def takes_away(steps: Sequence[Step], source: Table) -> bool:
    """Whether a column of the source loses its values or its name: then the same definition does not mean the same table."""
    return any(step.does in (Does.DROP_COLUMN, Does.RENAME_COLUMN) and source.has_column(step.name) for step in steps)


def nowhere(steps: Sequence[Step], source: Table) -> list[Finding]:
    """What is to be dropped and is not there: gone by an earlier run, or misspelled."""
    indexes = {index.name.casefold() for index in source.indexes}
    return [
        Finding("nothing-to-drop", f"{source.name} has no {what} {step.name} to drop", severity=Severity.WARN)
        for step in steps
        for does, what, there in (
            (Does.DROP_COLUMN, "column", source.has_column(step.name)),
            (Does.DROP_INDEX, "index", step.name.casefold() in indexes),
        )
        if step.does is does and not there
    ]


def undoing(steps: Sequence[Step], source: Table) -> tuple[str, ...]:
    """Clauses that lead from the source as it is to one from which the steps could have led here; none where there are none."""
    indexes = {index.name.casefold(): index for index in source.indexes}
    found: list[str] = []
    for step in steps:
        there = step.name.casefold() in indexes
        arrived = step.new_name.casefold() in indexes
        match step.does:
            case Does.ADD_COLUMN if source.has_column(step.name):
                column = source.column(step.name).name
                over = [each.name for each in source.indexes if any(part.column == column for part in each.parts)]
                found += [_drop_index(name) for name in over]
                found.append(f"DROP COLUMN {_quoted(column)}")
            case Does.DROP_COLUMN if not source.has_column(step.name):
                found.append(f"ADD COLUMN {_quoted(step.name)} INT")
            case Does.RENAME_COLUMN if not source.has_column(step.name) and source.has_column(step.new_name):
                found.append(f"RENAME COLUMN {_quoted(step.new_name)} TO {_quoted(step.name)}")
            case Does.ADD_INDEX if there:
                found.append(_drop_index(indexes[step.name.casefold()].name))
            case Does.DROP_INDEX if not there:
                found += [f"ADD INDEX {_quoted(step.name)} ({_quoted(column)})" for column in _indexable(source)]
            case Does.RENAME_INDEX if arrived and not there:
                found.append(f"RENAME INDEX {_quoted(step.new_name)} TO {_quoted(step.name)}")
            case Does.ADD_PRIMARY if "primary" in indexes:
                found.append(_drop_index("PRIMARY"))
    return tuple(dict.fromkeys(found))


def _indexable(source: Table) -> list[str]:
    """A column that an index can stand on."""
    return [part.column for index in source.indexes for part in index.parts if part.column and part.prefix is None][:1]


def _drop_index(name: str) -> str:
    return "DROP PRIMARY KEY" if name == "PRIMARY" else f"DROP INDEX {_quoted(name)}"


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def anywhere(steps: Sequence[Step]) -> frozenset[str]:
    """Columns, in lower case, that may stand anywhere: the ALTER does not say where."""
    return frozenset(step.name.casefold() for step in steps if step.does is Does.ADD_COLUMN and not step.placed)


def same_shape(now: str, undone: str, redone: str, free: Collection[str]) -> bool:
    """Whether the table `redone` is the table `now`, all three as SHOW CREATE TABLE has them.

    Indexes and constraints that went when `undone` was made, and that the ALTER says nothing about, are none of its outcome. Columns named in
    `free` (lower case) may stand anywhere.
    """
    is_now, was, is_then = _Definition(now), _Definition(undone), _Definition(redone)
    if is_now.frame != is_then.frame or is_now.columns != is_then.columns:
        return False
    if is_now.order(free) != is_then.order(free):
        return False
    went = is_now.others - was.others
    return not is_then.others - is_now.others and not (is_now.others - is_then.others) - went


class _Definition:
    """The lines of a CREATE TABLE as the server writes it: each column, index and constraint in one of its own."""

    def __init__(self, text: str) -> None:
        lines = text.splitlines()
        body = [line.removesuffix(",") for line in lines if line.startswith("  ")]
        self.frame = [line for line in lines if not line.startswith("  ")]
        named = [(match[1].replace("``", "`").casefold(), line) for line in body if (match := _COLUMN.match(line))]
        self.columns = dict(named)
        self.others = Counter(line for line in body if not _COLUMN.match(line))
        self._names = [name for name, _ in named]

    def order(self, free: Collection[str]) -> list[str]:
        return [name for name in self._names if name not in free]
