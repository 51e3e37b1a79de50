"""Figures that tell how the server fares: what throttling goes by. Each asks one question, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ghostpy import errors
from ghostpy.dialects.postgres.session import Row

_OURS = "ghostpy %"
# Logical streams are of a database, standbys are not. The slot would not tell while a stream begins or ends.
_NO_STREAM = "NOT EXISTS (SELECT FROM pg_stat_activity s WHERE s.pid = r.pid AND s.datid <> 0)"


class Asking(Protocol):
    """A session, as far as it is needed here."""

    async def query(self, sql: str, params: Sequence[object] | None = None, *, doing: str) -> list[Row]: ...


async def replica_lag(session: Asking) -> float:
    """Seconds that the slowest physical standby is behind in replaying; 0.0 where there is none, or nothing to replay.

    Only standbys that are connected to this server are seen ("pg_stat_replication").
    """
    return await _number(
        session,
        f"SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication r WHERE {_NO_STREAM}",
        doing="asking for the standbys' lag",
    )


async def standbys(session: Asking) -> tuple[int, list[tuple[str, int | None, float | None]]]:
    """Where the WAL ends, and each physical standby that is connected: its name, how far it has replayed, and `replay_lag` in seconds.

    A standby is named by its slot, or else by its application and address; several of one name are numbered.
    """
    rows = await session.query(
        "SELECT pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint, n.name, n.replayed, n.told FROM (SELECT) AS one LEFT JOIN "
        "(SELECT coalesce(p.slot_name, coalesce(nullif(r.application_name, ''), 'standby') || coalesce('@' || host(r.client_addr), '')) "
        "AS name, pg_wal_lsn_diff(r.replay_lsn, '0/0')::bigint AS replayed, extract(epoch FROM r.replay_lag)::float8 AS told, r.pid "
        "FROM pg_stat_replication r LEFT JOIN pg_replication_slots p ON p.active_pid = r.pid "
        f"WHERE r.state IS DISTINCT FROM 'backup' AND {_NO_STREAM}) AS n ON true ORDER BY n.name, n.pid",
        doing="asking for the standbys' lag",
    )
    counted: dict[str, int] = {}
    found: list[tuple[str, int | None, float | None]] = []
    for _, name, replayed, told in rows:
        if name is not None:
            counted[name] = counted.get(name, 0) + 1
            found.append((name if counted[name] == 1 else f"{name} #{counted[name]}", replayed, told))
    return int(rows[0][0]), found


async def retained_wal(session: Asking, slot: str | None = None) -> float:
    """Bytes of WAL that are kept because of `slot`, or of the slot that keeps most."""
    return await _number(
        session,
        "SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots "
        "WHERE slot_name = %s OR %s::text IS NULL",
        [slot, slot],
        doing="asking for retained WAL",
    )


async def active_sessions(session: Asking) -> float:
    """Sessions of clients that are running a statement, our own left out."""
    return await _number(
        session,
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' "
        "AND application_name NOT LIKE %s",
        [_OURS],
        doing="counting active sessions",
    )


async def lock_waiters(session: Asking) -> float:
    """Sessions that wait for a lock which one of ours holds, or asked for before them."""
    return await _number(
        session,
        "SELECT count(*) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND w.application_name NOT LIKE %s AND EXISTS "
        "(SELECT FROM unnest(pg_blocking_pids(w.pid)) AS b(pid) JOIN pg_stat_activity o USING (pid) WHERE o.application_name LIKE %s)",
        [_OURS, _OURS],
        doing="counting who waits for us",
    )


async def oldest_transaction(session: Asking) -> float:
    """Seconds that the oldest transaction is open, our own left out; prepared ones as well.

    Those of other roles are seen only with the rights of pg_monitor.
    """
    return await _number(
        session,
        "SELECT extract(epoch FROM clock_timestamp() - least("
        "(SELECT min(xact_start) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name NOT LIKE %s), "
        "(SELECT min(prepared) FROM pg_prepared_xacts)))",
        [_OURS],
        doing="looking for the oldest transaction",
    )


async def xmin_age(session: Asking) -> float:
    """How many transactions back the oldest versions of rows reach that VACUUM may not remove, and the snapshot or slot that needs them."""
    return await _number(
        session,
        "SELECT max(age) FROM (SELECT greatest(age(backend_xmin), age(backend_xid)) AS age FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() UNION ALL SELECT age(xmin) FROM pg_replication_slots WHERE xmin IS NOT NULL "
        "UNION ALL SELECT age(transaction) FROM pg_prepared_xacts) AS held",
        doing="asking how far back old versions of rows are kept",
    )


async def data_directory(session: Asking) -> str:
    """Where the server's tables are, if that is on this machine as far as the connection tells, and may be seen; else nothing."""
    rows = await session.query(
        "SELECT setting FROM pg_settings WHERE name = 'data_directory' AND coalesce(inet_server_addr() << '127.0.0.0/8' "
        "OR inet_server_addr() = '::1', true)",
        doing="asking where the tables are",
    )
    return str(rows[0][0] or "") if rows else ""


async def asked(session: Asking, sql: str) -> float:
    """The number that a user's own query gives. Raises UsageError where it gives none."""
    rows = await session.query(sql, doing="asking a query of the user's")
    try:
        return float(rows[0][0])
    except (IndexError, TypeError, ValueError) as error:
        raise errors.UsageError(f"the query must give one number: {sql}") from error


async def _number(session: Asking, sql: str, params: list[object] | None = None, *, doing: str) -> float:
    rows = await session.query(sql, params, doing=doing)
    return float(rows[0][0] or 0) if rows else 0.0
