"""What a run registers on the server: a publication of the source, and a replication slot that holds the WAL for it.

The publication first, and committed: a slot that is older than its publication cannot decode what lies between the two (an error up
to version 17, changes left out without a word on 18).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.driver_errors import LockNotAvailable
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.dialects.postgres.wal.lsn import parsed
from ghostpy.dialects.postgres.wal.published import Published, what_to_publish
from ghostpy.dialects.postgres.wal.relation import Relation
from ghostpy.dialects.postgres.wal.slot_state import SlotState, SlotWatch, question
from ghostpy.errors import GhostpyError, LockTimeout, MissingPrivilege, ServerError, StreamLost, TransientError
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

log = logging.getLogger("ghostpy.postgres.slot")

PATIENCE = 60.0
"""Seconds for transactions that stand in the way of a slot."""

_PREFIX = "ghostpy"
_LOCK_SECONDS = 10
_LOOK_SECONDS = 1.0
_DROP_SECONDS = 10.0
_LEAVING_SECONDS = 1
"""For the lock with which a table leaves its publication."""
_PASSING_SECONDS = 0.1
"""For a statement between its two looks at its table's publications."""
_GENERATED = ", publish_generated_columns = stored"

_PUBLISHED_TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname
FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid JOIN pg_class c ON c.oid = r.prrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.pubname = %s
"""
_WRITTEN = """
WITH published AS (SELECT unnest(%s::bigint[])::oid AS oid)
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'relation' AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND relation IN (SELECT oid FROM published UNION SELECT relid FROM published, pg_partition_tree(oid))
)
"""
_SETTINGS = """
SELECT current_setting('wal_level'), current_setting('max_replication_slots')::int,
       (SELECT count(*) FROM pg_replication_slots), current_setting('server_version_num')::int
"""

# Everyone whose transaction has an id, oldest first; prepared transactions have no session any more.
_WRITERS = """
SELECT 'process ' || pid || ' (' || coalesce(nullif(usename, ''), 'unknown') || coalesce(', ' || nullif(application_name, ''), '')
       || ', ' || state || ', for ' || round(extract(epoch FROM clock_timestamp() - xact_start)) || ' s)'
FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() AND state IS NOT NULL
ORDER BY age(backend_xid) DESC LIMIT 3
"""
_PREPARED = "SELECT gid FROM pg_prepared_xacts ORDER BY prepared LIMIT 3"


def registration_name(database_oid: int, table_oid: int) -> str:
    """What the slot and the publication of a table are called."""
    return f"{_PREFIX}_{database_oid}_{table_oid}"


def message_prefix(name: str) -> str:
    """The prefix of our own messages in the WAL, by the name of the slot."""
    return f"{_PREFIX}.{name}"


class Registration(Struct, frozen=True):
    """A slot and its publication, made. `relation`: as the stream will describe the source; `lsn`: where it begins."""

    name: str
    relation: Relation
    lsn: int


class Leftover(Struct, frozen=True):
    """A slot or a publication of ours, or both, under one name. `alive`: somebody reads from the slot now."""

    name: str
    slot: bool
    publication: bool
    alive: bool


async def register(
    session: Session,
    name: str,
    *,
    source: TableName,
    oid: int,
    key: Sequence[Column],
    all_columns: Sequence[Column],
    patience: float = PATIENCE,
) -> Registration:
    """Publish the source and make the slot; both are dropped first where a dead run left them.

    When it returns, every transaction that the slot does not show is visible to reads. Raises StreamLost where the server cannot give
    a slot, or where transactions stand in the way for longer than `patience` seconds; MissingPrivilege, PlanRefused, SourceChanged,
    LockTimeout.
    """
    level, slots, used, version = (await session.query(_SETTINGS, doing="asking for the server's settings"))[0]
    # From 19 on "replica" is enough: the first logical slot switches the rest on.
    if level == "minimal" or (level != "logical" and version < 190000):
        raise StreamLost(
            f"{session.address} has wal_level = {level}, which does not hold what changed",
            hint="Set wal_level = logical, restart the server, then run the same command again.",
        )
    await deregister(session, name)
    try:
        published = await _publish(session, name, source, oid, key, all_columns, version)
        lsn = await _create_slot(session, name, patience, (slots, used))
        await _see_all_visible(session, patience)
    except BaseException:
        # Cancelled or refused: a slot that nobody reads from would hold WAL until the disk is full.
        with contextlib.suppress(GhostpyError):
            async with opened(session.settings, purpose="clean up") as other:
                await deregister(other, name)
        raise
    return Registration(name, published.relation, lsn)


async def found(
    session: Session,
    name: str,
    lsn: int,
    *,
    limit: int,
    source: TableName,
    oid: int,
    key: Sequence[Column],
    all_columns: Sequence[Column],
) -> Registration:
    """What an earlier run has registered, to be followed from `lsn`. Raises StreamLost where it is not there, or has gone on without us."""
    state = SlotState.of((await session.query(question(name), doing="looking at the replication slot"))[0])
    watch = SlotWatch(name, session.address, limit=limit)
    watch.check(state)
    watch.check_place(state, lsn)
    version = int(await session.scalar("SHOW server_version_num", doing="asking for the server's version"))
    published = await what_to_publish(session, source, oid, key, all_columns, version=version)
    return Registration(name, published.relation, lsn)


async def _publish(
    session: Session,
    name: str,
    source: TableName,
    oid: int,
    key: Sequence[Column],
    all_columns: Sequence[Column],
    version: int,
) -> Published:
    doing = f"publishing {source}"
    try:
        async with session.transaction(doing=doing):
            # The lock that CREATE PUBLICATION takes anyway: nobody alters the table between our look and the commit.
            await session.execute(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'", doing=doing)
            await session.execute(f"LOCK TABLE {quote.table(source)} IN SHARE UPDATE EXCLUSIVE MODE", doing=doing)
            published = await what_to_publish(session, source, oid, key, all_columns, version=version)
            columns = ", ".join(quote.name(column.name) for column in published.relation.columns)
            await session.execute(
                f"CREATE PUBLICATION {quote.name(name)} FOR TABLE ONLY {quote.table(source)}"
                f"{f' ({columns})' if published.column_list else ''} "
                f"WITH (publish = 'insert, update, delete, truncate'{_GENERATED if published.generated else ''})",
                doing=doing,
            )
    except LockNotAvailable as error:
        raise LockTimeout(
            f"{doing} on {session.address}: another session alters, vacuums or indexes the table: "
            f"no lock within {_LOCK_SECONDS} s"
        ) from error
    return published


# --- the slot ---------------------------------------------------------------------------------------------------------


async def _create_slot(session: Session, name: str, patience: float, slots: tuple[int, int]) -> int:
    """Make the slot; the place from which it shows changes. The server waits for every transaction that has an id."""
    waiting = Session(session.settings, purpose="slot")
    watching = asyncio.create_task(_watch_creation(session), name="ghostpy-slot-creation")
    try:
        await waiting.open(options={"lock_timeout": f"{max(1, int(patience * 1000))}ms"})
        # The timeout above is one for each transaction, this one is for all.
        async with asyncio.timeout(patience + _LOCK_SECONDS):
            text = await waiting.scalar(
                f"SELECT lsn::text FROM pg_create_logical_replication_slot({quote.text(name)}, 'pgoutput')",
                doing="making a replication slot",
            )
            return parsed(text)
    except (LockNotAvailable, TimeoutError) as error:
        raise await _in_the_way(session, patience) from error
    except MissingPrivilege as error:
        raise MissingPrivilege(
            error.message,
            hint="ALTER ROLE … REPLICATION (Amazon: GRANT rds_replication), then run the same command again.",
        ) from error
    except TransientError:
        raise
    except ServerError as error:
        total, used = slots
        if used < total:
            raise
        raise StreamLost(
            f"{session.address} has no replication slot left: max_replication_slots = {total}, and all are in use",
            hint="Drop slots that nobody needs (pg_replication_slots lists them), or raise max_replication_slots and restart.",
        ) from error
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        await waiting.close()


async def _watch_creation(session: Session) -> None:
    """Say once who is in the way, where the slot takes its time."""
    await asyncio.sleep(_LOOK_SECONDS)
    with contextlib.suppress(GhostpyError):
        async with opened(session.settings, purpose="look") as other:
            log.warning("the replication slot on %s waits for %s", session.address, await _who(other))


async def _see_all_visible(session: Session, patience: float) -> None:
    """Return once every transaction that began before this call has ended.

    A transaction may stand committed in the WAL before the slot's first place and still be invisible, because it waits for a standby.
    It would be in neither the stream nor the copy. A snapshot's xmax is no bound, for it is the last *ended* transaction's successor:
    only an id of our own is above all the others.
    """
    doing = "waiting for transactions to be visible"
    bound = await session.scalar("SELECT pg_current_xact_id()::text", doing=doing)
    question = f"SELECT pg_snapshot_xmin(pg_current_snapshot()) >= '{int(bound)}'::xid8"
    deadline = time.monotonic() + patience
    pause = 0.01
    while not await session.scalar(question, doing=doing):
        if time.monotonic() > deadline:
            raise await _in_the_way(session, patience)
        await asyncio.sleep(pause)
        pause = min(2 * pause, 0.2)


async def _who(session: Session) -> str:
    """The transactions in the way, in words."""
    prepared = await session.query(_PREPARED, doing="looking for prepared transactions")
    writers = await session.query(_WRITERS, doing="looking for open transactions")
    found = [f"prepared transaction {gid!r}" for (gid,) in prepared] + [str(text) for (text,) in writers]
    return ", ".join(found) or "transactions that have ended by now"


async def _in_the_way(session: Session, patience: float) -> StreamLost:
    async with opened(session.settings, purpose="look") as other:
        who = await _who(other)
    return StreamLost(
        f"a change stream of {session.address} can begin only when all transactions that write have ended, and after "
        f"{patience:.0f} s these have not: {who}",
        hint="Let them end, or end them (COMMIT or ROLLBACK PREPARED '…'; pg_terminate_backend), then run the same command again.",
    )


# --- the end of both --------------------------------------------------------------------------------------------------


async def deregister(session: Session, name: str) -> None:
    """Drop the slot and the publication of this name, whichever is there; who reads from the slot is cut off.

    Raises TransientError where somebody goes on reading from the slot.
    """
    await _drop_slot(session, name)
    # Reading by a slot whose publication is gone fails, so the publication is last.
    await _drop_publication(session, name)


async def _drop_publication(session: Session, name: str) -> None:
    """Drop the publication so that no statement of the application fails for it.

    Who changes a row looks up the publications of its table, and then each of them: one that is gone by then is an error ("cache lookup failed
    for publication"). So the table leaves the publication first, and who writes at that moment is given the time to be past it.
    """
    doing = "dropping the publication"
    tables = await session.query(_PUBLISHED_TABLES, (name,), doing=doing)
    for _, schema, table in tables:
        leaving = f"ALTER PUBLICATION {quote.name(name)} DROP TABLE ONLY {quote.table(TableName(schema, table))}"
        # Where somebody vacuums or indexes the table, it is dropped as it is: it has to go, and the error is a rare one.
        with contextlib.suppress(LockNotAvailable, ServerError):
            async with session.transaction(doing=doing):
                await session.execute(f"SET LOCAL lock_timeout = '{_LEAVING_SECONDS}s'", doing=doing)
                await session.execute(leaving, doing=doing)
    if tables and await session.scalar(_WRITTEN, ([oid for oid, _, _ in tables],), doing=doing):
        await asyncio.sleep(_PASSING_SECONDS)
    await session.execute(f"DROP PUBLICATION IF EXISTS {quote.name(name)}", doing=doing)


async def _drop_slot(session: Session, name: str) -> None:
    slot = quote.text(name)
    deadline = time.monotonic() + _DROP_SECONDS
    while True:
        # The two functions must not share a snapshot: a walsender that was told to end still holds the slot for a moment.
        await session.query(
            f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = {slot} AND active",
            doing=f"ending the reader of the slot {name}",
        )
        try:
            await session.query(
                f"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = {slot}",
                doing=f"dropping the slot {name}",
            )
            return
        except ServerError:
            # Still in use, or gone between the look and the drop: then there is nothing to do the next time.
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.05)


async def leftovers(session: Session) -> list[Leftover]:
    """All slots and publications of ours in this database, of runs that are alive and of others."""
    pattern = quote.text(f"^{_PREFIX}_[0-9]+_[0-9]+$")
    rows = await session.query(
        "SELECT coalesce(slot_name, pubname), slot_name IS NOT NULL, pubname IS NOT NULL, coalesce(active, false) "
        f"FROM (SELECT slot_name, active FROM pg_replication_slots WHERE database = current_database() AND slot_name ~ {pattern}) s "
        f"FULL JOIN (SELECT pubname FROM pg_publication WHERE pubname ~ {pattern}) p ON pubname = slot_name ORDER BY 1",
        doing="looking for slots and publications of earlier runs",
    )
    return [Leftover(*row) for row in rows]


async def retained_bytes(session: Session, name: str) -> int:
    """How much WAL the server keeps because of this slot; 0 where there is none."""
    kept = await session.scalar(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots "
        f"WHERE slot_name = {quote.text(name)}",
        doing="asking how much WAL the slot holds",
    )
    return int(kept or 0)
