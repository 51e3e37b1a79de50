"""Whether a slot still holds what has to be read from it: asked at each connection, and watched meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.wal.lsn import parsed, spelled
from ghostpy.errors import GhostpyError, ServerGone, StreamLost

RETAINED_LIMIT = 20 << 30
"""Bytes of WAL that a slot may hold on a server that sets no limit itself (max_slot_wal_keep_size)."""

_LOST = frozenset({"lost", "unreserved"})
"""pg_replication_slots.wal_status: gone, or to go with the next checkpoint."""


def question(name: str) -> str:
    """A query for `SlotState`, without parameters, so that a replication connection can ask it, too."""
    return f"""
SELECT s.slot_name IS NOT NULL, s.active_pid, s.confirmed_flush_lsn::text, coalesce(s.wal_status, ''),
       CASE WHEN pg_is_in_recovery() THEN 0 ELSE pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn)::bigint END,
       (SELECT system_identifier::text FROM pg_control_system()), pg_is_in_recovery(),
       CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END,
       pg_snapshot_xmax(pg_current_snapshot())::text, (SELECT setting::int FROM pg_settings WHERE name = 'wal_sender_timeout'),
       (SELECT setting::int FROM pg_settings WHERE name = 'max_slot_wal_keep_size'),
       (SELECT count(*) FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid WHERE p.pubname = {quote.text(name)})
FROM (SELECT) AS one LEFT JOIN pg_replication_slots s ON s.slot_name = {quote.text(name)}
"""


class SlotState(Struct, frozen=True):
    """What the server says of a slot and of itself."""

    exists: bool
    active_pid: int | None
    confirmed: int
    wal_status: str
    retained: int
    system: str
    in_recovery: bool
    timeline: str
    xid: int
    """Of 64 bits; all that are smaller were given to transactions already."""
    sender_timeout: float
    """wal_sender_timeout in seconds; 0: none."""
    keep_mb: int
    """max_slot_wal_keep_size; -1: without limit."""
    tables: int
    """How many the publication has."""

    @classmethod
    def of(cls, row: Sequence[object]) -> SlotState:
        """From a row of `question`, by whichever types the session gives."""
        exists, pid, confirmed, status, retained, system, recovery, timeline, xid, timeout, keep, tables = row
        return cls(
            exists=bool(exists),
            active_pid=None if pid is None else int(str(pid)),
            confirmed=parsed(str(confirmed)) if confirmed else 0,
            wal_status=str(status),
            retained=int(str(retained or 0)),
            system=str(system),
            in_recovery=bool(recovery),
            timeline=str(timeline),
            xid=int(str(xid)),
            sender_timeout=int(str(timeout)) / 1000,
            keep_mb=int(str(keep)),
            tables=int(str(tables)),
        )


class SlotWatch:
    """Judges what the server says against what it said first. `address` is for messages."""

    def __init__(self, name: str, address: str, *, limit: int = RETAINED_LIMIT) -> None:
        self._name = name
        self._address = address
        self._limit = limit
        self._server: tuple[str, str] | None = None

    def check(self, state: SlotState) -> None:
        """Raises StreamLost where following must end, and ServerGone where the server may come back."""
        if state.in_recovery:
            raise ServerGone(f"{self._address} is a standby now")
        server = (state.system, state.timeline)
        self._server = self._server or server
        if server != self._server:
            raise StreamLost(
                f"{self._address} is another server than at the start of the run, or was restored or failed over to: changes may be missing"
            )
        if not state.exists:
            raise StreamLost(f"the replication slot {self._name} on {self._address} was dropped by somebody else")
        if state.wal_status in _LOST:
            raise StreamLost(
                f"the replication slot {self._name} on {self._address} fell too far behind: the server gives up the WAL for it "
                f"(wal_status {state.wal_status}, max_slot_wal_keep_size {state.keep_mb} MB)",
                hint="Raise max_slot_wal_keep_size, or run at a quieter time.",
            )
        if state.keep_mb < 0 and state.retained > self._limit:
            raise StreamLost(
                f"the replication slot {self._name} on {self._address} holds {state.retained >> 20} MB of WAL, "
                f"more than the limit of {self._limit >> 20} MB: ended before the disk is full",
                hint="Look for transactions that have been open for long, or run at a quieter time.",
            )
        if not state.tables:
            raise StreamLost(
                f"the publication {self._name} on {self._address} lost its table: one of the two was dropped or altered by somebody else"
            )

    def check_place(self, state: SlotState, confirmed: int) -> None:
        """The slot must not be further than we said. Raises StreamLost."""
        if state.confirmed > confirmed:
            raise StreamLost(
                f"the replication slot {self._name} on {self._address} stands at {spelled(state.confirmed)}, "
                f"beyond {spelled(confirmed)}: somebody else read from it"
            )


def judged(error: GhostpyError, state: str | None) -> GhostpyError:
    """The error to end with, for one that reading from the slot raised with this SQLSTATE."""
    # 42704: no such slot; 55000: invalidated, or wal_level was lowered.
    if state in ("42704", "55000"):
        return StreamLost(error.message)
    return error
