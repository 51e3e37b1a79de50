"""The live display on a terminal: one panel that says where the run is, redrawn in place, and the closing report."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ghostpy.model.plan import Plan
from ghostpy.model.progress import Phase, Progress, RunReport
from ghostpy.observe.figures import duration, go_duration, whole
from ghostpy.observe.passes_text import passes_text
from ghostpy.observe.report import headline, report_rows
from ghostpy.observe.status_line import eta_text

_PAUSE = 0.1
"""Seconds between two redraws at least."""
_EVENTS = 5
_CELL_WIDTH = 34
"""Columns of the terminal that one label with its value wants."""
_LABEL_WIDTH = 9
"""Of the longest label, so that nothing moves when it appears."""

Fact: TypeAlias = tuple[str, str, str]
"""Label, value, style."""


class Display:
    """An observer for terminals; `with` begins and ends it.

    `events` says whether to show the latest events: not where a log on the same terminal shows them anyway.
    """

    def __init__(self, console: Console, title: str, *, events: bool = True) -> None:
        self._console = console
        self._title = title
        self._shows_events = events
        self._events: deque[tuple[datetime, str, bool]] = deque(maxlen=_EVENTS)
        self._progress = Progress()
        self._drawn = 0.0
        self._live = Live(
            self._panel(),
            console=console,
            auto_refresh=False,
            # A log that goes to a file must go on to go there.
            redirect_stderr=console.is_terminal and _stderr_is_terminal(),
        )

    def __enter__(self) -> Display:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._draw()
        self._live.stop()

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Progress) -> None:
        entered = progress.phase is not self._progress.phase
        self._progress = progress
        if entered or time.monotonic() - self._drawn >= _PAUSE:
            self._draw()

    def happened(self, text: str, *, warning: bool = False) -> None:
        self._events.append((datetime.now(), " ".join(text.split()), warning))
        self._draw()

    def ended(self, report: RunReport) -> None:
        self._events.clear()
        self._draw()
        self._live.stop()
        self._console.print(_report(report))

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._live.update(self._panel(), refresh=True)

    def _panel(self) -> RenderableType:
        progress = self._progress
        columns = max(1, min(3, self._console.width // _CELL_WIDTH))
        parts = [
            _heading(self._title, progress),
            _bar(progress),
            _cells(_facts(progress), columns),
            _cells(_long_facts(progress), 1),
        ]
        if self._shows_events and self._console.height > _EVENTS + 12:
            parts += [Text(), *(_event(*event) for event in self._events)]
        # An empty line at the end: the terminal's own echo of Ctrl-C goes there and moves nothing.
        return Group(*parts, Text())


def _stderr_is_terminal() -> bool:
    return Console(stderr=True).is_terminal


def _heading(title: str, progress: Progress) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(Text(title, "bold"), Text(f"{progress.phase.value}  {go_duration(progress.elapsed)}", "cyan"))
    return grid


def _bar(progress: Progress) -> RenderableType:
    done, total = _done(progress)
    share = min(done / total, 1.0) if total else float(progress.copy_complete)
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", no_wrap=True)
    colour = "yellow" if progress.throttle_reason else "green" if progress.phase is Phase.VERIFY else "blue"
    bar = ProgressBar(total=1.0, completed=share, complete_style=colour, finished_style="green")
    grid.add_row(bar, Text(f"{share:6.1%}", "bold"))
    return grid


def _done(progress: Progress) -> tuple[int, int]:
    """(rows done, rows to do) of the phase."""
    if progress.phase is Phase.VERIFY:
        return progress.rows_verified, progress.rows_copied
    return progress.rows_copied, progress.rows_copied if progress.copy_complete else progress.rows_estimate


def _cells(facts: Sequence[Fact], columns: int) -> RenderableType:
    """Labels and values, so many to a line."""
    grid = Table.grid(expand=True, padding=(0, 1))
    for _ in range(columns):
        grid.add_column(no_wrap=True, min_width=_LABEL_WIDTH)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for start in range(0, len(facts), columns):
        row: list[Text] = []
        for label, value, style in facts[start : start + columns]:
            row += [Text(label, "dim"), Text(value, style)]
        grid.add_row(*row)
    return grid


def _facts(progress: Progress) -> Sequence[Fact]:
    """What is short."""
    done, total = _done(progress)
    chunk = f"{whole(progress.chunk_rows)} rows in {duration(progress.chunk_seconds)}" if progress.chunk_rows else "-"
    backlog = f"{whole(progress.backlog)} of {whole(progress.backlog_limit)}"
    full = progress.backlog_limit and progress.backlog >= progress.backlog_limit / 2
    facts = [
        ("rows", f"{whole(done)} of {whole(total)}", ""),
        ("rows/s", whole(round(progress.rows_per_second)), ""),
        ("ETA", _eta(progress), ""),
    ]
    if progress.in_place:
        return [*facts, ("updated", whole(progress.rows_updated), ""), ("chunk", chunk, "")]
    facts += [
        ("backlog", backlog, "yellow" if full else ""),
        ("changes", f"{whole(progress.changes_applied)} applied", ""),
        ("lag", f"{progress.stream_lag:.2f} s", "yellow" if progress.stream_lag > 2 else ""),
        ("chunk", chunk, ""),
        ("workers", whole(progress.workers), ""),
    ]
    if progress.cut_over_attempts:
        again = progress.cut_over_attempts > 1
        facts.append(("cut-over", f"attempt {progress.cut_over_attempts}", "yellow" if again else ""))
    if progress.differences_repaired:
        facts.append(("repaired", f"{whole(progress.differences_repaired)} rows", "yellow"))
    return facts


def _long_facts(progress: Progress) -> Sequence[Fact]:
    """What may need a line of its own."""
    reason = progress.throttle_reason
    throttled = ("throttled", reason or "no", "bold yellow" if reason else "")
    if progress.in_place:
        return (throttled,)
    facts = [throttled, ("stream at", progress.stream_position or "-", "dim")]
    if progress.phase is Phase.POSTPONED and passes_text(progress.passes):
        facts.append(("compared", passes_text(progress.passes), "yellow" if progress.passes.last_repaired else ""))
    return facts


def _eta(progress: Progress) -> str:
    """Until the end of the phase; the snapshot's own ends with the copy."""
    if progress.phase is not Phase.VERIFY:
        return eta_text(progress)
    left = progress.rows_copied - progress.rows_verified
    return go_duration(left / progress.rows_per_second) if progress.rows_per_second > 0 else "N/A"


def _event(at: datetime, text: str, warning: bool) -> RenderableType:
    line = Text(f"{at:%H:%M:%S}  ", "dim", no_wrap=True, overflow="ellipsis")
    return line.append(text, "yellow" if warning else "default")


def _report(report: RunReport) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, text in report_rows(report):
        grid.add_row(f"  {label}", Text(text))
    return Group(Text(headline(report), "bold green"), grid)
