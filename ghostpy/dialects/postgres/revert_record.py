"""What an exchange notes down in the ledger, in its own transaction, so that it can be taken back."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects import revertible_text, whose
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.earlier_run import LATER
from ghostpy.dialects.postgres.inspect import table_oid
from ghostpy.dialects.postgres.session import Session
from ghostpy.dialects.postgres.standstill import Standstill, standstill_of
from ghostpy.errors import CannotResume
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.revertible import Revertible

log = logging.getLogger("ghostpy.postgres")

ROW = "revert"
"""The ledger's row with it."""
UNSETTLED = "revert.unsettled"
"""The ledger's row that stands as long as the run that made the exchange has not come to its own end."""


class Behind(Struct, frozen=True):
    """What this dialect adds. `slot`: the registration whose stream goes on behind the exchange; `shape`: the source's, see `fingerprint.shape`."""

    slot: str
    source_oid: int
    old_oid: int
    shape: str
    standstill: Standstill

    def written(self) -> str:
        told = {
            "slot": self.slot,
            "oids": [self.source_oid, self.old_oid],
            "shape": self.shape,
            "standstill": self.standstill.written(),
        }
        return json.dumps(told, ensure_ascii=False)


def behind(noted: Revertible) -> Behind:
    """Raises CannotResume where it cannot be read."""
    try:
        told = json.loads(noted.more)
        source, old = map(int, told["oids"])
        return Behind(str(told["slot"]), source, old, str(told["shape"]), standstill_of(told["standstill"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CannotResume(
            f"what the exchange noted down cannot be read: {type(error).__name__}: {error}",
            hint="`ghostpy cleanup --execute` removes it, and with it the way back.",
        ) from error


async def read(session: Session, ledger: TableName) -> Revertible | None:
    """See `Housekeeping.revertible`. None as well where one of the two tables is another by now."""
    found = await noted_in(session, ledger)
    if found is None:
        return None
    told = behind(found)
    there = [await table_oid(session, name) for name in (found.source, found.old)]
    return found if there == [told.source_oid, told.old_oid] else None


async def noted_in(session: Session, ledger: TableName) -> Revertible | None:
    """The same, whatever has become of the tables. Raises CannotResume where it cannot be read."""
    if await table_oid(session, ledger) is None or not await _to_be_trusted(session, ledger):
        return None
    rows = await session.query(
        f"SELECT id, value FROM {quote.table(ledger)} WHERE id IN ('{ROW}', '{UNSETTLED}')",
        doing="reading what the exchange noted down",
    )
    told = {str(row[0]): str(row[1]) for row in rows}
    if ROW not in told:
        return None
    return replace(revertible_text.read(told[ROW]), settled=UNSETTLED not in told)


async def _to_be_trusted(session: Session, ledger: TableName) -> bool:
    """Whether the ledger's owner could do himself all that we do at its word: he may have made it up."""
    owner, trusted = (
        await session.query(
            "SELECT pg_get_userbyid(relowner), pg_has_role(relowner, current_user, 'usage') FROM pg_class WHERE oid = to_regclass(%s)",
            [quote.table(ledger)],
            doing="asking whose the ledger is",
        )
    )[0]
    if not trusted:
        log.warning("the ledger %s belongs to %s, who may not do what our role may: it is not gone by", ledger, owner)
    return bool(trusted)


def names(noted: Revertible, ledger: TableName) -> HelperNames:
    """Of the run that takes the exchange back."""
    return HelperNames(shadow=noted.old, ledger=ledger, old=noted.aside, probe=noted.aside)


def write(noted: Revertible, later: Sequence[str], ledger: TableName) -> str:
    """The statement that notes it down, and what is still to be done once it is there."""
    rows = {ROW: revertible_text.written(noted), UNSETTLED: "yes", LATER: json.dumps(list(later), ensure_ascii=False)}
    values = ", ".join(f"({quote.text(name)}, {quote.text(text)})" for name, text in rows.items())
    return f"INSERT INTO {quote.table(ledger)} VALUES {values} ON CONFLICT (id) DO UPDATE SET value = excluded.value"


def settle(ledger: TableName) -> str:
    """The statement that leaves nothing else in the ledger, but what tells of the table and of sequences that are let go."""
    return (
        f"DELETE FROM {quote.table(ledger)} WHERE id NOT IN ('source', 'oid', 'begun', '{whose.ROW}', '{ROW}') "
        "AND NOT starts_with(id, 'sequence ')"
    )
