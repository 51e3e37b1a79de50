"""The fence of the design's race 1: the binlog shows a transaction before reads can see it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeAlias

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.gtid import GtidSet
from ghostpy.dialects.mysql.news import News
from ghostpy.errors import ConnectionFailed, MissingPrivilege, ServerError, ServerGone, StreamLost, TransientError
from ghostpy.model.names import TableName

_LONGEST = 60.0
_RETRY = 0.2
_POLL_XA = 0.005
_XA_UNSEEN = 1.0
"""Seconds that the end of an XA transaction is given where the server does not list those that are prepared."""

Ask: TypeAlias = Callable[[str, str], Awaitable[list[tuple[object, ...]]]]


class Fence:
    """Waits until reads see what the stream has shown.

    With GTIDs the server is asked to wait for the transactions. Without, a transaction of our own is committed: the server makes
    transactions visible in the order in which the binlog has them ("binlog_order_commits", MySQL manual; always so on MariaDB), and
    ours stands behind all that were shown. Neither tells the end of an XA transaction, which is written to the binlog first and
    committed in the engine after that; it is prepared until then.
    """

    def __init__(self, ask: Ask, facts: ServerFacts, ledger: TableName, address: str) -> None:
        self._ask = ask
        self._facts = facts
        self._ledger = ledger
        self._address = address
        self._gtids = GtidSet()
        self._shown = False
        self._ended: set[str] = set()

    def add(self, news: News) -> None:
        """What was shown: it is waited for by the next `wait`."""
        self._gtids.update(news.gtids)
        self._ended |= news.xa_ended
        self._shown = self._shown or bool(news.keys)

    def add_earlier(self, gtids: GtidSet | None) -> None:
        """What an earlier run was shown, whose keys may come from its checkpoint. `gtids`: None where there are none."""
        self._gtids.update(gtids or GtidSet())
        self._shown = True

    async def wait(self) -> None:
        """Return once all that was added can be seen. Raises ServerGone where that takes more than a minute, StreamLost
        where the server does not keep the order any more.
        """
        deadline = time.monotonic() + _LONGEST
        gtids, shown, ended = self._gtids, self._shown, self._ended
        self._gtids, self._shown, self._ended = GtidSet(), False, set()
        try:
            if gtids and self._facts.waits_by_gtid:
                await self._executed(gtids, deadline)
            elif shown and self._facts.reads_fenced:
                await self.commit(deadline)
            if ended:
                await self._no_longer_prepared(ended, deadline)
        except BaseException:
            self._gtids.update(gtids)
            self._shown = self._shown or shown
            self._ended |= ended
            raise

    async def commit(self, deadline: float | None = None) -> None:
        """Commit a transaction of our own behind all that the binlog has: they can be seen then. Raises ServerGone, StreamLost."""
        await self._written(time.monotonic() + _LONGEST if deadline is None else deadline)
        if self._facts.flavour == "mariadb":
            return
        ordered = await self._ask("SELECT @@GLOBAL.binlog_order_commits", "asking for the order of commits")
        if ordered[0][0] != 1:
            raise StreamLost(
                f"binlog_order_commits was switched off on {self._address}: what its binlog shows may be invisible to reads",
                hint="Run the same command again: rows are read under locks then.",
            )

    async def _written(self, deadline: float) -> None:
        statement = (
            f"INSERT INTO {quote.table(self._ledger)} (id, number) VALUES ('fence', 1) "
            "ON DUPLICATE KEY UPDATE number = number + 1"
        )
        while True:
            try:
                await self._ask(statement, "waiting for transactions to be visible")
                return
            except (ConnectionFailed, TransientError):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_RETRY)

    async def _executed(self, gtids: GtidSet, deadline: float) -> None:
        statement = f"SELECT WAIT_FOR_EXECUTED_GTID_SET({quote.text(str(gtids))}, 1)"
        while time.monotonic() < deadline:
            try:
                # 0: executed; 1: not within the second.
                if (await self._ask(statement, "waiting for transactions to be visible"))[0][0] == 0:
                    return
            except ConnectionFailed:
                await asyncio.sleep(_RETRY)
        raise self._late(str(gtids))

    async def _no_longer_prepared(self, ended: Collection[str], deadline: float) -> None:
        while time.monotonic() < deadline:
            with contextlib.suppress(ConnectionFailed):
                try:
                    prepared = await self.prepared()
                except (MissingPrivilege, ServerError):
                    await asyncio.sleep(_XA_UNSEEN)
                    return
                if prepared.isdisjoint(ended):
                    return
            await asyncio.sleep(_POLL_XA)
        raise self._late(", ".join(sorted(ended)))

    async def prepared(self) -> set[str]:
        """The XA transactions that are prepared, spelled as in the binlog. Raises MissingPrivilege, ServerError, ServerGone."""
        # Without the conversion MySQL gives bytes that it calls text ("XA Transaction SQL Statements").
        question = "XA RECOVER" if self._facts.flavour == "mariadb" else "XA RECOVER CONVERT XID"
        return {_spelled(row) for row in await self._ask(question, "looking for prepared XA transactions")}

    def _late(self, what: str) -> ServerGone:
        return ServerGone(
            f"transactions that {self._address} has in its binlog are not visible after {_LONGEST:.0f} s: {what}"
        )


def _spelled(row: Sequence[object]) -> str:
    """See `event_fields.xa_prepare`. `row`: format, length of the global part, length of the branch's, both of them as one."""
    data = row[3].hex() if isinstance(row[3], bytes) else str(row[3]).removeprefix("0x").lower()
    end = 2 * int(str(row[1]))
    return f"X'{data[:end]}',X'{data[end:]}',{row[0]}"
