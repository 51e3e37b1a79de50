"""Publications that name the source, and what else of logical replication goes by a table's OID.

A publication FOR TABLES IN SCHEMA needs nothing: it goes by the schema the new table comes into.
"""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.rebuilt import PUBLICATION, RELATION, Described, Rebuilt, relation
from ghostpy.model.finding import Finding, Severity

OWN = "(p.pubname ~ format('^ghostpy_%s_[0-9]+$', (SELECT oid FROM pg_database WHERE datname = current_database())))"
"""SQL that tells the publications of our own streams: that of this run, and that by which an exchange can be taken back."""

QUESTION = f"""
SELECT {RELATION} AS relation, p.pubname AS name, pg_has_role(p.pubowner, 'USAGE') AS ours, p.pubviaroot AS by_root,
    $COLUMNS AS columns, $FILTER AS filter
FROM pg_publication_rel pr JOIN pg_publication p ON p.oid = pr.prpubid
JOIN pg_class c ON c.oid = pr.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE pr.prrelid = $OID AND NOT {OWN}
"""

_COLUMNS = """(SELECT jsonb_agg(a.attname ORDER BY place)
    FROM unnest(pr.prattrs::int2[]) WITH ORDINALITY AS listed(attnum, place)
    JOIN pg_attribute a ON a.attrelid = pr.prrelid AND a.attnum = listed.attnum)"""

QUESTION_ALL_TABLES = "SELECT pubname AS name FROM pg_publication WHERE puballtables"

QUESTION_SUBSCRIPTIONS = """
SELECT s.subname AS name FROM pg_subscription_rel sr JOIN pg_subscription s ON s.oid = sr.srsubid
WHERE sr.srrelid = $OID
"""


def for_version(question: str, version: int) -> str:
    """Column lists and row filters came with 15 ("CREATE PUBLICATION")."""
    old = version < 150000
    question = question.replace("$COLUMNS", "NULL::jsonb" if old else _COLUMNS)
    return question.replace("$FILTER", "NULL::text" if old else "pg_get_expr(pr.prqual, pr.prrelid)")


def rebuilt_publication(row: Described) -> Rebuilt:
    """How the table leaves one publication, and the new one enters it with the same column list and row filter."""
    source, name = relation(row["relation"]), quote.name(row["name"])
    create = f"ALTER PUBLICATION {name} ADD TABLE {source.spelled}"
    if row["columns"] is not None:
        create += f" ({', '.join(map(quote.name, row['columns']))})"
    if row["filter"] is not None:
        create += f" WHERE ({row['filter']})"
    return Rebuilt(PUBLICATION, row["name"], source, f"ALTER PUBLICATION {name} DROP TABLE {source.spelled}", create)


def publication_findings(row: Described, *, partitioned: bool) -> list[Finding]:
    """`partitioned`: whether the new table is so, and the source is not."""
    findings = []
    if not row["ours"]:
        findings.append(
            Finding(
                "publication-owner",
                f"the publication {row['name']} has the table, and our role may not alter it",
                "Run ghostpy as a role that owns the publication, or as a superuser.",
            )
        )
    if partitioned and not row["by_root"]:
        name = quote.name(row["name"])
        findings.append(
            Finding(
                "publication-of-partitions",
                f"the publication {row['name']} would publish changes under the partitions' names, which its subscribers do not know",
                f"ALTER PUBLICATION {name} SET (publish_via_partition_root = true) first; for a plain table it changes nothing.",
            )
        )
    return findings


def all_tables_finding(row: Described, *, allowed: bool) -> Finding:
    text = f"the publication {row['name']} is FOR ALL TABLES: it publishes the shadow too, from the start of the copy"
    if allowed:
        way_out = "Its subscribers need both tables that the run makes, or they stop with an error."
        return Finding("all-tables-publication", text, way_out, Severity.WARN)
    return Finding(
        "all-tables-publication",
        text,
        "Let the publication name its tables, or use --allow-all-tables-publication if its subscribers can bear it.",
    )


def subscription_finding(row: Described) -> Finding:
    return Finding(
        "subscription",
        f"the table receives rows from the subscription {row['name']}, which would go on writing to the old table",
        "Change the table on its publisher's side first, or take it out of the subscription for the time of the change.",
    )
