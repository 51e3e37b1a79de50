"""Can the server make the change itself, on the table as it is? It is asked on an empty clone, in the order of what that would cost.

The first answer that it gives is its own choice, too. That an index is built or the table written anew is seen by the numbers that InnoDB gives
its tables and indexes; without the privilege to see them (PROCESS), the careful answer is taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.names import TableName
from ghostpy.model.plan import Strategy
from ghostpy.model.planned_step import Blocks, Lasts, PlannedStep
from ghostpy.planning.alter import AlterText

_DOING = "asking how the server would make the change itself"
_INSTANT = ("INSTANT", None)
_MYSQL = (_INSTANT, ("INPLACE", "NONE"), ("INPLACE", "SHARED"))
# NOCOPY is INPLACE that does not write the table anew (MariaDB Knowledge Base, "InnoDB Online DDL Overview").
_MARIADB = (_INSTANT, ("NOCOPY", "NONE"), ("NOCOPY", "SHARED"), ("INPLACE", "NONE"), ("INPLACE", "SHARED"))


class Native(Struct, frozen=True):
    """How the server would make a change."""

    algorithm: str
    """INSTANT, NOCOPY, INPLACE, or COPY where it takes nothing better."""
    lock: str | None
    """NONE or SHARED; None where the server takes no such word (INSTANT)."""
    rewrites: bool
    """The whole table is written anew."""
    builds: bool
    """An index is built."""
    seconds: float = 0.0
    """That the table took on which it was tried."""

    @property
    def strategy(self) -> Strategy:
        """The cheapest safe way: never one that writes the table anew, or keeps writers waiting for long."""
        if self.rewrites or self.algorithm == "COPY" or (self.lock == "SHARED" and self.builds):
            return Strategy.SHADOW
        return Strategy.STAGED if self.builds else Strategy.INSTANT

    @property
    def request(self) -> str:
        """The clauses that make the server do it so or refuse."""
        return f"ALGORITHM={self.algorithm}{f', LOCK={self.lock}' if self.lock else ''}"

    @property
    def reason(self) -> str:
        """Why it is this strategy, in words."""
        match self.strategy:
            case Strategy.INSTANT:
                return f"the server changes definitions alone ({self.request})"
            case Strategy.STAGED:
                return f"the server builds the index while the table is read and written ({self.request})"
        if self.algorithm == "COPY":
            return "by itself, the server would copy the whole table while writers wait (ALGORITHM=COPY)"
        if self.lock == "SHARED":
            return f"by itself, the server would keep writers waiting until it is done ({self.request})"
        return f"by itself, the server would write the whole table anew in one go, on each replica too ({self.request})"

    def step(self, source: TableName, clauses: str, lock_timeout: float) -> PlannedStep:
        """The one step of a change that is made so. `lock_timeout`: seconds that the lock is waited for at a time."""
        exclusive = f"exclusive metadata lock on {source}"
        waits = f"waited for at most {lock_timeout:g} s at a time"
        does = f"ALTER TABLE {quote.table(source)} {self.request}, {clauses}"
        if not self.builds:
            return PlannedStep(does, f"{exclusive}, for a moment; {waits}", Blocks.ALL)
        lock = f"LOCK=NONE while the index is built; {exclusive} for a moment before and after, {waits}"
        return PlannedStep(does, lock, Blocks.NONE, Lasts.GROWS)


class _Numbers(Struct, frozen=True):
    """InnoDB's numbers of a table, or of its partitions, and of their indexes."""

    tables: frozenset[int]
    indexes: frozenset[int]


_COPY = Native("COPY", "SHARED", rewrites=True, builds=False)


async def native_way(
    session: Session, clone: TableName, alter: AlterText, *, only_instant: bool = False
) -> Native | None:
    """Alter `clone`, a copy of the table, in the cheapest way that the server takes; None where it takes none of these, and the clone is as it was.

    `only_instant`: try nothing but ALGORITHM=INSTANT. Raises ServerGone and TransientError.
    """
    for algorithm, lock in _asked_for(alter, _MARIADB if session.mariadb else _MYSQL):
        if only_instant and algorithm != "INSTANT":
            continue
        before = await _numbers(session, clone)
        native, began = Native(algorithm, lock, rewrites=False, builds=False), time.monotonic()
        try:
            await session.execute(
                f"ALTER TABLE {quote.table(clone)} {native.request}, {alter.clauses}", doing=f"trying {native.request}"
            )
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError:
            continue
        native = replace(native, seconds=time.monotonic() - began)
        return _seen(native, before, await _numbers(session, clone), copies=session.mariadb and alter.orders_rows)
    return None


def _seen(native: Native, before: _Numbers | None, after: _Numbers | None, *, copies: bool) -> Native:
    """`native` with what the numbers say that it did. `copies`: MariaDB is known to copy the table for it, whatever word it takes."""
    instant = native.algorithm == "INSTANT"
    if before is None or after is None:
        if instant:
            return replace(_COPY, seconds=native.seconds) if copies else native
        return replace(native, rewrites=native.algorithm == "INPLACE", builds=True)
    rewrites = before.tables != after.tables
    if instant:
        # MariaDB takes the word also where it copies the whole table (ORDER BY, ENGINE=…).
        return replace(_COPY, seconds=native.seconds) if rewrites else native
    # Of partitions MySQL shows no indexes: then one may have been built.
    return replace(native, rewrites=rewrites, builds=not after.indexes or not after.indexes <= before.indexes)


def _asked_for(alter: AlterText, ladder: Sequence[tuple[str, str | None]]) -> Sequence[tuple[str, str | None]]:
    """What the ALTER itself does not exclude: of two ALGORITHM clauses the server takes the last, and that is the user's."""
    algorithm, lock = (alter.algorithm or "DEFAULT").upper(), (alter.lock or "DEFAULT").upper()
    return [
        (each, level)
        for each, level in ladder
        if algorithm in ("DEFAULT", each)
        and lock in ("DEFAULT", level or "NONE")
        and not (level is None and lock != "DEFAULT")
    ]


async def _numbers(session: Session, table: TableName) -> _Numbers | None:
    """None where we may not see or find them."""
    prefix = "INNODB_SYS_" if session.mariadb else "INNODB_"
    try:
        rows = await session.query(
            f"SELECT t.TABLE_ID, i.INDEX_ID FROM information_schema.{prefix}TABLES t "
            f"LEFT JOIN information_schema.{prefix}INDEXES i ON i.TABLE_ID = t.TABLE_ID "
            # Behind # comes a partition's name.
            "WHERE CAST(SUBSTRING_INDEX(t.NAME, '#', 1) AS CHAR CHARACTER SET utf8mb4) COLLATE utf8mb4_bin "
            f"REGEXP {quote.text(_innodb_name(table))}",
            doing=_DOING,
        )
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.GhostpyError:
        return None
    tables, indexes = (frozenset(int(row[place]) for row in rows if row[place] is not None) for place in (0, 1))
    return _Numbers(tables, indexes) if tables else None


def _innodb_name(table: TableName) -> str:
    """A pattern of it as InnoDB writes it ("Mapping of Identifiers to File Names"): ASCII's other signs by their numbers, letters beyond by two
    signs out of a table that the server keeps for itself. Another table whose name has such letters at the same places is taken for it,
    too: whatever becomes of that one meanwhile, the answer is the more careful.
    """
    return f"^{_pattern(table.schema)}/{_pattern(table.table)}$"


def _pattern(name: str) -> str:
    return "".join(_signs(char) for char in name)


def _signs(char: str) -> str:
    if not char.isascii():
        return "@([0-9a-f]{4}|[0-9A-Za-z]{2})"
    return char if char.isalnum() or char == "_" else f"@{ord(char):04x}"
