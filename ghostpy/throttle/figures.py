"""The figures that load lists name: the server's own, and queries that the user has given a name."""

from __future__ import annotations

from collections.abc import Mapping

from ghostpy.errors import GhostpyError
from ghostpy.protocols import Vitals
from ghostpy.throttle.loads import shown


class UnknownFigure(Exception):
    """A figure could not be read. Its text says which, and why."""


class Figures:
    """Read one after the other, so that a list asks one question of the server at a time."""

    def __init__(self, vitals: Vitals, named_sql: Mapping[str, str]) -> None:
        self._vitals = vitals
        self._named_sql = named_sql

    async def exceeded(self, thresholds: Mapping[str, float]) -> str | None:
        """`figure=value >= threshold` of the first one that reaches its threshold.

        Raises UnknownFigure where one cannot be read, and none before it is too high.
        """
        for name, threshold in thresholds.items():
            value = await self._read(name)
            if value >= threshold:
                return f"{name}={shown(value)} >= {shown(threshold)}"
        return None

    async def _read(self, name: str) -> float:
        sql = self._named_sql.get(name)
        try:
            return await (self._vitals.figure(name) if sql is None else self._vitals.asked(sql))
        except GhostpyError as error:
            raise UnknownFigure(f"{name} {error.message}") from error
