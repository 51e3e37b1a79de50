"""What the server says of a slot, judged: when following goes on, when it may come back, and when it must end."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from ghostpy.dialects.postgres.wal.slot_state import SlotState, SlotWatch
from ghostpy.errors import ServerGone, StreamLost

GOOD = SlotState(
    exists=True,
    active_pid=77,
    confirmed=5000,
    wal_status="reserved",
    retained=1 << 20,
    system="7300000000000000001",
    in_recovery=False,
    timeline="00000001",
    xid=1 << 33,
    sender_timeout=60.0,
    keep_mb=-1,
    tables=1,
)
LIMIT = 100 << 20


def watch() -> SlotWatch:
    """One that has seen the server when all was well."""
    made = SlotWatch("ghostpy_5_16384", "db.example:5432", limit=LIMIT)
    made.check(GOOD)
    return made


@pytest.mark.parametrize(
    "fine",
    [
        GOOD,
        replace(GOOD, active_pid=None),
        replace(GOOD, wal_status="extended"),
        replace(GOOD, retained=LIMIT),
        # A limit of the server's own is the one that counts.
        replace(GOOD, retained=LIMIT + 1, keep_mb=500),
    ],
)
def test_following_goes_on(fine: SlotState) -> None:
    watch().check(fine)


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (replace(GOOD, exists=False, confirmed=0, wal_status=""), "was dropped"),
        (replace(GOOD, wal_status="lost"), "too far behind"),
        (replace(GOOD, wal_status="unreserved"), "too far behind"),
        (replace(GOOD, retained=LIMIT + (1 << 20)), "holds 101 MB of WAL, more than the limit of 100 MB"),
        (replace(GOOD, timeline="00000002"), "another server"),
        (replace(GOOD, system="7300000000000000002"), "another server"),
        (replace(GOOD, tables=0), "publication ghostpy_5_16384"),
    ],
)
def test_following_must_end(bad: SlotState, text: str) -> None:
    with pytest.raises(StreamLost, match=text) as raised:
        watch().check(bad)
    assert "db.example:5432" in raised.value.message


def test_a_standby_may_come_back() -> None:
    with pytest.raises(ServerGone, match="standby"):
        watch().check(replace(GOOD, in_recovery=True, timeline=""))


def test_a_slot_that_somebody_else_moved() -> None:
    watch().check_place(GOOD, 5000)
    watch().check_place(GOOD, 6000)
    with pytest.raises(StreamLost, match="0/1388, beyond 0/1387"):
        watch().check_place(GOOD, 4999)


def test_a_row_of_text_and_one_of_values() -> None:
    """A replication connection gives text where a session gives numbers."""
    told = (
        True,
        "77",
        "0/1388",
        "reserved",
        "1048576",
        GOOD.system,
        False,
        "00000001",
        str(1 << 33),
        "60000",
        "-1",
        "1",
    )
    assert SlotState.of(told) == GOOD
    none = (False, None, None, "", None, GOOD.system, False, "00000001", 7, 0, 64, 0)
    assert SlotState.of(none) == replace(
        GOOD,
        exists=False,
        active_pid=None,
        confirmed=0,
        wal_status="",
        retained=0,
        xid=7,
        sender_timeout=0.0,
        keep_mb=64,
        tables=0,
    )
