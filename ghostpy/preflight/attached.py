"""What hangs on the source that the exchange would tear off?"""

from __future__ import annotations

from ghostpy.model.finding import Finding
from ghostpy.model.table import Table
from ghostpy.planning.expansion import expansion_findings


def attached_findings(source: Table) -> list[Finding]:
    findings = []
    for key in source.foreign_keys_out:
        findings.append(
            Finding(
                "foreign-key-out",
                f"{source.name} has the foreign key {key.name} to {key.parent}; the new table would be without it",
                "Drop the foreign key first, or change the table with the server's own ALTER.",
            )
        )
    for key in source.foreign_keys_in:
        if key.child != source.name:
            findings.append(
                Finding(
                    "foreign-key-in",
                    f"{key.child} has the foreign key {key.name} to {source.name}; it would follow the old table",
                    "Drop the foreign key first, or change the table with the server's own ALTER.",
                )
            )
    expanded = expansion_findings(source.name, source.triggers)
    findings += expanded
    if source.triggers and not expanded:
        findings.append(
            Finding(
                "triggers",
                f"{source.name} has triggers ({', '.join(source.triggers)}); the new table would be without them",
                "Drop the triggers first, and create them again after the change.",
            )
        )
    return findings
