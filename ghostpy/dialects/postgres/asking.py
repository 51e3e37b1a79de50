"""A session for questions that may go unanswered: whoever asks may give up at any time, and the next one gets a fresh session."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ghostpy.dialects.postgres.session import Row, Session
from ghostpy.settings import ConnectSettings

_OPTIONS = {"statement_timeout": "15s"}


class AskingSession:
    """Callers queue up. It cannot write."""

    def __init__(self, settings: ConnectSettings, *, purpose: str, options: dict[str, str] | None = None) -> None:
        self._session = Session(settings, purpose=purpose)
        self._options = _OPTIONS | (options or {})
        self._one_at_a_time = asyncio.Lock()

    async def open(self) -> None:
        """Make the session, where there is none. Raises ConnectionFailed."""
        async with self._one_at_a_time:
            await self._ready()

    async def query(self, sql: str, params: Sequence[object] | None = None, *, doing: str) -> list[Row]:
        """The rows of a statement. Raises what the session does, ConnectionFailed too."""
        async with self._one_at_a_time:
            try:
                await self._ready()
                return await self._session.query(sql, params, doing=doing)
            except asyncio.CancelledError:
                await self._session.close()
                raise

    async def close(self) -> None:
        """Never raises."""
        await self._session.close()

    async def _ready(self) -> None:
        if not self._session.is_open:
            await self._session.open(options=self._options)
