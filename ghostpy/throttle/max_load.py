"""`--max-load`: rest while a figure of the server is too high."""

from __future__ import annotations

from ghostpy.throttle.figures import Figures, UnknownFigure
from ghostpy.throttle.loads import parsed, spelled


class MaxLoad:
    """Fulfils `Signal`."""

    name = "max-load"
    interval = 1.0
    patience = 5.0

    def __init__(self, figures: Figures, text: str) -> None:
        self._figures = figures
        self._thresholds = parsed(text)

    @property
    def text(self) -> str:
        return spelled(self._thresholds)

    @text.setter
    def text(self, text: str) -> None:
        self._thresholds = parsed(text)

    @property
    def asked_for(self) -> bool:
        return bool(self._thresholds)

    async def look(self) -> str | None:
        try:
            exceeded = await self._figures.exceeded(self._thresholds)
        except UnknownFigure as error:
            return str(error)
        return exceeded and f"max-load {exceeded}"
