"""All findings decided on: the error that names everything that stands against the change."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy import errors
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName


def refusing(findings: Sequence[Finding]) -> list[Finding]:
    """Those that stand against the change."""
    return [finding for finding in findings if finding.severity is Severity.REFUSE]


def refusal(source: TableName, address: str, findings: Sequence[Finding]) -> errors.GhostpyError:
    """PlanRefused with all that stands against the change, or MissingPrivilege where only privileges are missing."""
    against = refusing(findings)
    texts = [finding.told for finding in against]
    listed = f" {texts[0]}" if len(texts) == 1 else "".join(f"\n  - {text}" for text in texts)
    message = f"{source} on {address} cannot be changed like this:{listed}"
    if all(finding.code == "missing-privilege" for finding in against):
        return errors.MissingPrivilege(message, hint="Nothing was created or changed.")
    return errors.PlanRefused(message, findings=findings)
