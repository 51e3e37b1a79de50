"""The old table in the shadow's place, while an exchange is taken back, or may be. It is found, never made, and never dropped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ghostpy import errors
from ghostpy.engine.shadow import Shadow
from ghostpy.model.names import HelperNames
from ghostpy.model.revertible import Revertible
from ghostpy.protocols import Housekeeping, Observer


class OldTable(Shadow):
    """`back`: what is noted down for taking the revert back."""

    def __init__(
        self, housekeeping: Housekeeping, names: HelperNames, observer: Observer, back: Revertible | None
    ) -> None:
        super().__init__(housekeeping, names, observer, drop_old=False, resumed=True)
        self._back = back

    def still_followed(self, ended: BaseException | None) -> bool:
        if self.exchanged:
            return self._back is not None
        return ended is not None and not isinstance(ended, (errors.SourceChanged, errors.StreamLost))

    @asynccontextmanager
    async def built(self) -> AsyncIterator[None]:
        try:
            await self._housekeeping.adopt()
            yield
            if self.exchanged:
                await self._housekeeping.finish()
                await self._kept_or_dropped(self._back)
            else:
                await self._housekeeping.drop_ledger()
        except errors.CutOverInDoubt:
            self.left = "the tables of the change were left as they are"
            raise
        except (errors.SourceChanged, errors.StreamLost):
            self.left = f"{self._names.shadow} is not in step any more, and cannot be reverted to"
            raise
        except BaseException:
            self.left = (
                "the same command tidies up what is left"
                if self.exchanged
                else f"{self._names.shadow} is kept: `ghostpy revert` goes back to it"
            )
            raise
