"""Sets of GTIDs: text, intervals, the binary form."""

from __future__ import annotations

import itertools
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostpy.dialects.mysql.gtid import GtidSet

A, B = uuid.UUID(int=1), uuid.UUID(int=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{A}:1",
        f"{A}:1-5:7:9-12",
        f"{A}:1-5,{B}:3",
        f"{A}:1-5,{A}:tag:2-3,{B}:x_1:1",
    ],
)
def test_text_comes_back(text: str) -> None:
    assert str(GtidSet.parse(text)) == text


def test_the_servers_text_is_read() -> None:
    assert GtidSet.parse(f"{A}:1-3:tag:4,\n{B}:5") == GtidSet.parse(f"{A}:1-3,{A}:tag:4,{B}:5")


@pytest.mark.parametrize("text", ["x", "1234:5", f"{A}:0", f"{A}:5-4"])
def test_text_that_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        GtidSet.parse(text)


@given(st.lists(st.tuples(st.sampled_from([b"a" * 16, b"b" * 16 + b"tag"]), st.integers(1, 40), st.integers(1, 8))))
def test_intervals_are_as_a_set_of_numbers(added: list[tuple[bytes, int, int]]) -> None:
    found, expected = GtidSet(), set()
    for origin, first, count in added:
        found.add(origin, first, first + count)
        expected |= {(origin, number) for number in range(first, first + count)}
    intervals = list(found)
    assert {(origin, number) for origin, first, end in intervals for number in range(first, end)} == expected
    for origin, number in [(b"a" * 16, each) for each in range(1, 50)]:
        assert ((origin, number) in found) == ((origin, number) in expected)
    for origin in {each[0] for each in intervals}:
        own = [(first, end) for each, first, end in intervals if each == origin]
        assert all(end < following for (_, end), (following, _) in itertools.pairwise(own))


def test_update_and_copy_are_apart() -> None:
    one = GtidSet.parse(f"{A}:1-3")
    two = one.copy()
    two.update(GtidSet.parse(f"{A}:4-6,{B}:1"))
    assert str(one) == f"{A}:1-3"
    assert str(two) == f"{A}:1-6,{B}:1"


def test_binary_form() -> None:
    untagged = GtidSet.parse(f"{A}:1-5:7").encoded()
    assert untagged[:8] == (1).to_bytes(8, "little")
    assert untagged[8:24] == A.bytes
    assert [int.from_bytes(untagged[at : at + 8], "little") for at in range(24, len(untagged), 8)] == [2, 1, 6, 7, 8]
    # As MySQL 9.7 wrote it into a PREVIOUS_GTIDS event.
    tagged = GtidSet.parse(f"{A}:1-9:mytag:1-2").encoded()
    assert tagged[:8] == bytes.fromhex("0102000000000001")
    assert tagged[24:26] == bytes.fromhex("0001")
    assert bytes.fromhex("0a6d79746167") in tagged


def test_short_text() -> None:
    found = GtidSet.parse(f"{B}:1-5,{A}:1-3:7")
    assert found.last_piece == "00000000:7"
    assert GtidSet().last_piece == "no transaction"
