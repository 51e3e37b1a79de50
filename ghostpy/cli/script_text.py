"""The plan of a script: as text, Markdown, and JSON."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import to_builtins

from ghostpy.cli.plan_document import cell, findings_document, plan_document
from ghostpy.cli.plan_text import Row, plan_rows
from ghostpy.model.finding import Severity
from ghostpy.model.script import Decided, Kind, ScriptPlan, ScriptReport, Way

_WIDTH = 110
_TOLD = ("table", "steps", "estimate")
_READS = ("SELECT", "VALUES")
_SAID = ("change", "look out", "in the way")
"""Rows of a plan that say again what stands with the statement."""
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
    lines += textwrap.wrap(how(each), _WIDTH, initial_indent="     ", subsequent_indent="     ")
    for label, texts in _told_of(each):
        for place, text in enumerate(texts):
            begin = f"       {label if place == 0 else '':<10}  "
            lines += textwrap.wrap(text, _WIDTH, initial_indent=begin, subsequent_indent=" " * (len(begin) + 2))
    for finding in each.findings:
        word = "refused" if finding.severity is Severity.REFUSE else "look out"
        told = f"{word}: {finding.told}"
        lines += textwrap.wrap(told, _WIDTH, initial_indent="     ! ", subsequent_indent="       ")
    return [f"  {line}" for line in lines]


def how(each: Decided) -> str:
    """How it is carried out, and why so."""
    if each.done:
        return "done already"
    how = _WAYS[each.way].format(group=each.group)
    table = f" on {each.table}" if each.table and each.way is Way.ONLINE else ""
    strategy = f" ({each.strategy})" if each.strategy else ""
    return f"{how}{table}{strategy}{f': {each.reason}' if each.reason else ''}"


def beside(each: Decided) -> Sequence[Row]:
    """The lock and the way back of a statement that runs as it stands."""
    statement = each.statement
    if each.done or each.way not in (Way.TOGETHER, Way.DIRECT) or statement.kind is Kind.MAINTENANCE:
        return ()
    rows: list[Row] = []
    if statement.kind is Kind.TABLE and each.table is not None:
        rows.append(("lock", [f"{each.table}, from everybody, to the end of the statement, or of its transaction; waited for in turns"]))  # fmt: skip
    if any(finding.code == "drops-rows" for finding in each.findings):
        rows.append(("way back", ["from a backup only. Lost: the rows that it removes"]))
    elif statement.kind is Kind.ROWS:
        if statement.verb == "INSERT":
            rows.append(("way back", ["by a DELETE of yours, where the new rows can be told from others"]))
        elif statement.verb not in _READS:
            rows.append(("way back", ["from a backup only. Lost: the values that it overwrites or removes"]))
    else:
        rows.append(("way back", ["by a statement of yours. Lost: what was written to what that takes away"]))
    return rows


def _told_of(each: Decided) -> Iterator[Row]:
    """What is worth a line in the text: the rest of a statement's own plan is in the other forms."""
    yield from beside(each)
    if each.migration is not None:
        for label, texts in plan_rows(each.migration.plan, each.migration.settings):
            if label in _TOLD:
                yield label, texts


def plan_markdown(plan: ScriptPlan) -> str:
    """A heading for each statement, with its text, its way, and the plan of what is carried out as a migration."""
    lines = [f"# Plan of {cell(plan.script)}", ""]
    for each in plan.statements:
        lines += [f"## {heading(each)}", "", *_fenced(each.statement.text), "", cell(how(each)), ""]
        lines += [f"- **{finding.severity.value}**: {cell(finding.told)}" for finding in each.findings]
        lines += [f"- {label}: {cell(text)}" for label, texts in beside(each) for text in texts]
        lines += [""] if each.findings or beside(each) else []
        if each.migration is not None:
            rows = plan_rows(each.migration.plan, each.migration.settings)
            lines += ["| | |", "|---|---|"]
            lines += [f"| {label} | {'<br>'.join(map(cell, texts))} |" for label, texts in rows if label not in _SAID]
            lines += [""]
    return "\n".join([*lines, "A dry run: nothing was changed.", ""])


def _fenced(text: str) -> list[str]:
    """As it was written, whatever it holds."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}sql", text, fence]


def heading(each: Decided) -> str:
    """Which statement it is."""
    number = f"{each.statement.number}. " if each.statement.number else ""
    return f"{number}{each.statement.verb}, line {each.statement.line}"


def show_json(outcome: ScriptPlan | ScriptReport) -> str:
    """The same, or what was done, for programs."""
    if isinstance(outcome, ScriptReport):
        told: dict[str, Any] = {**to_builtins(outcome), "ways": dict(outcome.ways), "text": outcome.text}
    else:
        told = {"script": outcome.script, "statements": statements_document(outcome)}
    return json.dumps(told, indent=2, ensure_ascii=False)


def statements_document(plan: ScriptPlan) -> list[dict[str, Any]]:
    """Each with its way, and with the document of its plan where it has one."""
    return [_document(each) for each in plan.statements]


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
        "findings": findings_document(each.findings),
        **{key: " ".join(dict(beside(each)).get(key.replace("_", " "), ())) for key in ("lock", "way_back")},
        "plan": plan_document(each.migration.plan, each.migration.settings) if each.migration is not None else None,
    }
