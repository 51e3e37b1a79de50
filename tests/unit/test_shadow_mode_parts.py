"""Shadow mode without a server: when passes begin and end, what ends the run, what is told of them, and which flags are read how."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from open_gate import OpenGate

from ghostpy.cli.flags import check_flags, read_flags
from ghostpy.cli.invocation import read_invocation
from ghostpy.control.explain import explained
from ghostpy.engine import again as again_module
from ghostpy.engine.again import Again
from ghostpy.engine.knobs import Knobs
from ghostpy.engine.passes import PassLog
from ghostpy.engine.postponement import Postponement
from ghostpy.errors import UsageError, VerifyFailed
from ghostpy.model.passes import Passes
from ghostpy.model.progress import Phase, Progress
from ghostpy.observe.passes_text import compared_again, passes_text
from ghostpy.settings import CopySettings, CutOverSettings, MigrateSettings

KEY, OTHER = (1,), (2,)


class Comparer:
    """In the verifier's place: finds what it is told, in two slices a pass."""

    def __init__(self, log: PassLog) -> None:
        self.log = log
        self.found: list[Sequence[Any]] = []
        self.begun = 0
        self.left = 0
        self.repaired: list[Any] = []

    def again(self) -> None:
        self.begun += 1
        self.left = 2
        self.log.begin()

    @property
    def complete(self) -> bool:
        return self.left == 0

    async def slice(self) -> float:
        self.left -= 1
        self.log.rows += 10
        if self.left:
            self.repaired = list(self.found.pop(0)) if self.found else []
        return 0.0

    def taken_repaired(self) -> list[Any]:
        taken, self.repaired = self.repaired, []
        return taken


class NoRests:
    @contextmanager
    def work(self) -> Any:
        yield

    def rest_due(self, _: float) -> float:
        return 0.0


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


class Story:
    """Laps of `Again` beside a comparer."""

    def __init__(self, every: float = 60.0) -> None:
        self.log = PassLog()
        self.comparer = Comparer(self.log)
        self.said: list[str] = []
        self.gate = OpenGate()
        recorder = SimpleNamespace(passes=self.log)
        observer = SimpleNamespace(happened=lambda text, *, warning=False: self.said.append(text))
        self.again = Again(self.comparer, NoRests(), recorder, observer, self.gate, every=every)  # type: ignore[arg-type]

    def laps(self, count: int = 1) -> None:
        async def some() -> None:
            for _ in range(count):
                await self.again.lap()

        asyncio.run(some())


def test_a_pass_begins_so_long_after_the_last(clock: Clock) -> None:
    story = Story()
    story.log.begin()
    story.log.end(again=False)
    clock.now += 59
    story.laps()
    assert story.comparer.begun == 0
    clock.now += 2
    story.laps(2)
    assert (story.comparer.begun, story.log.again) == (1, 1)
    story.laps(5)
    assert story.comparer.begun == 1
    clock.now += 61
    story.laps()
    assert story.comparer.begun == 2


def test_where_no_pass_is_known_of_one_begins_at_once(clock: Clock) -> None:
    story = Story()
    story.laps()
    assert story.comparer.begun == 1


def test_without_a_time_only_who_asks_for_it_gets_one(clock: Clock) -> None:
    story = Story(every=0.0)
    story.laps(3)
    assert story.comparer.begun == 0
    story.again.begin()
    story.laps(5)
    assert (story.comparer.begun, story.log.again) == (1, 1)


def test_where_the_run_rests_nothing_is_compared(clock: Clock) -> None:
    story = Story()
    story.gate.reason = "lag=3s"  # type: ignore[misc]
    story.laps(3)
    assert story.comparer.begun == 0


def test_a_pass_that_is_given_up_is_none(clock: Clock) -> None:
    story = Story()
    story.laps(1)
    story.again.stop()
    assert not story.log.seen().under_way
    assert (story.log.again, story.log.seen().last_age) == (0, None)


def test_a_row_that_comes_back_ends_the_run_and_others_in_between_do_not_hide_it(clock: Clock) -> None:
    story = Story()
    for found in ([KEY], [], [KEY], [], [KEY], []):
        story.comparer.found = [found]
        story.laps(2)
        clock.now += 61
    assert story.log.again == 6
    story.comparer.found = [[OTHER, KEY]]
    with pytest.raises(VerifyFailed, match=r"differ again .* keys \(1,\); the source is untouched"):
        story.laps(2)


def test_differences_in_pass_after_pass_end_the_run_whichever_rows_they_are(clock: Clock) -> None:
    story = Story()
    for number in range(3):
        story.comparer.found = [[(number,)]]
        story.laps(2)
        clock.now += 61
    assert "differed, and were resynced" in story.said[-1]
    story.comparer.found = [[(99,)]]
    with pytest.raises(VerifyFailed, match="4 comparisons in a row"):
        story.laps(2)


def test_a_pass_without_differences_forgets_those_of_other_rows(clock: Clock) -> None:
    story = Story()
    for number in range(12):
        story.comparer.found = [[(number,)] if number % 4 else []]
        story.laps(2)
        clock.now += 61
    assert story.log.again == 12


def test_only_so_many_rows_are_remembered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again_module, "_REMEMBERED", 5)
    story = Story()
    story.comparer.found = [[(n,) for n in range(50)]]
    story.laps(2)
    assert len(story.again._times) == 5


def test_the_cut_over_held_back(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    held = Postponement(None, held=True)
    assert held.wanted
    assert held.until == "until somebody says `unpostpone`"
    held.release()
    assert not held.wanted
    both = Postponement(flag, held=True)
    assert both.wanted, "the file alone does not let it come"
    by_file = Postponement(flag)
    assert not by_file.wanted
    flag.touch()
    assert by_file.wanted
    assert str(flag) in by_file.until


def test_what_is_told_of_passes() -> None:
    assert passes_text(Passes()) == ""
    known = Passes(every=3600.0, last_age=720.0, last_rows=1200)
    assert passes_text(known) == (
        "All rows were compared last 12m0s ago: 1,200 rows, no differences. They are compared again in 48m0s."
    )
    under_way = Passes(every=3600.0, last_age=4000.0, last_rows=1200, last_repaired=3, under_way=True, rows=400)
    assert "3 differed and were resynced. They are being compared again: 400 rows so far." in passes_text(under_way)
    assert compared_again(1, "now") == "all compared again once while the cut-over was postponed, last at now"
    progress = Progress(phase=Phase.POSTPONED, passes=known)
    told = explained(progress, Knobs.of(CopySettings()), Postponement(None, held=True))
    assert told.startswith(
        "The cut-over waits until somebody says `unpostpone`; changes are followed meanwhile. All rows"
    )


def read(*flags: str) -> MigrateSettings:
    values = read_flags(["--database=shop", "--table=t", "--alter=ADD c INT", *flags], {})
    check_flags(values)
    return read_invocation(values, {}, lambda _: "").settings


def test_the_flags() -> None:
    assert read().cut_over == CutOverSettings()
    by_default = read("--postpone-cut-over")
    assert (by_default.cut_over.postpone, by_default.cut_over.verify_every) == (True, 3600.0)
    assert by_default.target.strategy == "shadow"
    assert read("--postpone-cut-over", "--verify-every=off").cut_over.verify_every == 0.0
    assert read("--postpone-cut-over", "--verify=off").cut_over.verify_every == 0.0
    assert read("--postpone-cut-over-flag-file=/tmp/f").cut_over.verify_every == 0.0
    by_file = read("--postpone-cut-over-flag-file=/tmp/f", "--verify-every=90m")
    assert (by_file.cut_over.verify_every, by_file.target.strategy) == (5400.0, "")
    assert read("--postpone-cut-over", "--strategy=shadow").target.strategy == "shadow"


@pytest.mark.parametrize(
    "flags",
    [
        ("--verify-every=often",),
        ("--verify-every=0h",),
        ("--verify-every=1h", "--verify=off"),
        ("--postpone-cut-over", "--strategy=online"),
        ("--postpone-cut-over", "--strategy=auto"),
        ("--postpone-cut-over", "--attempt-instant-ddl"),
    ],
)
def test_flags_that_exclude_each_other(flags: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        read(*flags)
