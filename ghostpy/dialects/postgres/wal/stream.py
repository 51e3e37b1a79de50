"""The PostgreSQL change stream: which rows of the source changed, from a replication slot of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Sequence

from ghostpy.dialects.handover import Handover
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.facts import ServerFacts
from ghostpy.dialects.postgres.key_text import is_integer
from ghostpy.dialects.postgres.session import Row, Session, opened
from ghostpy.dialects.postgres.wal import slot
from ghostpy.dialects.postgres.wal.follower import Follower
from ghostpy.dialects.postgres.wal.lsn import parsed, spelled
from ghostpy.dialects.postgres.wal.news import News, Place
from ghostpy.dialects.postgres.wal.pgoutput import Followed
from ghostpy.dialects.postgres.wal.reader import SlotAddress
from ghostpy.dialects.postgres.wal.slot_state import RETAINED_LIMIT, SlotState, SlotWatch, question
from ghostpy.errors import ConnectionFailed, GhostpyError, ServerGone, StreamLost, TransientError
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.names import TableName
from ghostpy.model.table import Column
from ghostpy.settings import ConnectSettings

log = logging.getLogger("ghostpy.postgres.stream")

_READ_SECONDS = 1.0
_WATCH_SECONDS = 2.0
_CLOSE_SECONDS = 20.0
_SERVER_BACK_WITHIN = 10.0
_PAUSE = 0.2
_KEYS_IN_FLIGHT = 50_000
_MARKS_OF_THE_DEAD = 1 << 32
"""More end marks than a run makes after its last checkpoint."""


class LogicalStream:
    """Fulfils `ChangeStream` on a replication slot. Every key is marked with the 64 bits of its last transaction's id.

    `key`: the columns of the copy key; `all_columns`: those of the source in order. `reader`: `walsender`, `peek` or `auto`.
    `patience`: seconds to wait at the start for transactions that write; `retained_limit`: bytes of WAL that the slot may hold on
    a server that sets no limit itself, before the run is ended in the interest of the server's disk. `behind`: the registration of an
    exchange, by whose slot the table is followed that came by it.
    """

    def __init__(
        self,
        connect: ConnectSettings,
        facts: ServerFacts,
        *,
        source: TableName,
        oid: int,
        key: Sequence[Column],
        all_columns: Sequence[Column],
        reader: str = "auto",
        patience: float = slot.PATIENCE,
        retained_limit: int = RETAINED_LIMIT,
        behind: str = "",
    ) -> None:
        self._connect = connect
        self._facts = facts
        self._source = source
        self._oid = oid
        self._key = tuple(key)
        self._all_columns = tuple(all_columns)
        self._reader = reader
        self._patience = patience
        self._retained_limit = retained_limit
        self._session = Session(connect, purpose="stream control")
        self._asking = asyncio.Lock()
        self._behind = behind
        self._name = ""
        self._registration: slot.Registration | None = None
        self._follower: Follower | None = None
        self._handover: Handover[News] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._held = False
        self._reached = Place(0)
        self._ends = 0

    @property
    def name(self) -> str:
        """What the slot and the publication are called; empty before `start`."""
        return self._name

    @property
    def way(self) -> str:
        """How the slot is read: `walsender` or `peek`; empty before `open`."""
        return self._follower.way if self._follower is not None else ""

    async def start(self) -> Position:
        """Register, and return the place to `open` at: all changes before it are visible to reads that begin after this call.

        Raises as `slot.register` does, and ServerGone. `close` deregisters.
        """
        await self._prepare()
        self._registration = await slot.register(
            self._session,
            self._name,
            source=self._source,
            oid=self._oid,
            key=self._key,
            all_columns=self._all_columns,
            patience=self._patience,
        )
        return Place(self._registration.lsn).position()

    async def _prepare(self) -> None:
        if not self._session.is_open:
            await self._session.open()
        if self._behind:
            self._name = self._behind
            return
        oid = await self._session.scalar(
            "SELECT oid::bigint FROM pg_database WHERE datname = current_database()", doing="looking at the database"
        )
        self._name = slot.registration_name(int(oid), self._oid)

    def noted(self, position: Position) -> str:
        """See `ChangeStream.noted`."""
        place = position.token
        assert isinstance(place, Place)
        return json.dumps({"lsn": spelled(place.lsn), "end": max(place.end, self._ends)})

    async def noted_now(self, session: Session, noted: str) -> str:
        """`noted`, moved on to the WAL's present end, beyond all that was confirmed so far; no change of the source lies between the two."""
        lsn = await session.scalar("SELECT pg_current_wal_insert_lsn()::text", doing="asking for the end of the WAL")
        return json.dumps({**json.loads(noted), "lsn": str(lsn)})

    async def resumed(self, noted: str) -> Position:
        """See `ChangeStream.resumed`; the slot and the publication must be there still. Raises as `slot.found` does."""
        told = json.loads(noted)
        lsn, self._ends = parsed(str(told["lsn"])), int(told["end"]) + _MARKS_OF_THE_DEAD
        await self._prepare()
        if self._behind:
            # Nobody has read from it meanwhile, so what it holds now is what is to be read.
            self._retained_limit += await slot.retained_bytes(self._session, self._name)
        self._registration = await slot.found(
            self._session,
            self._name,
            lsn,
            limit=self._retained_limit,
            source=self._source,
            oid=self._oid,
            key=self._key,
            all_columns=self._all_columns,
        )
        return Place(lsn).position()

    def kept(self, position: Position) -> None:
        """See `ChangeStream.kept`."""
        place = position.token
        if self._follower is not None and isinstance(place, Place):
            self._follower.confirm(place.lsn)

    def hold(self, held: bool) -> None:
        """Whether the slot is to stay where it is for one that follows from there: what is read meanwhile is not given up by reading it."""
        self._held = held

    async def open(self, start: Position) -> None:
        """Begin to follow from `start`. Raises StreamLost where the server no longer holds it, ConnectionFailed,
        MissingPrivilege.
        """
        place, made = start.token, self._registration
        if not isinstance(place, Place) or made is None:
            raise StreamLost(f"{start} is not a place in a change stream that was started")
        followed = Followed(
            made.relation,
            tuple(column.name for column in self._key),
            is_integer(self._key),
            slot.message_prefix(self._name),
        )
        address = SlotAddress(self._connect, self._name, self._facts.time_zone)
        self._handover = Handover(asyncio.get_running_loop(), News(), limit=_KEYS_IN_FLIGHT)
        watch = SlotWatch(self._name, self._connect.address, limit=self._retained_limit)
        way = await self._way_to_read()
        self._follower = Follower(address, followed, place.lsn, self._handover, watch, way=way)
        self._follower.begin()
        while not await self._handover.wait(_READ_SECONDS):
            pass
        self._handover.raise_if_ended()
        self._watching = asyncio.create_task(
            self._watch(self._handover, self._follower, watch), name="ghostpy-slot-watch"
        )

    async def _way_to_read(self) -> str:
        """A walsender that `synchronous_standby_names` lets in would answer for a standby: commits would wait for us, and
        count as kept by us.
        """
        names = (await self._ask("SHOW synchronous_standby_names", "asking for synchronous standbys"))[0][0]
        if "*" not in str(names):
            return self._reader
        log.warning("synchronous_standby_names of %s is %s, which takes any walsender", self._connect.address, names)
        return "peek" if self._reader == "auto" else self._reader

    async def read(self) -> ChangeBatch:
        """See `ChangeStream.read`."""
        handover, follower = self._handover, self._follower
        if handover is None or follower is None:
            raise StreamLost("the change stream is not open")
        if follower.way == "peek" and not self._held:
            # Queries show what is not confirmed again and again, so that here nothing can wait for a checkpoint.
            follower.confirm(self._reached.lsn)
        await handover.wait(_READ_SECONDS)
        news = handover.take()
        self._reached = Place(max(self._reached.lsn, news.lsn), max(self._reached.end, news.end))
        return ChangeBatch(news.keys, news.events, self._reached.position(), news.heartbeat)

    async def fence(self) -> None:
        """See `ChangeStream.fence`: the marks do it, key by key."""

    async def end(self) -> Position:
        """See `ChangeStream.end`. Raises ServerGone."""
        self._ends += 1
        number = self._ends
        # A transaction of its own, for nothing flushes the WAL for a message that is in none.
        rows = await self._ask(
            f"SELECT pg_logical_emit_message(true, {quote.text(slot.message_prefix(self._name))}, 'end {number}')::text",
            "asking for the end of the change stream",
        )
        return Place(parsed(str(rows[0][0])), number).position()

    def passed(self, position: Position) -> bool:
        """See `ChangeStream.passed`."""
        place, reached = position.token, self._reached
        return isinstance(place, Place) and reached.lsn >= place.lsn and reached.end >= place.end

    async def retained_bytes(self) -> int:
        """How much WAL the server keeps because of this stream. Raises ServerGone."""
        return (await self._state()).retained

    async def close(self, *, keep: bool = False) -> None:
        """See `ChangeStream.close`. Takes no longer than about a minute, also where the server does not answer."""
        watching, self._watching = self._watching, None
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        follower, self._follower = self._follower, None
        if follower is not None:
            await asyncio.to_thread(follower.stop)
        if self._name and self._registration is not None and not keep:
            self._registration = None
            await self._deregister()
        await self._session.close()

    async def _deregister(self) -> None:
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self._deregister_at_last()
        except (GhostpyError, TimeoutError) as error:
            # It is dropped with the run's tables, once the server answers, or named in the run's error.
            log.info("the replication slot %s is left on %s for now: %s", self._name, self._connect.address, error)

    async def _deregister_at_last(self) -> None:
        """Also where the server is away for a moment."""
        deadline = time.monotonic() + _SERVER_BACK_WITHIN
        while True:
            try:
                # A session of its own: the usual one may be lost, or in the middle of something.
                async with opened(self._connect, purpose="clean up") as session:
                    return await slot.deregister(session, self._name)
            except (ConnectionFailed, TransientError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE)

    # --- the server asked ---------------------------------------------------------------------------------------------

    async def _watch(self, handover: Handover[News], follower: Follower, watch: SlotWatch) -> None:
        """End the stream before it harms the server: by WAL that fills its disk, or by a shutdown that waits for us."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            try:
                state = await self._state()
                watch.check(state)
                watch.check_place(state, follower.confirmed)
            except ConnectionFailed:
                follower.let_go()
            except StreamLost as error:
                handover.fail(error)
                # Now, and not when the engine asks: a walsender that cannot send does not end, and checkpoints wait for it.
                follower.abandon()
                return
            except GhostpyError as error:
                log.info("the slot was not looked at: %s", error)

    async def _state(self) -> SlotState:
        return SlotState.of((await self._ask(question(self._name), "looking at the replication slot"))[0])

    async def _ask(self, sql: str, doing: str) -> list[Row]:
        async with self._asking:
            if not self._session.is_open:
                await self._session.open()
            try:
                return await self._session.query(sql, doing=doing)
            except ServerGone:
                # The session idles between two questions, so it may have been lost long before this one.
                await self._session.close()
                await self._session.open()
                return await self._session.query(sql, doing=doing)
