"""The table in which PostgreSQL keeps what is done of which script, in a schema of its own."""

from __future__ import annotations

from ghostpy.dialects import script_text, whose
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.housekeeping import LOCK_CLASS
from ghostpy.dialects.postgres.names import MADE_BY_US
from ghostpy.model.names import TableName
from ghostpy.model.script import Note

COMMENT = f"{MADE_BY_US}{script_text.KIND}"
TABLE = TableName(script_text.NAME, "statements")
LOCK = f"{LOCK_CLASS + 1}, 1"
"""The advisory lock of all scripts of a database."""
OURS = "SELECT obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE n.nspname = %s"

CREATE = (
    f"CREATE SCHEMA {quote.name(TABLE.schema)}; COMMENT ON SCHEMA {quote.name(TABLE.schema)} IS {quote.text(COMMENT)}; "
    f"CREATE TABLE {quote.table(TABLE)} (script text NOT NULL, number int NOT NULL, digest text NOT NULL, done int NOT NULL, "
    "line int NOT NULL, verb text NOT NULL, way text NOT NULL, strategy text NOT NULL, evidence text NOT NULL, run text NOT NULL, "
    "changed timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (script, number))"
)


def read(script: str) -> str:
    columns = ", ".join(script_text.COLUMNS[1:-1])
    return f"SELECT {columns} FROM {quote.table(TABLE)} WHERE script = {quote.text(script)} ORDER BY number"


def write(script: str, note: Note) -> str:
    values = script_text.values_of(script, note, whose.this_run())
    spelled = ", ".join(quote.text(value) if isinstance(value, str) else str(value) for value in values)
    anew = ", ".join(f"{column} = excluded.{column}" for column in script_text.COLUMNS[2:])
    return (
        f"INSERT INTO {quote.table(TABLE)} ({', '.join(script_text.COLUMNS)}) VALUES ({spelled}) "
        f"ON CONFLICT (script, number) DO UPDATE SET {anew}, changed = pg_catalog.now()"
    )


def remove(script: str, number: int) -> str:
    return f"DELETE FROM {quote.table(TABLE)} WHERE script = {quote.text(script)} AND number = {number}"
