"""Does anybody use the old columns still? Definitions, statements that the server has seen, and writes that the triggers have counted."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.expansion_sql import TRIGGER, writes_of
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.expansion import Expansion
from ghostpy.model.finding import Finding
from ghostpy.planning.expansion_uses import lies_in, statement_findings, unproven, used_by, written_still

_DOING = "looking for users of the old columns"
# All that the server knows to depend on a column; not its own default, our triggers, and indexes that hold nothing else.
_DEPENDANTS = """
SELECT DISTINCT a.attname::text, pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = %s::regclass AND a.attname = ANY(%s)
AND NOT (d.classid = 'pg_attrdef'::regclass AND EXISTS (
    SELECT FROM pg_attrdef f WHERE f.oid = d.objid AND f.adnum = d.refobjsubid))
AND NOT (d.classid = 'pg_trigger'::regclass AND EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid AND t.tgname = %s))
AND NOT (d.classid = 'pg_class'::regclass AND d.objid = d.refobjid)
AND NOT coalesce((SELECT bool_and(c.attname = ANY(%s)) FROM pg_attribute c
    WHERE c.attrelid = d.refobjid AND c.attnum = ANY(i.indkey::int2[])) AND i.indexprs IS NULL AND i.indpred IS NULL, false)
AND NOT coalesce((SELECT bool_and(c.attname = ANY(%s)) FROM pg_attribute c
    WHERE c.attrelid = d.refobjid AND c.attnum = ANY(k.conkey)) AND k.contype IN ('u', 'n'), false)
ORDER BY 1, 2
"""
_ROUTINES = """
SELECT p.oid::regprocedure::text, p.prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', %s) AND p.prosrc <> ''
"""
_TRIGGERS = """
SELECT p.oid::regprocedure::text, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE t.tgrelid = %s::regclass AND NOT t.tgisinternal AND n.nspname <> %s
"""
_STATEMENTS = """
SELECT queryid::text, min(query), sum(calls)::bigint FROM {schema}.pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ~ %s GROUP BY 1
"""
# Of an entry that makes room for others, the count begins anew.
_EVICTED = "SELECT dealloc, current_setting('pg_stat_statements.track') FROM {schema}.pg_stat_statements_info"
_EXTENSION = "SELECT n.nspname FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_stat_statements'"


class Mark(Struct, frozen=True):
    """What was seen at one moment: how many writes were counted, and how often each statement had run; None: not to be had."""

    written: str
    statements: Mapping[str, tuple[str, int]] | None
    evicted: int = 0
    """How often the server has thrown statements out of its table to make room."""


class ExpansionUses:
    """Fulfils `Uses`."""

    def __init__(self, session: Session, expansion: Expansion, schema: str) -> None:
        self._session = session
        self._source = expansion.source
        self._schema = schema
        self._old = [column.name for column in expansion.old]

    async def definitions(self) -> list[Finding]:
        source, old = quote.table(self._source), self._old
        rows = await self._session.query(_DEPENDANTS, [source, old, TRIGGER, old, old], doing=_DOING)
        findings = [used_by(self._source, str(column), str(what)) for column, what in rows]
        routines = await self._session.query(_ROUTINES, [self._schema], doing=_DOING)
        found = {str(name): lies_in(str(text), self._source.table, old, fold=False) for name, text in routines}
        for name, text in await self._session.query(_TRIGGERS, [source, self._schema], doing=_DOING):
            found[str(name)] = lies_in(str(text), "", old, fold=False)
        return findings + [
            used_by(self._source, column, f"function {name}") for name, used in found.items() for column in used
        ]

    async def mark(self) -> Mark:
        written = await self._session.query(
            f"SELECT last_value, is_called FROM {writes_of(self._schema)}", doing=_DOING
        )
        schema = await self._session.scalar(_EXTENSION, doing=_DOING)
        if schema is None:
            return Mark(str(written[0]), None)
        try:
            [(evicted, track)] = await self._session.query(
                _EVICTED.format(schema=quote.name(str(schema))), doing=_DOING
            )
            rows = await self._session.query(
                _STATEMENTS.format(schema=quote.name(str(schema))), [r"\y" + self._source.table], doing=_DOING
            )
        except errors.GhostpyError:
            return Mark(str(written[0]), None)  # installed, but not loaded, or without that view
        if track == "none":
            return Mark(str(written[0]), None)
        ran = {str(number): (str(text), int(calls)) for number, text, calls in rows}
        return Mark(str(written[0]), ran, int(evicted))

    async def since(self, before: Mark) -> list[Finding]:
        now = await self.mark()
        findings = [written_still(self._source, self._old)] if now.written != before.written else []
        if now.statements is None or before.statements is None:
            why = "the extension pg_stat_statements (1.9 or later) is not there, not loaded, or tracks nothing"
            return [*findings, unproven(self._source, why)]
        if now.evicted != before.evicted:
            why = "pg_stat_statements has thrown statements out meanwhile to make room (pg_stat_statements.max)"
            findings.append(unproven(self._source, why))
        ran = [
            text
            for number, (text, calls) in now.statements.items()
            if calls > before.statements.get(number, ("", 0))[1]
        ]
        return findings + statement_findings(self._source, self._old, ran, fold=False)
