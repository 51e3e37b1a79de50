"""What an exchange notes down in the ledger, so that it can be taken back.

There is one row for the turns with odd numbers and one for the even, so that the exchange of a revert, which may fail, does not
overwrite what the one before it has noted. Which of the two took place last is told by the names of the tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy.dialects import revertible_text, whose
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.inspect import table_exists
from ghostpy.dialects.mysql.queued_exchange import AsideNames
from ghostpy.dialects.mysql.session import Session
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.revertible import Revertible

PREFIX = "revert."


def row_id(turn: int) -> str:
    return f"{PREFIX}{turn % 2}"


async def read(session: Session, ledger: TableName) -> Revertible | None:
    """See `Housekeeping.revertible`; the ledger must be there, and be one of ours."""
    rows = await session.query(
        f"SELECT text FROM {quote.table(ledger)} WHERE id LIKE '{PREFIX}%' AND text IS NOT NULL",
        doing="reading what the exchange noted down",
    )
    noted = [revertible_text.read(str(row[0])) for row in rows]
    done = [each for each in noted if await _took_place(session, each, ledger)]
    if not done:
        return None
    last = max(done, key=lambda each: each.turn)
    return replace(last, settled=not any(each.turn < last.turn for each in noted))


async def _took_place(session: Session, noted: Revertible, ledger: TableName) -> bool:
    if not await table_exists(session, noted.source) or await table_exists(session, noted.aside):
        return False
    return any([await table_exists(session, name) for name in shadows(session, noted, ledger)])


def shadows(session: Session, noted: Revertible, ledger: TableName) -> Sequence[TableName]:
    """The names that the old table may have while it is the shadow."""
    if not session.mariadb:
        return (noted.old,)
    return (noted.old, AsideNames.of(noted.source, names(noted, ledger)).shadow)


def names(noted: Revertible, ledger: TableName) -> HelperNames:
    """Of the run that takes the exchange back."""
    return HelperNames(shadow=noted.old, ledger=ledger, old=noted.aside, probe=noted.aside)


def write(noted: Revertible, ledger: TableName) -> str:
    """The statement that notes it down."""
    return (
        f"REPLACE INTO {quote.table(ledger)} (id, number, text) VALUES "
        f"('{row_id(noted.turn)}', {noted.turn}, {quote.text(revertible_text.written(noted))})"
    )


def settle(noted: Revertible, ledger: TableName, source_row: str) -> Sequence[str]:
    """The statements that leave nothing else in the ledger, and say that there is nothing to remove but itself.

    In this order: as long as the checkpoint of the run is there, a run after it sees to the rest.
    """
    table = quote.table(ledger)
    only = quote.text(json.dumps([noted.source.table]))
    return (
        f"REPLACE INTO {table} (id, number, text) VALUES ('{source_row}', 0, {only})",
        f"DELETE FROM {table} WHERE id NOT IN ('{source_row}', '{whose.ROW}', '{row_id(noted.turn)}')",
    )
