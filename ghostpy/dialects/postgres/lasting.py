"""A session that may be lost meanwhile: it idles while others copy, or while a cut-over is postponed for days."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ghostpy import errors
from ghostpy.dialects.postgres.session import Session, see_gone
from ghostpy.dialects.postgres.settled import settled

_SESSIONS = 5


class LastingSession(Session):
    """A session for work that is done in the end, though its connection be lost. Raises ConnectionFailed where there is no other to be had."""

    async def replace(self) -> None:
        """Open it, where it is lost. What the lost one was at is over then, and its locks are gone."""
        if self.is_open:
            return
        if self.backend is not None:
            await see_gone(self.settings, self.backend)
        await self.open()

    async def repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do `work`, which bears to be done again whether it was done or not."""
        for left in reversed(range(_SESSIONS)):
            await self.replace()
            try:
                await work()
                return
            except errors.ServerGone:
                await self.close()
                if not left:
                    raise

    async def once(self, work: Callable[[], Awaitable[None]], *, doing: str) -> None:
        """Do `work` in one transaction, and not again where only the answer to its COMMIT was lost."""

        transaction = ""

        async def unless_done() -> None:
            nonlocal transaction
            # The lost session is seen gone already.
            if transaction and await settled(self.settings, None, transaction, doing):
                return
            async with self.transaction(doing=doing):
                transaction = str(await self.scalar("SELECT pg_current_xact_id()::text", doing=doing))
                await work()

        await self.repeat(unless_done)
