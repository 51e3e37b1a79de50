"""The MySQL change stream: which rows of the source changed, from the server's binlog."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy.dialects.handover import Handover
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.facts import ServerFacts, identity_question
from ghostpy.dialects.mysql.fence import Fence
from ghostpy.dialects.mysql.followed import Followed
from ghostpy.dialects.mysql.follower import Follower
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.dialects.mysql.key_image import default_literals
from ghostpy.dialects.mysql.news import News
from ghostpy.dialects.mysql.session import Session, kill
from ghostpy.errors import MissingPrivilege, ServerError, ServerGone, StreamLost
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.names import TableName
from ghostpy.model.table import Column
from ghostpy.settings import ConnectSettings

_READ_SECONDS = 1.0
_PREPARED_SECONDS = 10.0
_KEYS_IN_FLIGHT = 50_000


class BinlogStream:
    """Fulfils `ChangeStream` on a server's binlog, by GTIDs where the server has them, else by file and offset.

    On MariaDB by file and offset as long as they mean the same as the GTIDs beside them: where an earlier run was on another server, by these.

    `columns`: all columns of the source in order; `key`: those of the copy key; `exchange`: see `Followed`.
    """

    def __init__(
        self,
        connect: ConnectSettings,
        facts: ServerFacts,
        *,
        source: TableName,
        columns: Sequence[Column],
        key: Sequence[Column],
        ledger: TableName,
        exchange: str = "",
    ) -> None:
        self._connect = connect
        self._facts = facts
        self._followed = Followed(
            source=source,
            columns=tuple(columns),
            key=tuple(key),
            defaults=default_literals(key),
            ledger=ledger,
            folded_names=facts.lower_case_table_names != 0,
            exchange=exchange,
        )
        self._session = Session(connect, purpose="stream")
        self._opening = asyncio.Lock()
        self._follower: Follower | None = None
        self._handover: Handover[News] | None = None
        self._fence = Fence(self._ask, facts, ledger, connect.address)
        self._reached = (-1, 0)

    async def start(self) -> Position:
        """The place to `open` at: everything before it is visible to reads that begin after this call.

        Waits a while for XA transactions that are prepared already, since the stream would not show what they changed.
        Raises StreamLost where they stay, MissingPrivilege, ServerGone.
        """
        deadline = time.monotonic() + _PREPARED_SECONDS
        while True:
            start = await self._place()
            prepared = await self._prepared()
            if not prepared:
                break
            if time.monotonic() > deadline:
                raise StreamLost(
                    f"XA transactions are prepared on {self._connect.address} and do not end, "
                    f"so what they changed cannot be followed: {', '.join(prepared[:3])}",
                    hint="Commit them or roll them back (XA RECOVER lists them), then run the same command again.",
                )
            await asyncio.sleep(0.2)
        settled = await self._place()
        if self._facts.reads_fenced and not self._facts.waits_by_gtid:
            # A set of GTIDs holds what is visible already; an offset is only what was written.
            await self._fence.commit()
        return replace(
            start,
            settled=(settled.file, settled.offset),
            domains=await self._domains(start.file, start.offset) or start.domains,
        ).position()

    def noted(self, position: Position) -> str:
        """See `ChangeStream.noted`."""
        place = position.token
        assert isinstance(place, BinlogPlace)
        return json.dumps(
            {
                "file": place.file,
                "offset": place.offset,
                "gtids": None if place.gtids is None else str(place.gtids),
                "domains": None if place.domains is None else str(place.domains),
                "server": place.server,
            }
        )

    async def resumed(self, noted: str) -> Position:
        """See `ChangeStream.resumed`."""
        told = json.loads(noted)
        if (told["gtids"] is not None) != self._facts.waits_by_gtid:
            raise StreamLost(f"gtid_mode of {self._connect.address} is another than it was")
        gtids = None if told["gtids"] is None else GtidSet.parse(str(told["gtids"]))
        self._fence.add_earlier(gtids)
        server, _ = await self._who()
        if gtids is not None:
            # Files and offsets are those of one server; what was executed is the same on all of them.
            return BinlogPlace("", 0, gtids, server=server).position()
        place = BinlogPlace(str(told["file"]), int(told["offset"]), server=server)
        here = await self._domains(place.file, place.offset)
        # An earlier version noted no GTIDs on MariaDB, and its server beside the position.
        if told.get("domains") is None:
            if told.get("server", server) != server:
                raise StreamLost(f"file and offset are those of another server, {told['server']}, which told no GTIDs")
            return replace(place, domains=here).position()
        domains = DomainGtids.parse(str(told["domains"]))
        if here != domains:
            await self._expect(domains)
            place = replace(place, file="", offset=0)
        return replace(place, domains=domains).position()

    def kept(self, position: Position) -> None:
        """See `ChangeStream.kept`: the binlog is not held for anybody."""

    async def open(self, start: Position) -> None:
        """Begin to follow from `start`. Raises StreamLost where the server no longer holds it, ConnectionFailed,
        MissingPrivilege.
        """
        place = start.token
        if not isinstance(place, BinlogPlace):
            raise StreamLost(f"{start} is not a place in a binlog")
        followed = replace(self._followed, settled=place.settled)
        self._handover = Handover(asyncio.get_running_loop(), News(), limit=_KEYS_IN_FLIGHT)
        self._follower = Follower(self._connect, followed, place, self._handover)
        self._follower.begin()
        # The first bytes tell whether the server has what was asked for.
        while not await self._handover.wait(_READ_SECONDS):
            pass
        self._handover.raise_if_ended()

    async def read(self) -> ChangeBatch:
        """See `ChangeStream.read`."""
        handover = self._handover
        if handover is None:
            raise StreamLost("the change stream is not open")
        await handover.wait(_READ_SECONDS)
        news = handover.take()
        self._fence.add(news)
        place = news.place or BinlogPlace("", 0)
        self._reached = max(self._reached, place.order)
        return ChangeBatch(news.keys, news.events, place.position(), news.heartbeat)

    async def fence(self) -> None:
        """See `ChangeStream.fence`; where the server's reads cannot be fenced, they must lock their rows instead.

        Raises ServerGone where the server does not get there within a minute, StreamLost.
        """
        await self._fence.wait()

    async def end(self) -> Position:
        """See `ChangeStream.end`. Raises ServerGone, MissingPrivilege."""
        return (await self._place()).position()

    def passed(self, position: Position) -> bool:
        """See `ChangeStream.passed`."""
        place = position.token
        return isinstance(place, BinlogPlace) and self._reached >= place.order

    async def close(self, *, keep: bool = False) -> None:
        """See `ChangeStream.close`."""
        follower, self._follower = self._follower, None
        if follower is not None:
            identity = follower.connection_id
            await asyncio.to_thread(follower.stop)
            if identity:
                # The server would notice only at its next heartbeat, and list a replica that is gone until then.
                await asyncio.to_thread(kill, self._connect, identity)
        await self._session.close()

    # --- the server asked ---------------------------------------------------------------------------------------------

    async def _ask(self, sql: str, doing: str) -> list[tuple[object, ...]]:
        async with self._opening:
            if not self._session.is_open:
                await self._session.open()
            return await self._query(sql, doing)

    async def _query(self, sql: str, doing: str) -> list[tuple[object, ...]]:
        try:
            return await self._session.query(sql, doing=doing)
        except ServerGone:
            # The session idles between two questions, so it may have been lost long before this one.
            await self._session.close()
            await self._session.open()
            return await self._session.query(sql, doing=doing)

    async def _place(self) -> BinlogPlace:
        # The set first: a transaction between the two questions must come in the stream, not be left out.
        gtids, domains = None, None
        if self._facts.waits_by_gtid:
            server, told = await self._who("@@GLOBAL.gtid_executed")
            gtids = GtidSet.parse(told)
        elif self._facts.flavour == "mariadb":
            server, told = await self._who("@@GLOBAL.gtid_binlog_pos")
            domains = DomainGtids.parse(told)
        else:
            server, _ = await self._who()
        rows = await self._ask(self._facts.binlog_status, "asking for the end of the binlog")
        if not rows:
            raise StreamLost(f"{self._connect.address} writes no binlog", hint="Set log_bin on the server.")
        return BinlogPlace(str(rows[0][0]), int(str(rows[0][1])), gtids, domains=domains, server=server)

    async def _domains(self, file: str, offset: int) -> DomainGtids | None:
        """What lies before this place by MariaDB's GTIDs; None where there is no such place."""
        if self._facts.flavour != "mariadb":
            return None
        question = f"SELECT BINLOG_GTID_POS({quote.text(file)}, {offset})"
        ((found,),) = await self._ask(question, "asking for the GTIDs at a place in the binlog")
        return None if found is None else DomainGtids.parse(str(found))

    async def _expect(self, domains: DomainGtids) -> None:
        """Raises StreamLost where the binlog cannot go on from there. Of a domain that its binlog does not have, MariaDB itself waits for what may
        have come long ago, when it was a replica that logged nothing.
        """
        rows = await self._ask("SELECT @@GLOBAL.gtid_binlog_state, @@GLOBAL.gtid_slave_pos", "asking for GTIDs")
        logged, replicated = (str(text or "") for text in rows[0])
        missing = domains.unknown_to(logged=logged, replicated=replicated)
        if missing:
            raise StreamLost(
                f"the binlog of {self._connect.address} does not have the GTID {missing[0]}, behind which it would begin "
                "(what a replica replicates, it logs with log_slave_updates=ON only)"
            )

    async def _who(self, also: str = "''") -> tuple[str, str]:
        """Who the server is, and the value of an expression."""
        question = f"SELECT {identity_question(mariadb=self._facts.flavour == 'mariadb')}, {also}"
        ((server, told),) = await self._ask(question, "asking for the end of the binlog")
        return str(server), str(told)

    async def _prepared(self) -> Sequence[str]:
        try:
            return sorted(await self._fence.prepared())
        except (MissingPrivilege, ServerError):
            # Without the privilege XA_RECOVER_ADMIN the stream itself still notices the end of such a transaction.
            return ()
