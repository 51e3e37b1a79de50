"""Figures that tell how the server fares: what throttling goes by. Each asks one question, and changes nothing."""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.postgres.session import Session

_OURS = "ghostpy %"


async def replica_lag(session: Session) -> float:
    """Seconds that the slowest physical standby is behind in replaying; 0.0 where there is none, or nothing to replay.

    Only standbys that are connected to this server are seen ("pg_stat_replication").
    """
    return await _number(
        session,
        "SELECT max(extract(epoch FROM replay_lag)) FROM pg_stat_replication r WHERE NOT EXISTS "
        "(SELECT FROM pg_replication_slots s WHERE s.active_pid = r.pid AND s.slot_type = 'logical')",
        doing="asking for the standbys' lag",
    )


async def retained_wal(session: Session, slot: str | None = None) -> float:
    """Bytes of WAL that are kept because of `slot`, or of the slot that keeps most."""
    return await _number(
        session,
        "SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots "
        "WHERE slot_name = %s OR %s::text IS NULL",
        [slot, slot],
        doing="asking for retained WAL",
    )


async def active_sessions(session: Session) -> float:
    """Sessions of clients that are running a statement, our own left out."""
    return await _number(
        session,
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND backend_type = 'client backend' "
        "AND application_name NOT LIKE %s",
        [_OURS],
        doing="counting active sessions",
    )


async def lock_waiters(session: Session) -> float:
    """Sessions that wait for a lock which one of ours holds, or asked for before them."""
    return await _number(
        session,
        "SELECT count(*) FROM pg_stat_activity w WHERE w.wait_event_type = 'Lock' AND w.application_name NOT LIKE %s AND EXISTS "
        "(SELECT FROM unnest(pg_blocking_pids(w.pid)) AS b(pid) JOIN pg_stat_activity o USING (pid) WHERE o.application_name LIKE %s)",
        [_OURS, _OURS],
        doing="counting who waits for us",
    )


async def asked(session: Session, sql: str) -> float:
    """The number that a user's own query gives. Raises UsageError where it gives none."""
    rows = await session.query(sql, doing="asking a query of the user's")
    try:
        return float(rows[0][0])
    except (IndexError, TypeError, ValueError) as error:
        raise errors.UsageError(f"the query must give one number: {sql}") from error


async def _number(session: Session, sql: str, params: list[object] | None = None, *, doing: str) -> float:
    return float(await session.scalar(sql, params, doing=doing) or 0)
