"""Plots of a run's course, as inline SVG that is stretched to the page's width; all texts stand outside of it, in HTML.

All share one axis of time, and the marks for rests and attempts to cut over.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from msgspec import Struct

from ghostpy.observe.figures import duration, go_duration
from ghostpy.observe.report_nodes import node

WIDTH, HEIGHT = 1000, 100
_TICKS = 4


class Line(Struct, frozen=True):
    """One line of a plot: its name, and the field of a point that it shows."""

    name: str
    field: str


class Plot(Struct, frozen=True):
    title: str
    lines: tuple[Line, ...]
    unit: Callable[[float], str]
    filled: bool = False


def rows(value: float) -> str:
    """1.2 M"""
    for size, mark in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{mark}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """0.5 ms, 250 ms, 3.4 s, 2m37s"""
    if value == 0:
        return "0 s"
    return f"{value * 1000:.3g} ms" if value < 1 else duration(value)


def percent(value: float) -> str:
    """12 %"""
    return f"{value * 100:.3g} %"


PLOTS = (
    Plot("Rows", (Line("copied", "rows_copied"), Line("compared", "rows_verified")), rows, filled=True),
    Plot("Pace, rows per second", (Line("pace", "rows_per_second"),), rows),
    Plot("Time of a chunk", (Line("longest", "chunk_seconds"),), seconds),
    Plot("Left to the application, of the time", (Line("rest", "rest_share"),), percent, filled=True),
    Plot("Commits take longer by", (Line("impact", "impact"),), percent),
    Plot("Backlog, keys to resync", (Line("backlog", "backlog"),), rows, filled=True),
    Plot("Lag", (Line("stream", "stream_lag"), Line("replicas", "lag")), seconds),
)


def plots(data: dict[str, Any]) -> list[Element]:
    """A figure for each plot that has anything to show, and the axis below them."""
    points = data["timeline"]
    if len(points) < 2:
        return []
    end = span_of(data)
    figures = [_figure(plot, points, end, _marks(data, end)) for plot in PLOTS if _shows(plot, points)]
    return [*figures, _time_axis(end)]


def span_of(data: dict[str, Any]) -> float:
    """The seconds that the axis of time covers."""
    ends = [point["at"] for point in data["timeline"][-1:]]
    return float(max([*ends, *(span["end"] for span in data["phases"][-1:]), 0.001]))


def strip(data: dict[str, Any]) -> Element:
    """The phases as one bar."""
    end = span_of(data)
    bars = []
    for span in data["phases"]:
        bar = node(
            "rect",
            node("title", f"{span['text']}: {duration(span['end'] - span['begin'])}"),
            x=_x(span["begin"], end),
            y=0,
            width=_x(span["end"] - span["begin"], end),
            height=HEIGHT,
            class_=f"phase {phase_class(span['kind'])}",
        )
        bars.append(bar)
    return _svg("phases of the run", bars, "strip")


def phase_class(phase: str) -> str:
    """The name that the style sheet knows a phase by."""
    return "phase-" + phase.replace(" ", "-")


def _shows(plot: Plot, points: Sequence[dict[str, Any]]) -> bool:
    return any(point[line.field] for line in plot.lines for point in points)


def _lines(plot: Plot, points: Sequence[dict[str, Any]]) -> list[Line]:
    """Those that show something of their own."""
    kept: list[Line] = []
    for line in plot.lines:
        values = [point[line.field] for point in points]
        if any(values) and all(values != [point[other.field] for point in points] for other in kept):
            kept.append(line)
    return kept


def _figure(plot: Plot, points: Sequence[dict[str, Any]], end: float, marks: list[Element]) -> Element:
    lines = _lines(plot, points)
    top = nice(max(point[line.field] for line in lines for point in points))
    drawn: list[Element] = [*marks]
    for number, line in enumerate(lines, 1):
        drawn += _drawn(line, points, end, top, filled=plot.filled and number == 1, series=number)
    names = (
        [node("span", line.name, class_=f"key series-{n}") for n, line in enumerate(lines, 1)] if len(lines) > 1 else []
    )
    told = ", ".join(f"{line.name} up to {plot.unit(max(point[line.field] for point in points))}" for line in lines)
    labels = node("div", *(node("span", plot.unit(top * part)) for part in (1, 0.5, 0)), class_="y")
    frame = node("div", labels, _svg(f"{plot.title}: {told}", [*_grid(), *drawn], "curve"), class_="frame")
    return node("figure", node("figcaption", plot.title, *names), frame, class_="plot")


def _drawn(
    line: Line, points: Sequence[dict[str, Any]], end: float, top: float, *, filled: bool, series: int
) -> list[Element]:
    places = [f"{_x(point['at'], end)},{HEIGHT * (1 - point[line.field] / top):.1f}" for point in points]
    course = node("polyline", points=" ".join(places), class_=f"line series-{series}")
    if not filled:
        return [course]
    first, last = (_x(point["at"], end) for point in (points[0], points[-1]))
    around = [f"{first},{HEIGHT}", *places, f"{last},{HEIGHT}"]
    return [node("polygon", points=" ".join(around), class_=f"area series-{series}"), course]


def _marks(data: dict[str, Any], end: float) -> list[Element]:
    """Rests as bands, attempts to cut over as lines; behind the curve."""
    bands = [
        node(
            "rect",
            node("title", f"{rest['text']}, {duration(rest['end'] - rest['begin'])}"),
            x=_x(rest["begin"], end),
            y=0,
            # A short one is to be seen as well.
            width=max(float(_x(rest["end"] - rest["begin"], end)), 1.5),
            height=HEIGHT,
            class_="rest",
        )
        for rest in data["throttled"]
    ]
    attempts = [
        node(
            "line",
            node("title", f"cut-over attempt {number}"),
            x1=_x(at, end),
            x2=_x(at, end),
            y1=0,
            y2=HEIGHT,
            class_="attempt",
        )
        for number, at in enumerate(data["cut_over_attempts"], 1)
    ]
    return [*bands, *attempts]


def _grid() -> list[Element]:
    return [node("line", x1=0, x2=WIDTH, y1=y, y2=y, class_="grid") for y in (0, HEIGHT / 2, HEIGHT)]


def _time_axis(end: float) -> Element:
    tell = go_duration if end >= 60 else duration
    return node("div", *(node("span", tell(end * tick / _TICKS)) for tick in range(_TICKS + 1)), class_="x")


def _svg(told: str, children: Sequence[Element], kind: str) -> Element:
    return node(
        "svg",
        children,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_label=told,
        class_=kind,
    )


def _x(at: float, end: float) -> str:
    return f"{WIDTH * at / end:.1f}"


def nice(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * power >= value)
