"""Copying and resyncing in turn: where many keys are dirty, less is copied, but never nothing."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from open_gate import OpenGate

from ghostpy.engine.backlog import Backlog
from ghostpy.engine.chunker import Chunker
from ghostpy.engine.copier import Copier
from ghostpy.engine.effort import Effort
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rounds import Rounds
from ghostpy.model.checkpoint import Course
from ghostpy.model.keys import Bound, KeyRange
from ghostpy.protocols import Copied
from ghostpy.settings import CopySettings

ROWS, WORKERS, LIMIT, SLICE = 1000, 4, 1000, 0.01


class Table:
    """Rows by number; remembers how many chunks were under way at once."""

    def __init__(self) -> None:
        self.copied = 0
        self.at_once = 0
        self._under_way = 0

    async def next_bound(self, low: Bound | None, rows: int) -> Bound | None:
        high = rows + (0 if low is None else int(low[0]))
        return (str(high),) if high < ROWS else None

    async def copy(self, chunk: KeyRange) -> Copied:
        self._under_way += 1
        self.at_once = max(self.at_once, self._under_way)
        await asyncio.sleep(0.001)
        self._under_way -= 1
        high = ROWS if chunk.high is None else int(chunk.high[0])
        self.copied += high - (0 if chunk.low is None else int(chunk.low[0]))
        return Copied(rows=0)


def _copied(dirty: int, *, bare: bool = False) -> tuple[Table, list[float]]:
    """Copy with so many keys dirty all the while; returns the table and how long each slice of resyncing was to be."""
    table, backlog, wanted = Table(), Backlog(LIMIT), list[float]()
    backlog.add_unmarked(range(dirty))

    async def resync(copied: KeyRange, seconds: float) -> None:
        wanted.append(seconds)

    async def nothing(*_: object, **__: object) -> None:
        return

    knobs = Knobs.of(CopySettings(workers=WORKERS, slice_seconds=SLICE))
    effort, course, recorder, gate = Effort(knobs), Course(bare=bare), Recorder(), OpenGate()
    copier = Copier(
        table,  # type: ignore[arg-type]
        Chunker(1, fixed=10),
        backlog,
        recorder,
        gate,
        knobs,
        effort,
        SimpleNamespace(),
        course,
    )
    rounds = Rounds(
        copier,
        SimpleNamespace(slice=resync),  # type: ignore[arg-type]
        backlog,
        SimpleNamespace(build_key=nothing),
        recorder,
        gate,
        effort,
        _NoRests(),  # type: ignore[arg-type]
        course,
        SimpleNamespace(seconds=60.0, due=nothing),  # type: ignore[arg-type]
    )
    asyncio.run(rounds.run())
    return table, wanted


class _NoRests:
    def work(self) -> _NoRests:
        return self

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return

    async def taken(self, *_: object, **__: object) -> None:
        return


@pytest.mark.parametrize(
    ("dirty", "workers", "times"), [(0, WORKERS, 1.0), (200, WORKERS, 1.6), (500, 1, 2.5), (1500, 1, 4.0)]
)
def test_the_more_keys_are_dirty_the_less_is_copied(dirty: int, workers: int, times: float) -> None:
    table, wanted = _copied(dirty)
    assert table.copied == ROWS
    assert table.at_once == workers
    assert wanted == [pytest.approx(SLICE * times)] * len(wanted) != []


def test_a_bare_shadow_is_filled_by_all_workers() -> None:
    """No key can be resynced before it has its index, so there is nothing to wait for."""
    assert _copied(500, bare=True)[0].at_once == WORKERS
