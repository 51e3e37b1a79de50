"""Who holds the table for longer than we would wait for its lock, and so would be waited for in vain."""

from __future__ import annotations

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres.session import Session

_QUESTION = """
SELECT a.pid, coalesce(a.usename, 'the server'), coalesce(a.state, a.backend_type),
       coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start)), 0)::int,
       a.backend_type = 'autovacuum worker', a.query LIKE '%%(to prevent wraparound)%%'
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = %s AND l.granted AND a.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (clock_timestamp() - a.xact_start > make_interval(secs => %s) OR a.backend_type = 'autovacuum worker')
ORDER BY a.xact_start
"""


class Holder(Struct, frozen=True):
    """A session that holds a lock on the table."""

    pid: int
    user: str
    state: str
    seconds: int
    autovacuum: bool
    for_wraparound: bool

    @property
    def yields(self) -> bool:
        """An autovacuum ends by itself when somebody has waited for deadlock_timeout ("Routine Vacuuming"), unless it is urgent."""
        return self.autovacuum and not self.for_wraparound

    def __str__(self) -> str:
        return f"process {self.pid} ({self.user}, {self.state}) in a transaction of {self.seconds} s"


async def holders(session: Session, oid: int, seconds: float) -> list[Holder]:
    """Sessions that have held the table `oid` for longer than `seconds`, and autovacuums of any age."""
    return [Holder(*row) for row in await session.query(_QUESTION, [oid, seconds], doing="looking who holds the table")]


async def patience(session: Session, oid: int, wait: float, longest: float) -> float:
    """How long to wait for the table's lock: `wait` seconds, or longer up to `longest` where an autovacuum has to be waited out.

    Raises LockTimeout where the lock would be waited for in vain, since everybody else would wait behind us.
    """
    found = await holders(session, oid, wait)
    for holder in found:
        if not holder.yields:
            raise errors.LockTimeout(f"the table is held by {holder}, so its lock was not asked for")
    if not found:
        return wait
    # It looks whether somebody waits only when that somebody looks for deadlocks.
    limit = await session.scalar(
        "SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'", doing="asking for deadlock_timeout"
    )
    return max(wait, min(longest, int(limit) / 1000 + 0.3))
