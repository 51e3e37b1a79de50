"""Is the source still the table that the plan was made for?"""

from __future__ import annotations

from collections.abc import Mapping

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

# What an ALTER by somebody else leaves its mark in. Statistics and the like may change at any time.
_QUESTION = """{first}
SELECT c.oid::text || ' ' || md5(
    concat_ws(E'\\n', c.relfilenode, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions::text,
        c.relowner, {access}, c.reltablespace, c.relam,
        (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attisdropped, a.attidentity,
             a.attgenerated, a.attcollation, {column_access}, a.attoptions::text, a.attstattarget, a.attstorage, a.attcompression, pg_get_expr(d.adbin, d.adrelid)), E'\\n' ORDER BY a.attnum)
         FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0),
        (SELECT string_agg(concat_ws(' ', k.oid, k.conname, {constraint}), E'\\n' ORDER BY k.oid)
         FROM pg_constraint k WHERE k.conrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', {index}, x.relname, pg_get_indexdef(i.indexrelid)), E'\\n' ORDER BY x.relname)
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisvalid),
        (SELECT string_agg(concat_ws(' ', t.oid, {fires}, pg_get_triggerdef(t.oid)), E'\\n' ORDER BY t.oid)
         FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
        (SELECT string_agg(concat_ws(' ', p.oid, p.polname, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
             pg_get_expr(p.polwithcheck, p.polrelid)), E'\\n' ORDER BY p.oid) FROM pg_policy p WHERE p.polrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', r.oid, {applies}, pg_get_ruledef(r.oid)), E'\\n' ORDER BY r.oid)
         FROM pg_rewrite r WHERE r.ev_class = c.oid),
        (SELECT string_agg(concat_ws(' ', s.oid, pg_get_statisticsobjdef(s.oid)), E'\\n' ORDER BY s.oid)
         FROM pg_statistic_ext s WHERE s.stxrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', d.objsubid, d.description), E'\\n' ORDER BY d.objsubid)
         FROM pg_description d WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace{also} WHERE n.nspname = {schema} AND c.relname = {table}
"""
_WHOLE = {
    "first": "",
    "also": "",
    "access": "c.relacl::text",
    "column_access": "a.attacl::text",
    "constraint": "k.convalidated, pg_get_constraintdef(k.oid)",
    "index": "i.indexrelid",
    "fires": "t.tgenabled",
    "applies": "r.ev_enabled",
}
# Without what a revert carries back, what is validated after the exchange, and what REINDEX CONCURRENTLY changes.
_SHAPE = {
    # Definitions name things as the search_path has it, and this is compared between sessions.
    "first": "WITH path AS MATERIALIZED (SELECT set_config('search_path', 'pg_catalog', true) AS text)",
    "also": " JOIN path ON path.text IS NOT NULL",
    "access": "NULL",
    "column_access": "NULL",
    "constraint": "regexp_replace(pg_get_constraintdef(k.oid), ' NOT VALID$', '')",
    "index": "NULL",
    "fires": "NULL",
    "applies": "NULL",
}


async def table_fingerprint(session: Session, table: TableName) -> str:
    """Differs after a change of the table's definition; empty where there is no such table."""
    return await _asked(session, table, _WHOLE)


async def shape(session: Session, table: TableName) -> str:
    """The same for what an exchange cannot be taken back over; differs also where somebody has written all rows anew, as TRUNCATE does.

    Within a transaction it leaves another search_path.
    """
    return await _asked(session, table, _SHAPE)


async def _asked(session: Session, table: TableName, parts: Mapping[str, str]) -> str:
    question = _QUESTION.format(schema=quote.text(table.schema), table=quote.text(table.table), **parts)
    return str(await session.scalar(question, doing=f"looking at {table}") or "")


async def check_unchanged(session: Session, table: TableName, expected: str, *, unless_exchanged: bool = False) -> None:
    """Raises SourceChanged; with `unless_exchanged` not where another table has the name by now, which may be our own doing."""
    found = await table_fingerprint(session, table)
    if unless_exchanged and found.split(" ")[0] != expected.split(" ")[0]:
        return
    if found != expected:
        raise errors.SourceChanged(
            f"{table} on {session.address} is not the table any more that the plan was made for: somebody altered or truncated it; "
            "it was not touched by this run"
        )
