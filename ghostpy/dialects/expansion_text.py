"""An expansion as the text of its ledger's row, and back; and what it says of rows, in SQL that both kinds of servers share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from msgspec import to_builtins

from ghostpy.errors import CannotResume
from ghostpy.model.expansion import Expansion, ExpansionPhase, Expressions, SideColumn
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

ROW = "expansion"
"""The ledger's row."""
EXPANSION, NOTE = "ledger of an expansion", "note of a contraction"
_FORMAT = 1


def written(expansion: Expansion) -> str:
    return json.dumps({"format": _FORMAT, **to_builtins(expansion), "phase": expansion.phase.value})


def read(text: str) -> Expansion:
    """Raises CannotResume where it cannot be read."""
    try:
        told = json.loads(text)
        if told["format"] != _FORMAT:
            raise ValueError(f"it has the format {told['format']}, of another version of ghostpy")
        return Expansion(
            source=TableName(**told["source"]),
            old=tuple(SideColumn(**each) for each in told["old"]),
            new=tuple(SideColumn(**each) for each in told["new"]),
            up=tuple((str(name), str(text)) for name, text in told["up"]),
            down=tuple((str(name), str(text)) for name, text in told["down"]),
            phase=ExpansionPhase(told["phase"]),
            returning=bool(told["returning"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CannotResume(
            f"the ledger of an expansion cannot be read: {error}",
            hint="Look at the table's columns and triggers; nothing was changed.",
        ) from error


def kind_of(text: str | None, *, there: bool) -> tuple[str, bool]:
    """What a ledger is called among leftovers, and whether it stands, so that nobody may remove it.

    `text`: its row, if it has one; `there`: whether its table is.
    """
    if text is None:
        return EXPANSION, False
    try:
        contracted = read(text).phase is ExpansionPhase.CONTRACTED
    except CannotResume:
        contracted = False
    return (NOTE, False) if contracted else (EXPANSION, there)


class StepSql(ABC):
    """Conditions over the rows of an expanded table. `columns`: those of both sides, by name, as the server describes them."""

    def __init__(self, expansion: Expansion, columns: Mapping[str, Column]) -> None:
        self.expansion = expansion
        self.columns = columns

    @abstractmethod
    def name(self, column: str) -> str:
        """A quoted name."""

    @abstractmethod
    def stored(self, expression: str, column: Column) -> str:
        """What the column would hold once the expression is assigned to it; values that it cannot hold may come out as others."""

    @abstractmethod
    def same(self, one: str, other: str, column: Column) -> str:
        """Whether two values of the column's type are the very same; NULL is the same as NULL."""

    def any_changed(self, names: Iterable[str]) -> str:
        """In a trigger: whether the statement changes any of these columns."""
        return " OR ".join(
            f"NOT ({self.same(f'OLD.{self.name(each)}', f'NEW.{self.name(each)}', self.columns[each])})"
            for each in names
        )

    @property
    def old(self) -> list[str]:
        return [column.name for column in self.expansion.old]

    @property
    def new(self) -> list[str]:
        return [column.name for column in self.expansion.new]

    def empty(self, row: str = "") -> str:
        """Whether the new side is: not filled yet, or of no value. `row`: `NEW.` or `OLD.` in a trigger."""
        return " AND ".join(f"{row}{self.name(each)} IS NULL" for each in self.new)

    @property
    def up_holds(self) -> str:
        return self._hold(self.expansion.up)

    @property
    def down_holds(self) -> str:
        return self._hold(self.expansion.down)

    def _hold(self, expressions: Expressions) -> str:
        return " AND ".join(
            self.same(self.name(name), self.stored(f"({text})", self.columns[name]), self.columns[name])
            for name, text in expressions
        )

    @property
    def to_fill(self) -> str:
        """Rows that the backfill has to fill. What holds any new value was written by the application, or is filled."""
        return f"{self.empty()} AND NOT ({self.up_holds}) AND NOT ({self.down_holds})"

    @property
    def out_of_step(self) -> str:
        """Rows of which neither side follows from the other."""
        return f"NOT ({self.empty()}) AND NOT ({self.up_holds}) AND NOT ({self.down_holds})"

    def side_row(self, names: Iterable[str], row: str) -> str:
        """In a trigger: one side of a row as a table, in which the user's expressions can be read as they stand."""
        values = ", ".join(f"{row}.{self.name(each)} AS {self.name(each)}" for each in names)
        return f"(SELECT {values}) AS {self.name(self.expansion.source.table)}"

    def held(self, expressions: Expressions, side: Iterable[str], row: str) -> str:
        """In a trigger: whether these columns of a row follow from the other side of it."""
        of = self.side_row(side, row)
        return " AND ".join(
            self.same(
                f"{row}.{self.name(name)}",
                self.stored(f"(SELECT {text} FROM {of})", self.columns[name]),
                self.columns[name],
            )
            for name, text in expressions
        )

    @property
    def unfilled(self) -> str:
        """In a trigger: whether the row as it was waits for the backfill. Where `down` holds, nothing is just what the new side says."""
        return f"{self.empty('OLD.')} AND NOT ({self.held(self.expansion.down, self.new, 'OLD')})"

    @property
    def as_filled(self) -> str:
        """In a trigger: whether the new side is now what the backfill would have made of it."""
        return self.held(self.expansion.up, self.old, "NEW")
