"""The table in which MySQL and MariaDB keep what is done of which script."""

from __future__ import annotations

import hashlib

from ghostpy.dialects import script_text, whose
from ghostpy.dialects.mysql import quote
from ghostpy.model.names import TableName
from ghostpy.model.script import Note

COMMENT = "ghostpy: ledger of scripts"


def ledger_of(database: str) -> TableName:
    return TableName(database, script_text.NAME)


def lock_name(database: str, *, folds: bool) -> str:
    """Of all scripts of a database; GET_LOCK takes 64 characters at most. `folds`: the server knows names by their small letters."""
    digest = hashlib.sha256((database.lower() if folds else database).encode()).hexdigest()[:40]
    return f"ghostpy.scripts.{digest}"


def create(ledger: TableName) -> str:
    return (
        f"CREATE TABLE IF NOT EXISTS {quote.table(ledger)} ("
        "script VARCHAR(150) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, number INT NOT NULL, "
        "digest CHAR(64) CHARACTER SET ascii NOT NULL, done TINYINT NOT NULL, line INT NOT NULL, "
        "verb VARCHAR(60) CHARACTER SET utf8mb4 NOT NULL, way VARCHAR(20) NOT NULL, strategy VARCHAR(60) NOT NULL, "
        "evidence MEDIUMTEXT CHARACTER SET utf8mb4 NOT NULL, run VARCHAR(200) CHARACTER SET utf8mb4 NOT NULL, "
        "changed TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), "
        f"PRIMARY KEY (script, number)) ENGINE=InnoDB COMMENT='{COMMENT}'"
    )


def read(ledger: TableName, script: str) -> str:
    columns = ", ".join(script_text.COLUMNS[1:-1])
    return f"SELECT {columns} FROM {quote.table(ledger)} WHERE script = {quote.text(script)} ORDER BY number"


def write(ledger: TableName, script: str, note: Note) -> str:
    values = script_text.values_of(script, note, whose.this_run())
    spelled = ", ".join(quote.text(value) if isinstance(value, str) else str(value) for value in values)
    return f"REPLACE INTO {quote.table(ledger)} ({', '.join(script_text.COLUMNS)}) VALUES ({spelled})"


def remove(ledger: TableName, script: str, number: int) -> str:
    return f"DELETE FROM {quote.table(ledger)} WHERE script = {quote.text(script)} AND number = {number}"
