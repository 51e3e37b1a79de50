"""A run that will not end is told of early; one that catches up, or rests, is not."""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy.engine.forecast import Forecast
from ghostpy.engine.recorder import Recorder
from ghostpy.model.progress import Phase, Progress
from ghostpy.model.standing import Standing


def told(
    lags: Iterable[float], *, phase: Phase = Phase.COPY, reason: str | None = None, limit: float | None = None
) -> list[str]:
    """What is said of these lags, one every ten seconds."""
    found: list[str] = []
    forecast = Forecast(Recorder(), tell=found.append)
    for number, lag in enumerate(lags):
        standing = Standing(pause_limit=limit)
        forecast.look(
            Progress(phase=phase, elapsed=number * 10.0, stream_lag=lag, throttle_reason=reason, throttle=standing)
        )
    return found


def test_a_lag_that_grows_for_a_minute_is_told_and_again_once_it_has_doubled() -> None:
    found = told([second * 0.5 for second in range(0, 600, 10)])
    assert [text.split(",")[0] for text in found] == [
        "the change stream is 30 s behind",
        "the change stream is 60 s behind",
        "the change stream is 120 s behind",
        "the change stream is 240 s behind",
    ]
    assert "30 s further behind in a minute" in found[0]
    assert "--max-impact" in found[0]


def test_how_long_the_server_keeps_what_is_not_read_is_said_where_it_is_known() -> None:
    assert "for about 2.0 hours" in told([float(lag) for lag in range(0, 100, 10)], limit=7200.0)[0]


def test_a_lag_that_stays_or_shrinks_is_not() -> None:
    assert told([300.0] * 30) == []
    assert told([300.0 - 10 * look for look in range(30)]) == []
    assert told([20.0 + look % 2 for look in range(30)]) == []


def test_a_rest_says_nothing() -> None:
    lags = [float(lag) for lag in range(0, 600, 10)]
    assert told(lags, reason="commanded by user") == []
    assert told(lags, phase=Phase.PREPARE) == []


def told_of_keys(
    keys: Iterable[int], *, phase: Phase = Phase.VERIFY, limit: int = 200_000, applied: int = 0
) -> list[str]:
    """What is said of so many dirty keys, one look every ten seconds. `applied`: changes that are resynced in ten seconds."""
    found: list[str] = []
    forecast = Forecast(Recorder(), tell=found.append)
    for number, backlog in enumerate(keys):
        forecast.look(
            Progress(
                phase=phase,
                elapsed=number * 10.0,
                backlog=backlog,
                backlog_limit=limit,
                changes_applied=number * applied,
            )
        )
    return found


def test_a_backlog_that_grows_for_a_minute_is_told_before_it_is_full_and_again_once_it_has_doubled() -> None:
    found = told_of_keys(range(0, 200_000, 5_000))
    assert [text.split(":")[0] for text in found] == [
        "30000 keys are dirty, and 30000 more each minute",
        "60000 keys are dirty, and 30000 more each minute",
        "120000 keys are dirty, and 30000 more each minute",
    ]
    assert "In 6 minutes" in found[0]
    assert "In 3 minutes" in found[-1]
    assert "In 40 s" in told_of_keys(range(100_000, 190_000, 10_000))[-1]
    assert "max-backlog=200000" in found[0]


def test_a_backlog_that_is_small_or_shrinks_or_grows_for_a_moment_is_not_told() -> None:
    assert told_of_keys([15_000 + look for look in range(30)]) == []
    assert told_of_keys(range(190_000, 0, -5_000)) == []
    assert told_of_keys([50_000 + 20_000 * (look % 2) for look in range(30)]) == []
    # It would be full in some days.
    assert told_of_keys([50_000 + look for look in range(30)]) == []


def test_while_rows_are_copied_dirty_keys_may_have_to_wait() -> None:
    assert told_of_keys(range(0, 200_000, 5_000), phase=Phase.COPY) == []
    half = [Phase.COPY] * 10 + [Phase.VERIFY] * 6
    found: list[str] = []
    forecast = Forecast(Recorder(), tell=found.append)
    for number, phase in enumerate(half):
        backlog = min(number, 10) * 15_000
        forecast.look(Progress(phase=phase, elapsed=number * 10.0, backlog=backlog, backlog_limit=200_000))
    assert found == []


def test_while_rows_are_copied_too_it_is_told_where_all_of_the_time_would_not_be_enough_to_resync() -> None:
    growing = range(0, 200_000, 5_000)
    assert told_of_keys(growing, phase=Phase.COPY, applied=4_000)
    assert told_of_keys(growing, phase=Phase.COPY, applied=6_000) == []
