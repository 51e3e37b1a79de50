"""How many rows a chunk takes, on servers that are made of two figures: what each chunk takes, and what each row takes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import pytest

from ghostpy.engine.chunker import LARGEST, SMALLEST, Chunker

_MICROSECOND = 1e-6


def chunks(chunker: Chunker, took: Callable[[int], float]) -> Iterator[tuple[int, float]]:
    """Rows and seconds of one chunk after the other."""
    while True:
        rows = chunker.rows
        seconds = took(rows)
        chunker.finished(rows, seconds)
        yield rows, seconds


def settled(chunker: Chunker, took: Callable[[int], float]) -> list[tuple[int, float]]:
    """The last fifty of two hundred."""
    made = chunks(chunker, took)
    return [next(made) for _ in range(200)][-50:]


@pytest.mark.parametrize("each", [2, 20, 200])
def test_chunks_take_the_time_that_is_wanted(each: int) -> None:
    noise = random.Random(1)
    made = settled(Chunker(0.1), lambda rows: 0.001 + rows * each * _MICROSECOND * noise.uniform(0.8, 1.2))
    assert sum(seconds for _, seconds in made) / len(made) == pytest.approx(0.1, rel=0.1)
    assert max(seconds for _, seconds in made) < 0.15


@pytest.mark.parametrize(
    ("wanted", "commit"), [(0.025, 0.022), (0.025, 0.12), (0.025, 1.0), (0.1, 0.095), (0.1, 0.12), (0.1, 1.0)]
)
def test_where_every_chunk_takes_long_whatever_its_size_chunks_do_not_shrink_to_nothing(
    wanted: float, commit: float
) -> None:
    noise = random.Random(2)
    made = settled(Chunker(wanted), lambda rows: commit * noise.uniform(0.9, 1.3) + rows * 40 * _MICROSECOND)
    for_rows = sum(rows for rows, _ in made) * 40 * _MICROSECOND
    whatever = sum(seconds for _, seconds in made) - for_rows
    assert 0.4 < for_rows / whatever < 2
    assert max(seconds for _, seconds in made) < 4 * commit


def test_where_rows_become_a_hundred_times_as_slow_one_chunk_is_too_long_and_no_more() -> None:
    """A range of the table that is not in the server's memory."""
    noise = random.Random(3)
    slow = False
    made = chunks(
        Chunker(0.1), lambda rows: 0.001 + rows * 3 * (100 if slow else 1) * _MICROSECOND * noise.uniform(0.8, 1.2)
    )
    for _ in range(100):
        next(made)
    slow = True
    first, *others = [next(made)[1] for _ in range(100)]
    assert first > 5
    assert max(others) < 0.2


def test_one_hiccup_is_made_up_for_within_few_chunks() -> None:
    noise = random.Random(4)
    hiccup = 0.0
    made = chunks(Chunker(0.1), lambda rows: 0.001 + hiccup + rows * 3 * _MICROSECOND * noise.uniform(0.8, 1.2))
    for _ in range(100):
        rows, _ = next(made)
    hiccup = 3.0
    next(made)
    hiccup = 0.0
    after = [next(made)[0] for _ in range(12)]
    assert after[0] < rows / 10, "it is not known yet whether the next one is as slow"
    assert after[-1] == pytest.approx(rows, rel=0.3)


def test_faster_again_the_size_doubles_until_it_is_right() -> None:
    slow = True
    made = chunks(Chunker(0.1), lambda rows: 0.001 + rows * 3 * (100 if slow else 1) * _MICROSECOND)
    for _ in range(100):
        next(made)
    slow = False
    sizes = [next(made)[0] for _ in range(30)]
    assert all(after <= 2 * before for before, after in itertools.pairwise(sizes))
    assert sizes[-1] * 3 * _MICROSECOND == pytest.approx(0.1, rel=0.1)


def test_sizes_stay_within_bounds() -> None:
    assert settled(Chunker(0.5), lambda rows: rows * 1e-7)[-1][0] == LARGEST
    assert settled(Chunker(0.1), lambda rows: rows * 1.0)[-1][0] == SMALLEST


def test_a_fixed_size_stays() -> None:
    chunker = Chunker(0.1, fixed=700)
    assert {rows for rows, _ in settled(chunker, lambda rows: 5.0)} == {700}


def test_what_tells_nothing_changes_nothing() -> None:
    chunker = Chunker(0.1)
    chunker.finished(0, 1.0)
    chunker.finished(10, 0.0)
    assert chunker.rows == Chunker(0.1).rows
