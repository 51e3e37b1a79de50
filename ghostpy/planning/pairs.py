"""Decisions about a pair of tables that are to be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ghostpy.errors import UsageError
from ghostpy.model.column_map import ColumnMap, CopyKey
from ghostpy.model.names import HelperNames, TableName
from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.table import Column, Generated, Table
from ghostpy.planning.column_map import transform_findings
from ghostpy.planning.copy_key import choose_copy_key
from ghostpy.planning.expressions import expression_findings

Named = tuple[tuple[str, str], ...]


def chosen(table: TableName, old: TableName | None, shadow: TableName | None) -> tuple[TableName, TableName]:
    """Which tables to compare where only one is named: (first, second), by what a run has left. Raises UsageError."""
    if old and shadow:
        raise UsageError(f"{table} has an old table, {old}, and a shadow, {shadow}.", hint="Name one of them: --other.")
    if old:
        return old, table  # as it was when rows went from the one to the other
    if shadow:
        return table, shadow
    raise UsageError(
        f"There is neither an old table nor a shadow of {table} to compare it with.",
        hint="Name the other table: --other.",
    )


def pair_plan(
    source: Table,
    other: Table,
    columns: ColumnMap,
    *,
    transforms: Named,
    where: str | None,
    carries: Callable[[Column, Column], bool],
) -> Plan:
    """What to compare with what. Raises UsageError where the tables have nothing in common that rows could be told by."""
    findings = [*transform_findings(other, transforms)]
    for column, text in transforms:
        findings += expression_findings(f"--transform {column}=…", text)
    findings += expression_findings("--where", where) if where else []
    if findings:
        raise UsageError(" ".join(f"{finding.text}." for finding in findings), hint=findings[0].way_out)
    choice = choose_copy_key(source, other, columns, carries=carries)
    if choice.key is None:
        why = f": {choice.finding.text}" if choice.finding else ""
        raise UsageError(
            f"{source.name} and {other.name} have no unique not-null key in common to find each other's rows by{why}.",
            hint="Where a column has another name there: --renamed OLD=NEW.",
        )
    names = HelperNames(shadow=other.name, ledger=other.name, old=other.name, probe=other.name)
    return Plan(source, other, names, "", Strategy.SHADOW, choice.key, columns, where)


def check_renamed(renamed: Named, source: Table, other: Table) -> None:
    """Raises UsageError where a column is not there."""
    for old, new in renamed:
        for table, column in ((source, old), (other, new)):
            if not table.has_column(column):
                raise UsageError(f"--renamed {old}={new}: {table.name} has no column {column!r}.")


def left_out(source: Table, other: Table, columns: ColumnMap, key: CopyKey) -> Sequence[str]:
    """The columns that stand in one table only, and so are not compared, each with its table's name."""
    fed = {feed.target.name for feed in columns.feeds}
    only = [
        f"{other.name}.{column.name}"
        for column in other.columns
        if column.generated is Generated.NO and column.name not in fed
    ]
    used = {feed.source.name for feed in columns.feeds if feed.source is not None}
    used |= {column.name for column in key.source_columns}
    return [
        *(
            f"{source.name}.{column.name}"
            for column in source.columns
            if column.generated is Generated.NO and column.name not in used
        ),
        *only,
    ]
