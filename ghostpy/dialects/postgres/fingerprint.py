"""Is the source still the table that the plan was made for?"""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

# What an ALTER by somebody else leaves its mark in. Statistics and the like may change at any time.
_QUESTION = """
SELECT c.oid::text || ' ' || md5(
    concat_ws(E'\\n', c.relfilenode, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.reloptions::text,
        c.relowner, c.relacl::text, c.reltablespace, c.relam,
        (SELECT string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attisdropped, a.attidentity,
             a.attgenerated, a.attcollation, a.attacl::text, a.attoptions::text, a.attstattarget, a.attstorage, a.attcompression, pg_get_expr(d.adbin, d.adrelid)), E'\\n' ORDER BY a.attnum)
         FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
         WHERE a.attrelid = c.oid AND a.attnum > 0),
        (SELECT string_agg(concat_ws(' ', k.oid, k.conname, k.convalidated, pg_get_constraintdef(k.oid)), E'\\n' ORDER BY k.oid)
         FROM pg_constraint k WHERE k.conrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', i.indexrelid, x.relname, pg_get_indexdef(i.indexrelid)), E'\\n' ORDER BY i.indexrelid)
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisvalid),
        (SELECT string_agg(concat_ws(' ', t.oid, t.tgenabled, pg_get_triggerdef(t.oid)), E'\\n' ORDER BY t.oid)
         FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
        (SELECT string_agg(concat_ws(' ', p.oid, p.polname, p.polroles::text, pg_get_expr(p.polqual, p.polrelid),
             pg_get_expr(p.polwithcheck, p.polrelid)), E'\\n' ORDER BY p.oid) FROM pg_policy p WHERE p.polrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', r.oid, r.ev_enabled, pg_get_ruledef(r.oid)), E'\\n' ORDER BY r.oid)
         FROM pg_rewrite r WHERE r.ev_class = c.oid),
        (SELECT string_agg(concat_ws(' ', s.oid, pg_get_statisticsobjdef(s.oid)), E'\\n' ORDER BY s.oid)
         FROM pg_statistic_ext s WHERE s.stxrelid = c.oid),
        (SELECT string_agg(concat_ws(' ', d.objsubid, d.description), E'\\n' ORDER BY d.objsubid)
         FROM pg_description d WHERE d.objoid = c.oid AND d.classoid = 'pg_class'::regclass)))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {schema} AND c.relname = {table}
"""


async def table_fingerprint(session: Session, table: TableName) -> str:
    """Differs after a change of the table's definition; empty where there is no such table."""
    question = _QUESTION.format(schema=quote.text(table.schema), table=quote.text(table.table))
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
