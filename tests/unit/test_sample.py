"""What is made of a sample: where it ends, and how it is scaled to the table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from ghostpy.engine import sample as module
from ghostpy.engine.sample import sampled
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.model.trial import Trial, TrialStep
from ghostpy.planning.estimating import natively, scaled


class Clock:
    """Time goes by only where rows are copied, built or compared."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Table:
    """Rows 1 to `rows`, each of which takes a millisecond to copy. Fulfils `Scratch`."""

    def __init__(self, rows: int, clock: Clock, log: Iterator[int | None]) -> None:
        self.total, self.clock, self.log = rows, clock, log
        self.copied: list[KeyRange] = []
        self.compared: list[KeyRange] = []

    async def rows(self) -> int | None:
        return self.total

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        at = int(low[0]) if low else 0
        return (str(at + rows),) if at + rows < self.total else None

    async def copy(self, chunk: KeyRange) -> int:
        low = int(chunk.low[0]) if chunk.low else 0
        rows = (int(chunk.high[0]) if chunk.high else self.total) - low
        self.clock.now += rows / 1000
        self.copied.append(chunk)
        return rows

    async def build_indexes(self) -> float:
        self.clock.now += 0.5
        return 0.5

    async def compare(self, chunk: KeyRange) -> None:
        self.clock.now += 0.01
        self.compared.append(chunk)

    async def size(self) -> int | None:
        return 1 << 20

    async def log_position(self) -> int | None:
        return next(self.log)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_it_ends_after_its_time(clock: Clock) -> None:
    table = Table(10**6, clock, iter([100, 5100]))
    found = asyncio.run(sampled(table, 1.0))
    assert not found.whole
    assert 1.0 <= found.copying < 1.5
    assert found.rows == sum(
        int(each.high[0]) - int(each.low[0] if each.low else 0) for each in table.copied if each.high
    )
    assert found.rows == pytest.approx(found.copying * 1000)
    assert table.compared == table.copied
    assert (found.indexing, found.comparing) == (0.5, pytest.approx(0.01 * len(table.copied)))
    assert (found.bytes, found.log_bytes, found.counted) == (1 << 20, 5000, 10**6)


def test_it_ends_with_the_table(clock: Clock) -> None:
    for rows in (0, 1, 9, 10, 11, 400):
        found = asyncio.run(sampled(Table(rows, clock, iter([100, None])), 1.0))
        assert found.whole
        assert found.rows == rows
        assert found.log_bytes is None


def test_it_is_scaled_to_the_table() -> None:
    found = scaled(
        rows=10_000, sample_rows=1000, whole=False, copying=1.0, indexing=0.5, comparing=0.2, workers=1, table_bytes=7,
        sample_bytes=100, log_bytes=1000,
    )  # fmt: skip
    assert {name: found.parts[name] for name in ("copy", "indexes", "comparison")} == {
        "copy": 10.0,
        "indexes": 5.0,
        "comparison": 2.0,
    }
    assert found.seconds == pytest.approx(sum(found.parts.values()))
    assert found.disk_bytes == 1000
    assert found.log_bytes is not None
    assert found.log_bytes >= 10_000


def test_a_whole_table_is_not_scaled_by_a_wrong_number_of_rows() -> None:
    found = scaled(
        rows=10**9, sample_rows=1000, whole=True, copying=1.0, indexing=0.0, comparing=0.0, workers=1, table_bytes=7,
        sample_bytes=None, log_bytes=None,
    )  # fmt: skip
    assert found.parts["copy"] == 1.0
    assert "indexes" not in found.parts
    assert (found.disk_bytes, found.log_bytes) == (7, None)


def test_a_table_whose_rows_nobody_has_counted() -> None:
    found = scaled(
        rows=0, sample_rows=1000, whole=False, copying=1.0, indexing=0.0, comparing=0.0, workers=1, table_bytes=50_000,
        sample_bytes=1000, log_bytes=None,
    )  # fmt: skip
    assert found.parts["copy"] == 50.0
    assert "ANALYZE" in found.reason


def test_an_empty_table() -> None:
    found = scaled(
        rows=0, sample_rows=0, whole=True, copying=0.0, indexing=0.0, comparing=0.0, workers=2, table_bytes=0,
        sample_bytes=0, log_bytes=0,
    )  # fmt: skip
    assert found.seconds == found.parts["the rest"] > 0


def test_what_the_server_does_is_scaled_to_the_table() -> None:
    """Only what grows; the files to sort in are gone before the next step."""
    found = natively(
        Trial(1000, 0.5, (
            TrialStep("look", 0.5, fixed=0.1, times=10, log_bytes=70, log_grows=False),
            TrialStep("build", 1.0, times=10, sorts=True, bytes=100, sorted_bytes=100, log_bytes=30),
            TrialStep("build", 1.0, times=10, sorts=True, bytes=40, sorted_bytes=40, log_bytes=20),
        )),
        ours=False,
    )  # fmt: skip
    assert found.parts["look"] == pytest.approx(0.1 + 0.4 * 10)
    # To sort ten times as much takes a little more than ten times as long.
    assert 20.0 < found.parts["build"] < 30.0
    assert found.seconds == pytest.approx(sum(found.parts.values()))
    assert (found.disk_bytes, found.temporary_bytes, found.log_bytes) == (1400 + 1000, 1000, 70 + 300 + 200)
    assert (found.sample_rows, found.sample_seconds) == (1000, 0.5)
    ours = natively(Trial(1000, 0.5, (TrialStep("look", 0.5),)), ours=True)
    assert ours.seconds == pytest.approx(0.5 + ours.parts["the rest"])


def test_sizes_that_are_not_known() -> None:
    found = natively(
        Trial(1, 0.1, (TrialStep("build", 1.0, bytes=None, log_bytes=None), TrialStep("look", 1.0))), ours=False
    )
    assert (found.disk_bytes, found.log_bytes) == (None, None)


def test_no_step_that_takes_long_is_done_at_once() -> None:
    assert natively(Trial(0, 0.0, (), "nothing grows"), ours=True).at_once
