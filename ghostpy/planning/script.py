"""A migration script, as tools write it, cut into statements. What is not understood is refused by name, with its line."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy.errors import UsageError
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.script import Kind, Script, Statement
from ghostpy.planning import mysql_script, postgres_script
from ghostpy.planning.script_pieces import pieces_of

_UNNOTED = (Kind.SESSION, Kind.BEGIN, Kind.COMMIT)
OVERRULED = ("large-update", "opaque-statement")
"""Findings that `--allow` makes a warning of."""


def read_script(text: str, name: str, dialect: str, database: str = "") -> Script:
    """Take `text` apart by the rules of a kind of server. What stands against a statement is among its findings.

    `database`: the only one that its names may be qualified by (MySQL). Raises UsageError where quotes, comments or parentheses do not
    match, or where there is no statement at all.
    """
    lines = _Lines(text)
    pieces = pieces_of(text, f"The script {name}", dialect)
    if not pieces:
        raise UsageError(f"The script {name} holds no statement.", hint="Nothing was sent to the server.")
    statements: list[Statement] = []
    number = 0
    for piece in pieces:
        start, words = piece.start, text[piece.start : piece.end]
        if dialect == "postgres":
            read = postgres_script.read(words)
        else:
            read = mysql_script.read(words, database, delimited=piece.delimited)
        if read.kind not in _UNNOTED:
            number += 1
        statements.append(replace(read, line=lines.of(start), number=0 if read.kind in _UNNOTED else number))
    return Script(name, tuple(_paired(statements)))


def split(text: str, what: str, dialect: str) -> list[str]:
    """The statements as they were written, without semicolons, and without comments in front of them and behind them."""
    return [text[piece.start : piece.end] for piece in pieces_of(text, what, dialect)]


def against(script: Script, allowed: Sequence[str]) -> list[tuple[Statement, Finding]]:
    """What stands against the script by its text alone."""
    return [
        (statement, finding)
        for statement in script.statements
        for finding in statement.findings
        if finding.severity is Severity.REFUSE and finding.code not in allowed
    ]


def _paired(statements: Sequence[Statement]) -> list[Statement]:
    """BEGIN and COMMIT must take turns."""
    found: list[Statement] = []
    opened: int | None = None
    for place, each in enumerate(statements):
        wrong = ""
        if each.kind is Kind.BEGIN:
            wrong = "a transaction begins within another" if opened is not None else ""
            opened = place
        elif each.kind is Kind.COMMIT:
            wrong = "a transaction ends that was not begun" if opened is None else ""
            opened = None
        found.append(_with(each, wrong))
    if opened is not None:
        found[opened] = _with(found[opened], "a transaction begins that the script does not end")
    return found


def _with(statement: Statement, wrong: str) -> Statement:
    if not wrong:
        return statement
    finding = Finding("transaction-control", wrong, "Let each BEGIN have its COMMIT.")
    return replace(statement, findings=(*statement.findings, finding))


class _Lines:
    """The numbers of the lines that places are in."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(place + 1 for place, char in enumerate(text) if char == "\n")]

    def of(self, place: int) -> int:
        return bisect_right(self._starts, place)
