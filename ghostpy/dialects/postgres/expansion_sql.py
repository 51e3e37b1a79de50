"""The SQL of an expansion: ledger, columns, triggers, conditions. Pure: no connection, no waiting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostpy.dialects.expansion_text import StepSql
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.names import LEDGER, MADE_BY_US
from ghostpy.dialects.postgres.session import OUTPUT
from ghostpy.model.expansion import Expansion
from ghostpy.model.names import TRIGGER_WORD, TableName
from ghostpy.model.table import Column

COMMENT = f"{MADE_BY_US}expansion of "
FILLING = "ghostpy.filling"
"""A setting of a session whose writes the triggers let through as they are: that of the backfill."""
TRIGGER = f"~{TRIGGER_WORD}"
"""Triggers fire in the order of their names; others of the table come first, as far as they are called in ASCII letters."""
# What dates and numbers look like as text must not depend on who writes: it is as in the sessions of the backfill.
_SETTINGS = " ".join(f"SET {name} FROM CURRENT" for name in (*OUTPUT, "timezone") if name != "client_encoding")
_FUNCTION, _WRITES = "in_step", "old_writes"


def definition_of(column: Column) -> str:
    """Its type, as it stands in a definition."""
    return f"{column.full_type} COLLATE {column.collation}" if column.collation else column.full_type


def create_ledger(schema: str, source: TableName) -> str:
    own, ledger = quote.name(schema), quote.table(TableName(schema, LEDGER))
    return (
        f"CREATE SCHEMA {own}; COMMENT ON SCHEMA {own} IS {quote.text(f'{COMMENT}{source}')}; "
        f"CREATE TABLE {ledger} (id text PRIMARY KEY, value text NOT NULL); "
        f"INSERT INTO {ledger} VALUES ('begun', clock_timestamp()::text)"
    )


def writes_of(schema: str) -> str:
    """The sequence that counts writes of the old side: a transaction does not wait for another at it."""
    return quote.table(TableName(schema, _WRITES))


def drop_functions(schema: str) -> str:
    """What stands beside the ledger, of an expansion whose table is gone, and its trigger with it."""
    function = quote.table(TableName(schema, _FUNCTION))
    return f"DROP FUNCTION IF EXISTS {function}(); DROP SEQUENCE IF EXISTS {writes_of(schema)}"


class PostgresStepSql(StepSql):
    """`schema`: where ledger, function and sequence stand."""

    def __init__(self, expansion: Expansion, columns: Mapping[str, Column], schema: str) -> None:
        super().__init__(expansion, columns)
        self._schema = schema

    def name(self, column: str) -> str:
        return quote.name(column)

    def stored(self, expression: str, column: Column) -> str:
        return f"CAST({expression} AS {column.full_type})"

    def same(self, one: str, other: str, column: Column) -> str:
        # As text: not every type has an equality, and under some collations `ada` and `Ada` are the same.
        return f'({one})::text COLLATE "C" IS NOT DISTINCT FROM ({other})::text COLLATE "C"'

    # --- columns and triggers --------------------------------------------------------------------------------------

    def link(self, missing: Sequence[str]) -> list[str]:
        """All that makes the expansion, for one transaction. `missing`: new columns that are not there yet."""
        source, own = quote.table(self.expansion.source), quote.name(self._schema)
        function = quote.table(TableName(self._schema, _FUNCTION))
        path = f"pg_catalog, {quote.name(self.expansion.source.schema)}, pg_temp"
        added = [f"ADD COLUMN {self.name(c.name)} {c.definition}" for c in self.expansion.new if c.name in missing]
        return [
            *([f"ALTER TABLE {source} {', '.join(added)}"] if added else []),
            f"CREATE SEQUENCE IF NOT EXISTS {writes_of(self._schema)}",
            f"GRANT USAGE ON SCHEMA {own} TO PUBLIC",
            f"GRANT USAGE ON SEQUENCE {writes_of(self._schema)} TO PUBLIC",
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql SET search_path = {path} {_SETTINGS} AS "
            f"{quote.text(self.function())}",
            f"DROP TRIGGER IF EXISTS {quote.name(TRIGGER)} ON {source}",
            f"CREATE TRIGGER {quote.name(TRIGGER)} BEFORE INSERT OR UPDATE ON {source} FOR EACH ROW "
            f"EXECUTE FUNCTION {function}()",
        ]

    def unlink(self, dropped: Sequence[str]) -> list[str]:
        """The reverse, with the columns that go."""
        source = quote.table(self.expansion.source)
        columns = ", ".join(f"DROP COLUMN IF EXISTS {self.name(each)}" for each in dropped)
        return [
            f"DROP TRIGGER IF EXISTS {quote.name(TRIGGER)} ON {source}",
            f"DROP FUNCTION IF EXISTS {quote.table(TableName(self._schema, _FUNCTION))}()",
            f"DROP SEQUENCE IF EXISTS {writes_of(self._schema)}",
            *([f"ALTER TABLE {source} {columns}"] if columns else []),
        ]

    def function(self) -> str:
        """The body of the triggers' function."""
        nothing = " AND ".join(f"({self._not_given(name)})" for name in self.old)
        old_changed, new_changed = self.any_changed(self.old), self.any_changed(self.new)
        # A row that is not filled yet, of which the new version writes a part: the rest of it comes from the old side first.
        rest = "".join(
            f"      IF NEW.{self.name(name)} IS NULL THEN\n"
            f"        NEW.{self.name(name)} := (SELECT {text} FROM {self.side_row(self.old, 'NEW')});\n      END IF;\n"
            for name, text in self.expansion.up
        )
        return f"""
#variable_conflict use_column
BEGIN
  IF coalesce(current_setting('{FILLING}', true), '') = 'on' THEN
    RETURN NEW;
  END IF;
  IF TG_OP = 'INSERT' THEN
    IF {self.empty("NEW.")} THEN
{self._set_up()}      IF NOT ({nothing}) THEN
{self._noted()}      END IF;
    ELSIF {nothing} THEN
{self._set_down()}    END IF;
  ELSIF ({old_changed}) AND NOT ({new_changed}) THEN
{self._set_up()}{self._noted()}  ELSIF ({new_changed}) AND NOT ({old_changed}) THEN
    IF {self.unfilled} THEN
{rest}      IF NOT ({self.as_filled}) THEN
{self._set_down()}      END IF;
    ELSE
{self._set_down()}    END IF;
  END IF;
  RETURN NEW;
END
"""

    def _set_up(self) -> str:
        return "".join(
            f"      NEW.{self.name(name)} := (SELECT {text} FROM {self.side_row(self.old, 'NEW')});\n"
            for name, text in self.expansion.up
        )

    def _set_down(self) -> str:
        return "".join(
            f"      NEW.{self.name(name)} := (SELECT {text} FROM {self.side_row(self.new, 'NEW')});\n"
            for name, text in self.expansion.down
        )

    def _not_given(self, name: str) -> str:
        """Whether an INSERT has left the column out, or has said nothing by it."""
        column, value = self.columns[name], f"NEW.{self.name(name)}"
        given = f" OR {self.same(value, column.default, column)}" if column.default is not None else ""
        return f"{value} IS NULL{given}"

    def _noted(self) -> str:
        return f"        PERFORM nextval({quote.text(writes_of(self._schema))}::regclass);\n"
