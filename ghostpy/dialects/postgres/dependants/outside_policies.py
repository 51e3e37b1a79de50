"""Row security policies of other tables whose expressions read the source, or a view on it."""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.rebuilt import POLICY, RELATION, Described, Rebuilt, comment, relation

QUESTION = f"""
SELECT {RELATION} AS relation, p.polname AS name, p.polpermissive AS permissive, p.polcmd AS command,
    (SELECT jsonb_agg(CASE WHEN role = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END ORDER BY place)
     FROM unnest(p.polroles) WITH ORDINALITY AS given(role, place)) AS roles,
    pg_get_expr(p.polqual, p.polrelid) AS seen, pg_get_expr(p.polwithcheck, p.polrelid) AS written,
    obj_description(p.oid, 'pg_policy') AS comment
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE p.oid IN (SELECT objid FROM outside WHERE classid = 'pg_policy'::regclass) AND p.polrelid <> $OID
"""

_COMMANDS = {"*": "ALL", "r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


def rebuilt_policy(row: Described) -> Rebuilt:
    """How one policy is dropped and made again."""
    table, name = relation(row["relation"]), quote.name(row["name"])
    create = (
        f"CREATE POLICY {name} ON {table.spelled} AS {'PERMISSIVE' if row['permissive'] else 'RESTRICTIVE'}"
        f" FOR {_COMMANDS[row['command']]} TO {', '.join(row['roles'])}"
    )
    if row["seen"] is not None:
        create += f" USING ({row['seen']})"
    if row["written"] is not None:
        create += f" WITH CHECK ({row['written']})"
    extras = comment(f"POLICY {name} ON {table.spelled}", row["comment"])
    return Rebuilt(POLICY, row["name"], table, f"DROP POLICY {name} ON {table.spelled}", create, tuple(extras))
