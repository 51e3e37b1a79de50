"""Who is in the way: for messages while a step waits."""

from __future__ import annotations

from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_SHOWN = 3
_WHO = """
    format('%%s (%%s, %%s for %%s s)', a.pid, coalesce(nullif(a.application_name, ''), a.usename, a.backend_type), a.state,
           round(extract(epoch FROM clock_timestamp() - a.xact_start)))
"""


async def holders(session: Session, table: TableName) -> str:
    """The sessions that hold a lock on `table`, the oldest transaction first; empty where there is none."""
    sql = f"""
        SELECT {_WHO} FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE l.granted AND l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND l.relation = (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                              WHERE n.nspname = %s AND c.relname = %s)
            AND l.pid <> pg_backend_pid() GROUP BY a.pid, a.application_name, a.usename, a.backend_type, a.state, a.xact_start
        ORDER BY a.xact_start
    """
    return _listed(await session.query(sql, [table.schema, table.table], doing="asking who holds the table"))


async def blockers(session: Session, pid: int) -> str:
    """The sessions that the one with this process waits for; empty where it does not wait."""
    sql = f"SELECT {_WHO} FROM pg_stat_activity a WHERE a.pid = ANY (pg_blocking_pids(%s)) ORDER BY a.xact_start"
    return _listed(await session.query(sql, [pid], doing="asking what a step waits for"))


def _listed(rows: list[tuple[str | None]] | list[tuple[object, ...]]) -> str:
    names = [str(row[0]) for row in rows]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
