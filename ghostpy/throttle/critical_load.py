"""`--critical-load`: end the run, or hibernate, where a figure of the server is far too high."""

from __future__ import annotations

from collections.abc import Callable

from ghostpy.errors import CriticalLoad
from ghostpy.throttle.figures import Figures, UnknownFigure
from ghostpy.throttle.loads import parsed, spelled

_INTERVAL = 1.0

Tell = Callable[[str], None]


class CriticalLoadSignal:
    """Fulfils `Signal`.

    With `recheck_seconds` the run is ended only where the load is critical again after that time. With `hibernate_seconds` the run
    hibernates instead, however often: `hibernate` is called with it.
    """

    name = "critical-load"
    patience = 5.0

    def __init__(
        self,
        figures: Figures,
        text: str,
        hibernate: Callable[[float], None],
        tell: Tell,
        *,
        recheck_seconds: float = 0.0,
        hibernate_seconds: float = 0.0,
    ) -> None:
        self._figures = figures
        self._thresholds = parsed(text)
        self._hibernate = hibernate
        self._tell = tell
        self._recheck_seconds = recheck_seconds
        self._hibernate_seconds = hibernate_seconds
        self._met_before = False

    @property
    def text(self) -> str:
        return spelled(self._thresholds)

    @text.setter
    def text(self, text: str) -> None:
        self._thresholds = parsed(text)
        self._met_before = False

    @property
    def asked_for(self) -> bool:
        return bool(self._thresholds)

    @property
    def interval(self) -> float:
        return self._recheck_seconds if self._met_before else _INTERVAL

    async def look(self) -> str | None:
        try:
            met = await self._figures.exceeded(self._thresholds)
        except UnknownFigure as error:
            return str(error)
        if met is None:
            self._met_before = False
        elif self._hibernate_seconds > 0:
            self._tell(f"critical-load met: {met}. Hibernating for {self._hibernate_seconds:g} s")
            self._hibernate(self._hibernate_seconds)
        elif self._met_before:
            raise CriticalLoad(f"critical-load met again after {self._recheck_seconds * 1000:.0f} millis: {met}")
        elif self._recheck_seconds > 0:
            self._tell(f"critical-load met: {met}. Looking again in {self._recheck_seconds * 1000:.0f} millis")
            self._met_before = True
        else:
            raise CriticalLoad(f"critical-load met: {met}")
        return None
