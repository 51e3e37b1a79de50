"""The runs on this host as a table, each asked for its figures over its socket."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from msgspec import Struct, field
from rich.table import Table
from rich.text import Text

from ghostpy.control.client import asked
from ghostpy.control.places import Place, all_places
from ghostpy.errors import ConnectionFailed
from ghostpy.observe.figures import duration

_WITHIN = 2.0


class SeenRun(Struct, frozen=True):
    """`figures`: as `status json` tells them; empty where nobody answered."""

    place: Place
    figures: dict[str, Any] = field(default_factory=dict)


def seen_runs() -> Sequence[SeenRun]:
    """All of them, asked at the same time."""
    places = all_places()
    if not places:
        return ()
    with ThreadPoolExecutor(min(len(places), 16)) as threads:
        return list(threads.map(_seen, places))


def _seen(place: Place) -> SeenRun:
    if place.alive:
        with suppress(ConnectionFailed, ValueError):
            told = json.loads(asked(place.path, "status json", within=_WITHIN))
            if isinstance(told, dict):
                return SeenRun(place, told)
    return SeenRun(place)


def runs_table(runs: Sequence[SeenRun], *, wide: bool = False) -> Table:
    """A row a run; `wide`: with what holds it up."""
    table = Table()
    for heading in ("Table", "Server", "Phase", "Rows", "Backlog", "Lag", "ETA", "Time"):
        table.add_column(heading, overflow="fold")
    table.add_column("What it does" if wide else "Socket", overflow="fold")
    for each in runs:
        table.add_row(*map(Text, _row(each, wide=wide)))
    return table


def _row(run: SeenRun, *, wide: bool) -> Sequence[str]:
    told = run.figures
    if not told:
        state = "does not answer" if run.place.alive else "dead"
        return (run.place.table, "", state, "", "", "", "", "", "" if wide else str(run.place.path))
    estimate = told["rows_estimate"]
    share = f"{100 * told['rows_copied'] / estimate:.1f} %" if estimate else ""
    reason = told.get("throttle_reason")
    return (
        str(told["table"]),
        str(told["server"]),
        "resting" if reason else str(told["phase"]),
        f"{told['rows_copied']:,} {share}".strip(),
        f"{told['backlog']:,}",
        f"{told['stream_lag']:.1f} s",
        str(told["eta_text"]),
        duration(float(told["elapsed"])),
        str(told["explained"]) if wide else str(run.place.path),
    )
