"""Rules: those on the views that are made again, and those on other tables that mention the source or such a view."""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.rebuilt import RELATION, RULE, Described, Rebuilt, comment, relation

_FIELDS = f"""
SELECT {RELATION} AS relation, r.rulename AS name, pg_get_ruledef(r.oid) AS definition, r.ev_enabled AS enabled,
    obj_description(r.oid, 'pg_rewrite') AS comment
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.ev_type <> '1' AND r.ev_class <> $OID AND """

QUESTION_OF_VIEWS = _FIELDS + "r.ev_class IN (SELECT oid FROM doomed)"

QUESTION = _FIELDS + "r.oid IN (SELECT objid FROM outside WHERE classid = 'pg_rewrite'::regclass)"

_ENABLED = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def rebuilt_rule(row: Described) -> Rebuilt:
    """How one rule is dropped and made again."""
    on, name = relation(row["relation"]), quote.name(row["name"])
    extras = comment(f"RULE {name} ON {on.spelled}", row["comment"])
    if row["enabled"] in _ENABLED:
        extras.append(f"ALTER TABLE {on.spelled} {_ENABLED[row['enabled']]} RULE {name}")
    create = row["definition"].rstrip(";")
    return Rebuilt(RULE, row["name"], on, f"DROP RULE {name} ON {on.spelled}", create, tuple(extras))
