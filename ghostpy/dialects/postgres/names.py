"""Names of what a run makes in the database.

Shadow and old table stand in schemas of their own, under the source's own name: so the names of their indexes, constraints and
sequences, which live in the table's schema, need not change (PostgreSQL manual, "ALTER TABLE", SET SCHEMA).
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from ghostpy.model.names import HelperNames, TableName

LIMIT = 63
"""Bytes of an identifier ("Identifiers and Key Words": NAMEDATALEN - 1)."""
LEDGER = "_ghostpy_ledger"
MADE_BY_US = "ghostpy: "
"""How the comments on our schemas begin."""


def helper_names(source: TableName, *, base: str | None = None, old_timestamp: datetime | None = None) -> HelperNames:
    """The helper tables of `source`. `base` replaces the names' stem, `old_timestamp` goes into the old table's schema."""
    stem = base or f"{source.schema}_{source.table}"
    old_suffix = f"_{old_timestamp:%Y%m%d%H%M%S}_del" if old_timestamp else "_del"
    shadow = _fitted(stem, "_gho")
    return HelperNames(
        shadow=TableName(shadow, source.table),
        ledger=TableName(shadow, LEDGER),
        old=TableName(_fitted(stem, old_suffix), source.table),
        probe=TableName(_fitted(stem, "_ghp"), source.table),
    )


def backfill_ledger(source: TableName, base: str | None = None) -> TableName:
    """The ledger of a backfill, in a schema of its own, which a change of the table leaves alone."""
    return TableName(_fitted(base or f"{source.schema}_{source.table}", "_ghb"), LEDGER)


def expansion_schema(source: TableName, base: str | None = None) -> str:
    """Where the ledger of an expansion stands, with its triggers' function, for as long as it lasts."""
    return _fitted(base or f"{source.schema}_{source.table}", "_ghx")


def reverted_name(old: TableName) -> TableName:
    """What the new table is called once an exchange that left `old` is taken back."""
    return TableName(_fitted(old.schema.removeprefix("_").removesuffix("_del"), "_rev_del"), old.table)


def _fitted(stem: str, suffix: str) -> str:
    name = f"_{stem}{suffix}"
    if len(name.encode()) <= LIMIT:
        return name
    digest = hashlib.sha256(stem.encode()).hexdigest()[:8]
    room = LIMIT - len(suffix) - len(digest) - 2
    return f"_{stem.encode()[:room].decode(errors='ignore')}_{digest}{suffix}"
