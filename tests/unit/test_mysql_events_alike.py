"""Transactions that look like one before them are told by a shorter way: it must come to the same as event by event."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mysql_binlog import Binlog, query, rows, table_map

from ghostpy.dialects.mysql.alike import Alike
from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.event_fields import PACKET_HEAD, XID
from ghostpy.dialects.mysql.events import EventDecoder
from ghostpy.dialects.mysql.followed import Followed
from ghostpy.dialects.mysql.row_image import SourceRows
from ghostpy.errors import SourceChanged, StreamLost
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

ID = Column("id", 2, "int", "int", False)
COLUMNS = (Column("a", 1, "int", "int", True), ID, Column("b", 3, "varchar", "varchar(20)", True, charset="utf8mb4"))
FOLLOWED = Followed(TableName("db", "t"), COLUMNS, (ID,), TableName("db", "_t_ghc"))
MAP = table_map("t", [(3, b""), (3, b""), (15, b"\x50\x00")])
AGAIN = table_map("t", [(3, b""), (3, b""), (15, b"\x50\x00")], number=80)
OTHER = table_map("x", [(3, b""), (3, b""), (15, b"\x50\x00")], number=78)
LEDGER = table_map("_t_ghc", [(15, b"\x20\x00"), (8, b""), (252, b"\x03")], number=79)
WRITE, UPDATE, DELETE = 30, 31, 32
ORIGIN, ANOTHER = b"s" * 16, b"t" * 16


def image(key: int, a: int | None, b: bytes | None) -> bytes:
    nulls = (a is None) | (b is None) << 2 | 0xF8
    first = b"" if a is None else struct.pack("<i", a)
    return bytes([nulls]) + first + struct.pack("<i", key) + (b"" if b is None else bytes([len(b)]) + b)


IMAGES = st.builds(
    image, st.integers(1, 40), st.sampled_from([None, 1, 2]), st.sampled_from([None, b"", b"ab", b"cd", b"abc"])
)
CHANGES = st.one_of(
    st.builds(lambda one, two, of: rows(UPDATE, 3, one, two, number=of), IMAGES, IMAGES, st.sampled_from([77, 78])),
    st.builds(lambda one, of: rows(WRITE, 3, one, number=of), IMAGES, st.sampled_from([77, 78])),
    st.builds(lambda one: rows(DELETE, 3, one), IMAGES),
    st.builds(
        lambda *parts: minimal(*parts), st.integers(1, 40), st.integers(1, 2), st.one_of(st.none(), st.integers(1, 40))
    ),
    st.builds(lambda many: rows(WRITE, 3, *many), st.lists(IMAGES, min_size=2, max_size=3)),
    st.builds(
        lambda of: rows(WRITE, 3, b"\xfc\x09heartbeat" + of.to_bytes(8, "little"), number=79), st.integers(1, 99)
    ),
)
OF = {77: MAP, 78: OTHER, 79: LEDGER, 80: AGAIN}


def minimal(key: int, a: int, moved: int | None) -> tuple[int, bytes]:
    """An update as binlog_row_image=MINIMAL logs it: the key before, what has changed behind it."""
    after = (
        (0b001, b"\xfe" + struct.pack("<i", a)) if moved is None else (0b011, b"\xfc" + struct.pack("<ii", a, moved))
    )
    return rows(UPDATE, 3, b"\xfe" + struct.pack("<i", key), after[1], present=[0b010, after[0]])


def number_of(change: tuple[int, bytes]) -> int:
    return int.from_bytes(change[1][:6], "little")


@st.composite
def logs(draw: st.DrawFn) -> tuple[Binlog, list[int]]:
    """A binlog, and where each of its events begins. Mostly the same transaction again and again, and now and then something else."""
    log = Binlog(checksums=draw(st.booleans()))
    log.begin_file()
    number, origin, numbered, mariadb = 1, ORIGIN, draw(st.booleans()), draw(st.booleans())
    change = rows(UPDATE, 3, image(1, 1, b"ab"), image(1, 2, b"ab"))
    edges = [len(bytes(log))]

    def event(kind: int, body: bytes, *, server: int = 1) -> None:
        edges.append(len(bytes(log)))
        log.event(kind, body, server=server)

    for odd in draw(st.lists(st.integers(0, 14), min_size=2, max_size=12)):
        if odd == 1:
            number += 3
        elif odd == 2:
            origin = ANOTHER if origin is ORIGIN else ORIGIN
        elif odd == 3:
            event(2, query("CREATE TABLE y (i INT)", "db"))
        elif odd == 4:
            event(4, (4).to_bytes(8, "little") + b"binlog.000002")
        elif odd == 5:
            numbered = not numbered
        elif odd <= 9:
            change = draw(CHANGES)
        elif odd == 10:
            key = draw(st.integers(1, 40))
            change = rows(UPDATE, 3, image(key, 1, b"ab"), image(key, 2, b"ab"))
        for _ in range(draw(st.integers(0, 4))):
            if mariadb:
                # A domain's numbers may leave some out, and its transactions may come from different servers.
                number += odd == 13
                flags = draw(st.sampled_from([12, 12, 12, 28, 14]))
                commit = draw(st.binary(min_size=8, max_size=8)) if flags == 14 else bytes(6)
                event(
                    162,
                    struct.pack("<QIB", number, 0 if origin is ORIGIN else 5, flags) + commit,
                    server=1 + (odd == 14),
                )
            else:
                event(
                    33 if numbered else 34,
                    b"\x01"
                    + (origin if numbered else bytes(16))
                    + (number if numbered else 0).to_bytes(8, "little")
                    + b"\x02"
                    + bytes(16),
                )
                event(2, query("BEGIN", draw(st.sampled_from(["db", "db", "db", "other"]))))
            changes = [change, *([draw(CHANGES)] if odd == 11 else [])]
            for each in changes:
                event(*OF[number_of(each)])
                event(*each)
            event(2, query("COMMIT", "db")) if odd == 12 else event(16, bytes(8))
            number += numbered or mariadb
    return log, [*edges, len(bytes(log))]


def found(data: bytes, edges: Sequence[int], *, shorter: bool = True) -> tuple[object, ...]:
    """All that a decoder tells of `data`, fed piece by piece; `shorter`: whether the shorter way is open to it."""
    with pytest.MonkeyPatch.context() as patch:
        if not shorter:
            patch.setattr("ghostpy.dialects.mysql.events._UNEXPECTED", 1 << 30)
            patch.setattr("ghostpy.dialects.mysql.row_image._SHAPES", 0)
        return _found(data, edges)


def _found(data: bytes, edges: Sequence[int]) -> tuple[object, ...]:
    decoder = EventDecoder(FOLLOWED)
    error = ""
    try:
        for low, high in itertools.pairwise([0, *edges]):
            for _ in decoder.feed(data[low:high]):
                pass
    except (StreamLost, SourceChanged) as raised:
        error = str(raised)
    return (
        error, list(decoder.keys), decoder.events, decoder.transactions, decoder.heartbeat, decoder.file, decoder.offset,
        list(decoder.take_gtids()), list(decoder.executed_gtids()), decoder.domain_gtids(), decoder.has_news,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Counts the transactions that were told by the shorter way; each that was not is what the next ones are expected to look like."""
    count: list[int] = []
    whole = Alike.those_from

    def counted(
        self: Alike, buffer: bytes, at: int, number: int, *, largest: int
    ) -> Iterator[tuple[int, int, int, int]]:
        for each in whole(self, buffer, at, number, largest=largest):
            count.append(each[0])
            yield each

    monkeypatch.setattr(Alike, "those_from", counted)
    monkeypatch.setattr("ghostpy.dialects.mysql.events._UNEXPECTED", 0)
    return count


@settings(max_examples=500)
@given(logs())
def test_in_one_piece_as_event_by_event(made: tuple[Binlog, list[int]]) -> None:
    log, edges = made
    data = bytes(log)
    assert found(data, [len(data)]) == found(data, edges, shorter=False)


@settings(max_examples=500)
@given(logs(), st.data())
def test_damaged_as_event_by_event(made: tuple[Binlog, list[int]], draw: st.DataObject) -> None:
    """Wherever a byte is another, the shorter way takes what it would be event by event, or leaves it to that.

    But for the place that a transaction ends at: of many in one piece the last one's counts, and what comes between decides which is the last.
    """
    log, edges = made
    data = bytearray(bytes(log))
    at = draw.draw(st.integers(edges[0], len(data) - 1)) if edges[0] < len(data) else 0
    header = max((edge for edge in edges if edge <= at), default=0) + PACKET_HEAD
    assume(not (data[header + 4 : header + 5] == bytes([XID]) and 13 <= at - header < 17))
    data[at] ^= draw.draw(st.integers(1, 255))
    assert found(bytes(data), [len(data)]) == found(bytes(data), [len(data)], shorter=False)


@pytest.mark.parametrize("numbered", [True, False])
def test_the_usual_ones_are_told_by_the_shorter_way(numbered: bool, taken: list[int]) -> None:
    log = Binlog()
    log.begin_file()
    for number in range(1, 101):
        log.event(
            33 if numbered else 34,
            b"\x01"
            + (ORIGIN if numbered else bytes(16))
            + (number if numbered else 0).to_bytes(8, "little")
            + bytes(17),
        )
        log.query("BEGIN")
        log.event(*MAP)
        kind = (WRITE, UPDATE, DELETE)[number % 3]
        log.event(*rows(kind, 3, *[image(number, 1, b"ab")] * (2 if kind == UPDATE else 1)))
        log.xid()
    decoder = EventDecoder(FOLLOWED)
    for _ in decoder.feed(bytes(log)):
        pass
    assert len(taken) == 99
    assert set(decoder.keys) == set(range(1, 101))
    assert decoder.transactions == 100
    assert decoder.offset == log.offset
    assert list(decoder.executed_gtids()) == ([(ORIGIN, 1, 101)] if numbered else [])


def test_mariadbs_usual_ones_are_told_by_the_shorter_way(taken: list[int]) -> None:
    """Whatever their numbers; and behind them it is known up to which one all were read."""
    log = Binlog()
    log.begin_file()
    log.mariadb_gtid(3, 2, 77, standalone=True)
    log.query("CREATE TABLE x (i INT)")
    for number in range(1, 101):
        log.mariadb_gtid(0, 1, 2 * number)
        log.event(*MAP)
        log.event(*rows(UPDATE, 3, image(number, 1, b"ab"), image(number, 2, b"ab")))
        log.xid()
    end = log.offset
    log.mariadb_gtid(0, 1, 777)
    log.event(*MAP)
    decoder = EventDecoder(FOLLOWED)
    for _ in decoder.feed(bytes(log)):
        pass
    assert len(taken) == 99
    assert set(decoder.keys) == set(range(1, 101))
    assert (decoder.transactions, decoder.offset) == (101, end)
    assert decoder.domain_gtids() == DomainGtids({3: (2, 77), 0: (1, 200)})


@pytest.mark.parametrize(
    "image_of",
    [lambda key: minimal(key, 1, None), lambda key: rows(UPDATE, 3, image(key, 1, b"ab"), image(key, 2, b"cd"))],
)
def test_the_shape_of_an_update_is_known(
    image_of: Callable[[int], tuple[int, bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred that are alike but for values only the first is walked through."""
    walked: list[int] = []
    whole = SourceRows._walked_through
    monkeypatch.setattr(SourceRows, "_walked_through", lambda self, *given: walked.append(1) or whole(self, *given))
    log = Binlog()
    log.begin_file()
    for number in range(1, 101):
        log.transaction(number, MAP, image_of(number))
    decoder = EventDecoder(FOLLOWED)
    for _ in decoder.feed(bytes(log)):
        pass
    assert set(decoder.keys) == set(range(1, 101))
    assert len(walked) == 1
