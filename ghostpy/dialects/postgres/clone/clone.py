"""An empty clone of the source on which the user's ALTER runs as it is written; what stands on it then, the new table must have.

Before the ALTER everything that belongs to the table stands on the clone under its own name, so that the ALTER meets what it would
meet on the source. After it the definitions are read back, and the clone is stripped to what a copy into it can use: columns, and the
constraints that its rows must keep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.alteration import marked, run_alters
from ghostpy.dialects.postgres.clone.altered import Altered
from ghostpy.dialects.postgres.clone.bare_clone import create_bare
from ghostpy.dialects.postgres.clone.constraint_definitions import FOREIGN_KEY, NOT_NULL
from ghostpy.dialects.postgres.clone.definitions import Definitions, read_definitions
from ghostpy.dialects.postgres.clone.inheritance import inherit
from ghostpy.dialects.postgres.clone.own_findings import own_findings
from ghostpy.dialects.postgres.clone.partitioned import partitioned
from ghostpy.dialects.postgres.clone.sequences import OwnedSequence, counters, read_sequences
from ghostpy.dialects.postgres.clone.stand_in_parents import StandIn, references, see_reachable, stand_ins, with_parents
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_partitions import Partitioning

__all__ = ["Altered", "build_clone", "own_findings"]

_SAVEPOINT = "ghostpy_clone"
_REHEARSAL = "ghostpy_rehearsal"


async def build_clone(
    session: Session,
    source: TableName,
    clone: TableName,
    alters: Sequence[str],
    partitioning: Partitioning | None = None,
) -> Altered:
    """Make `clone` bare, and tell what it must get. In the caller's transaction; the schema of `clone` is there.

    `alters`: whole statements on the clone, run under the session's own search_path. `partitioning`: what the table is divided into after
    them. Raises PlanRefused where they leave no table of
    that name, and what the server refuses as it is.
    """
    doing = f"making an empty clone of {source}"
    await session.execute(f"SAVEPOINT {_SAVEPOINT}", doing=doing)
    before = await read_definitions(session, source, (source.schema,))
    # Sequences of serial columns stay where they are when the tables move.
    owned = await read_sequences(session, source, doing=doing)
    taken: dict[str, str | None] = {each.name: each.column for each in owned if not each.identity}
    while True:
        altered, in_the_way = await _built(session, before, owned, clone, alters, partitioning, taken)
        if not in_the_way:
            await session.execute(f"RELEASE SAVEPOINT {_SAVEPOINT}", doing=doing)
            return altered
        # With the names taken in the clone's schema too, the server chooses others, or refuses those that the user has chosen.
        taken |= dict.fromkeys(in_the_way)
        await session.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}", doing=doing)


async def _built(
    session: Session,
    before: Definitions,
    owned: Sequence[OwnedSequence],
    clone: TableName,
    alters: Sequence[str],
    partitioning: Partitioning | None,
    taken: Mapping[str, str | None],
) -> tuple[Altered, set[str]]:
    """A clone made while the names `taken` are so; with names of its indexes and sequences that others have in the source's schema.

    A name that is taken on behalf of a column of the source is free as soon as that is dropped.
    """
    source, path = before.table, path_of(clone, before.table)
    doing = f"making an empty clone of {source}"
    pointing = [(alter, await references(session, alter)) for alter in alters]
    named = {oid for _, found in pointing for oid in found if oid is not None}
    named |= {each.parent_oid for each in before.constraints if each.kind == FOREIGN_KEY}
    parents = await stand_ins(session, named - {before.oid}, clone.schema, path)
    instead = {oid: parent.name for oid, parent in parents.items()} | {before.oid: clone}
    holders = {quote.table(TableName(clone.schema, name)): column for name, column in taken.items()}
    await create_bare(session, source, clone, owned)
    await run_under(session, path, _dressing(before, clone, parents), doing=doing)
    await run_under(session, path, [f"CREATE SEQUENCE {holder}" for holder in holders], doing=doing)
    stood = await counters(session, await read_sequences(session, clone, doing=doing), doing=doing)
    texts = [with_parents(alter, found, instead) for alter, found in pointing]
    stand, carried = await run_alters(session, before, clone, texts, holders)
    after = _to_real_parents(stand, parents)
    altered = await inherit(session, before, owned, after, marked(after.indexes, carried), stood, alters)
    await see_reachable(session, {key.parent for key in after.constraints if key.parent and not key.on_itself})
    in_the_way = await _names_in_the_way(session, before, after)
    await _rehearse(session, path, altered.before_exchange)
    identity = str(await session.scalar(_IDENTITY, doing=doing))
    if partitioning is not None and not in_the_way:
        altered = await partitioned(session, source, stand, altered, partitioning)
        tables = [clone, *(clone.beside(name) for name in altered.partitions)]
        marks = [f"ALTER TABLE {quote.table(table)} REPLICA IDENTITY {identity}" for table in tables]
        await run_under(session, path, [*marks, *(parent.drop for parent in parents.values())], doing=doing)
        return altered, in_the_way
    await run_under(session, path, _stripping(after, clone, parents, identity), doing=doing)
    return altered, in_the_way


async def _rehearse(session: Session, path: Sequence[str], statements: Sequence[str]) -> None:
    """See now, and not when the rows are copied, that our role may do all that is due before the exchange."""
    doing = "trying to give the new table its owner and privileges"
    await session.execute(f"SAVEPOINT {_REHEARSAL}", doing=doing)
    await run_under(session, path, statements, doing=doing)
    await session.execute(f"ROLLBACK TO SAVEPOINT {_REHEARSAL}; RELEASE SAVEPOINT {_REHEARSAL}", doing=doing)


# Rows of a published table are deleted by its identity alone, and no index of it stands yet ("Publication"). Without a publication that
# has all tables in it, old rows need not be logged.
_IDENTITY = "SELECT CASE WHEN EXISTS (SELECT FROM pg_publication WHERE puballtables) THEN 'FULL' ELSE 'NOTHING' END"


def _dressing(source: Definitions, clone: TableName, parents: Mapping[int, StandIn]) -> list[str]:
    """Everything that stands on the source, for a clone that is bare."""
    table = quote.table(clone)
    statements = [line for parent in parents.values() for line in parent.create]
    for constraint in source.constraints:
        if constraint.kind == FOREIGN_KEY:
            continue
        if constraint.kind != NOT_NULL:
            statements += constraint.add(table)
        elif constraint.valid:
            statements += constraint.commented(table)
        else:
            # LIKE takes it over as a valid one.
            statements += [constraint.drop(table), *constraint.add(table)]
    statements += [line for index in source.indexes for line in index.create]
    statements += [line for statistics in source.statistics for line in statistics.create(clone.schema)]
    for constraint in source.constraints:
        if constraint.kind == FOREIGN_KEY:
            parent = parents.get(constraint.parent_oid)
            key = constraint if parent is None else constraint.pointing_to(parent.name, quote.table(parent.name))
            statements += key.add(table)
    statements += [line for part in (*source.triggers, *source.rules, *source.policies) for line in part.create]
    return [*statements, *source.row_security_statements(), source.replica_identity_statement()]


def _stripping(altered: Definitions, clone: TableName, parents: Mapping[int, StandIn], identity: str) -> list[str]:
    """Everything that must not be there while rows are copied and resynced."""
    table = quote.table(clone)
    statements = [part.drop for part in (*altered.triggers, *altered.rules, *altered.policies)]
    statements += [f"ALTER TABLE {table} REPLICA IDENTITY {identity}"]
    statements += [f"ALTER TABLE {table} {switch} ROW LEVEL SECURITY" for switch in ("NO FORCE", "DISABLE")]
    # A row that breaks what is NOT VALID may stand in the source, and must then stand in the new table.
    dropped = (c for c in altered.constraints if c.kind == FOREIGN_KEY or c.holds_new_rows_only)
    statements += [constraint.drop(table) for constraint in dropped]
    for index in altered.indexes:
        name = quote.name(index.name)
        if index.constraint:
            statements.append(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        else:
            statements.append(f"DROP INDEX {quote.name(clone.schema)}.{name}")
    statements += [parent.drop for parent in parents.values()]
    return [*statements, f"ALTER TABLE {table} OWNER TO CURRENT_USER"]


def _to_real_parents(altered: Definitions, parents: Mapping[int, StandIn]) -> Definitions:
    """The clone's definitions, with foreign keys to the tables that the stand-ins stand for."""
    real = {parent.name: parent.parent for parent in parents.values()}
    return altered.with_constraints(
        constraint.pointing_to(real[constraint.parent], quote.table(real[constraint.parent]))
        if constraint.parent in real
        else constraint
        for constraint in altered.constraints
    )


async def _names_in_the_way(session: Session, source: Definitions, clone: Definitions) -> set[str]:
    """Names of what would move with the clone and cannot, because something of that name stays in the source's schema."""
    rows = await session.query(_IN_THE_WAY, [source.oid, clone.oid, source.oid], doing="looking for names")
    return {name for (name,) in rows}


_IN_THE_WAY = """
WITH moving AS (
    SELECT i.indrelid AS relation, c.relname, c.oid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    UNION ALL
    SELECT d.refobjid, c.relname, c.oid FROM pg_depend d JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
)
SELECT moving.relname FROM moving
JOIN pg_class stays ON stays.relname = moving.relname
    AND stays.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = %s::int8::oid)
WHERE moving.relation = %s::int8::oid
    AND NOT EXISTS (SELECT FROM moving own WHERE own.relation = %s::int8::oid AND own.oid = stays.oid)
"""
