"""A gate that is always open, for tests of what works behind it."""

from __future__ import annotations

from ghostpy.model.standing import Standing


class OpenGate:
    """Fulfils `Gate`."""

    reason = None
    hibernating = False
    standing = Standing()

    async def opened(self) -> None:
        return
