"""MariaDB's GTIDs: their text, what a server is known not to have, and what the decoder and the follower make of them."""

from __future__ import annotations

import asyncio

import pytest
from mysql_binlog import Binlog
from test_mysql_events_decoder import FOLLOWED, MAP, WRITE, image, rows

from ghostpy.dialects.handover import Handover
from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.events import EventDecoder
from ghostpy.dialects.mysql.follower import Follower
from ghostpy.dialects.mysql.news import News
from ghostpy.settings import ConnectSettings


@pytest.mark.parametrize("text", ["", "0-1-77", "0-1-77,5-4294967295-18446744073709551615"])
def test_text_comes_back(text: str) -> None:
    assert str(DomainGtids.parse(text)) == text


def test_the_servers_text_is_read() -> None:
    assert DomainGtids.parse("5-2-3, 0-1-77") == DomainGtids({0: (1, 77), 5: (2, 3)})


@pytest.mark.parametrize("text", ["0-1", "0-1-x", "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5"])
def test_text_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        DomainGtids.parse(text)


@pytest.mark.parametrize(
    ("logged", "replicated", "unknown"),
    [
        ("0-1-9,0-2-12,5-2-3", "", []),
        ("0-2-12,0-1-9,5-2-4", "0-1-9", []),
        ("0-1-8,0-2-12,5-2-3", "", ["0-1-9"]),
        ("0-2-12,5-2-3", "", ["0-1-9"]),
        # Replicated last, and not logged.
        ("0-2-12,5-2-3", "0-1-9", []),
        ("5-2-3", "0-1-10", ["0-1-9"]),
        ("0-1-9", "0-1-9,5-1-3", ["5-2-3"]),
        ("", "", ["0-1-9", "5-2-3"]),
    ],
)
def test_what_a_server_cannot_go_on_from(logged: str, replicated: str, unknown: list[str]) -> None:
    assert DomainGtids.parse("5-2-3,0-1-9").unknown_to(logged=logged, replicated=replicated) == unknown


def _feed(decoder: EventDecoder, log: Binlog) -> None:
    for _ in decoder.feed(bytes(log)):
        pass


def test_only_whole_transactions_count() -> None:
    log = Binlog()
    log.begin_file()
    log.mariadb_gtid(0, 1, 7)
    log.event(*MAP)
    log.event(*rows(WRITE, 3, image(1)))
    log.xid()
    log.mariadb_gtid(3, 2, 5, standalone=True)
    log.query("CREATE TABLE other (i INT)")
    log.mariadb_gtid(0, 4, 8)
    log.event(*MAP)
    log.event(*rows(WRITE, 3, image(2)))
    log.query("COMMIT")
    end = log.offset
    log.mariadb_gtid(0, 4, 9)
    log.event(*MAP)
    log.event(*rows(WRITE, 3, image(3)))
    decoder = EventDecoder(FOLLOWED, domains=DomainGtids.parse("0-1-6,9-1-1"))
    _feed(decoder, log)
    whole = DomainGtids.parse("0-4-8,3-2-5,9-1-1")
    assert set(decoder.keys) == {1, 2, 3}
    assert decoder.domain_gtids() == whole
    assert decoder.offset == end
    # The connection is lost, or the server died: the transaction comes again, or never.
    log.begin_file(2)
    again = EventDecoder(FOLLOWED, domains=DomainGtids.parse("0-1-6,9-1-1"))
    _feed(again, log)
    assert again.domain_gtids() == whole
    decoder.restart(checksums=True)
    assert decoder.domain_gtids() == whole


def test_by_gtid_nothing_is_told_before_the_server_has_found_the_place() -> None:
    """Until then it may still answer that it does not have it; and the file that it names first lies before the place."""
    start = BinlogPlace("", 0, domains=DomainGtids.parse("0-1-6,9-1-1"))

    async def check() -> None:
        handover = Handover(asyncio.get_running_loop(), News(), limit=10)
        follower = Follower(ConnectSettings(), FOLLOWED, start, handover)
        log = Binlog()
        log.begin_file(3)
        _feed(follower._decoder, log)
        follower._publish()
        assert not await handover.wait(0)
        assert follower.asked_for() == start
        later = Binlog()
        later.offset = 500
        later.mariadb_gtid(9, 1, 2)
        later.event(*MAP)
        later.event(*rows(WRITE, 3, image(1)))
        _feed(follower._decoder, later)
        follower._publish()
        assert await handover.wait(0)
        # The place in domain 0 is not reached: events before the offset may still be wanted.
        assert follower.asked_for() == start
        later = Binlog()
        later.offset = 900
        later.xid()
        _feed(follower._decoder, later)
        follower._publish()
        asked = follower.asked_for()
        assert (asked.file, asked.domains) == ("", DomainGtids.parse("0-1-6,9-1-2"))
        place = handover.take().place
        assert place is not None
        assert (place.file, place.offset) == ("binlog.000003", later.offset)

    asyncio.run(check())


def test_a_heartbeat_tells_that_the_place_is_found() -> None:
    async def check() -> None:
        handover = Handover(asyncio.get_running_loop(), News(), limit=10)
        start = BinlogPlace("", 0, domains=DomainGtids.parse("0-1-6"))
        follower = Follower(ConnectSettings(), FOLLOWED, start, handover)
        log = Binlog()
        log.begin_file(3)
        log.event(27, b"binlog.000003")
        _feed(follower._decoder, log)
        follower._publish()
        assert await handover.wait(0)

    asyncio.run(check())
