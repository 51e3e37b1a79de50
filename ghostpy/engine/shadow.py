"""The shadow and the ledger for the length of a run: made at its start, or found; gone at its end, unless another run is to go on with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.revertible import Revertible
from ghostpy.protocols import Housekeeping, Observer

_CLEAN_UP_LIMIT = 60.0
_SILENCE = 2.0


class Shadow:
    """Owns the run's tables. `back`: what a revert needs of the ledger after the exchange."""

    def __init__(
        self,
        housekeeping: Housekeeping,
        names: HelperNames,
        observer: Observer,
        *,
        drop_old: bool,
        resumed: bool,
        back: Revertible | None = None,
    ) -> None:
        self._housekeeping = housekeeping
        self._names = names
        self._observer = observer
        self._drop_old = drop_old
        self._resumed = resumed
        self._back = back
        self.exchanged = False
        """Set once the names are exchanged: from then on nothing must be undone."""
        self.kept = False
        """Set where the run ends before the exchange, and another may go on with its work."""
        self.left = ""
        """What of the run is still there after its end, in words, or nothing."""

    @asynccontextmanager
    async def built(self) -> AsyncIterator[None]:
        """The tables exist within the block; afterwards only what belongs to the outcome is left, or what `left` names."""
        try:
            if self._resumed:
                self.kept = True  # until it is known better
                await self._housekeeping.adopt()
            else:
                await self._housekeeping.create_ledger()
                await self._housekeeping.create_shadow()
            self.kept = False
            yield
            await self._housekeeping.finish()
            if self._drop_old:
                await self._housekeeping.note_exchanged()
                await self._housekeeping.drop_old()
            await self._kept_or_dropped(self._back)
        except errors.CutOverInDoubt:
            # What is there now is needed by the person who looks.
            self.left = "the tables of the change were left as they are"
            raise
        except BaseException:
            if self.kept and not self.exchanged:
                self.left = "what was copied is kept: the same command goes on from there, and `ghostpy cleanup --execute` removes it"
            else:
                await self._undo()
            raise

    async def _kept_or_dropped(self, back: Revertible | None) -> None:
        if back is None:
            await self._housekeeping.drop_ledger()
        else:
            await self._housekeeping.settle(back)

    def done_before(self, ended: BaseException) -> bool:
        """Whether the wish to stop came behind the exchange, when there was nothing left to stop."""
        return self.exchanged and isinstance(ended, errors.Stopped)

    def still_followed(self, ended: BaseException | None) -> bool:
        """Whether the change stream is to be kept for another run, where this one ends by `ended`, or comes to its own end."""
        if self._back is not None and (self.exchanged or isinstance(ended, errors.CutOverInDoubt)):
            return True
        return self.kept and not self.exchanged

    async def check_source(self) -> None:
        """Once the stream is followed, later DDL is seen in it; this sees what came between the plan and then."""
        await self._housekeeping.check_source()

    async def _undo(self) -> None:
        left = [self._names.ledger] if self.exchanged else [self._names.shadow, self._names.ledger]
        if self.exchanged and self._drop_old:
            left.append(self._names.old)
        saying = asyncio.get_running_loop().call_later(_SILENCE, self._tell_of_delay, _listed(left))
        try:
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                if self._names.shadow in left:
                    await self._housekeeping.drop_shadow()
                    left.remove(self._names.shadow)
                if self._names.old in left:
                    await self._housekeeping.note_exchanged()
                    await self._housekeeping.drop_old()
                    left.remove(self._names.old)
                # Last: by the ledger another run knows what is left, and removes it.
                await self._kept_or_dropped(self._back if self.exchanged else None)
                left.clear()
        except (errors.GhostpyError, TimeoutError, asyncio.CancelledError) as failure:
            # The server may have dropped a table and lost only the answer.
            reason = f" ({failure.message})" if isinstance(failure, errors.GhostpyError) else ""
            self.left = f"{self._housekeeping.left_behind(left)}{reason}"
        finally:
            saying.cancel()

    def _tell_of_delay(self, tables: str) -> None:
        self._observer.happened(f"still trying to remove {tables}: the server does not answer", warning=True)


def _listed(tables: list[TableName]) -> str:
    return " and ".join(map(str, tables))
