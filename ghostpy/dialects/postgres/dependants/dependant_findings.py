"""What speaks against the exchange in what points at the source, and what users should know of it."""

from __future__ import annotations

from collections.abc import Sequence

from ghostpy.dialects.postgres.dependants.columns import ColumnChanges
from ghostpy.dialects.postgres.dependants.inbound_keys import key_findings
from ghostpy.dialects.postgres.dependants.inventory import DEEPEST, Inventory
from ghostpy.dialects.postgres.dependants.publications import (
    all_tables_finding,
    publication_findings,
    subscription_finding,
)
from ghostpy.dialects.postgres.dependants.rebuilt import PUBLICATION, Described, Rebuilt, relation
from ghostpy.dialects.postgres.dependants.strangers import dropped_column_finding, member_finding, stranger_finding
from ghostpy.model.finding import Finding, Severity


def findings_of(
    found: Inventory,
    things: Sequence[Rebuilt],
    changes: ColumnChanges,
    *,
    refresh_materialized: bool,
    allow_all_tables: bool,
    version: int,
    partitioned: bool,
) -> list[Finding]:
    """All of them; `version` as server_version_num, `partitioned`: whether the new table is."""
    findings = [stranger_finding(row) for row in found.of("stranger")]
    findings += [member_finding(row) for row in found.of("member")]
    findings += [subscription_finding(row) for row in found.of("subscription")]
    findings += [all_tables_finding(row, allowed=allow_all_tables) for row in found.of("all tables")]
    findings += [each for row in found.of("publication") for each in publication_findings(row, partitioned=partitioned)]
    findings += [each for row in found.of("key") for each in key_findings(row, version)]
    findings += [dropped_column_finding(row) for row in found.of("use") if row["column"] in changes.dropped]
    findings += [each for row in found.of("view") for each in _view_findings(row, refresh_materialized)]
    return findings + _not_ours(things) + _retyped(found, changes)


def _view_findings(row: Described, refresh_materialized: bool) -> list[Finding]:
    view, findings = relation(row["relation"]), []
    if row["depth"] >= DEEPEST:
        findings.append(Finding("view-circle", f"the view {view} reads itself by way of others", "Drop it first."))
    if row["temporary"]:
        text = f"the temporary view {view} of a session reads the table, and no other session could make it again"
        findings.append(Finding("view-temporary", text, "Drop it or end its session, then run the same command again."))
    if not row["creatable"]:
        text = f"the view {view} must be made again, and our role or its owner may not create anything in its schema"
        findings.append(Finding("view-schema", text, f"Grant CREATE on the schema {view.schema} to both roles."))
    if row["strange_grantors"]:
        text = (
            f"privileges on {view} were granted by {', '.join(row['strange_grantors'])}, for whom our role cannot act"
        )
        findings.append(Finding("view-grantors", text, "Run ghostpy as a superuser, or as a member of these roles."))
    if row["materialized"] is not None:
        findings.append(_materialized(str(view), refresh_materialized))
    return findings


def _materialized(view: str, refresh: bool) -> Finding:
    if refresh:
        text = f"the materialized view {view} is made again, and cannot be read from the exchange until it is refreshed"
        return Finding("materialized-view", text, "The refresh begins right after the exchange.", Severity.WARN)
    return Finding(
        "materialized-view",
        f"the materialized view {view} reads the table, and would go on reading the old one",
        "Use --refresh-materialized-views: it is then made again, and cannot be read from the exchange until it is refreshed.",
    )


def _not_ours(things: Sequence[Rebuilt]) -> list[Finding]:
    return [
        Finding(
            "dependant-owner",
            f"{each} must be made again, and our role may not: its owner is {each.on.owner}",
            f"Run ghostpy as a superuser, or as a member of the role {each.on.owner}.",
        )
        for each in things
        if each.kind != PUBLICATION and not each.on.ours
    ]


def _retyped(found: Inventory, changes: ColumnChanges) -> list[Finding]:
    """Natively such a change is refused; here the view is made again in any case, and its columns follow."""
    by_view: dict[str, list[str]] = {}
    for row in found.of("use"):
        if row["by_view"] and row["column"] in changes.retyped:
            by_view.setdefault(row["what"], []).append(row["column"])
    return [
        Finding(
            "view-retyped",
            f"{what} reads {', '.join(columns)}, whose type the change alters: its own columns, and those of the views on it,"
            " change their types too",
            "Let those who read it know.",
            Severity.WARN,
        )
        for what, columns in by_view.items()
    ]
