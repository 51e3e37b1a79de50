"""The exchange back. What hangs on the table is looked at when it comes to that, for a window may have lasted a day."""

from __future__ import annotations

from collections.abc import Mapping

from ghostpy.dialects.postgres.exchange import LockingExchange
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.turned_rows import turned_resync_on
from ghostpy.dialects.postgres.turned_statements import TurnedStatements
from ghostpy.dialects.postgres.turned_work import work_back
from ghostpy.dialects.postgres.turning import check_shape
from ghostpy.dialects.postgres.way_back import WayBack
from ghostpy.dialects.postgres.work import Work
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.model.revertible import Revertible
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.protocols import Resynced
from ghostpy.settings import ConnectSettings, TargetSettings


class TurnedExchange(LockingExchange):
    """Fulfils `Exchanging`."""

    def __init__(
        self,
        settings: ConnectSettings,
        statements: TurnedStatements,
        work: Work,
        way_back: WayBack,
        noted: Revertible,
        target: TargetSettings,
    ) -> None:
        super().__init__(settings, statements, work, way_back)
        self._turned = statements
        self._noted = noted
        self._target = target

    async def _look(self, session: Session) -> None:
        """Raises SourceChanged, and PlanRefused where something hangs on the table that the old one cannot have."""
        await check_shape(session, self._noted)
        lent = self._work.by_shadow[0].lent
        self._work, findings = await work_back(session, self._noted, self._target, lent)
        if refusing(findings):
            raise refusal(self._noted.source, session.address, findings)

    async def _resync(self, session: Session, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        return await turned_resync_on(session, self._turned, keys, within=True)
