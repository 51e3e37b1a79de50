"""A comparison of two tables, from its settings to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ghostpy import errors
from ghostpy.dialects import pair_of
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.comparison import Comparer
from ghostpy.engine.ending import Ending
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.tasks import supervised
from ghostpy.model.difference import Comparison
from ghostpy.model.disk import Disk
from ghostpy.protocols import Pair, Vitals
from ghostpy.settings import PairSettings, ThrottleSettings
from ghostpy.throttle.throttler import Throttler


async def compare(
    settings: PairSettings,
    *,
    paired: Callable[[Pair], None],
    progressed: Callable[[Comparison, str | None], None],
    warned: Callable[[str], None],
) -> Comparison:
    """Compare two tables, and leave nothing. `paired` is told what is compared, `progressed` how far it is, and why it rests.

    Raises UsageError where the tables cannot be compared, and what ends a run: CriticalLoad, Panicked, Stopped.
    """
    async with pair_of(settings) as pair:
        paired(pair)
        ending = Ending()
        gate = Throttler(settings.throttle, WithoutReplicas(pair.vitals), tell=warned, stop=ending.ask)
        comparer = Comparer(
            pair.examining,
            pair.ranging,
            Chunker(settings.copy.chunk_seconds, fixed=settings.copy.chunk_rows),
            gate,
            Knobs.of(settings.copy),
            limit=settings.limit,
            again_after=settings.again_seconds,
            tell=lambda found: progressed(found, gate.reason),
        )
        return await supervised(comparer.run(), {"throttle": gate.run(), "ending": ending.run()})


class WithoutReplicas:
    """Fulfils `Vitals` for work that only reads, and so holds no replica up. There is no heartbeat that a lag could be told by."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals

    async def open(self, settings: ThrottleSettings) -> None:
        return

    async def figure(self, name: str) -> float:
        return await self._vitals.figure(name)

    @property
    def burdens(self) -> Mapping[str, float]:
        return {}

    async def disk(self) -> Disk | None:
        return await self._vitals.disk()

    async def asked(self, sql: str) -> float:
        return await self._vitals.asked(sql)

    async def own_lag(self) -> float | None:
        return None

    async def replicas(self) -> Sequence[str]:
        return ()

    async def lag(self, replica: str) -> float:
        raise errors.UsageError("is not watched in a comparison")

    async def pause_limit(self) -> float | None:
        return None

    async def close(self) -> None:
        await self._vitals.close()
