"""Is something in the way of the tables that the run makes?"""

from __future__ import annotations

from collections.abc import Collection

from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames, TableName


def leftover_findings(
    names: HelperNames, existing: Collection[TableName], *, drop_shadow: bool, drop_old: bool
) -> list[Finding]:
    """`existing`: which of the helper tables there are. The ledger holds nothing of value and is replaced."""
    findings = []
    if names.shadow in existing and not drop_shadow:
        findings.append(
            Finding(
                "leftover-shadow",
                f"the table {names.shadow} exists, perhaps left by a run that was killed",
                "Drop it, or add --initially-drop-ghost-table.",
            )
        )
    if names.old in existing and not drop_old:
        findings.append(
            Finding(
                "leftover-old",
                f"the table {names.old} exists; the old rows of an earlier change may be in it",
                "Drop it, add --initially-drop-old-table, or choose another name with --timestamp-old-table.",
            )
        )
    return findings
