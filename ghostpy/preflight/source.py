"""Is the source a table that can be changed this way?"""

from __future__ import annotations

from collections.abc import Collection

from ghostpy.model.finding import Finding
from ghostpy.model.table import Table


def source_findings(source: Table, *, engines: Collection[str]) -> list[Finding]:
    """`engines`: storage engines (lower case) whose rows can be read as of one moment and changed in transactions."""
    if source.kind != "BASE TABLE":
        return [
            Finding("not-a-table", f"{source.name} is a {source.kind.lower()}, not a table", "Name the table below it.")
        ]
    if (source.engine or "").lower() not in engines:
        return [
            Finding(
                "storage-engine",
                f"{source.name} is stored by {source.engine}, which has no transactions to follow",
                f"Change it to one of {', '.join(sorted(engines))} first.",
            )
        ]
    return []
