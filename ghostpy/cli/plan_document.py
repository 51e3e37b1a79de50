"""A plan as data, for programs, and as Markdown, for a ticket; `docs/plan.md` tells what stands where. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from msgspec import to_builtins

import ghostpy
from ghostpy.cli.plan_steps import plan_steps, step_document
from ghostpy.cli.plan_text import plan_rows
from ghostpy.dialects import quoted
from ghostpy.errors import PlanRefused
from ghostpy.model.column_map import ColumnFeed
from ghostpy.model.estimate import ASSUMES, Estimate
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Column
from ghostpy.planning.alternatives import alternatives
from ghostpy.planning.plan_checks import checks_after, checks_before
from ghostpy.planning.way_back import ways_back
from ghostpy.settings import MigrateSettings

Document = Mapping[str, Any]


def plan_document(plan: Plan, settings: MigrateSettings) -> Document:
    """All of a plan that can be carried out. Sizes in bytes."""
    copied = plan.strategy is Strategy.SHADOW
    return {
        **_head(str(plan.source.name), settings),
        "alter": plan.alter or settings.target.alter,
        "possible": True,
        "strategy": plan.strategy.value,
        "reason": plan.reason,
        "steps": [step_document(step) for step in plan_steps(plan, settings)],
        "rows": plan.source.row_estimate,
        "bytes": plan.source.data_bytes,
        "disk_free": plan.disk.free if plan.disk else None,
        "copy_key": [column.name for column in plan.copy_key.source_columns] if copied else [],
        "columns": {
            "fed": [_fed(feed) for feed in plan.columns.feeds],
            "added": [_column(column) for column in plan.columns.added],
            "dropped": [_column(column) for column in plan.columns.dropped],
        },
        "made": [str(plan.names.shadow), str(plan.names.ledger)] if copied else [],
        "kept": [str(plan.names.old)] if copied and not settings.target.ok_to_drop_old else [],
        "estimate": _estimate(plan.estimate),
        **_advice(plan, settings),
        "findings": findings_document(plan.findings),
    }


def _estimate(estimate: Estimate | None) -> Document | None:
    return None if estimate is None else {**to_builtins(estimate), "assumes": ASSUMES}


def _advice(plan: Plan, settings: MigrateSettings) -> Document:
    table = partial(quoted, settings.connect)
    return {
        "alternatives": [
            {**to_builtins(each), "estimate": _estimate(each.estimate)}
            for each in alternatives(plan, settings.connect.dialect)
        ],
        "way_back": [to_builtins(each) for each in ways_back(plan, settings, table)],
        "checks": {
            "before": [to_builtins(each) for each in checks_before(plan, settings, table)],
            "after": [to_builtins(each) for each in checks_after(plan, settings, table)],
        },
    }


def refusal_document(refused: PlanRefused, table: str, settings: MigrateSettings) -> Document:
    """Why there is no plan."""
    return {
        **_head(table, settings),
        "possible": False,
        "message": refused.message,
        "findings": findings_document(refused.findings),
    }


def _head(table: str, settings: MigrateSettings) -> dict[str, Any]:
    return {
        "ghostpy": ghostpy.__version__,
        "server": settings.connect.address,
        "dialect": settings.connect.dialect,
        "table": table,
        "alter": settings.target.alter,
    }


def _fed(feed: ColumnFeed) -> dict[str, Any]:
    return {
        "to": _column(feed.target),
        "from": None if feed.source is None else _column(feed.source),
        "transform": feed.transform,
    }


def _column(column: Column) -> dict[str, Any]:
    return {"name": column.name, "type": column.full_type, "nullable": column.nullable, "collation": column.collation}


def findings_document(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """Findings, each with its page."""
    return [
        {
            "code": finding.code,
            "severity": finding.severity.value,
            "text": finding.text,
            "way_out": finding.way_out,
            "page": f"docs/findings.md#{finding.code}",
        }
        for finding in findings
    ]


def plan_markdown(plan: Plan, settings: MigrateSettings) -> str:
    """A heading, and a table of what there is to say."""
    lines = [f"## Plan for `{plan.source.name}` on {settings.connect.address}", "", "| | |", "|---|---|"]
    for label, texts in plan_rows(plan, settings):
        lines.append(f"| {label} | {'<br>'.join(map(cell, texts))} |")
    return "\n".join([*lines, "", "A dry run: nothing was changed.", ""])


def refusal_markdown(refused: PlanRefused, table: str, settings: MigrateSettings) -> str:
    """A heading, and what stands against the change."""
    lines = [f"## No plan for `{table}` on {settings.connect.address}", ""]
    lines += [f"- **{each.severity.value}**: {cell(each.told)}" for each in refused.findings]
    lines += [] if refused.findings else [cell(refused.message)]
    return "\n".join([*lines, "", "Nothing was created or changed.", ""])


def cell(text: str) -> str:
    """What must not be taken for Markdown or HTML is written so that it is not."""
    for character in "\\`*_[]|":
        text = text.replace(character, f"\\{character}")
    return " ".join(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").split())
