"""When the server is not just writing pages: the moment in which its RENAME TABLE is quick.

InnoDB writes dirty pages in bursts. Where one of a table's pages is being written, or is written and not yet synced, the RENAME of its file
sleeps for 100 ms before it looks again (`Fil_shard::space_rename`), with the application waiting at the lock.
"""

from __future__ import annotations

import asyncio
import time

from ghostpy.dialects.mysql.session import Session

_POLL = 0.01
_CALM = 0.04
_LONGEST = 1.2
_IDLE_AFTER = 0.1
_IDLE_WRITES = 3
_POLL_LOCKED = 0.002
_CALM_LOCKED = 0.008
_LONGEST_LOCKED = 0.04


async def burst_ended(session: Session) -> None:
    """Return when no page was written for a while: 40 ms after the end of a burst.

    Waits for a burst at most 1.2 s, by when page cleaners have had their turn; where nearly nobody writes, only 0.1 s.
    """
    began = time.monotonic()
    statements, pages = await _written(session)
    first, last_write, seen = statements, began, False
    while (now := time.monotonic()) - began < _LONGEST:
        await asyncio.sleep(_POLL)
        statements, written = await _written(session)
        if written != pages:
            pages, last_write, seen = written, time.monotonic(), True
        elif seen and now - last_write >= _CALM:
            return
        if not seen and now - began >= _IDLE_AFTER and statements - first <= _IDLE_WRITES:
            return


async def calm_under_lock(session: Session) -> bool:
    """Return once no page was written for 8 ms, or 40 ms have gone by; and which of the two it is.

    Where the tables are larger than the buffer pool, pages are written without end as long as the application writes, and `burst_ended`
    waits in vain. Under the lock it does not write.
    """
    began = last_write = time.monotonic()
    _, pages = await _written(session)
    while (now := time.monotonic()) - began < _LONGEST_LOCKED:
        if now - last_write >= _CALM_LOCKED:
            return True
        await asyncio.sleep(_POLL_LOCKED)
        _, written = await _written(session)
        if written != pages:
            pages, last_write = written, time.monotonic()
    return False


async def _written(session: Session) -> tuple[int, int]:
    """How many statements have written so far, and how many pages."""
    rows = await session.query(
        "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_pages_written', 'Com_insert', 'Com_update', 'Com_delete', 'Com_replace')",
        doing="looking for a calm moment",
    )
    counts = {str(name): int(value) for name, value in rows}
    pages = counts.pop("Innodb_pages_written", 0)
    return sum(counts.values()), pages
