"""Plots of what a benchmark found, side by side, as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def plotted(
    file: Path, across: str, places: Sequence[float], plots: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """Draw `plots`, by title and then by the line's name, over `places` on a logarithmic axis; each begins at 0."""
    figure = _figure(len(plots))
    for axes, (title, lines) in zip(figure.subplots(1, len(plots), squeeze=False)[0], plots.items(), strict=True):
        for name, values in lines.items():
            axes.plot(places, values, marker="o", label=name)
        axes.set(title=title, xlabel=across, xscale="log")
        axes.set_xticks(places, [f"{place:g}" for place in places])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(file)


def _figure(plots: int) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SystemExit('a picture needs matplotlib: pip install -e ".[bench]"') from None
    return Figure(figsize=(4.2 * plots, 3.4), layout="constrained")


def bars(file: Path, places: Sequence[str], plots: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Draw `plots`, by title and then by the bar's name, as groups of bars at `places`."""
    figure = _figure(len(plots))
    for axes, (title, lines) in zip(figure.subplots(1, len(plots), squeeze=False)[0], plots.items(), strict=True):
        width = 0.8 / max(1, len(lines))
        for number, (name, values) in enumerate(lines.items()):
            axes.bar([place + number * width for place in range(len(places))], values, width, label=name)
        axes.set(title=title)
        axes.set_xticks([place + 0.4 - width / 2 for place in range(len(places))], places)
        axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file)
