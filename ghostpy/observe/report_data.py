"""The report of a run as plain data: what `--report …json` holds, and all that the page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import unified_diff
from enum import Enum
from pathlib import Path
from typing import Any

from msgspec import to_builtins

import ghostpy
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.run_end import RunEnd
from ghostpy.observe.report_record import Event, RunRecord
from ghostpy.observe.timeline import Point, paces
from ghostpy.settings import MigrateSettings, Section

VERSION = 1
"""Of the document; raised where a field changes its meaning or goes away."""
HIDDEN = "***"
_CONTEXT = 10_000
"""Lines around a difference: the whole table is shown."""


def report_data(record: RunRecord, settings: MigrateSettings, table: str, end: RunEnd) -> dict[str, Any]:
    """Everything there is to say, as what JSON knows. Times in seconds of the run, unless they are dates."""
    timeline, report = record.timeline, record.report
    source = report.source if report else str(record.plan.source.name) if record.plan else table
    return {
        "version": VERSION,
        "ghostpy": ghostpy.__version__,
        "table": source,
        "server": settings.connect.address,
        "database": settings.target.database,
        "started": record.started.isoformat(timespec="milliseconds"),
        "finished": end.finished.isoformat(timespec="milliseconds"),
        "seconds": round((end.finished - record.started).total_seconds(), 3),
        "outcome": {
            "result": _result(record, settings, end),
            "exit_code": end.exit_code,
            "error": end.error,
            "message": record.redact(end.message),
        },
        "change": _change(record.plan, settings),
        "figures": _figures(record),
        "schema": _schema(record),
        "settings": shown(settings),
        "phases": [_rounded(to_builtins(span)) for span in timeline.phases],
        "throttled": [_rounded(to_builtins(span)) for span in timeline.rests],
        "throttled_seconds": _rounded(timeline.rested),
        "cut_over_attempts": [round(at, 3) for at in timeline.attempts],
        "timeline": [_point(*pair) for pair in zip(timeline.points, paces(timeline.points), strict=True)],
        "events": [_event(event) for event in (*record.first, *record.latest)],
        "events_left_out": record.left_out,
    }


def _result(record: RunRecord, settings: MigrateSettings, end: RunEnd) -> str:
    if not end.well:
        return "interrupted" if end.error == "Interrupted" else "failed"
    if not settings.execute:
        return "dry run"
    if record.report is not None and record.report.tried_in:
        return "tried out"
    if settings.target.assignments:
        return "updated"
    nothing = record.report is not None and record.report.strategy == Strategy.NOTHING.value
    return "nothing to do" if nothing else "changed"


def _change(plan: Plan | None, settings: MigrateSettings) -> dict[str, Any]:
    told: dict[str, Any] = {"alter": settings.target.alter, "where": settings.target.where}
    told["transforms"] = dict(settings.target.transforms)
    told["assignments"] = dict(settings.target.assignments)
    if plan is not None:
        told["strategy"], told["reason"] = plan.strategy.value, plan.reason
        told["steps"] = [step.text for step in plan.steps]
        if plan.strategy in (Strategy.SHADOW, Strategy.BACKFILL):
            told["copy_key"] = [column.name for column in plan.copy_key.source_columns]
        told["findings"] = [{"code": found.code, "text": found.text} for found in plan.findings]
    return told


def _figures(record: RunRecord) -> dict[str, Any]:
    """Of a run that did not end well: as far as it came."""
    if record.report is not None:
        told = to_builtins(record.report)
        del told["definition"], told["source"]
        return _rounded(told)
    now = record.progress
    return _rounded(
        {
            "elapsed": now.elapsed,
            "copy_elapsed": now.copy_elapsed,
            "rows_estimate": now.rows_estimate,
            "rows_copied": now.rows_copied,
            "rows_updated": now.rows_updated,
            "rows_verified": now.rows_verified,
            "changes_applied": now.changes_applied,
            "backlog": now.backlog,
            "differences_repaired": now.differences_repaired,
            "compared_again": now.passes.again,
            "last_compared": now.passes.last_ended,
            "cut_over_attempts": now.cut_over_attempts,
            "lock_seconds": now.lock_seconds,
        }
    )


def _schema(record: RunRecord) -> dict[str, Any]:
    after = record.report.definition if record.report is not None else ""
    lines = unified_diff(record.before.splitlines(), after.splitlines(), lineterm="", n=_CONTEXT)
    return {"before": record.before, "after": after, "diff": list(lines)[3:] if record.before and after else []}


def shown(settings: Section) -> dict[str, Any]:
    """Settings by section; what a `repr` must not show is hidden here, too."""
    names = settings.__struct_fields__
    return {name: _value(getattr(settings, name), hide=name in settings.secret) for name in names}


def _value(value: object, *, hide: bool) -> Any:
    if hide:
        return HIDDEN if value else ""
    if isinstance(value, Section):
        return shown(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_value(each, hide=False) for each in value]
    if isinstance(value, Path):
        return str(value)
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)


def _point(point: Point, pace: float) -> dict[str, Any]:
    return _rounded({**to_builtins(point), "rows_per_second": pace})


def _event(event: Event) -> dict[str, Any]:
    told = {"time": event.time.isoformat(timespec="milliseconds"), "at": event.at}
    return _rounded({**told, "text": event.text, "warning": event.warning})


def _rounded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value for name, value in values.items()}
