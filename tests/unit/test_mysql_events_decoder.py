"""The decoder on packets made by hand: cut anywhere, large, compressed, damaged."""

from __future__ import annotations

import contextlib
import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mysql_binlog import Binlog, rows, table_map

from ghostpy.dialects.mysql.events import EventDecoder
from ghostpy.dialects.mysql.followed import Followed
from ghostpy.dialects.mysql.large_event import LargeEvent
from ghostpy.errors import SourceChanged, StreamLost
from ghostpy.model.names import TableName
from ghostpy.model.table import Column

ID = Column("id", 2, "int", "int", False)
COLUMNS = (Column("a", 1, "varchar", "varchar(20)", True, charset="utf8mb4"), ID, Column("b", 3, "blob", "blob", True))
FOLLOWED = Followed(TableName("db", "t"), COLUMNS, (ID,), TableName("db", "_t_ghc"))
MAP = table_map("t", [(15, b"\x50\x00"), (3, b""), (252, b"\x02")])
OTHER = table_map("other", [(3, b"")], number=78)
LEDGER = table_map("_t_ghc", [(15, b"\x20\x00"), (8, b""), (252, b"\x03")], number=79)
WRITE, UPDATE, DELETE = 30, 31, 32


def image(key: int, a: bytes | None = b"abc", b: bytes | None = b"blob") -> bytes:
    nulls = (a is None) | (b is None) << 2
    return (
        bytes([nulls | 0xF8])
        + (b"" if a is None else bytes([len(a)]) + a)
        + struct.pack("<i", key)
        + (b"" if b is None else struct.pack("<H", len(b)) + b)
    )


def heartbeat(number: int) -> tuple[int, bytes]:
    return rows(WRITE, 3, b"\xfc\x09heartbeat" + number.to_bytes(8, "little"), number=79)


def decoded(data: bytes, *cuts: int, checksums: bool = True, followed: Followed = FOLLOWED) -> EventDecoder:
    decoder = EventDecoder(followed, checksums=checksums)
    edges = [0, *sorted(cuts), len(data)]
    for low, high in itertools.pairwise(edges):
        for _ in decoder.feed(data[low:high]):
            pass
    return decoder


def some_binlog(*, checksums: bool = True, packet: int = 0xFFFFFF) -> Binlog:
    log = Binlog(checksums=checksums, packet=packet)
    log.begin_file()
    log.transaction(1, MAP, rows(WRITE, 3, image(1), image(2, None, None)))
    log.transaction(2, OTHER, rows(WRITE, 1, bytes(5), number=78))
    log.transaction(3, MAP, OTHER, rows(UPDATE, 3, image(-3), image(4, b"longer"), image(5), image(5)))
    log.compressed(4, MAP, rows(DELETE, 3, image(6)))
    log.transaction(5, LEDGER, heartbeat(11))
    log.compressed(6, MAP, rows(WRITE, 3, image(7)), zstd=False)
    log.transaction(8, MAP, rows(DELETE, 3, image(2**31 - 1)))
    return log


KEYS = {1, 2, -3, 4, 5, 6, 7, 2**31 - 1}


@pytest.mark.parametrize("checksums", [True, False])
def test_keys_positions_and_transactions(checksums: bool) -> None:
    log = some_binlog(checksums=checksums)
    decoder = decoded(bytes(log), checksums=checksums)
    assert set(decoder.keys) == KEYS
    assert decoder.events == 7
    assert decoder.heartbeat == 11
    assert (decoder.file, decoder.offset) == ("binlog.000001", log.offset)
    assert list(decoder.executed_gtids()) == [(b"s" * 16, 1, 7), (b"s" * 16, 8, 9)]
    assert list(decoder.take_gtids()) == [(b"s" * 16, 1, 7), (b"s" * 16, 8, 9)]
    assert not decoder.take_gtids()


@given(st.data())
def test_bytes_may_be_cut_anywhere(data: st.DataObject) -> None:
    log = bytes(some_binlog())
    cuts = data.draw(st.lists(st.integers(0, len(log)), max_size=20))
    decoder = decoded(log, *cuts)
    assert set(decoder.keys) == KEYS
    assert decoder.heartbeat == 11
    assert list(decoder.executed_gtids()) == [(b"s" * 16, 1, 7), (b"s" * 16, 8, 9)]


def test_byte_by_byte() -> None:
    log = bytes(some_binlog())
    assert set(decoded(log, *range(len(log))).keys) == KEYS


@settings(max_examples=300)
@given(st.data())
def test_damaged_bytes_are_an_error_or_nothing(data: st.DataObject) -> None:
    log = bytearray(bytes(some_binlog()))
    for _ in range(data.draw(st.integers(1, 4))):
        log[data.draw(st.integers(0, len(log) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(log)))
    with contextlib.suppress(StreamLost, SourceChanged):
        decoded(bytes(log[:end]), len(log) // 2 if end > len(log) // 2 else 0)


@given(st.binary(max_size=400))
def test_noise_is_an_error_or_nothing(noise: bytes) -> None:
    with contextlib.suppress(StreamLost, SourceChanged):
        decoded(noise)


@given(st.sampled_from([2, 4, 15, 18, 19, 27, 30, 31, 32, 33, 34, 38, 39, 40, 41, 42]), st.binary(max_size=80))
def test_events_of_any_body_are_an_error_or_nothing(kind: int, body: bytes) -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, MAP, LEDGER)
    log.event(kind, body)
    log.event(kind, (77).to_bytes(6, "little") + b"\x01\x00\x02\x00\x03" + body)
    with contextlib.suppress(StreamLost, SourceChanged):
        decoded(bytes(log))


@pytest.mark.parametrize("size", [900, 0xFFFF, 1 << 20, (1 << 20) + 17, 3_000_000])
@pytest.mark.parametrize("packet", [4096 * 4, 70_000, 0xFFFFFF])
def test_large_events_over_several_packets(size: int, packet: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ghostpy.dialects.mysql.large_event.FULL_PACKET", packet)
    monkeypatch.setattr("ghostpy.dialects.mysql.events._LARGE", min(1 << 20, packet - 200))
    wide = table_map("t", [(15, b"\x50\x00"), (3, b""), (252, b"\x04")])
    log = Binlog(packet=packet)
    log.begin_file()
    noise = bytes(each * 7 % 256 for each in range(251)) * (size // 251 + 1)

    def large(key: int) -> bytes:
        return b"\xf8\x03abc" + struct.pack("<iI", key, size) + noise[:size]

    for number in range(1, 30, 3):
        log.transaction(number, wide, rows(UPDATE, 3, large(number), large(number + 100)))
        log.transaction(number + 1, OTHER, rows(WRITE, 1, noise[:size], number=78))
        log.compressed(number + 2, wide, rows(WRITE, 3, large(number + 200)), zstd=bool(number % 2))
        if size > 1 << 20:
            break
    data = bytes(log)
    expected = set(decoded(data).keys)
    assert {1, 101, 201} <= expected
    assert set(decoded(data, *range(0, len(data), 9973)).keys) == expected


def test_packets_that_end_with_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that fills its last packet is followed by an empty one."""
    monkeypatch.setattr("ghostpy.dialects.mysql.large_event.FULL_PACKET", 1000)
    monkeypatch.setattr("ghostpy.dialects.mysql.events._LARGE", 800)
    for size in range(880, 960):
        log = Binlog(packet=1000)
        log.begin_file()
        log.transaction(1, MAP, rows(WRITE, 3, image(1, b"a", b"x" * size)), rows(WRITE, 3, image(2)))
        data = bytes(log)
        assert set(decoded(data).keys) == {1, 2}, size
        assert set(decoded(data, *range(0, len(data), 13)).keys) == {1, 2}, size


def test_memory_for_foreign_large_events_is_bounded() -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, OTHER)
    log.event(WRITE, (78).to_bytes(6, "little") + bytes(5_000_000))
    data = bytes(log)
    decoder = EventDecoder(FOLLOWED)
    for at in range(0, len(data), 10_000):
        for _ in decoder.feed(data[at : at + 10_000]):
            pass
        assert decoder._large is None or not decoder._large.pieces


def test_compressed_transaction_comes_in_pieces() -> None:
    log = Binlog()
    log.begin_file()
    many = [MAP, *(rows(WRITE, 3, *(image(at + each) for each in range(300))) for at in range(0, 300_000, 300))]
    log.compressed(1, *many)
    decoder = EventDecoder(FOLLOWED)
    pieces = []
    for _ in decoder.feed(bytes(log)):
        pieces.append(len(decoder.take_keys()[0]))
    assert sum(pieces) == 300_000
    assert max(pieces) < 200_000


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ([(15, b"\x50\x00"), (3, b"")], "2 columns"),
        ([(15, b"\x50\x00"), (8, b""), (252, b"\x02")], "column id"),
    ],
)
def test_source_with_other_columns(fields: list[tuple[int, bytes]], match: str) -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, table_map("t", fields))
    with pytest.raises(SourceChanged, match=match):
        decoded(bytes(log))


def test_what_came_before_an_error_is_kept() -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, MAP, rows(WRITE, 3, image(1)))
    log.gtid(2)
    log.query("TRUNCATE t")
    decoder = EventDecoder(FOLLOWED)
    with pytest.raises(SourceChanged):
        for _ in decoder.feed(bytes(log)):
            pass
    assert set(decoder.keys) == {1}


def test_place_before_a_malformed_row_is_kept() -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, MAP, rows(WRITE, 3, image(1)))
    end = log.offset
    log.transaction(2, MAP, rows(WRITE, 3, image(2), b"\xf8"))
    decoder = EventDecoder(FOLLOWED)
    with pytest.raises(StreamLost, match=r"db\.t"):
        for _ in decoder.feed(bytes(log)):
            pass
    assert decoder.offset == end
    assert list(decoder.take_gtids()) == [(b"s" * 16, 1, 3)]


def test_incident_unknown_event_and_end() -> None:
    def after_start(add) -> bytes:  # type: ignore[no-untyped-def]
        log = Binlog()
        log.begin_file()
        add(log)
        return bytes(log)

    with pytest.raises(StreamLost, match="incident"):
        decoded(after_start(lambda log: log.event(26, b"\x01\x00")))
    with pytest.raises(StreamLost, match="type number 99"):
        decoded(after_start(lambda log: log.event(99, b"")))
    decoded(after_start(lambda log: log.event(99, b"", flags=0x80)))
    with pytest.raises(StreamLost, match=r"gone \(MySQL error 1236\)"):
        decoded(after_start(lambda log: log.packets(b"\xff" + struct.pack("<H", 1236) + b"#HY000gone")))
    with pytest.raises(StreamLost, match="ended"):
        decoded(after_start(lambda log: log.packets(b"\xfe\x00\x00\x02\x00")))


def test_transaction_without_an_end_is_not_executed() -> None:
    log = Binlog()
    log.begin_file()
    log.transaction(1, MAP, rows(WRITE, 3, image(1)))
    end = log.offset
    log.gtid(2)
    log.query("BEGIN")
    log.event(*MAP)
    log.event(*rows(WRITE, 3, image(2)))
    decoder = decoded(bytes(log))
    assert list(decoder.executed_gtids()) == [(b"s" * 16, 1, 2)]
    assert decoder.offset == end
    # Its key is there already, so reads must wait for it.
    assert set(decoder.keys) == {1, 2}
    assert list(decoder.take_gtids()) == [(b"s" * 16, 1, 3)]


def test_heartbeats_and_large_offsets() -> None:
    log = Binlog()
    log.begin_file(7)
    log.offset = 3 << 30
    log.transaction(99, MAP)
    log.offset = (1 << 32) - 100
    for number in range(1, 5):
        log.transaction(number, MAP)
    decoder = decoded(bytes(log), *range(0, len(bytes(log)), 50))
    assert decoder.offset == log.offset > 1 << 32
    version_1 = Binlog()
    version_1.offset = 5000
    version_1.event(27, b"binlog.000008")
    for _ in decoder.feed(bytes(version_1)):
        pass
    assert (decoder.file, decoder.offset) == ("binlog.000008", version_1.offset)
    version_2 = Binlog()
    version_2.event(41, b"\x01\x0dbinlog.000008\x02\x09" + b"\xfe" + (6 << 32).to_bytes(8, "little") + b"\x00")
    for _ in decoder.feed(bytes(version_2)):
        pass
    assert decoder.file == "binlog.000008"


def test_a_large_event_in_a_packet_of_no_length_ends_the_stream() -> None:
    # Its length would run below zero, and the decoder round and round.
    with pytest.raises(StreamLost):
        LargeEvent(0, 1 << 25)
