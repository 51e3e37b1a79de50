"""The decoder on messages made by hand: keys of all kinds of rows, marks, messages of ours, DDL; damaged and cut off."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pgoutput_messages import (
    UNCHANGED,
    Value,
    begin,
    commit,
    delete,
    insert,
    message,
    relation,
    truncate,
    update,
)

from ghostpy.dialects.postgres.wal.lsn import parsed, spelled
from ghostpy.dialects.postgres.wal.news import News
from ghostpy.dialects.postgres.wal.pgoutput import Decoder, Followed, widened
from ghostpy.dialects.postgres.wal.relation import Relation, StreamColumn, described
from ghostpy.errors import SourceChanged, StreamLost
from ghostpy.model.names import TableName

OID, OTHER = 16384, 16390
SOURCE = TableName("public", "t")
ID = StreamColumn("id", 23, -1, True)
ONE = Followed(Relation(OID, SOURCE, "d", (ID,)), ("id",), True, "ghostpy.x")
WIDE = Followed(
    Relation(
        OID,
        SOURCE,
        "d",
        (
            StreamColumn("a", 25, -1, False),
            StreamColumn("k", 25, -1, True),
            StreamColumn("b", 1043, 24, False),
            StreamColumn("id", 23, -1, True),
        ),
    ),
    ("id", "k"),
    False,
    "ghostpy.x",
)
PRESENT = (5 << 32) + 1000


def decoded(*messages: bytes, followed: Followed = ONE, base: int = 0) -> Decoder:
    decoder = Decoder(followed, base=base)
    decoder.restart(reference=PRESENT)
    decoder.feed([bytes(base) + each for each in messages])
    return decoder


def transaction(*messages: bytes, xid: int = 1001, end: int = 0x5000) -> list[bytes]:
    return [begin(xid), *messages, commit(end)]


@pytest.mark.parametrize("base", [0, 25])
def test_keys_that_are_the_only_column(base: int) -> None:
    decoder = decoded(
        *transaction(insert(OID, b"1"), insert(OID, b"-2"), xid=1001),
        *transaction(update(OID, [b"3"]), update(OID, [b"5"], [b"4"]), delete(OID, b"1"), xid=1002, end=0x6000),
        base=base,
    )
    first, second = PRESENT + 1, PRESENT + 2
    assert decoder.take() == News({1: second, -2: first, 3: second, 4: second, 5: second}, 5, 0x6000)
    assert decoder.take() == News({}, 0, 0x6000)


def test_keys_among_other_columns() -> None:
    decoder = decoded(
        *transaction(
            insert(OID, b"text", b"it's", None, b"1"),
            update(OID, [UNCHANGED, b"k", b"", b"2"]),
            update(OID, [None, b"new", UNCHANGED, b"3"], [None, b"old", None, b"3"]),
            delete(OID, None, b"\xc3\xa9, '", None, b"4"),
        ),
        followed=WIDE,
    )
    assert set(decoder.keys) == {"'1', 'it''s'", "'2', 'k'", "'3', 'new'", "'3', 'old'", "'4', 'é, '''"}
    assert decoder.events == 4


def test_whole_old_rows() -> None:
    decoder = decoded(
        *transaction(
            update(OID, [b"x", b"k", b"", b"1"], [b"a", b"k", b"", b"1"], b"O"),
            update(OID, [b"x", b"k", b"", b"3"], [b"a", b"k", b"", b"2"], b"O"),
            # A key that is stored apart and did not change is in the old row only.
            update(OID, [b"x", UNCHANGED, b"", b"4"], [b"a", b"large", b"", b"4"], b"O"),
            delete(OID, b"a", b"k", UNCHANGED, b"5", tag=b"O"),
        ),
        followed=WIDE,
    )
    assert set(decoder.keys) == {"'1', 'k'", "'2', 'k'", "'3', 'k'", "'4', 'large'", "'5', 'k'"}
    assert decoder.events == 4


@pytest.mark.parametrize(
    "bad",
    [
        insert(OID, b"a", None, b"b", b"1"),
        update(OID, [b"a", UNCHANGED, b"b", b"1"]),
        delete(OID, None, b"k", None, None),
    ],
)
def test_a_row_without_its_key(bad: bytes) -> None:
    with pytest.raises(StreamLost, match=r"public\.t .*without the value of its key"):
        decoded(*transaction(bad), followed=WIDE)


def test_rows_of_other_tables() -> None:
    decoder = decoded(
        *transaction(insert(OTHER, b"1"), update(OTHER, [b"a", b"b"]), delete(OTHER, b"1"), truncate(OTHER))
    )
    assert decoder.take() == News({}, 0, 0x5000)


def test_a_transaction_in_pieces() -> None:
    """A position only counts whole transactions; the mark stays."""
    decoder = decoded(begin(7), insert(OID, b"1"))
    mark = PRESENT - 993
    assert decoder.take() == News({1: mark}, 1, 0)
    decoder.advance(0x7000)
    assert decoder.lsn == 0
    decoder.feed([insert(OID, b"2"), commit(0x5000)])
    assert decoder.take() == News({2: mark}, 1, 0x5000)
    decoder.advance(0x7000)
    decoder.advance(0x6000)
    assert decoder.lsn == 0x7000


def test_messages_of_ours() -> None:
    decoder = decoded(*transaction(message("ghostpy.x", b"beat 7")), *transaction(message("ghostpy.x", b"end 3")))
    assert (decoder.heartbeat, decoder.end) == (7, 3)
    decoder.feed(
        [
            *transaction(message("ghostpy.y", b"beat 8"), message("ghostpy.x", b"end 4", transactional=False)),
            message("ghostpy.x", b"end 5", transactional=False),
            *transaction(message("ghostpy.x", b"beat"), message("ghostpy.x", b"end x"), message("ghostpy.x", b"")),
            *transaction(message("ghostpy.x", b"beat 6"), message("ghostpy.x", b"end 2")),
        ]
    )
    assert (decoder.heartbeat, decoder.end) == (7, 3)


def test_an_end_counts_with_its_commit() -> None:
    decoder = decoded(begin(1001), message("ghostpy.x", b"end 1"))
    assert decoder.end == 0
    decoder.restart(reference=PRESENT)
    decoder.feed(transaction(insert(OID, b"1")))
    assert decoder.end == 0


def test_truncate() -> None:
    decoder = Decoder(ONE)
    decoder.restart(reference=PRESENT)
    with pytest.raises(SourceChanged, match=r"public\.t was truncated"):
        decoder.feed([begin(1), insert(OID, b"1"), truncate(OTHER, OID)])
    assert set(decoder.keys) == {1}


SAME = [(0, "a", 25, -1), (1, "k", 25, -1), (0, "b", 1043, 24), (1, "id", 23, -1)]


@pytest.mark.parametrize(
    ("schema", "table", "identity", "columns", "text"),
    [
        ("other", "t", "d", SAME, r"other\.t"),
        ("public", "u", "d", SAME, r"public\.u"),
        ("public", "t", "f", SAME, "replica identity"),
        ("public", "t", "d", SAME[1:], "columns"),
        ("public", "t", "d", [*SAME, (0, "new", 25, -1)], "columns"),
        ("public", "t", "d", [SAME[0], (1, "key", 25, -1), *SAME[2:]], "columns"),
        ("public", "t", "d", [*SAME[:3], (1, "id", 20, -1)], "type of its column id"),
        ("public", "t", "d", [*SAME[:2], (0, "b", 1043, 34), SAME[3]], "type of its column b"),
        ("public", "t", "d", [(1, "a", 25, -1), *SAME[1:]], "replica identity"),
    ],
)
def test_ddl(schema: str, table: str, identity: str, columns: list[tuple[int, str, int, int]], text: str) -> None:
    with pytest.raises(SourceChanged, match=rf"public\.t was altered .*{text}"):
        decoded(*transaction(relation(OID, schema, table, identity, columns)), followed=WIDE)


def test_the_table_as_expected() -> None:
    told = relation(OID, "public", "t", "d", SAME)
    assert described(told, 1) == WIDE.relation
    decoded(
        *transaction(b"O" + bytes(8) + b"origin\0", b"Y" + bytes(20), told, insert(OID, b"", b"k", b"", b"1")),
        followed=WIDE,
    )
    decoded(*transaction(relation(OTHER, "public", "u", "n", [])), followed=WIDE)


# --- marks ----------------------------------------------------------------------------------------------------------------


@given(st.integers(3, (1 << 62)), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
@example((1 << 32) - 1, 1)
@example(1 << 32, -1)
@example(5 << 32, 0)
def test_transaction_ids_of_64_bits(reference: int, away: int) -> None:
    xid = reference + away
    if xid >= 0:
        assert widened(xid & 0xFFFFFFFF, reference) == xid


def test_marks_follow_the_present() -> None:
    """Over the end of the 32 bits, and further than half of them from where the stream began."""
    decoder = Decoder(ONE)
    decoder.restart(reference=1 << 32)
    expected = 1 << 32
    for step in range(10):
        expected += 1 << 30
        decoder.feed(transaction(insert(OID, b"%d" % step), xid=expected & 0xFFFFFFFF))
        assert decoder.keys[step] == expected


# --- damage ---------------------------------------------------------------------------------------------------------------

KINDS = [
    begin(1001),
    insert(OID, b"1"),
    insert(OID, b"12345"),
    update(OID, [b"3"]),
    update(OID, [b"5"], [b"4"]),
    delete(OID, b"6"),
    relation(OID, "public", "t", "d", [(1, "id", 23, -1)]),
    truncate(OTHER, OTHER),
    message("ghostpy.x", b"beat 7"),
    commit(0x5000),
]


@pytest.mark.parametrize("whole", KINDS, ids=lambda each: chr(each[0]))
def test_messages_that_were_cut_off(whole: bytes) -> None:
    """No key is ever made of a part of its text."""
    for length in range(len(whole)):
        decoder = Decoder(ONE)
        decoder.restart(reference=PRESENT)
        if whole[:1] != b"B":
            decoder.feed([begin(1001)])
        # Of an end the time is not read.
        whole_enough = whole[:1] == b"C" and length >= 18
        with contextlib.nullcontext() if whole_enough else pytest.raises(StreamLost, match=r"public\.t"):
            decoder.feed([whole[:length]])
        assert decoder.keys.keys() <= {4}  # an old row that was whole


@pytest.mark.parametrize(
    "messages",
    [
        [insert(OID, b"1")],
        [*transaction(), insert(OID, b"1")],
        [commit(64)],
        [begin(1), begin(2)],
        [begin(1), b"S" + bytes(5)],
        [begin(1), b"I" + insert(OID, b"1")[1:5] + b"K" + insert(OID, b"1")[6:]],
        [begin(1), delete(OID, b"1", tag=b"N")],
        [begin(1), insert(OID, b"1", b"2")],
        [begin(1), insert(OID, b"1").replace(b"t", b"b")],
        [begin(1), insert(OID, b"one")],
        [begin(1), insert(OID, b"")],
        [begin(1), insert(OID, b"1") + b"2"],
        [b""],
    ],
)
def test_messages_that_make_no_sense(messages: list[bytes]) -> None:
    with pytest.raises(StreamLost, match="malformed"):
        decoded(*messages)


def test_text_that_is_not_utf8() -> None:
    with pytest.raises(StreamLost, match="malformed"):
        decoded(*transaction(insert(OID, b"", b"\xff", b"", b"1")), followed=WIDE)


@given(st.lists(st.one_of(st.sampled_from(KINDS), st.binary(max_size=40)), max_size=8), st.sampled_from([ONE, WIDE]))
def test_any_bytes(messages: list[bytes], followed: Followed) -> None:
    with contextlib.suppress(StreamLost, SourceChanged):
        decoded(*messages, followed=followed)


texts = st.one_of(st.text(), st.sampled_from(["'", "''", "', '", "NULL", "\\"]))


@given(st.lists(st.tuples(st.integers(), texts, st.sampled_from("IUKD")), max_size=20))
def test_every_key_of_a_transaction(rows: list[tuple[int, str, str]]) -> None:
    messages, expected = [], set()
    for number, text, kind in rows:
        values: list[Value] = [b"filler", text.encode(), None, b"%d" % number]
        old: list[Value] = [None, text.encode() + b"!", None, b"%d" % number]
        if kind == "I":
            messages.append(insert(OID, *values))
        elif kind == "U":
            messages.append(update(OID, values))
        elif kind == "K":
            messages.append(update(OID, values, old))
            expected.add((number, text + "!"))
        else:
            messages.append(delete(OID, *values))
        expected.add((number, text))
    decoder = decoded(*transaction(*messages), followed=WIDE)
    assert set(decoder.keys) == {f"'{number}', '" + text.replace("'", "''") + "'" for number, text in expected}
    assert decoder.events == len(rows)


@given(st.integers(0, (1 << 64) - 1))
@example(0x16_B374D848)
def test_places_in_the_log(lsn: int) -> None:
    assert parsed(spelled(lsn)) == lsn
    assert spelled(0x16_B374D848) == "16/B374D848"
