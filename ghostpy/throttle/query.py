"""`--throttle-query`: rest while a query of the user's gives more than 0."""

from __future__ import annotations

from ghostpy.protocols import Vitals


class Query:
    """Fulfils `Signal`. An error of the query counts as a reason to rest (gh-ost only logs it)."""

    name = "throttle-query"
    interval = 1.0
    patience = 10.0

    def __init__(self, vitals: Vitals, sql: str) -> None:
        self._vitals = vitals
        self.sql = sql.strip()

    @property
    def asked_for(self) -> bool:
        return bool(self.sql)

    async def look(self) -> str | None:
        return self.name if await self._vitals.asked(self.sql) > 0 else None
