"""Whatever else depends on the source: nobody here can make it again, so it is a refusal. And the columns that are used."""

from __future__ import annotations

from ghostpy.dialects.postgres.dependants.publications import OWN
from ghostpy.dialects.postgres.dependants.rebuilt import Described
from ghostpy.model.finding import Finding

# All of `outside` but what the other questions pick; their conditions stand here once more.
QUESTION = """
SELECT DISTINCT pg_describe_object(o.classid, o.objid, o.objsubid) AS what,
    pg_describe_object(o.refclassid, o.refobjid, 0) AS needed, o.classid::regclass::text AS class
FROM outside o
WHERE o.classid <> 'pg_publication_rel'::regclass
  AND NOT (o.classid = 'pg_policy'::regclass
           AND EXISTS (SELECT FROM pg_policy p WHERE p.oid = o.objid AND p.polrelid <> $OID))
  AND NOT (o.classid = 'pg_rewrite'::regclass
           AND EXISTS (SELECT FROM pg_rewrite r WHERE r.oid = o.objid AND r.ev_type <> '1' AND r.ev_class <> $OID))
  AND NOT (o.classid = 'pg_constraint'::regclass
           AND EXISTS (SELECT FROM pg_constraint k
                       WHERE k.oid = o.objid AND k.contype = 'f' AND k.confrelid = $OID AND k.conrelid <> $OID))
"""

QUESTION_MEMBERS = """
SELECT pg_describe_object(part.class, part.id, 0) AS what, x.extname AS extension
FROM part JOIN pg_depend d ON d.classid = part.class AND d.objid = part.id AND d.refclassid = 'pg_extension'::regclass
JOIN pg_extension x ON x.oid = d.refobjid
WHERE d.deptype = 'e' OR (d.deptype = 'x' AND part.relation <> $OID)
"""

# A view's query is kept as a rule of the view.
QUESTION_USES = f"""
SELECT DISTINCT a.attname AS column, CASE WHEN r.ev_type = '1' THEN pg_describe_object('pg_class'::regclass, r.ev_class, 0)
    ELSE pg_describe_object(d.classid, d.objid, 0) END AS what, coalesce(r.ev_type = '1', false) AS by_view
FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $OID AND d.refobjsubid > 0
  AND NOT EXISTS (SELECT FROM part WHERE part.class = d.classid AND part.id = d.objid AND part.relation = $OID)
  AND NOT EXISTS (SELECT FROM pg_publication_rel pr JOIN pg_publication p ON p.oid = pr.prpubid
                  WHERE d.classid = 'pg_publication_rel'::regclass AND pr.oid = d.objid AND {OWN})
"""

_CODES = {
    "pg_attrdef": "default",
    "pg_cast": "cast",
    "pg_class": "row-type",
    "pg_constraint": "constraint",
    "pg_operator": "operator",
    "pg_proc": "function",
    "pg_trigger": "trigger",
    "pg_type": "row-type",
}


def stranger_finding(row: Described) -> Finding:
    code = _CODES.get(row["class"], "object")
    return Finding(
        f"dependant-{code}",
        f"{row['what']} depends on {row['needed']}; it would stay with the old table",
        "Drop it first, and create it again after the change; or change the table with the server's own ALTER.",
    )


def member_finding(row: Described) -> Finding:
    return Finding(
        "extension",
        f"{row['what']} belongs to the extension {row['extension']}, or depends on it",
        "Take it out with ALTER EXTENSION … DROP first, or leave it to the extension's own scripts.",
    )


def dropped_column_finding(row: Described) -> Finding:
    return Finding(
        "dropped-column-used",
        f"the change drops the column {row['column']}, which {row['what']} uses",
        f"Change or drop {row['what']} first.",
    )
