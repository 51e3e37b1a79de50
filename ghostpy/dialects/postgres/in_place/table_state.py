"""All that ALTER TABLE can change of a table, as the catalogs have it, so that two states can be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres.session import Session

CHECK, FOREIGN_KEY, NOT_NULL, PRIMARY, UNIQUE = "c", "f", "n", "p", "u"
_NOT_VALID = " NOT VALID"

# Asked under an empty search path: every name comes with its schema.
_TABLE = """
SELECT pg_relation_filenode(c.oid), to_jsonb(c) - '{oid,relfilenode,relpages,reltuples,relallvisible,relallfrozen,relfrozenxid,relminmxid,
           reltoastrelid,relhasindex,relchecks,relhastriggers,relname,relnamespace,reltype,relnatts,relhasrules}'::text[],
       ARRAY(SELECT to_jsonb(s) - 'seqrelid'::text FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
             WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
             AND d.deptype IN ('a', 'i') ORDER BY d.refobjsubid)
FROM pg_class c WHERE c.oid = %s::int8::oid
"""
_COLUMNS = """
SELECT a.attname::text, a.attnotnull,
       to_jsonb(a) - '{attrelid,attcacheoff,attmissingval,atthasmissing,attnum,attnotnull,attbyval,attalign,attlen}'::text[]
           || jsonb_build_object('default', pg_get_expr(d.adbin, d.adrelid), 'attoptions',
              -- Recent minor versions (15.20) keep a column's version of their own there, which every ALTER changes.
              (SELECT array_agg(o) FROM unnest(a.attoptions) o WHERE NOT starts_with(o, 'pg_attver=')))
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS = """
SELECT k.conname::text, k.contype::text, pg_get_constraintdef(k.oid), k.convalidated, k.condeferrable, k.condeferred,
       coalesce((to_jsonb(k) ->> 'conenforced')::bool, true), coalesce((to_jsonb(k) ->> 'conperiod')::bool, false),
       i.relname::text, k.confrelid = k.conrelid, pg_get_expr(k.conbin, k.conrelid),
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u (n, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.n ORDER BY u.place),
       CASE WHEN k.confrelid <> 0 AND k.confrelid <> k.conrelid
            THEN (SELECT format('%%I.%%I', n.nspname, p.relname) FROM pg_class p JOIN pg_namespace n ON n.oid = p.relnamespace
                  WHERE p.oid = k.confrelid) END,
       obj_description(k.oid, 'pg_constraint')
FROM pg_constraint k LEFT JOIN pg_class i ON i.oid = k.conindid AND k.contype IN ('p', 'u', 'x')
WHERE k.conrelid = %s::int8::oid AND k.contype IN ('c', 'f', 'n', 'p', 'u', 'x') ORDER BY k.conname
"""
_INDEXES = """
SELECT c.relname::text, pg_relation_filenode(c.oid), pg_get_indexdef(c.oid), s.spcname::text, c.reloptions,
       to_jsonb(i) - '{indexrelid,indrelid,indpred,indexprs,indcheckxmin}'::text[]
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace
WHERE i.indrelid = %s::int8::oid ORDER BY c.relname
"""


class Constraint(Struct, frozen=True):
    name: str
    kind: str
    definition: str
    """Without NOT VALID."""
    valid: bool
    deferrable: bool
    deferred: bool
    enforced: bool
    temporal: bool
    """WITHOUT OVERLAPS or PERIOD."""
    index: str | None
    to_itself: bool
    expression: str | None
    columns: tuple[str, ...]
    parent: str | None
    """The other table that a foreign key points to, quoted and qualified."""
    comment: str | None = None


class IndexState(Struct, frozen=True):
    name: str
    file: int
    definition: str
    tablespace: str | None
    options: tuple[str, ...]
    facts: Mapping[str, Any]


class ColumnState(Struct, frozen=True):
    name: str
    not_null: bool
    facts: Mapping[str, Any]


class TableState(Struct, frozen=True):
    file: int
    facts: Mapping[str, Any]
    sequences: tuple[Mapping[str, Any], ...]
    columns: tuple[ColumnState, ...]
    constraints: Mapping[str, Constraint]
    indexes: Mapping[str, IndexState]

    def same_definition(self, other: TableState) -> bool:
        """Whether both are the same but for the files that hold them."""
        return _without_files(self) == _without_files(other)

    def column(self, name: str) -> ColumnState | None:
        return next((column for column in self.columns if column.name == name), None)


def _without_files(state: TableState) -> TableState:
    indexes = {name: replace(index, file=0) for name, index in state.indexes.items()}
    return replace(state, file=0, indexes=indexes)


async def table_state(session: Session, oid: int) -> TableState:
    """The state of the table with this OID, as the session's transaction sees it."""
    doing = "reading the catalogs"
    before = await session.scalar("SELECT current_setting('search_path')", doing=doing)
    await _search(session, "")
    (file, facts, sequences), *_ = await session.query(_TABLE, [oid], doing=doing)
    columns = await session.query(_COLUMNS, [oid], doing=doing)
    constraints = await session.query(_CONSTRAINTS, [oid], doing=doing)
    indexes = await session.query(_INDEXES, [oid], doing=doing)
    await _search(session, before)
    return TableState(
        file=file,
        facts=facts,
        sequences=tuple(sequences),
        columns=tuple(ColumnState(*row) for row in columns),
        constraints={row[0]: _constraint(*row) for row in constraints},
        indexes={row[0]: _index(*row) for row in indexes},
    )


async def _search(session: Session, path: str) -> None:
    await session.query("SELECT pg_catalog.set_config('search_path', %s, true)", [path], doing="reading the catalogs")


def _constraint(name: str, kind: str, definition: str, valid: bool, *more: Any) -> Constraint:
    deferrable, deferred, enforced, temporal, index, to_itself, expression, columns, parent, comment = more
    return Constraint(
        name=name,
        kind=kind,
        definition=definition if valid else definition.removesuffix(_NOT_VALID),
        valid=valid,
        deferrable=deferrable,
        deferred=deferred,
        enforced=enforced,
        temporal=temporal,
        index=index,
        to_itself=bool(to_itself),
        expression=expression,
        columns=tuple(columns),
        parent=parent,
        comment=comment,
    )


def _index(
    name: str, file: int, definition: str, tablespace: str | None, options: list[str] | None, facts: dict[str, Any]
) -> IndexState:
    return IndexState(name, file, definition, tablespace, tuple(options or ()), facts)
