"""Log, report, display, and what holds observers together."""

from __future__ import annotations

import io
import threading
import time

import pytest
from msgspec.structs import replace
from rich.console import Console

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.observe.display import Display
from ghostpy.observe.log import Level, Log
from ghostpy.observe.own_thread import OwnThread
from ghostpy.observe.report import report_lines
from ghostpy.observe.several import Several

REPORT = RunReport(
    "shop.t",
    "shadow",
    "shop._t_del",
    130,
    100,
    1000,
    1000,
    50,
    40,
    0,
    True,
    1,
    0.021,
    drop_old="DROP TABLE `shop`.`_t_del`",
)
PROGRESS = Progress(
    phase=Phase.COPY,
    elapsed=83,
    copy_elapsed=80,
    rows_estimate=752865,
    rows_copied=466600,
    changes_applied=910,
    backlog=150_000,
    backlog_limit=200_000,
    rows_per_second=81300.4,
    eta=79,
    stream_position="binlog.000003:1234",
    stream_lag=3.5,
    throttle_reason="max-load Threads_running=26 >= 25",
    chunk_rows=4210,
    chunk_seconds=0.098,
    workers=2,
    cut_over_attempts=2,
    differences_repaired=3,
)


class Noted:
    """Writes down what it is told; may be slow, or fail."""

    def __init__(self, *, hold: threading.Event | None = None, fail: bool = False) -> None:
        self.told: list[object] = []
        self._hold = hold
        self._fail = fail

    def _note(self, thing: object) -> None:
        if self._hold is not None:
            self._hold.wait(5)
        if self._fail:
            raise OSError("the reader is gone")
        self.told.append(thing)

    def planned(self, plan: Plan, definition: str) -> None:
        self._note((plan, definition))

    def progressed(self, progress: Progress) -> None:
        self._note(progress)

    def happened(self, text: str, *, warning: bool = False) -> None:
        self._note((text, warning))

    def ended(self, report: RunReport) -> None:
        self._note(report)


@pytest.mark.parametrize(
    ("level", "told"),
    [
        (Level.QUIET, []),
        (Level.NORMAL, ["WARNING careful"]),
        (Level.VERBOSE, ["INFO event", "WARNING careful", "INFO shop.t: done"]),
        (
            Level.DEBUG,
            [
                "INFO event",
                "DEBUG copying (after 1.0 s)",
                "DEBUG throttled: load",
                "WARNING careful",
                "DEBUG no longer throttled",
                "INFO shop.t: done",
            ],
        ),
    ],
)
def test_log_levels(level: Level, told: list[str]) -> None:
    lines: list[str] = []
    log = Log(level, lines.append)
    log.happened("event")
    log.progressed(Progress(phase=Phase.COPY, elapsed=1, throttle_reason="load"))
    log.happened("careful", warning=True)
    log.progressed(Progress(phase=Phase.COPY, elapsed=2))
    log.progressed(Progress(phase=Phase.COPY, elapsed=3))
    log.ended(REPORT)
    assert [line[20:] for line in lines] == told


def test_an_event_is_one_line() -> None:
    lines: list[str] = []
    Log(Level.VERBOSE, lines.append).happened("one\ntwo\r\nthree")
    assert lines[0].endswith("INFO one two three")


REPORTS = [
    (REPORT, ["rows copied       1,000 in 1m40s (10 rows/s)", "verified          1,000 rows, no differences"]),
    (REPORT, ["writers held for  21 ms, in the first attempt", "old rows          kept in shop._t_del"]),
    (REPORT, ["changes followed  50, 40 rows resynced", "DROP TABLE `shop`.`_t_del`;"]),
    (replace(REPORT, verified=False), ["verified          no (--verify=off)"]),
    (replace(REPORT, differences_repaired=2), ["2 repaired before the cut-over"]),
    (replace(REPORT, cut_over_attempts=3), ["in attempt 3"]),
]


@pytest.mark.parametrize(("report", "told"), REPORTS)
def test_report(report: RunReport, told: list[str]) -> None:
    text = "\n".join(report_lines(report))
    assert text.startswith("shop.t is changed.\n")
    assert all(part in text for part in told), text


def test_report_of_an_instant_change_says_nothing_of_copying() -> None:
    instant = RunReport("shop.t", "instant", None, 0.2, 0, 0, 0, 0, 0, 0, False, 0, 0)
    assert report_lines(instant) == ("shop.t is changed.", "  strategy    instant", "  total time  200 ms")


def test_an_observer_that_fails_is_left_out() -> None:
    good, bad = Noted(), Noted(fail=True)
    several = Several([bad, good])
    several.happened("one")
    several.progressed(PROGRESS)
    several.ended(REPORT)
    texts = [thing[0] for thing in good.told if isinstance(thing, tuple)]
    assert texts[0].startswith("Noted failed and is left out")
    assert texts[1] == "one"
    assert good.told[2:] == [PROGRESS, REPORT]


def test_nobody_waits_for_a_slow_observer() -> None:
    hold = threading.Event()
    slow = Noted(hold=hold)
    began = time.monotonic()
    with OwnThread(slow) as observer:
        observer.happened("first")
        for second in range(1000):
            observer.progressed(replace(PROGRESS, elapsed=second))
        observer.happened("second", warning=True)
        observer.ended(REPORT)
        assert time.monotonic() - began < 1
        hold.set()
    assert slow.told[0] == ("first", False)
    assert ("second", True) in slow.told
    assert slow.told[-1] == REPORT
    snapshots = [thing for thing in slow.told if isinstance(thing, Progress)]
    assert len(snapshots) < 10
    assert snapshots[-1].elapsed == 999


def test_an_observer_that_hangs_holds_the_end_up_only_for_a_while() -> None:
    hold = threading.Event()
    with OwnThread(Noted(hold=hold), patience=0.1) as observer:
        observer.happened("first")
    hold.set()


def _console(width: int, height: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None, _environ={})


def _shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [1, 2, 5, 10, 24, 40, 80, 120, 300])
@pytest.mark.parametrize("height", [1, 5, 24, 60])
def test_the_display_fits_any_terminal(width: int, height: int) -> None:
    console = _console(width, height)
    with Display(console, "shop.customers on 127.0.0.1:3306") as display:
        for progress in (Progress(), PROGRESS, *(replace(PROGRESS, phase=phase) for phase in Phase)):
            display.progressed(progress)
        display.happened("something " * 50, warning=True)
        display.happened("[red]not markup[/nonsense]")
        display.ended(REPORT)


def test_what_the_display_shows() -> None:
    console = _console(120, 40)
    with Display(console, "shop.customers on 127.0.0.1:3306") as display:
        display.happened("[red]an event[/red]")
        display.progressed(PROGRESS)
        shown = _shown(console)
        display.ended(REPORT)
    for text in (
        "shop.customers on 127.0.0.1:3306",
        "copying",
        "1m23s",
        "62.0%",
        "466,600 of 752,865",
        "81,300",
        "1m19s",
        "150,000 of 200,000",
        "910 applied",
        "3.50 s",
        "4,210 rows in 98 ms",
        "max-load Threads_running=26 >= 25",
        "attempt 2",
        "3 rows",
        "binlog.000003:1234",
        "[red]an event[/red]",
    ):
        assert text in shown, text
    assert "shop.t is changed." in _shown(console)


def test_the_display_counts_down_to_the_end_of_the_verification() -> None:
    console = _console(120, 40)
    with Display(console, "t", events=False) as display:
        display.happened("not shown")
        verifying = replace(PROGRESS, phase=Phase.VERIFY, copy_complete=True, rows_verified=60_100)
        display.progressed(verifying)
        display.progressed(replace(verifying, phase=Phase.CUT_OVER, rows_per_second=0))
    assert "12.9%" in _shown(console)
    assert "60,100 of 466,600" in _shown(console)
    assert "not shown" not in _shown(console)
