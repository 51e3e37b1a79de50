"""Plots of what a benchmark found, side by side, as an SVG file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def plotted(
    file: Path, across: str, places: Sequence[float], plots: Mapping[str, Mapping[str, Sequence[float]]]
) -> None:
    """Draw `plots`, by title and then by the line's name, over `places` on a logarithmic axis; each begins at 0."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise SystemExit('--plot needs matplotlib: pip install -e ".[bench]"') from None
    figure = Figure(figsize=(4.2 * len(plots), 3.4), layout="constrained")
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
