"""The plan of a script for people, and as JSON."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import Any

from ghostpy.model.finding import Severity
from ghostpy.model.script import Decided, ScriptPlan, ScriptReport, Way

_WIDTH = 110
_WAYS = {
    Way.SESSION: "sets something for what follows",
    Way.TOGETHER: "in transaction {group}",
    Way.DIRECT: "as it stands",
    Way.ONLINE: "as by `ghostpy migrate`",
    Way.LATER: "decided at its turn",
}


def plan_text(plan: ScriptPlan) -> str:
    """The plan, a paragraph for each statement."""
    lines = [f"Plan of {plan.script}"]
    for each in plan.statements:
        lines += _lines(each)
    if all(each.done for each in plan.statements if each.way is not Way.SESSION):
        return "\n".join([*lines, "All of it is done already: there is nothing to do.", ""])
    return "\n".join([*lines, "This was a dry run: nothing was changed. Add --execute to do it.", ""])


def _lines(each: Decided) -> list[str]:
    statement = each.statement
    shown = " ".join(statement.text.split())
    number = f"{statement.number}." if statement.number else "-"
    lines = textwrap.wrap(f"{number} line {statement.line}: {shown[:200]}", _WIDTH, subsequent_indent="     ")
    lines += textwrap.wrap(_how(each), _WIDTH, initial_indent="     ", subsequent_indent="     ")
    for finding in each.findings:
        word = "refused" if finding.severity is Severity.REFUSE else "look out"
        told = f"{word}: {finding.told}"
        lines += textwrap.wrap(told, _WIDTH, initial_indent="     ! ", subsequent_indent="       ")
    return [f"  {line}" for line in lines]


def _how(each: Decided) -> str:
    if each.done:
        return "done already"
    how = _WAYS[each.way].format(group=each.group)
    table = f" on {each.table}" if each.table and each.way is Way.ONLINE else ""
    strategy = f" ({each.strategy})" if each.strategy else ""
    return f"{how}{table}{strategy}{f': {each.reason}' if each.reason else ''}"


def show_json(outcome: ScriptPlan | ScriptReport) -> str:
    """The same, or what was done, for programs."""
    if isinstance(outcome, ScriptReport):
        told: dict[str, Any] = {**asdict(outcome), "ways": dict(outcome.ways), "text": outcome.text}
    else:
        told = {"script": outcome.script, "statements": [_document(each) for each in outcome.statements]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def _document(each: Decided) -> dict[str, Any]:
    statement = each.statement
    return {
        "number": statement.number,
        "line": statement.line,
        "text": statement.text,
        "kind": statement.kind.value,
        "way": each.way.value,
        "strategy": each.strategy,
        "reason": each.reason,
        "table": str(each.table) if each.table else "",
        "transaction": each.group,
        "done": each.done,
        "findings": [{**asdict(finding), "severity": finding.severity.value} for finding in each.findings],
    }
