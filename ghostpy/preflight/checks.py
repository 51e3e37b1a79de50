"""What becomes of the names of CHECK constraints? They are unique in a schema, so the shadow cannot have those of the source."""

from __future__ import annotations

import re

from ghostpy.model.finding import Finding, Severity
from ghostpy.model.table import Table
from ghostpy.planning.alter import AlterText

_CHECK = re.compile(r"CONSTRAINT `((?:[^`]|``)+)` CHECK ")


def check_findings(alter: AlterText, source: Table) -> list[Finding]:
    """An ALTER that names one cannot work on the shadow; one that goes on unnamed is there under another name afterwards."""
    names = [name.replace("``", "`") for name in _CHECK.findall(source.create_sql)]
    named = {name.casefold() for name in alter.constraints}
    findings = []
    for name in names:
        if name.casefold() in named:
            findings.append(
                Finding(
                    "names-check",
                    f"the ALTER names the CHECK constraint {name}, which the shadow has under another name",
                    "Leave that clause out, and give it to the server's own ALTER, which does not rebuild the table for it.",
                )
            )
        elif not re.fullmatch(re.escape(source.name.table) + r"_chk_\d+", name):
            findings.append(
                Finding(
                    "renames-check",
                    f"the CHECK constraint {name} is called {source.name.table}_chk_… afterwards, for the old table keeps its name",
                    severity=Severity.WARN,
                )
            )
    return findings
