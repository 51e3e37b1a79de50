"""A session for questions that may go unanswered: whoever asks may give up at any time, and the next one gets a fresh session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from ghostpy.dialects.mysql.session import Row, Session
from ghostpy.settings import ConnectSettings

_PATIENCE = 15.0
"""Seconds after which the driver gives up waiting, so that no thread waits for ever."""


class AskingSession:
    """Callers queue up."""

    def __init__(self, settings: ConnectSettings, *, purpose: str) -> None:
        self._session = Session(replace(settings, timeout=settings.timeout or _PATIENCE), purpose=purpose)
        # A session on which somebody waits for an answer looks as one does that somebody has given up on.
        self._one_at_a_time = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Make the session, where there is none. Raises ConnectionFailed."""
        async with self._one_at_a_time:
            await self._ready()

    async def query(self, sql: str, *, doing: str) -> list[Row]:
        """The rows of a statement. Raises what the session does, ConnectionFailed too."""
        async with self._one_at_a_time:
            await self._ready()
            return await self._session.query(sql, doing=doing)

    async def sessions(self, *, doing: str) -> list[Row]:
        """See `Session.sessions`. Raises as `query` does."""
        async with self._one_at_a_time:
            await self._ready()
            return await self._session.sessions(doing=doing)

    async def record(self, sql: str, *, doing: str) -> Mapping[str, object]:
        """The first row of a statement by its columns' names; empty where there is none."""
        async with self._one_at_a_time:
            await self._ready()
            columns, rows = await self._session.described(sql, doing=doing)
        return dict(zip(columns, rows[0], strict=True)) if rows else {}

    async def close(self) -> None:
        """Never raises."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        await self._session.close()

    async def _ready(self) -> None:
        if self._session.usable:
            return
        # Whoever gives up must not leave half of a renewal behind: the next one waits for the same.
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._session.renew(), name="renew a session")
            self._renewal.add_done_callback(_seen)
        await asyncio.shield(self._renewal)


def _seen(renewal: asyncio.Task[None]) -> None:
    if not renewal.cancelled():
        renewal.exception()
