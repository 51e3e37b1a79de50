"""How hard a run works, by what it costs the application: pulse, price, effort and rests, without a server."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostpy.engine.effort import LEAST_SHARE, MOST_SHARE, Effort
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pulse import Price, Pulse
from ghostpy.settings import CopySettings


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def effort_of(**settings: float) -> Effort:
    return Effort(Knobs.of(CopySettings(**settings)))  # type: ignore[arg-type]


def beat(pulse: Pulse, clock: Clock, seconds: float, *, times: int = 1) -> None:
    for _ in range(times):
        began = clock.now
        clock.now += seconds
        pulse.beaten(began, clock.now)
        clock.now += 0.1


def test_the_price_is_what_beats_during_work_take_longer_than_those_during_rests() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now += 1
    beat(pulse, clock, 0.002, times=10)
    with pulse.at_work():
        beat(pulse, clock, 0.005, times=10)
    price = pulse.price
    assert price is not None
    assert price.at_rest == pytest.approx(0.002)
    assert price.at_work == pytest.approx(0.005)
    assert price.longer == pytest.approx(1.5)


def test_a_beat_that_saw_both_work_and_rest_tells_nothing() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    for _ in range(50):
        began = clock.now
        with pulse.at_work():
            clock.now += 0.01
        # Begun before the work, and during it; and one right after its end.
        pulse.beaten(began - 0.001, clock.now)
        pulse.beaten(began + 0.001, clock.now + 0.001)
        pulse.beaten(clock.now + 0.001, clock.now + 0.002)
        clock.now += 1
    assert pulse.price is None


def test_one_hiccup_counts_for_nothing_and_every_third_beat_for_much() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now += 1
    beat(pulse, clock, 0.002, times=9)
    beat(pulse, clock, 3.0)
    with pulse.at_work():
        for _ in range(8):
            beat(pulse, clock, 0.002, times=2)
            beat(pulse, clock, 0.020)
    price = pulse.price
    assert price is not None
    assert price.at_rest == pytest.approx(0.002)
    assert price.longer > 2


def test_what_was_measured_of_another_way_of_working_is_forgotten() -> None:
    clock = Clock()
    pulse = Pulse(clock)
    clock.now += 1
    beat(pulse, clock, 0.002, times=10)
    with pulse.at_work():
        beat(pulse, clock, 0.005, times=10)
        pulse.work_changes()
        assert pulse.price is None
        beat(pulse, clock, 0.003, times=10)
    price = pulse.price
    assert price is not None
    assert price.at_work == pytest.approx(0.003)


def test_a_difference_that_may_come_from_this_process_is_no_price() -> None:
    assert Price(at_work=0.0003, at_rest=0.0002).longer == 0


def test_alone_on_the_server_nothing_is_held_back() -> None:
    effort = effort_of(workers=4)
    effort.look(Price(0.5, 0.001), alone=True)
    assert not effort.rests
    assert (effort.workers, effort.share, effort.rest(1.0, 1.0)) == (4, 1.0, 0.0)
    assert effort.impact is None


def test_without_a_limit_nothing_is_held_back() -> None:
    effort = effort_of(workers=4, max_impact=0.0)
    for _ in range(20):
        effort.look(Price(0.5, 0.001), alone=False)
    assert (effort.workers, effort.share, effort.rest(1.0, 1.0)) == (4, 1.0, 0.0)


def test_an_operators_nice_ratio_counts_instead() -> None:
    effort = effort_of(workers=4, nice_ratio=2.0)
    for _ in range(20):
        effort.look(Price(0.5, 0.001), alone=False)
    assert effort.rests
    assert effort.workers == 4
    assert effort.rest(1.5, 1.0) == 2.0


def test_a_server_that_does_not_feel_us_is_worked_on_nearly_all_the_time() -> None:
    effort = effort_of(workers=4)
    for _ in range(20):
        effort.look(Price(0.002, 0.002), alone=False)
    assert effort.share == pytest.approx(MOST_SHARE, abs=0.01)
    assert effort.workers == 4


def test_where_commits_suffer_less_is_done_at_once_and_less_of_the_time_but_never_nothing() -> None:
    effort = effort_of(workers=4, max_impact=0.2)
    changes = [effort.look(Price(0.040, 0.002), alone=False) for _ in range(40)]
    assert any(changes)
    assert effort.workers == 1
    assert effort.chunk_seconds(0.1, commit=0.005) == pytest.approx(0.025)
    assert effort.share == pytest.approx(LEAST_SHARE, abs=0.01)


def test_what_turned_out_to_be_too_much_is_tried_again_ever_later() -> None:
    """A server that bears one worker, and not two."""
    effort = effort_of(workers=2, max_impact=0.2)
    tries = []
    for look in range(600):
        before = effort.workers
        effort.look(Price(0.040, 0.020) if before == 2 else Price(0.022, 0.020), alone=False)
        if effort.workers > before:
            tries.append(look)
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert len(tries) >= 4, "it must be tried again"
    assert gaps[-1] > 4 * gaps[0]


def test_the_application_gone_all_is_done_at_full_effort_again() -> None:
    effort = effort_of(workers=4)
    for _ in range(40):
        effort.look(Price(0.040, 0.002), alone=False)
    assert effort.look(None, alone=True)
    assert (effort.workers, effort.share, effort.rest(1.0, 1.0)) == (4, 1.0, 0.0)


def test_two_milliseconds_are_always_allowed() -> None:
    """Next to a commit of half a millisecond a few more look large, though nobody feels them."""
    effort = effort_of(workers=2, max_impact=0.5)
    for _ in range(60):
        effort.look(Price(0.0025, 0.0005), alone=False)
    assert (effort.workers, effort.share) == (2, pytest.approx(MOST_SHARE, abs=0.01))
    for _ in range(60):
        effort.look(Price(0.0045, 0.0005), alone=False)
    assert effort.share == pytest.approx(0.5, abs=0.01)


@given(
    longer=st.floats(0, 50),
    limit=st.floats(0.01, 2),
    workers=st.integers(1, 16),
)
def test_the_impact_settles_at_the_limit_or_below_unless_the_copy_would_stand_still(
    longer: float, limit: float, workers: int
) -> None:
    effort = effort_of(workers=workers, max_impact=limit)
    for _ in range(60):
        effort.look(Price(0.100 * (1 + longer), 0.100), alone=False)
    limit = max(limit, 0.02)  # two milliseconds are always allowed
    assert LEAST_SHARE <= effort.share <= MOST_SHARE
    impact = effort.impact
    assert impact is not None
    assert impact <= limit * 1.01 or effort.share == pytest.approx(LEAST_SHARE, rel=0.01)
    if longer > 0.1:
        assert impact >= 0.9 * min(limit, longer * MOST_SHARE)


@given(share_of=st.floats(0.1, 20), pieces=st.lists(st.floats(0.01, 0.5), min_size=50, max_size=200))
def test_rests_add_up_to_the_share(share_of: float, pieces: list[float]) -> None:
    effort = effort_of(max_impact=0.2)
    for _ in range(60):
        effort.look(Price(0.010 * (1 + share_of), 0.010), alone=False)
    worked, rested, least = 0.0, 0.0, effort.share
    for piece in pieces:
        piece = min(piece, effort.slice_seconds)
        worked += piece
        rested += effort.rest(piece, piece)
    assert worked / (worked + rested + 6.0) <= least <= worked / (worked + rested) + 1e-6


def test_whatever_the_resync_takes_a_share_of_the_time_is_left_to_the_copy() -> None:
    effort = effort_of(workers=2, max_impact=0.2)
    for _ in range(60):
        effort.look(Price(0.500, 0.010), alone=False)
    worked = rested = copied = 0.0
    for _ in range(100):
        # Of each second of work all but a fifth is resync.
        worked, copied = worked + 1.0, copied + 0.2
        rested += effort.rest(1.0, 0.2)
    assert copied / (worked + rested) == pytest.approx(LEAST_SHARE, rel=0.05)
    assert effort.rest(1.0, 0.0) == 0.0
