"""Builds the shadow's indexes once it is full: sorted, in one go, several times as fast as row by row."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.constraint_definitions import Constraint
from ghostpy.dialects.postgres.clone.index_definitions import IndexDefinition
from ghostpy.dialects.postgres.conflicts import Exclusive, refuse_duplicates
from ghostpy.dialects.postgres.driver_errors import DuplicateEntry
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.key_text import to_key
from ghostpy.dialects.postgres.lasting import LastingSession
from ghostpy.dialects.postgres.orphans import refuse_orphans
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.statements import Statements
from ghostpy.errors import DuplicateRows

_ATTEMPTS = 120
_PAUSE = 0.5
_LOOKED_AT = 500


class ShadowIndexes:
    """The indexes of one shadow, and what else rows are held to before the exchange. `key`: the name of the one that resync finds rows by."""

    def __init__(
        self,
        statements: Statements,
        indexes: Sequence[IndexDefinition],
        key: str,
        foreign_keys: Sequence[Constraint] = (),
    ) -> None:
        self._statements = statements
        self._foreign_keys = foreign_keys
        self._key = [index for index in indexes if index.name == key]
        self._others = [index for index in indexes if index.name != key]

    async def build_key(self, session: LastingSession) -> None:
        """Build the key's index. The copy keeps rows apart by their keys, so it cannot fail for duplicates."""
        for index in self._key:
            await self._build(session, index)

    async def build_others(self, session: LastingSession) -> None:
        """Build all other indexes. Raises DuplicateRows where rows of the source collide on one, DataDoesNotFit where they refer to nothing."""
        for index in self._others:
            await self._build_unique(session, index)
        await refuse_orphans(session, self._statements, self._foreign_keys)

    async def _build(self, session: LastingSession, index: IndexDefinition) -> None:
        plan = self._statements.plan
        doing = f"building the index {index.name} of the new table"
        path = path_of(plan.names.shadow, plan.source.name)

        async def create() -> None:
            # A run that this one goes on with may have built it.
            if await table_oid(session, plan.names.shadow.beside(index.name)) is None:
                await run_under(session, path, index.create, doing=doing, on=plan.names.shadow)

        await session.once(create, doing=doing)

    async def _build_unique(self, session: LastingSession, index: IndexDefinition) -> None:
        for _ in range(_ATTEMPTS):
            try:
                return await self._build(session, index)
            except DuplicateEntry as error:
                refused = error
                # The shadow mixes moments: a value that moved from one row to another may stand in both, until both are resynced.
                await self._refuse_duplicates(session, index)
            await asyncio.sleep(_PAUSE)
        raise DuplicateRows(
            f"{refused.message}; the source {self._statements.plan.source.name} is untouched"
        ) from refused

    async def _refuse_duplicates(self, session: LastingSession, index: IndexDefinition) -> None:
        of, columns = self._statements, index.plain_columns
        if columns is None or index.partial:
            return  # the server's own message is all there is to say, if it stays
        names = [quote.name(column) for column in columns]
        present = "TRUE" if index.nulls_not_distinct else " AND ".join(f"{name} IS NOT NULL" for name in names)
        group = ", ".join(names)
        # A window takes NULLs for the same, as IN would not.
        rows = await session.query(
            f"SELECT t FROM (SELECT {of.shadow_key_text} AS t, count(*) OVER (PARTITION BY {group}) AS n FROM {of.shadow} "
            f"WHERE {present}) AS counted WHERE n > 1 LIMIT {_LOOKED_AT}",
            doing="looking for duplicates",
        )
        keys = [to_key(of.plan.copy_key, row[0]) for row in rows]
        if keys:
            exclusive = Exclusive(index.name, tuple(names), nulls_equal=index.nulls_not_distinct)
            await refuse_duplicates(session, of, exclusive, of.in_source(keys))
