"""The gate: which reason counts, what falls silent, hibernation, and what an operator sets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.settings import ThrottleSettings
from ghostpy.throttle.blocking import Blocking
from ghostpy.throttle.http_check import reason_of
from ghostpy.throttle.loads import parsed, spelled
from ghostpy.throttle.replica_lag import FORGOTTEN_AFTER, ReplicaLag
from ghostpy.throttle.throttler import Throttler
from ghostpy.throttle.watch import Watch

SETTINGS = ThrottleSettings(additional_flag_file=None)


class Figures:
    """What the servers would tell, in the test's hand."""

    def __init__(self) -> None:
        self.load = 0.0
        self.answer = 0.0
        self.lags: dict[str, float | errors.GhostpyError] = {}

    async def figure(self, name: str) -> float:
        if name == "nothing":
            raise errors.UsageError("is no status variable of db:3306")
        return float(self.load)

    async def asked(self, sql: str) -> float:
        return float(self.answer)

    async def own_lag(self) -> float | None:
        return None

    async def replicas(self) -> Sequence[str]:
        return list(self.lags)

    async def lag(self, replica: str) -> float:
        lag = self.lags.get(replica, errors.ServerError("is not connected to the primary any more"))
        if isinstance(lag, errors.GhostpyError):
            raise lag
        return lag

    async def pause_limit(self) -> float | None:
        return 60.0

    async def close(self) -> None:
        return


class Clock:
    """`now` is what it shows: time goes by as it goes on, but for jumps."""

    def __init__(self) -> None:
        self.now = datetime(2026, 8, 7, 12, tzinfo=UTC)
        self._jumped = timedelta()

    def __call__(self) -> datetime:
        return self.now

    def jump(self, **by: float) -> None:
        self.now += timedelta(**by)
        self._jumped += timedelta(**by)

    def elapsed(self) -> float:
        return (self.now - self._jumped).timestamp()


class Gated:
    """A throttler at work, what it told and whom it asked to end."""

    def __init__(self, settings: ThrottleSettings, figures: Figures, clock: Clock) -> None:
        self.told: list[str] = []
        self.asked_to_end: list[errors.GhostpyError] = []
        self.figures, self.clock = figures, clock
        self.gate = Throttler(
            settings,
            figures,
            tell=self.told.append,
            stop=self.asked_to_end.append,
            now=clock,
            elapsed=clock.elapsed,
        )

    async def becomes(self, reason: str | None) -> None:
        async with asyncio.timeout(10):
            while self.gate.reason != reason:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def gated(settings: ThrottleSettings = SETTINGS) -> AsyncIterator[Gated]:
    throttled = Gated(settings, Figures(), Clock())
    looking = asyncio.create_task(throttled.gate.run())
    try:
        yield throttled
    finally:
        looking.cancel()
        ended = await asyncio.gather(looking, return_exceptions=True)
        assert isinstance(ended[0], asyncio.CancelledError), ended


def test_it_is_closed_until_all_have_answered() -> None:
    async def main() -> None:
        gate = Throttler(replace(SETTINGS, max_load="a=1"), Figures(), tell=print, stop=print)
        assert gate.reason == "waiting for max-load"
        async with gated() as throttled:
            await asyncio.wait_for(throttled.gate.opened(), 10)

    asyncio.run(main())


def test_reasons_in_their_order() -> None:
    async def main() -> None:
        settings = replace(SETTINGS, max_load="b=5,a=3", query="SELECT 1", window="13:00-14:00 UTC")
        async with gated(settings) as throttled:
            gate, figures = throttled.gate, throttled.figures
            figures.lags["db2:3306"] = 2.5
            await throttled.becomes("outside window, opens at 2026-08-07 13:00 UTC")
            throttled.clock.now += timedelta(hours=1)
            await throttled.becomes("db2:3306 replica-lag=2.500000s")
            figures.answer = 1
            await throttled.becomes("throttle-query")
            figures.load = 3
            await throttled.becomes("max-load a=3 >= 3")
            figures.load = 5
            await throttled.becomes("max-load b=5 >= 5")
            gate.commanded = True
            assert gate.reason == "commanded by user"
            gate.commanded = False
            gate.set_max_load("nothing=3")
            await throttled.becomes("nothing is no status variable of db:3306")
            gate.set_max_load("")
            await throttled.becomes("throttle-query")
            gate.set_query("")
            await throttled.becomes("db2:3306 replica-lag=2.500000s")
            assert gate.standing.lag == 2.5
            gate.set_max_lag_millis(3000)
            await throttled.becomes(None)
            gate.set_max_lag_millis(7)
            assert gate.max_lag_millis == 100
            gate.set_control_replicas(" db3:3306, db4 ")
            await throttled.becomes("db3:3306 is not connected to the primary any more")
            assert gate.control_replicas == "db3:3306,db4"

    asyncio.run(main())


def test_what_cannot_be_read_changes_nothing() -> None:
    async def main() -> None:
        async with gated(replace(SETTINGS, max_load="a=3", window="00:00-24:00 UTC", deadline="6h")) as throttled:
            gate = throttled.gate
            for change, text in (
                (gate.set_max_load, "a"),
                (gate.set_critical_load, "a=many"),
                (gate.set_window, "night"),
                (gate.set_deadline, "soon"),
                (gate.set_http, "ftp://host"),
            ):
                with pytest.raises(errors.UsageError):
                    change(text)
            assert (gate.max_load, gate.critical_load, gate.window) == ("a=3", "", "00:00-24:00 UTC")
            assert (gate.deadline, gate.http) == ("6h", "")

    asyncio.run(main())


def test_the_deadline_asks_for_the_end_once() -> None:
    async def main() -> None:
        async with gated(replace(SETTINGS, window="11:00-13:00 UTC", deadline="window")) as throttled:
            await throttled.becomes(None)
            assert not throttled.asked_to_end
            throttled.gate.set_window("11:00-15:00 UTC")
            throttled.clock.now += timedelta(hours=2)
            await asyncio.sleep(0.7)
            assert not throttled.asked_to_end
            throttled.clock.now += timedelta(hours=1)
            while not throttled.asked_to_end:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.7)
            assert [type(error) for error in throttled.asked_to_end] == [errors.Stopped]

    asyncio.run(main())


@pytest.mark.parametrize("hours", [1, -1])
def test_a_duration_is_not_that_of_the_clock(hours: int) -> None:
    async def main() -> None:
        async with gated(replace(SETTINGS, deadline="30m")) as throttled:
            await throttled.becomes(None)
            throttled.clock.jump(hours=hours)
            throttled.clock.now += timedelta(minutes=29)
            await asyncio.sleep(0.7)
            assert not throttled.asked_to_end
            throttled.clock.now += timedelta(minutes=1)
            async with asyncio.timeout(10):
                while not throttled.asked_to_end:
                    await asyncio.sleep(0.01)

    asyncio.run(main())


@pytest.mark.parametrize("hours", [1, -1])
def test_a_time_is_that_of_the_clock(hours: int) -> None:
    async def main() -> None:
        async with gated(replace(SETTINGS, window="11:00-13:00 UTC", deadline="14:30 UTC")) as throttled:
            await throttled.becomes(None)
            throttled.clock.jump(hours=1.5 * hours)
            async with asyncio.timeout(10):
                while not throttled.gate.reason:
                    await asyncio.sleep(0.01)
            assert "outside window" in throttled.gate.reason
            throttled.clock.jump(hours=-1.5 * hours)
            await throttled.becomes(None)
            assert not throttled.asked_to_end
            throttled.clock.jump(hours=3)
            async with asyncio.timeout(10):
                while not throttled.asked_to_end:
                    await asyncio.sleep(0.01)

    asyncio.run(main())


@pytest.mark.parametrize("hours", [1, -1])
def test_hibernation_lasts_as_long_as_it_is_meant_to(hours: int) -> None:
    async def main() -> None:
        settings = replace(SETTINGS, critical_load="a=9", critical_hibernate_seconds=300)
        async with gated(settings) as throttled:
            gate, clock = throttled.gate, throttled.clock
            await throttled.becomes(None)
            throttled.figures.load = 9
            async with asyncio.timeout(10):
                while not gate.hibernating:
                    await asyncio.sleep(0.01)
            throttled.figures.load = 1
            clock.now += timedelta(seconds=100)
            clock.jump(hours=hours)
            assert gate.hibernating
            until = (clock.now + timedelta(seconds=200)).astimezone()
            assert gate.reason == f"critical-load-hibernate until {until:%Y-%m-%d %H:%M:%S %Z}"
            clock.now += timedelta(seconds=201)
            assert not gate.hibernating
            await throttled.becomes(None)

    asyncio.run(main())


def test_hibernation_ends_when_all_have_answered_anew() -> None:
    async def main() -> None:
        settings = replace(SETTINGS, critical_load="a=9", critical_hibernate_seconds=300, query="SELECT 1")
        async with gated(settings) as throttled:
            gate, figures, clock = throttled.gate, throttled.figures, throttled.clock
            await throttled.becomes(None)
            figures.load = 9
            until = (clock.now + timedelta(seconds=300)).astimezone()
            await throttled.becomes(f"critical-load-hibernate until {until:%Y-%m-%d %H:%M:%S %Z}")
            assert gate.hibernating
            assert throttled.told == ["critical-load met: a=9 >= 9. Hibernating for 300 s"]
            await asyncio.sleep(0.3)
            clock.now += timedelta(seconds=301)
            assert gate.reason == "leaving hibernation"
            until = (clock.now + timedelta(seconds=300)).astimezone()
            await throttled.becomes(f"critical-load-hibernate until {until:%Y-%m-%d %H:%M:%S %Z}")
            figures.load, figures.answer = 1, 1
            await asyncio.sleep(0.3)
            clock.now += timedelta(seconds=301)
            assert not gate.hibernating
            await throttled.becomes("throttle-query")

    asyncio.run(main())


def _error_of(settings: ThrottleSettings, load: float) -> BaseException:
    async def main() -> BaseException:
        figures = Figures()
        figures.load = load
        told: list[str] = []
        gate = Throttler(settings, figures, tell=told.append, stop=print)
        with pytest.raises(BaseExceptionGroup) as caught:
            async with asyncio.timeout(10):
                await gate.run()
        return caught.value.exceptions[0]

    return asyncio.run(main())


def test_critical_load_ends_the_run() -> None:
    error = _error_of(replace(SETTINGS, critical_load="a=9"), 10)
    assert isinstance(error, errors.CriticalLoad)
    assert str(error) == "critical-load met: a=10 >= 9"
    error = _error_of(replace(SETTINGS, critical_load="a=9", critical_interval_millis=50), 9.5)
    assert isinstance(error, errors.CriticalLoad)
    assert str(error) == "critical-load met again after 50 millis: a=9.5 >= 9"


def test_a_critical_load_that_passes_is_forgiven() -> None:
    async def main() -> None:
        async with gated(replace(SETTINGS, critical_load="a=9", critical_interval_millis=200)) as throttled:
            throttled.figures.load = 9
            while not throttled.told:
                await asyncio.sleep(0.01)
            throttled.figures.load = 1
            await asyncio.sleep(0.5)
            assert throttled.gate.reason is None

    asyncio.run(main())


def test_the_panic_file_ends_the_run(tmp_path: Path) -> None:
    panic = tmp_path / "panic"
    panic.touch()
    error = _error_of(replace(SETTINGS, panic_flag_file=panic), 0)
    assert isinstance(error, errors.Panicked)
    assert str(error) == f"found panic-file {panic}. Aborting without cleanup"


def test_a_flag_file_that_cannot_be_looked_at_is_a_reason(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    async def main() -> None:
        async with gated(replace(SETTINGS, flag_file=loop)) as throttled:
            async with asyncio.timeout(10):
                while not (throttled.gate.reason or "").startswith("flag-file [Errno"):
                    await asyncio.sleep(0.01)
            loop.unlink()
            await throttled.becomes(None)

    asyncio.run(main())


class _Signal:
    name, interval, patience, asked_for = "probe", 0.01, 0.05, True

    def __init__(self, look: Callable[[], Awaitable[str | None]]) -> None:
        self.look = look


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (errors.ServerGone("the connection was lost"), "probe the connection was lost"),
        (OSError(13, "Permission denied"), "probe [Errno 13] Permission denied"),
        (KeyError(), "probe KeyError"),
        (None, "probe did not answer within 0.05 s"),
    ],
)
def test_a_signal_that_fails_or_falls_silent_is_a_reason(failure: Exception | None, reason: str) -> None:
    async def look() -> str | None:
        if failure is not None:
            raise failure
        await asyncio.sleep(60)
        return None

    async def main() -> None:
        watch = Watch(_Signal(look), lambda: False)
        assert watch.waiting
        looking = asyncio.create_task(watch.run())
        async with asyncio.timeout(10):
            while watch.waiting:
                await asyncio.sleep(0.01)
        assert watch.reason == reason
        looking.cancel()

    asyncio.run(main())


def test_who_waits_for_an_answer_is_told_of_it() -> None:
    async def look() -> str | None:
        return "too much"

    async def main() -> None:
        told = asyncio.Event()
        watch = Watch(_Signal(look), lambda: False, told.set)
        looking = asyncio.create_task(watch.run())
        async with asyncio.timeout(10):
            await told.wait()
        assert watch.reason == "too much"
        looking.cancel()

    asyncio.run(main())


def test_a_call_that_hangs_is_not_made_twice() -> None:
    calls, go_on = [], threading.Event()

    def call() -> int:
        calls.append(1)
        go_on.wait()
        return len(calls)

    async def main() -> None:
        blocking = Blocking(call)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(blocking.result(), 0.05)
        go_on.set()
        assert await blocking.result() == 1
        assert await blocking.result() == 2

    asyncio.run(main())


def test_replicas_that_go_and_come() -> None:
    figures, told, now = Figures(), [], [0.0]
    lag = ReplicaLag(figures, 1500, "", told.append, lambda: now[0])

    async def main() -> None:
        figures.lags = {"a": 0.1, "b": errors.ConnectionFailed("no route")}
        assert await lag.look() is None
        assert len(told) == 1
        assert "b is not watched: no route" in told[0]
        assert lag.worst == 0.1
        figures.lags["a"] = errors.ConnectionFailed("gone")
        for now[0] in (1, 10, FORGOTTEN_AFTER):
            assert await lag.look() == "a gone"
        now[0] = FORGOTTEN_AFTER + 1
        assert await lag.look() is None
        assert "a is not watched any more: gone" in told[1]
        now[0] += 10
        assert await lag.look() is None
        del figures.lags["a"]
        now[0] += 10
        assert await lag.look() is None
        figures.lags["a"] = 9.0
        now[0] += 10
        assert await lag.look() == "a replica-lag=9.000000s"
        assert len(told) == 2

    asyncio.run(main())


def test_a_replica_without_a_heartbeat_yet_is_waited_for() -> None:
    figures, told = Figures(), []
    lag = ReplicaLag(figures, 1500, "", told.append)

    async def main() -> None:
        figures.lags = {"a": errors.ServerError("has no heartbeat yet")}
        assert await lag.look() == "a has no heartbeat yet"
        figures.lags = {"a": 0.2}
        assert await lag.look() is None
        assert not told

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("b=2, a = 1 ,", "a=1,b=2"),
        ("a=1.5", "a=1.5"),
        ("retained_wal=107374182400", "retained_wal=107374182400"),
        ("", ""),
    ],
)
def test_load_lists(text: str, shown: str) -> None:
    assert spelled(parsed(text)) == shown


@pytest.mark.parametrize("text", ["a", "a=", "=1", "a=x", "a=nan", "a=inf", "a=1;b=2"])
def test_load_lists_that_cannot_be_read(text: str) -> None:
    with pytest.raises(errors.UsageError):
        parsed(text)


@pytest.mark.parametrize(
    ("status", "url", "reason"),
    [
        (200, "http://h/", None),
        (404, "http://h/", "Not found (http=404)"),
        (417, "http://h/", "Expectation failed (http=417)"),
        (429, "http://h/", "Too many requests (http=429)"),
        (500, "http://h/", "Internal server error (http=500)"),
        (-1, "http://h/", "Connection error (http=-1)"),
        (418, "http://h/", "http=418"),
        (404, "http://freno/", "freno: unknown metric (http=404)"),
        (417, "http://freno/", "freno: access forbidden (http=417)"),
        (429, "http://freno/", "freno: threshold exceeded (http=429)"),
        (500, "http://freno/", "freno: internal error (http=500)"),
        (-1, "http://freno/", "freno: connection error (http=-1)"),
    ],
)
def test_what_an_address_says(status: int, url: str, reason: str | None) -> None:
    assert reason_of(status, url) == reason
