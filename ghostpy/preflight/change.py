"""Does the ALTER hold something that a copy into a shadow cannot mean?"""

from __future__ import annotations

from ghostpy.model.column_map import ColumnMap
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.planning.alter import AlterText


def change_findings(alter: AlterText, source: TableName) -> list[Finding]:
    findings = []
    if alter.table_renamed_to:
        findings.append(
            Finding(
                "renames-table",
                f"the ALTER renames {source} to {alter.table_renamed_to}; the exchange needs the name to stay",
                "Leave the RENAME out, and rename the table afterwards.",
            )
        )
    if alter.adds_foreign_key:
        findings.append(
            Finding(
                "adds-foreign-key",
                "the ALTER adds a foreign key, which would bind the parent's writers to the shadow",
                "Leave it out, and add it afterwards with the server's own ALTER.",
            )
        )
    if alter.partition_operations:
        findings.append(
            Finding(
                "partition-operation",
                f"the ALTER works on single partitions ({', '.join(alter.partition_operations)}): on an empty shadow that means nothing",
                "Use the server's own ALTER for it; PARTITION BY and REMOVE PARTITIONING work here.",
            )
        )
    if alter.tablespace_operation:
        findings.append(
            Finding(
                "tablespace",
                "the ALTER discards or imports a tablespace, which is not a change of schema",
                "Use the server's own ALTER.",
            )
        )
    if alter.ignore:
        findings.append(
            Finding(
                "ignore",
                "ALTER IGNORE TABLE drops rows that collide; ghostpy never drops rows in silence",
                "Remove the duplicates first.",
            )
        )
    return findings


def dropped_findings(columns: ColumnMap) -> list[Finding]:
    """Columns whose values the new table will not have: worth a look in the plan."""
    return [
        Finding("drops-column", f"the values of {column.name!r} are not in the new table", severity=Severity.WARN)
        for column in columns.dropped
    ]
