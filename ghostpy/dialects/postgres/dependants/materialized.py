"""Materialized views: made again without their rows, with their indexes, and filled when the lock is gone."""

from __future__ import annotations

from collections.abc import Iterable

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.dependants.rebuilt import Described, Relation, comment, with_options

_INDEXES = """(SELECT jsonb_agg(jsonb_build_object('name', x.relname, 'spelled', format('%I.%I', xn.nspname, x.relname),
        'definition', pg_get_indexdef(x.oid), 'comment', obj_description(x.oid, 'pg_class'), 'clustered', i.indisclustered,
        'tablespace', xs.spcname, 'targets', (SELECT jsonb_agg(jsonb_build_array(a.attnum, a.attstattarget) ORDER BY a.attnum)
            FROM pg_attribute a WHERE a.attrelid = x.oid AND NULLIF(a.attstattarget, -1) IS NOT NULL)) ORDER BY x.relname)
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_namespace xn ON xn.oid = x.relnamespace
    LEFT JOIN pg_tablespace xs ON xs.oid = x.reltablespace
    WHERE i.indrelid = c.oid)"""

_STATISTICS = """(SELECT jsonb_agg(jsonb_build_object('spelled', format('%I.%I', sn.nspname, s.stxname),
        'definition', pg_get_statisticsobjdef(s.oid), 'owner', quote_ident(pg_get_userbyid(s.stxowner)),
        'comment', obj_description(s.oid, 'pg_statistic_ext'), 'target', NULLIF(s.stxstattarget, -1)) ORDER BY s.stxname)
    FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace WHERE s.stxrelid = c.oid)"""

# How a column is stored, where that is not what its type does by itself. Options called pg_… are the server's own
# (15.20 writes a pg_attver for every column it makes, and takes none from SET).
_STORED = """(SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'target', NULLIF(a.attstattarget, -1),
        'options', (SELECT jsonb_agg(o) FROM unnest(a.attoptions) o WHERE o NOT LIKE 'pg\\_%'),
        'storage', CASE WHEN a.attstorage <> t.typstorage THEN a.attstorage END, 'compression', NULLIF(a.attcompression, ''))
        ORDER BY a.attnum)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)"""

FIELDS = f"""CASE WHEN c.relkind = 'm' THEN jsonb_build_object(
    'populated', c.relispopulated, 'method', (SELECT quote_ident(amname) FROM pg_am WHERE oid = c.relam),
    'tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = c.reltablespace),
    'toast_options', (SELECT reloptions FROM pg_class toast WHERE toast.oid = c.reltoastrelid),
    'indexes', {_INDEXES}, 'statistics', {_STATISTICS}, 'stored', {_STORED}) END"""
"""SQL for what the functions here read, where c is pg_class; NULL for other relations."""

_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "m": "MAIN", "x": "EXTENDED"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}


def create(view: Relation, options: Iterable[str] | None, facts: Described, query: str) -> str:
    """The statement that makes the materialized view again, without rows."""
    text = f"CREATE MATERIALIZED VIEW {view.spelled} USING {facts['method']}"
    parameters = [*with_options(options), *with_options(facts["toast_options"], "toast.")]
    if parameters:
        text += f" WITH ({', '.join(parameters)})"
    if facts["tablespace"] is not None:
        text += f" TABLESPACE {quote.name(facts['tablespace'])}"
    return f"{text} AS {query} WITH NO DATA"


def after(view: Relation, facts: Described) -> list[str]:
    """What belongs to it, still without rows, so that nothing here takes long."""
    alter = f"ALTER MATERIALIZED VIEW {view.spelled}"
    statements: list[str] = []
    for column in facts["stored"] or ():
        statements += [f"{alter} ALTER COLUMN {quote.name(column['name'])} {change}" for change in _stored(column)]
    for index in facts["indexes"] or ():
        statements += _index(alter, index)
    for statistics in facts["statistics"] or ():
        spelled = statistics["spelled"]
        statements += [statistics["definition"], f"ALTER STATISTICS {spelled} OWNER TO {statistics['owner']}"]
        if statistics["target"] is not None:
            statements.append(f"ALTER STATISTICS {spelled} SET STATISTICS {statistics['target']}")
        statements += comment(f"STATISTICS {spelled}", statistics["comment"])
    return statements


def later(view: Relation, facts: Described) -> list[str]:
    """What fills it, if it was filled."""
    return [f"REFRESH MATERIALIZED VIEW {view.spelled}", f"ANALYZE {view.spelled}"] if facts["populated"] else []


def _stored(column: Described) -> list[str]:
    changes = []
    if column["target"] is not None:
        changes.append(f"SET STATISTICS {column['target']}")
    if column["options"]:
        changes.append(f"SET ({', '.join(with_options(column['options']))})")
    if column["storage"] is not None:
        changes.append(f"SET STORAGE {_STORAGE[column['storage']]}")
    if column["compression"] is not None:
        changes.append(f"SET COMPRESSION {_COMPRESSION[column['compression']]}")
    return changes


def _index(alter: str, index: Described) -> list[str]:
    statements = [index["definition"]]
    if index["tablespace"] is not None:
        statements.append(f"ALTER INDEX {index['spelled']} SET TABLESPACE {quote.name(index['tablespace'])}")
    for number, target in index["targets"] or ():
        statements.append(f"ALTER INDEX {index['spelled']} ALTER COLUMN {number} SET STATISTICS {target}")
    statements += comment(f"INDEX {index['spelled']}", index["comment"])
    if index["clustered"]:
        statements.append(f"{alter} CLUSTER ON {quote.name(index['name'])}")
    return statements
