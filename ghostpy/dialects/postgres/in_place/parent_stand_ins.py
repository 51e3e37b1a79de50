"""Stand-ins for the tables that new foreign keys point to, so that no plan locks a real one."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_clauses import Clause, Kind
from ghostpy.planning.postgres_columns import names_behind, redirected

_DOING = "making empty tables for the ALTER to refer to"
_FOUND = """
SELECT c.oid::int8, format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = to_regclass(%s) AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT')
"""


async def redirected_to_stand_ins(
    session: Session, clauses: Sequence[Clause], source_oid: int, clone: TableName
) -> tuple[tuple[Clause, ...], dict[str, str]]:
    """The clauses with stand-ins in the place of the tables behind REFERENCES, and which one each stands for.

    The source's own stand-in is `clone`. What cannot be found or read is left to the server to judge.
    """
    stands: dict[str, str] = {}
    found = []
    for clause in clauses:
        if clause.kind not in (Kind.ADD_FOREIGN_KEY, Kind.ADD_COLUMN):
            found.append(clause)
            continue
        names = [
            await stand_in_for(session, name, source_oid, clone, stands)
            for name in names_behind(clause.text, "REFERENCES")
        ]
        found.append(replace(clause, text=redirected(clause.text, "REFERENCES", names)))
    return tuple(found), {stand: real for real, stand in stands.items()}


async def stand_in_for(
    session: Session, written: str, source_oid: int, clone: TableName, stands: dict[str, str]
) -> str:
    """The quoted name of the stand-in for the table `written`; that itself where it cannot be found or read.

    `stands`: the stand-ins that there are, by the tables that they stand for; one that is made is added.
    """
    rows = await session.query(_FOUND, [written], doing=_DOING)
    if not rows:
        return written
    oid, real = rows[0]
    if oid == source_oid:
        return quote.table(clone)
    if real not in stands:
        table = f"stand-in for a parent, {len(stands)}"
        await session.execute(
            f"CREATE TABLE {quote.table(clone.beside(table))} (LIKE {real} INCLUDING INDEXES)", doing=_DOING
        )
        stands[real] = str(
            await session.scalar("SELECT format('%%I.%%I', %s::text, %s::text)", [clone.schema, table], doing=_DOING)
        )
    return stands[real]
