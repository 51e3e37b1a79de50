"""What the table looks like, for the report: never a reason to fail."""

from __future__ import annotations

import asyncio

from ghostpy.errors import GhostpyError
from ghostpy.protocols import BackfillDialect, Housekeeping

_PATIENCE = 5.0


async def definition_of(housekeeping: Housekeeping | BackfillDialect) -> str:
    """The source as SQL text; nothing where the server does not give it, or not soon."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await housekeeping.definition()
    except (GhostpyError, TimeoutError):
        return ""
