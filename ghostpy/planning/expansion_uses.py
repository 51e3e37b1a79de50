"""Texts of definitions and statements: do they use a column of a table? Names that match are enough, for a column too many is looked at by a person."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName

_QUOTES = re.compile(r"'(?:[^'\\]|\\.|'')*'")
UNPROVEN = ("unproven-use", "may-use-old-column")
"""Codes of findings that a person may overrule."""
_SHOWN = 200


def lies_in(text: str, table: str, columns: Iterable[str], *, fold: bool) -> list[str]:
    """Those columns whose names a text holds beside the table's (empty: in any case)."""
    bare = _QUOTES.sub("''", text)
    if table and not _holds(bare, table, fold=fold):
        return []
    return [column for column in columns if _holds(bare, column, fold=fold)]


def _holds(text: str, name: str, *, fold: bool) -> bool:
    return bool(re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", text, re.IGNORECASE if fold else 0))


def used_by(source: TableName, column: str, what: str) -> Finding:
    """A definition that uses the column."""
    return Finding("uses-old-column", f"the {what} uses {column} of {source}", "Change or drop it first.")


def written_still(source: TableName, columns: Sequence[str]) -> Finding:
    """The triggers have noted a write of the old side."""
    text = f"somebody wrote {', '.join(columns)} of {source} just now, and not the new columns"
    return Finding("writes-old-column", text, "An old version of the application is running still: end it first.")


def unproven(source: TableName, why: str) -> Finding:
    """Evidence that cannot be had."""
    text = f"whether statements use the old columns of {source} cannot be seen: {why}"
    return Finding("unproven-use", text, "Make sure of it, then add --allow-unproven.")


def statement_findings(source: TableName, columns: Sequence[str], ran: Iterable[str], *, fold: bool) -> list[Finding]:
    """Of statements that ran while we watched."""
    findings = []
    for text in ran:
        used = lies_in(text, source.table, columns, fold=fold)
        short = " ".join(text.split())[:_SHOWN]
        if used:
            findings.append(
                Finding(
                    "may-use-old-column",
                    f"a statement that ran just now names {', '.join(used)} of {source}: {short}",
                    "End what sends it; or add --allow-unproven, if it means something else.",
                )
            )
        elif re.search(r"\*\s+FROM\b", text, re.IGNORECASE) and lies_in(text, "", [source.table], fold=fold):
            text = f"a statement that ran just now selects all columns of {source}: {short}"
            findings.append(Finding("selects-all", text, "See that it does not expect the old ones.", Severity.WARN))
    return findings
