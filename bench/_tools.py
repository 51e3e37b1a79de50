"""What the comparisons of tools share: run one and meter it, and say how they did."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

Results = dict[str, dict[str, list[float]]]
"""A tool's `seconds` and `megabytes`, one entry a run."""


def run(command: list[str]) -> float:
    """Run a tool to its end; its peak memory in MB."""
    meter = shutil.which("time", path="/usr/bin:/bin")
    measured = [meter, "-f", "peak %M", *command] if meter else command
    done = subprocess.run(measured, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} … failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    peaks = [line.split()[1] for line in done.stderr.splitlines() if line.startswith("peak ")]
    return int(peaks[-1]) / 1024 if peaks else 0.0


def report(title: str, results: Results, *, bases: Sequence[str], rows: int, json_file: Path | None) -> None:
    """Print medians and their ratios to the first of `bases` that was run; write all runs to `json_file`."""
    medians: Mapping[str, float] = {tool: statistics.median(runs["seconds"]) for tool, runs in results.items()}
    base = next(medians[tool] for tool in bases if tool in medians)
    print(f"{title}; median seconds, ratio, peak memory of the tool")
    for tool, runs in results.items():
        memory = f"{max(runs['megabytes']):.0f} MB" if runs["megabytes"] else ""
        print(f"  {tool:28} {medians[tool]:7.2f} s   {medians[tool] / base:5.2f}   {memory}")
    if json_file:
        json_file.write_text(json.dumps({"rows": rows, "runs": results}, indent=2) + "\n")
