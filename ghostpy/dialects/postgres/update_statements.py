"""The SQL of one backfill, built from its plan. Pure: no connection, no waiting."""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.model.keys import KeyRange
from ghostpy.model.plan import Plan
from ghostpy.planning.backfill import value_sql


class UpdateStatements(Statements):
    """Over the source alone."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._sets = ", ".join(
            f"{quote.name(feed.target.name)} = {value_sql(feed.transform or '')}" for feed in plan.columns.feeds
        )

    def last_bound(self) -> str:
        """The highest key there is."""
        order = ", ".join(f"{name} DESC" for name in self.source_key)
        columns = ", ".join(self.source_key)
        return f"SELECT {self.bounds} FROM (SELECT {columns} FROM {self.source} ORDER BY {order} LIMIT 1) AS bound"

    def update(self, chunk: KeyRange) -> str:
        """Set the columns of the chunk's rows."""
        return f"UPDATE {self.source} SET {self._sets} WHERE {self.within(chunk, self.source_key)}{self.filter}"

    def count(self, chunk: KeyRange) -> str:
        """All rows of the chunk."""
        return f"SELECT count(*) FROM {self.source} WHERE {self.within(chunk, self.source_key)}"
