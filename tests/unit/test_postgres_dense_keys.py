"""Bounds counted among whole numbers: never of more rows than wanted, never past the last key, never for long on trust."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ghostpy.dialects.postgres.dense_keys import DenseKeys

_KEYS = st.lists(st.integers(-50, 400), min_size=1, max_size=300, unique=True).map(sorted)


def _asked(keys: list[int], low: int | None, rows: int) -> int | None:
    above = [key for key in keys if low is None or key > low]
    return above[rows - 1] if len(above) >= rows else None


@given(_KEYS, st.integers(1, 40))
def test_chunks_are_all_the_table_and_none_has_more_rows_than_wanted(keys: list[int], rows: int) -> None:
    dense, low, seen, asked, counted = DenseKeys(), None, 0, 0, 0
    while True:
        bound = dense.bound(None if low is None else (str(low),), rows)
        if bound is None:
            high = _asked(keys, low, rows)
            asked += 1
            at = (None if low is None else (str(low),), rows, None if high is None else (str(high),))
            if dense.close(*at):
                assert high is not None
                dense.answered(rows, (str(high),), last=keys[-1])
        else:
            high = int(bound[0])
            counted += 1
            assert high <= keys[-1]
        inside = [key for key in keys if (low is None or key > low) and (high is None or key <= high)]
        assert len(inside) <= rows
        seen += len(inside)
        if high is None:
            break
        assert low is None or high > low
        low = high
    assert seen == len(keys)
    assert counted <= 3 * asked


def test_where_every_number_is_a_key_most_bounds_are_counted() -> None:
    dense = DenseKeys()
    assert dense.bound(("100",), 50) is None
    assert dense.close(("100",), 50, ("150",))
    dense.answered(50, ("150",), last=10_000)
    assert [dense.bound((str(low),), 50) for low in (150, 200, 250, 300)] == [("200",), ("250",), ("300",), None]


def test_behind_a_gap_it_is_asked_again() -> None:
    dense = DenseKeys()
    assert dense.close(("100",), 50, ("150",))
    dense.answered(50, ("150",), last=10_000)
    assert not dense.close(("300",), 50, ("9000",))
    assert dense.bound(("9000",), 50) is None
