"""What a run on PostgreSQL that failed must leave behind: the database as it was, and nothing of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from migrating import cursor_of

from ghostpy import sandbox

_GONE_WITHIN = 15.0

HELD = {
    "sessions": "SELECT pid, application_name FROM pg_stat_activity WHERE application_name LIKE 'ghostpy%' AND datname = current_database()",
    "locks": "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = x'67687079'::int::oid "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()",
    "publications": "SELECT pubname FROM pg_publication WHERE pubname LIKE 'ghostpy%'",
    "schemas": "SELECT nspname FROM pg_namespace WHERE nspname ~ '_gh[op]$' AND obj_description(oid, 'pg_namespace') LIKE 'ghostpy%'",
}

_OBJECTS = """
SELECT n.nspname, c.relname, c.relkind::text, c.oid::bigint, c.relfilenode::bigint, c.relacl::text, c.relowner::bigint,
       c.relreplident::text, c.relrowsecurity, obj_description(c.oid, 'pg_class')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname !~ '^pg_temp'
"""
_COLUMNS = """
SELECT a.attrelid::bigint, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND a.attnum > 0
"""
_REST = """
SELECT 'schema', nspname::text, obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast)'
UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid > 0
UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid > 16383
UNION ALL SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
UNION ALL SELECT 'publication', pubname::text, puballtables::text FROM pg_publication
"""
_ROWS = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND c.relkind = 'r'
"""


def contents_of(server: sandbox.Server, database: str) -> dict[str, list[Any]]:
    """Everything in the database: its objects, as the catalogs have them, and the rows of its tables."""
    found: dict[str, list[Any]] = {}
    with cursor_of(server, database) as cursor:
        for what, query in (("objects", _OBJECTS), ("columns", _COLUMNS), ("rest", _REST)):
            cursor.execute(query)
            found[what] = sorted(cursor.fetchall(), key=repr)
        cursor.execute(_ROWS)
        for schema, table in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{schema}"."{table}" AS t')
            found[f"{schema}.{table}"] = sorted(cursor.fetchall(), key=repr)
    return found


def _without(rows: list[Any] | None, others: list[Any] | None) -> list[Any] | None:
    """The first rows that the others do not have; None where there is no such thing."""
    return None if rows is None else [row for row in rows if row not in (others or ())][:20]


@dataclass
class Witness:
    """A database as it was before a run."""

    server: sandbox.Server
    database: str

    def __post_init__(self) -> None:
        self.before = contents_of(self.server, self.database)

    def assert_as_before(self) -> None:
        """Not an object more, less or otherwise, not a row changed, no slot, lock or session left."""
        self.assert_untouched()
        assert_nothing_held(self.server, self.database)

    def assert_untouched(self) -> None:
        """Not an object more, less or otherwise, not a row changed."""
        now = contents_of(self.server, self.database)
        other = {
            what: (_without(self.before.get(what), now.get(what)), _without(now.get(what), self.before.get(what)))
            for what in {*self.before, *now}
            if now.get(what) != self.before.get(what)
        }
        assert not other, other


def held(server: sandbox.Server, database: str) -> dict[str, Any]:
    """What of ours there is on the server, beside tables that it was asked to keep."""
    found: dict[str, Any] = {}
    with cursor_of(server, database) as cursor:
        for what, query in HELD.items():
            cursor.execute(query)
            found[what] = cursor.fetchall()
    return {what: rows for what, rows in found.items() if rows}


def assert_nothing_held(server: sandbox.Server, database: str) -> None:
    """No session, lock, slot, publication or schema of ours is left on the server."""
    deadline = time.monotonic() + _GONE_WITHIN
    while left := held(server, database):
        # The server notices a connection's end a moment after the process is gone.
        assert time.monotonic() < deadline, left
        time.sleep(0.02)
