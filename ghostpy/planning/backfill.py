"""What a backfill sets, looked at before the server is asked: which columns may be set, by what, along which key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from ghostpy.model.column_map import ColumnFeed, ColumnMap, CopyKey
from ghostpy.model.finding import Finding
from ghostpy.model.keys import KeyRange
from ghostpy.model.names import HelperNames
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.planned_step import PlannedStep
from ghostpy.model.table import Column, Generated, Table
from ghostpy.planning.copy_key import choose_copy_key
from ghostpy.settings import TargetSettings

Assignments = Sequence[tuple[str, str]]

_NEXT = "Name another column."
_QUERIES = ("SELECT", "TABLE")


def value_sql(expression: str) -> str:
    """What stands behind the `=`: `DEFAULT` is no expression, so it must not stand in parentheses."""
    return "DEFAULT" if expression.strip().upper() == "DEFAULT" else f"({expression})"


def other_rows(texts: Iterable[tuple[str, Sequence[str]]]) -> list[Finding]:
    """Queries within expressions. `texts`: what each is called, and its keywords in upper case."""
    found = ((what, word) for what, words in texts for word in _QUERIES if word in words)
    return [
        Finding(
            "expression-reads-rows",
            f"{what} uses {word}: other rows change while the backfill goes on, so its values would depend on when a row's turn comes",
            "Use the row's own columns only; put what is needed from elsewhere into a column first.",
        )
        for what, word in found
    ]


def set_columns(table: Table, assignments: Assignments, *, spelled: Callable[[str], str]) -> list[Column]:
    """Those columns that there are. `spelled`: what two names of one column have in common."""
    known = {spelled(column.name): column for column in table.columns}
    return [known[spelled(name)] for name, _ in assignments if spelled(name) in known]


def assignment_findings(table: Table, assignments: Assignments, *, spelled: Callable[[str], str]) -> list[Finding]:
    """Columns that there are not, and columns that the server computes."""
    known = {spelled(column.name): column for column in table.columns}
    findings = []
    for name, expression in assignments:
        column = known.get(spelled(name))
        if column is None:
            findings.append(Finding("no-such-column", f"{table.name} has no column {name}", _NEXT))
        elif column.generated is not Generated.NO and value_sql(expression) != "DEFAULT":
            text = f"{column.name} is a generated column, whose value the server computes"
            findings.append(
                Finding("generated-column", text, "Leave it out, or set the columns that it is computed from.")
            )
    return findings


def backfill_key(
    table: Table, set_: Sequence[Column], *, fits: Callable[[Column], bool]
) -> tuple[CopyKey | None, list[Finding]]:
    """The key to go along, and what stands against it. A key whose values change under way cannot say which rows are done.

    `fits`: whether a column may be a part of it.
    """
    columns = ColumnMap(tuple(ColumnFeed(column, column) for column in table.columns))
    choice = choose_copy_key(table, table, columns, carries=lambda column, _: fits(column))
    if choice.key is None:
        why = choice.finding.text.partition(" (")[2].removesuffix(")") if choice.finding else ""
        text = f"{table.name} has no unique key over NOT NULL columns to go along, by which it is told which rows are done ({why})"
        return None, [Finding("no-key", text, "Add a primary or unique key first.")]
    in_key = {column.name for column in choice.key.source_columns} & {column.name for column in set_}
    return choice.key, [_sets_key(name, choice.key.index) for name in sorted(in_key)]


def _sets_key(column: str, index: str) -> Finding:
    text = f"{column} is a part of the key {index}, by which it is told which rows are done"
    return Finding("sets-key", text, "A backfill cannot set it: take it out of --set.")


def expressions(assignments: Assignments, where: str | None) -> list[tuple[str, str]]:
    """What people call each of the expressions, and its text."""
    texts = [(f"--set {column}", text) for column, text in assignments]
    return [*texts, ("--where", where)] if where else texts


def text_of(table: str, assignments: Assignments, where: str | None) -> str:
    """The whole backfill as people would write it in one statement."""
    sets = ", ".join(f"{column} = {expression}" for column, expression in assignments)
    return f"UPDATE {table} SET {sets}{f' WHERE {where}' if where else ''}"


def assembled(
    table: Table,
    key: CopyKey,
    set_: Sequence[Column],
    names: HelperNames,
    asked: TargetSettings,
    *,
    quoted: str,
    update: Callable[[Plan, KeyRange], str],
) -> Plan:
    """The plan. `quoted`: the table's name in statements; `update`: the statement of a chunk, which is shown with names for its bounds."""
    feeds = [
        ColumnFeed(column, None, expression) for column, (_, expression) in zip(set_, asked.assignments, strict=True)
    ]
    plan = Plan(
        source=table,
        shadow=table,
        names=names,
        alter=text_of(quoted, asked.assignments, asked.where),
        strategy=Strategy.BACKFILL,
        copy_key=key,
        columns=ColumnMap(tuple(feeds)),
        where=asked.where,
    )
    example = tuple(f":{column.name}" for column in key.source_columns)
    until = tuple(f"{each}_until" for each in example)
    return replace(plan, steps=(PlannedStep(update(plan, KeyRange(example, until))),))
