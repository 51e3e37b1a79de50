"""What a comparison of tools has found, as a table in Markdown and as a picture."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bench._plot import bars

_COLUMNS = {
    "seconds": "seconds",
    "kept": "kept, %",
    "p50": "p50, ms",
    "p95": "p95, ms",
    "p99": "p99, ms",
    "longest": "longest, ms",
    "log_megabytes": "log, MB",
    "megabytes": "memory, MB",
    "cpu": "CPU, s",
}
_IDLE = ("seconds", "log_megabytes", "megabytes", "cpu")
_DRAWN = ("seconds", "kept", "p99", "longest")


@dataclass
class Measured:
    """One tool's run. Latencies in milliseconds; `log_megabytes`: of binlog or WAL; `cpu`: of the tool, in seconds. `ended`: within the limit."""

    ended: bool
    seconds: float
    log_megabytes: float
    megabytes: float
    cpu: float
    kept: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    quiet_p99: float = 0.0

    @property
    def line(self) -> str:
        shown = [f"{title} {getattr(self, name):.1f}" for name, title in _COLUMNS.items() if getattr(self, name)]
        return "  ".join(shown) + ("" if self.ended else "  (did not end)")


Found: TypeAlias = Mapping[int, Mapping[str, Sequence[Measured]]]
"""By the rate that was demanded, and the tool's name."""


def page(title: str, found: Found) -> str:
    """Medians, a table for each rate."""
    lines = [title, ""]
    for rate, tools in found.items():
        quiet = statistics.median(run.quiet_p99 for runs in tools.values() for run in runs)
        what = f"{rate:,} transactions/s demanded (p99 before: {quiet:.1f} ms)" if rate else "Idle"
        names = tuple(_COLUMNS) if rate else _IDLE
        lines += [f"**{what}**", "", f"| | {' | '.join(_COLUMNS[name] for name in names)} |"]
        lines.append(f"|---|{'---:|' * len(names)}")
        lines += [f"| {tool} | {' | '.join(_cell(name, runs) for name in names)} |" for tool, runs in tools.items()]
        lines.append("")
    return "\n".join(lines)


def _cell(name: str, runs: Sequence[Measured]) -> str:
    value = _median(name, runs)
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    late = sum(not run.ended for run in runs)
    return f"over {text} ({late} of {len(runs)} did not end)" if name == "seconds" and late else text


def _median(name: str, runs: Sequence[Measured]) -> float:
    return statistics.median(getattr(run, name) for run in runs)


def picture(file: Path, found: Found) -> None:
    """Bars, as an SVG file."""
    tools = next(iter(found.values()))
    places = [f"{rate:,}/s" if rate else "idle" for rate in found]
    plots = {
        _COLUMNS[name]: {tool: [_median(name, found[rate][tool]) for rate in found] for tool in tools}
        for name in _DRAWN
    }
    bars(file, places, plots)
