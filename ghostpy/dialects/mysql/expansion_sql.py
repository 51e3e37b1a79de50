"""The SQL of an expansion: ledger, columns, triggers, conditions. Pure: no connection, no waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostpy.dialects.expansion_text import StepSql
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.types import BINARIES, INTEGERS, LABELLED, TEXTS, implicit_value
from ghostpy.model.expansion import Expansion
from ghostpy.model.names import TableName, expansion_trigger
from ghostpy.model.table import Column

COMMENT = "ghostpy: ledger of an expansion"
FILLING = "@ghostpy_filling"
"""A variable of a session whose writes the triggers let through as they are: that of the backfill."""
SLOTS = 16
"""Rows in which sessions note that they have written the old side."""
NOTE = "write"
# Their names must be no column's: in the user's expressions a variable would go before it.
_SLOT = (
    f"  DECLARE _ghostpy_slot VARCHAR(32) CHARACTER SET ascii DEFAULT CONCAT('{NOTE} ', CONNECTION_ID() MOD {SLOTS});\n"
    "  DECLARE _ghostpy_note VARCHAR(32) CHARACTER SET ascii DEFAULT NULL;\n"
)
UNKEPT = frozenset({"float", "bit", "geometry", "timestamp"})
"""Types of which it cannot be told by a condition whether two values are the same, or whose values depend on the session's time zone."""


def is_kept(column: Column) -> bool:
    """Whether a column of this type can be kept in step."""
    return column.data_type not in UNKEPT


def definition_of(column: Column) -> str:
    """Its type, as it stands in a definition."""
    text = column.full_type
    if column.charset:
        text += f" CHARACTER SET {column.charset} COLLATE {column.collation}"
    return text


def trigger_names(source: TableName) -> dict[str, TableName]:
    """By event. The UPDATE's comes first, so that no row is filled that nobody follows."""
    return {event: expansion_trigger(source, event.lower(), quote.NAME_LIMIT) for event in ("UPDATE", "INSERT")}


def create_ledger(ledger: TableName) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {quote.table(ledger)} (id VARCHAR(32) CHARACTER SET ascii NOT NULL PRIMARY KEY, "
        "number BIGINT UNSIGNED NOT NULL, text MEDIUMTEXT CHARACTER SET utf8mb4, "
        "changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)"
        f") ENGINE=InnoDB COMMENT='{COMMENT}'"
    )


def create_slots(ledger: TableName) -> str:
    slots = ", ".join(f"('{NOTE} {slot}', 0)" for slot in range(SLOTS))
    return f"INSERT IGNORE INTO {quote.table(ledger)} (id, number) VALUES {slots}"


def last_noted(ledger: TableName) -> str:
    """The second in which the old side was written last, as a UNIX time (0: never), and the present one."""
    return f"SELECT COALESCE(MAX(number), 0), UNIX_TIMESTAMP() FROM {quote.table(ledger)} WHERE id LIKE '{NOTE} %'"


def add_columns(expansion: Expansion, missing: Sequence[str]) -> str:
    added = [f"ADD COLUMN {quote.name(c.name)} {c.definition} NULL" for c in expansion.new if c.name in missing]
    return ", ".join(added)


class MySQLStepSql(StepSql):
    """`ledger`: where writes of the old side are noted."""

    def __init__(self, expansion: Expansion, columns: Mapping[str, Column], ledger: TableName) -> None:
        super().__init__(expansion, columns)
        self._ledger = quote.table(ledger)

    def name(self, column: str) -> str:
        return quote.name(column)

    def stored(self, expression: str, column: Column) -> str:
        kind = column.data_type
        if kind in TEXTS | LABELLED:
            return f"CAST({expression} AS CHAR CHARACTER SET {column.charset})"
        if kind in INTEGERS | {"year"}:
            return f"CAST(ROUND({expression}) AS {'UNSIGNED' if column.unsigned else 'SIGNED'})"
        if kind == "decimal":
            return f"CAST({expression} AS DECIMAL({column.numeric_precision},{column.numeric_scale or 0}))"
        if kind == "double":
            return f"({expression} + 0e0)"
        if kind in ("datetime", "time"):
            return f"CAST({expression} AS {kind.upper()}({column.fraction_digits}))"
        if kind in ("date", "json"):
            return f"CAST({expression} AS {kind.upper()})"
        if kind in BINARIES:
            return f"CAST({expression} AS BINARY{f'({column.character_length})' if kind == 'binary' else ''})"
        return expression

    def same(self, one: str, other: str, column: Column) -> str:
        # Under a collation `ada` and `Ada` are the same.
        if column.data_type in TEXTS | LABELLED:
            return f"CAST({one} AS BINARY) <=> CAST({other} AS BINARY)"
        return f"{one} <=> {other}"

    # --- triggers --------------------------------------------------------------------------------------------------

    def triggers(self) -> dict[TableName, str]:
        """The statements that create them, by their names, in order."""
        source = quote.table(self.expansion.source)
        bodies = {"UPDATE": self._on_update(), "INSERT": self._on_insert()}
        return {
            name: f"CREATE TRIGGER {quote.table(name)} BEFORE {event} ON {source} FOR EACH ROW\nBEGIN\n"
            f"{_SLOT}  IF {FILLING} IS NULL THEN\n{bodies[event]}  END IF;\nEND"
            for event, name in trigger_names(self.expansion.source).items()
        }

    def _on_update(self) -> str:
        old_changed, new_changed = self.any_changed(self.old), self.any_changed(self.new)
        # A row that is not filled yet, of which the new version writes a part: the rest of it comes from the old side first.
        rest = "".join(
            f"        IF {self._name('NEW', name)} IS NULL THEN SET {self._up(name, text)}; END IF;\n"
            for name, text in self.expansion.up
        )
        return (
            f"    IF ({old_changed}) AND NOT ({new_changed}) THEN\n{self._set_up()}{self._noted()}"
            f"    ELSEIF ({new_changed}) AND NOT ({old_changed}) THEN\n"
            f"      IF {self.unfilled} THEN\n{rest}        IF NOT ({self.as_filled}) THEN\n{self._set_down()}        END IF;\n"
            f"      ELSE\n{self._set_down()}      END IF;\n"
            "    END IF;\n"
        )

    def _on_insert(self) -> str:
        nothing = " AND ".join(f"({self._not_given(name)})" for name in self.old)
        return (
            f"    IF {self.empty('NEW.')} THEN\n{self._set_up()}"
            f"      IF NOT ({nothing}) THEN\n{self._noted()}      END IF;\n"
            f"    ELSEIF {nothing} THEN\n{self._set_down()}    END IF;\n"
        )

    def _name(self, row: str, column: str) -> str:
        return f"{row}.{self.name(column)}"

    def _up(self, name: str, text: str) -> str:
        return f"{self._name('NEW', name)} = (SELECT {text} FROM {self.side_row(self.old, 'NEW')})"

    def _set_up(self) -> str:
        return "".join(f"      SET {self._up(name, text)};\n" for name, text in self.expansion.up)

    def _set_down(self) -> str:
        return "".join(
            f"      SET {self._name('NEW', name)} = (SELECT {text} FROM {self.side_row(self.new, 'NEW')});\n"
            for name, text in self.expansion.down
        )

    def _not_given(self, name: str) -> str:
        """Whether an INSERT has left the column out, or has said nothing by it."""
        column, value = self.columns[name], self._name("NEW", name)
        default = quote.text(column.default) if column.default is not None else None
        if default is None and not column.nullable:
            default = implicit_value(column)
        return f"{value} IS NULL" + (f" OR {value} = {default}" if default is not None else "")

    def _noted(self) -> str:
        # Nobody waits for a note: who finds its row locked leaves it to the one who notes the same just now.
        ledger = self._ledger
        return (
            f"      IF (SELECT l.number FROM {ledger} l WHERE l.id = _ghostpy_slot) < UNIX_TIMESTAMP() THEN\n"
            f"        SET _ghostpy_note = (SELECT l.id FROM {ledger} l WHERE l.id = _ghostpy_slot FOR UPDATE SKIP LOCKED);\n"
            f"        IF _ghostpy_note IS NOT NULL THEN UPDATE {ledger} l SET l.number = UNIX_TIMESTAMP() WHERE l.id = _ghostpy_note; END IF;\n"
            "      END IF;\n"
        )
