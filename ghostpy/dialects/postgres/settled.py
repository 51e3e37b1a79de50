"""What became of a transaction whose COMMIT had no answer."""

from __future__ import annotations

import asyncio
import time

from ghostpy import errors
from ghostpy.dialects.postgres.session import Backend, opened, see_gone
from ghostpy.settings import ConnectSettings

_SERVER_BACK_WITHIN = 30.0


async def settled(settings: ConnectSettings, backend: Backend | None, xid: str, doing: str) -> bool:
    """Whether the transaction `xid` of the session `backend` was committed, once it is certain that it runs no more.

    Raises CutOverInDoubt where that cannot be found out.
    """
    deadline = time.monotonic() + _SERVER_BACK_WITHIN
    while True:
        try:
            if backend is None or await see_gone(settings, backend):
                async with opened(settings, purpose="look up") as session:
                    status = await session.scalar(
                        "SELECT pg_xact_status(%s::xid8)", [xid], doing="looking up what became of a transaction"
                    )
                if status in ("committed", "aborted"):
                    return bool(status == "committed")
        except errors.ConnectionFailed:
            pass
        if time.monotonic() > deadline:
            raise errors.CutOverInDoubt(
                f"{doing} on {settings.address}: the answer to COMMIT was lost, and nobody could say what became of it",
                hint="Look at the table: it has its old schema or its new one.",
            )
        await asyncio.sleep(0.2)
