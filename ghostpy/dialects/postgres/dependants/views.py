"""Views on the source, and all that are stacked on them: dropped from the top down, and made again from the bottom up.

CREATE OR REPLACE VIEW would do for a view whose columns keep their types; but not for the others, and not under the
views on them.
"""

from __future__ import annotations

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants import materialized
from ghostpy.dialects.postgres.dependants.rebuilt import (
    RELATION,
    VIEW,
    Described,
    Rebuilt,
    Relation,
    comment,
    relation,
    view_word,
    with_options,
)
from ghostpy.dialects.postgres.grants import GRANTS, column_grants, exploded, relation_grants

_COLUMNS = f"""(SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'default', pg_get_expr(f.adbin, f.adrelid),
        'comment', col_description(c.oid, a.attnum), 'entries', {exploded("a.attacl")}) ORDER BY a.attnum)
    FROM pg_attribute a LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""

_TRIGGERS = """(SELECT jsonb_agg(jsonb_build_object('name', g.tgname, 'definition', pg_get_triggerdef(g.oid),
        'comment', obj_description(g.oid, 'pg_trigger')) ORDER BY g.tgname)
    FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal)"""

_LABELS = """(SELECT jsonb_agg(jsonb_build_object('provider', l.provider, 'label', l.label, 'column', a.attname)
        ORDER BY l.objsubid, l.provider)
    FROM pg_seclabel l LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0
    WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid)"""

_NEEDS = """(SELECT jsonb_agg(DISTINCT format('%s.%s', below_n.nspname, below.relname))
    FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass
    JOIN doomed under ON under.oid = d.refobjid AND under.oid NOT IN (c.oid, $OID)
    JOIN pg_class below ON below.oid = under.oid JOIN pg_namespace below_n ON below_n.oid = below.relnamespace
    WHERE r.ev_class = c.oid AND r.ev_type = '1')"""

_STRANGE_GRANTORS = """(SELECT jsonb_agg(DISTINCT pg_get_userbyid(x.grantor))
    FROM (SELECT c.relacl UNION ALL SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = c.oid) AS list(acl)
    CROSS JOIN aclexplode(list.acl) x
    WHERE x.grantor <> c.relowner AND NOT pg_has_role(x.grantor, 'MEMBER'))"""

QUESTION = f"""
SELECT {RELATION} AS relation, doomed.depth, c.relpersistence = 't' AS temporary, pg_get_viewdef(c.oid) AS query,
    c.reloptions AS options, obj_description(c.oid, 'pg_class') AS comment, {GRANTS} AS grants,
    {_COLUMNS} AS columns, {_TRIGGERS} AS triggers, {_LABELS} AS labels, {_NEEDS} AS needs,
    {materialized.FIELDS} AS materialized, {_STRANGE_GRANTORS} AS strange_grantors,
    (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    OR (has_schema_privilege(n.oid, 'CREATE') AND has_schema_privilege(c.relowner, n.oid, 'CREATE')) AS creatable
FROM doomed JOIN pg_class c ON c.oid = doomed.oid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE doomed.oid <> $OID
"""


def rebuilt_view(row: Described) -> Rebuilt:
    """How one view, materialized or not, is dropped and made again."""
    view = relation(row["relation"])
    query = row["query"].strip().rstrip(";")
    extras = _after(view, row)
    if row["materialized"] is None:
        options = with_options(row["options"])
        options_text = f" WITH ({', '.join(options)})" if options else ""
        create = f"CREATE VIEW {view.spelled}{options_text} AS {query}"
        later: list[str] = []
    else:
        create = materialized.create(view, row["options"], row["materialized"], query)
        extras += materialized.after(view, row["materialized"])
        later = materialized.later(view, row["materialized"])
    drop = f"DROP {view_word(view.kind)} {view.spelled}"
    return Rebuilt(VIEW, view.name, view, drop, create, tuple(extras), tuple(later), tuple(row["needs"] or ()))


def _after(view: Relation, row: Described) -> list[str]:
    word = view_word(view.kind)
    statements = [f"ALTER {word} {view.spelled} OWNER TO {view.owner}", *relation_grants(view.spelled, row["grants"])]
    statements += comment(f"{word} {view.spelled}", row["comment"])
    for column in row["columns"] or ():
        spelled = f"{view.spelled}.{quote.name(column['name'])}"
        if column["default"] is not None:
            statements.append(
                f"ALTER VIEW {view.spelled} ALTER COLUMN {quote.name(column['name'])} SET DEFAULT {column['default']}"
            )
        statements += comment(f"COLUMN {spelled}", column["comment"])
        statements += column_grants(view.spelled, column["name"], row["grants"]["owner"], column["entries"])
    for trigger in row["triggers"] or ():
        statements.append(trigger["definition"])
        statements += comment(f"TRIGGER {quote.name(trigger['name'])} ON {view.spelled}", trigger["comment"])
    for label in row["labels"] or ():
        column = label["column"]
        what = f"{word} {view.spelled}" if column is None else f"COLUMN {view.spelled}.{quote.name(column)}"
        provider = quote.name(label["provider"])
        statements.append(f"SECURITY LABEL FOR {provider} ON {what} IS {quote.text(label['label'])}")
    return statements
