"""Dirty keys on their way from the backlog into the shadow: whatever fails, none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from open_gate import OpenGate

from ghostpy import errors
from ghostpy.engine.backlog import Backlog
from ghostpy.engine.follower import Follower
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.resync import BacklogWorker
from ghostpy.model.change import ChangeBatch, Position
from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols import Resynced
from ghostpy.settings import CopySettings

EVERYTHING = KeyRange(None, None)
HERE = Position(None, "here")


class Stream:
    """Has passed every position; its fence may be out of order."""

    def __init__(self, fence_fails: bool) -> None:
        self.fence_fails = fence_fails

    async def start(self) -> Position:
        return HERE

    async def open(self, start: Position) -> None:
        return

    async def read(self) -> ChangeBatch:
        return ChangeBatch({}, 0, HERE)

    async def fence(self) -> None:
        if self.fence_fails:
            raise errors.ServerGone("gone")

    async def end(self) -> Position:
        return HERE

    def passed(self, position: Position) -> bool:
        return True

    async def close(self) -> None:
        return


async def _refusing(keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
    # One part is done, the other is not.
    if 7 in keys:
        raise errors.ServerGone("gone")
    return Resynced(done=len(keys), pending={})


@pytest.mark.parametrize("fence_fails", [True, False])
@pytest.mark.parametrize("frozen", [True, False])
def test_keys_go_back_where_resync_fails(fence_fails: bool, frozen: bool) -> None:
    async def scenario() -> Backlog:
        backlog, recorder = Backlog(100), Recorder()
        backlog.add(dict.fromkeys(range(10), 0))
        follower = Follower(Stream(fence_fails), backlog, recorder)
        knobs = Knobs.of(CopySettings(resync_keys=5, workers=2))
        worker = BacklogWorker(backlog, follower, _refusing, recorder, OpenGate(), knobs)
        under_lock = worker.up_to_by(HERE, EVERYTHING, _refusing, deadline=float("inf"))
        beside = worker.slice(EVERYTHING, 10.0)
        chosen, other = (under_lock, beside) if frozen else (beside, under_lock)
        other.close()
        with pytest.raises(errors.ServerGone):
            await chosen
        return backlog

    backlog = asyncio.run(scenario())
    # Under the lock there is no fence that could fail.
    assert all(key in backlog for key in (range(10) if fence_fails and not frozen else range(5, 10)))


def test_a_slice_does_not_chase_what_becomes_dirty_meanwhile() -> None:
    """Else each would last as long as it may, with ever fewer keys a transaction."""
    parts: list[int] = []

    async def scenario() -> Backlog:
        backlog, new = Backlog(1000), iter(range(100, 1000))

        async def resync(keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
            parts.append(len(keys))
            backlog.add_unmarked([next(new), next(new)])
            await asyncio.sleep(0)
            return Resynced(done=len(keys), pending={})

        backlog.add(dict.fromkeys(range(20), 0))
        follower = Follower(Stream(False), backlog, Recorder())
        knobs = Knobs.of(CopySettings(resync_keys=5, workers=2))
        worker = BacklogWorker(backlog, follower, resync, Recorder(), OpenGate(), knobs)
        async with asyncio.timeout(10):
            await worker.slice(EVERYTHING, 5.0)
        return backlog

    backlog = asyncio.run(scenario())
    assert parts == [5, 5, 5, 5]
    assert backlog.all().keys() == set(range(100, 108))


def test_what_was_told_to_be_applied_is_not_taken_back() -> None:
    """A change of a key makes two keys dirty, and so there may be more of them than changes."""
    told: list[int] = []

    async def scenario() -> None:
        backlog, recorder = Backlog(100), Recorder()

        async def resync(keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
            told.append(recorder.changes_applied)
            return Resynced(done=len(keys), pending={})

        knobs = Knobs.of(CopySettings(resync_keys=1, workers=1))
        worker = BacklogWorker(backlog, Follower(Stream(False), backlog, recorder), resync, recorder, OpenGate(), knobs)
        recorder.changes_seen = 2
        backlog.add({1: 0, 2: 0})
        await worker.slice(EVERYTHING, 5.0)
        backlog.add_unmarked(range(3, 8))
        await worker.slice(EVERYTHING, 5.0)
        told.append(recorder.changes_applied)

    asyncio.run(scenario())
    assert told == sorted(told)
    assert told[-1] == 2


def test_what_a_later_chunk_will_read_is_let_go_behind_one_fence() -> None:
    """However many they are: they cost no statement. What must be resynced is still divided into parts that are not too large."""
    parts: list[tuple[list[Key], list[Key]]] = []

    async def scenario() -> Backlog:
        backlog = Backlog(1000)

        async def resync(keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
            wanted = copied.not_beyond(keys)
            parts.append((wanted, [key for key in keys if key not in wanted]))
            return Resynced(done=len(keys), pending={key: mark for key, mark in keys.items() if mark})

        # 1 … 16 are copied; one of the others is not visible yet.
        backlog.add({key: 9 if key == 950 else 0 for key in [*range(901, 951), *range(1, 17), *range(800, 810)]})
        knobs = Knobs.of(CopySettings(resync_keys=4, workers=2))
        worker = BacklogWorker(
            backlog, Follower(Stream(False), backlog, Recorder()), resync, Recorder(), OpenGate(), knobs
        )
        await worker.slice(KeyRange(None, ("16",)), 5.0)
        return backlog

    backlog = asyncio.run(scenario())
    assert parts == [
        ([1, 2, 3, 4], []),
        ([5, 6, 7, 8], []),
        ([], [*range(901, 951)]),
        ([9, 10, 11, 12], []),
        ([13, 14, 15, 16], []),
        ([], [*range(800, 810), 950]),
    ]
    assert backlog.all() == {950: 9}


@pytest.mark.parametrize(("last", "near", "beyond"), [(None, 3, 0), (0, 0, 60), (5, 3, 4), (100, 3, 0)])
def test_keys_are_taken_in_the_order_of_their_waiting(last: int | None, near: int, beyond: int) -> None:
    backlog = Backlog(1000)
    # Those above five stand in between.
    backlog.add(dict.fromkeys([7, 1, 8, 2, 9, 3, 10, 4, 5, *range(11, 100)], 0))
    before = [*backlog.all()]
    taken, let_go = backlog.take(3, last=last)
    assert (len(taken), len(let_go)) == (near, beyond)
    assert [*taken] == [key for key in before if last is None or (isinstance(key, int) and key <= last)][:3]
    assert [*backlog.all()] == [key for key in before if key not in taken and key not in let_go]


def test_text_is_no_number() -> None:
    backlog = Backlog(1000)
    backlog.add(dict.fromkeys(["'9'", "'1'", 12], 0))
    assert backlog.take(2, last=5) == ({"'9'": 0, "'1'": 0}, {12: 0})
    assert KeyRange(None, ("'5'",)).last_number is None
    assert KeyRange(None, ("5", "6")).last_number is None
    assert KeyRange(None, ("-5",)).last_number == -5
    assert KeyRange(None, None).not_beyond([1, "'x'"]) == [1, "'x'"]
    assert KeyRange(None, ("5",)).not_beyond([5, 6, "'x'"]) == [5, "'x'"]
