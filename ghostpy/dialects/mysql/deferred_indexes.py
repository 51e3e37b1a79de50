"""Secondary indexes that are left out of the shadow while rows are copied, and built afterwards by one sorted pass.

Written row by row, an index of a large table costs a random page for each; sorted, it costs a sequential write. But replicas execute the
build as one long statement, behind which everything else of the primary waits: so only where there are none, or where asked for.
Unique indexes stay: they are what finds duplicates during the copy.
"""

from __future__ import annotations

import re

from msgspec import Struct

from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.session import Session, opened
from ghostpy.model.plan import Plan
from ghostpy.settings import ConnectSettings

_SORT_MEMORY = 32 << 20
"""Bytes that the server may take for the sort; its default of 1 MB makes many small runs to merge."""
# SHOW CREATE TABLE writes an index a line, and escapes line ends inside of comments.
_KEY_LINE = re.compile(r"^  (KEY `((?:[^`]|``)+)` .*?),?$", re.MULTILINE)


class SecondaryIndex(Struct, frozen=True):
    """A plain index of the shadow, as the server writes it in a CREATE TABLE."""

    name: str
    definition: str


def deferrable(create_sql: str, plan: Plan) -> list[SecondaryIndex]:
    """The indexes of the shadow that its copy can do without. `create_sql`: of SHOW CREATE TABLE."""
    needed = {plan.copy_key.shadow_index}
    automatic = {column.name for column in plan.shadow.columns if column.auto_increment}
    # An AUTO_INCREMENT column must lead an index at all times.
    needed |= {index.name for index in plan.shadow.indexes if index.parts[0].column in automatic}
    found = [SecondaryIndex(name.replace("``", "`"), text) for text, name in _KEY_LINE.findall(create_sql)]
    return [index for index in found if index.name not in needed]


class DeferredIndexes:
    """Takes the deferrable indexes away from the empty shadow, and builds them when it is full."""

    def __init__(self, settings: ConnectSettings, facts: ServerFacts, plan: Plan, mode: str) -> None:
        self._settings = settings
        self._facts = facts
        self._plan = plan
        self._mode = mode
        self._shadow = quote.table(plan.names.shadow)
        self._left_out: list[SecondaryIndex] = []

    async def leave_out(self, session: Session) -> None:
        """Drop them from the empty shadow, where that is wanted."""
        if self._mode == "off" or (self._mode == "auto" and await self._has_replicas(session)):
            return
        created = await session.query(f"SHOW CREATE TABLE {self._shadow}", doing="describing the shadow")
        self._left_out = deferrable(str(created[0][1]), self._plan)
        if self._left_out:
            drops = ", ".join(f"DROP KEY {quote.name(index.name)}" for index in self._left_out)
            await session.execute(f"ALTER TABLE {self._shadow} {drops}", doing="leaving out indexes of the shadow")

    async def found(self, session: Session) -> None:
        """The shadow is an earlier run's: what it lacks was left out by that."""
        created = await session.query(f"SHOW CREATE TABLE {self._shadow}", doing="describing the shadow")
        present = {name.replace("``", "`") for _, name in _KEY_LINE.findall(str(created[0][1]))}
        self._left_out = [
            each for each in deferrable(self._plan.shadow.create_sql, self._plan) if each.name not in present
        ]

    async def build(self) -> None:
        """Build what was left out; rows may be written meanwhile. Takes as long as the sort of the table takes."""
        if not self._left_out:
            return
        adds = ", ".join(f"ADD {index.definition}" for index in self._left_out)
        async with opened(self._settings, purpose="indexes") as session:
            if self._facts.flavour != "mariadb" and self._facts.numbers >= (8, 0, 27):
                await session.execute(
                    f"SET SESSION innodb_ddl_buffer_size = {_SORT_MEMORY}", doing="setting the sort up"
                )
            await session.execute(f"ALTER TABLE {self._shadow} {adds}", doing="building the indexes of the new table")
        self._left_out = []

    async def _has_replicas(self, session: Session) -> bool:
        newer = self._facts.flavour != "mariadb" and self._facts.numbers >= (8, 0, 22)
        return bool(await session.query("SHOW REPLICAS" if newer else "SHOW SLAVE HOSTS", doing="looking for replicas"))
