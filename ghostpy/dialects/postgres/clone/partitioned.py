"""From a clone that is a plain table, altered and with everything on it, to a partitioned one.

The user's ALTER runs on the plain clone, because what stands on the source need not fit a partitioned table before it: a primary key
without the partition key, say, which the same text drops. Then a partitioned table is made like it, in its place, and all that it must
have in the end is tried on that, so that what cannot be had is refused now.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.altered import Altered
from ghostpy.dialects.postgres.clone.bare_clone import create_bare, of_partitions
from ghostpy.dialects.postgres.clone.constraint_definitions import FOREIGN_KEY, NOT_NULL, Constraint
from ghostpy.dialects.postgres.clone.definitions import Definitions
from ghostpy.dialects.postgres.clone.index_definitions import PRIMARY, IndexDefinition
from ghostpy.dialects.postgres.clone.partition_tree import Tree, read_tree
from ghostpy.dialects.postgres.clone.sequences import OwnedSequence, counters, read_sequences
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName
from ghostpy.planning.postgres_partitions import Partition, Partitioning

_DOING = "making an empty partitioned table"
_SAVEPOINT = "ghostpy_partitioned"
_NOT_VALID_FROM = 180000
"""server_version_num from which a partitioned table can have a foreign key that is NOT VALID ("ALTER TABLE")."""


async def partitioned(
    session: Session, source: TableName, plain: Definitions, altered: Altered, partitioning: Partitioning
) -> Altered:
    """Put a bare partitioned table in the place of the plain clone, whose `plain` and `altered` are; what it must get.

    The foreign keys of `plain` still point to stand-ins. In the caller's transaction. Raises PlanRefused for what a partitioned table
    cannot have, and what the server refuses as it is.
    """
    clone, path = plain.table, path_of(plain.table, source)
    aside = TableName(f"_ghostpy_plain_{plain.oid}", clone.table)
    await session.execute(
        f"CREATE SCHEMA {quote.name(aside.schema)}; ALTER TABLE {quote.table(clone)} SET SCHEMA {quote.name(aside.schema)}",
        doing=_DOING,
    )
    owned = await read_sequences(session, aside, doing=_DOING)
    await create_bare(session, aside, clone, owned, partitioned_by=partitioning.by)
    await run_under(session, path, await _sequences(session, owned, clone), doing=_DOING)
    await _constrain(session, source, path, plain)
    await run_under(session, path, await _divided(session, aside, clone, partitioning.partitions), doing=_DOING)
    tree = await read_tree(session, clone)
    await run_under(session, path, await of_partitions(session, aside, clone, tree.leaves), doing=_DOING)
    statistics = [line for each in plain.statistics for line in each.create(clone.schema)]
    await session.execute(f"DROP TABLE {quote.table(aside)}; DROP SCHEMA {quote.name(aside.schema)}", doing=_DOING)
    await run_under(session, path, statistics, doing=_DOING)
    indexes = tuple(index.for_partitions() for index in altered.indexes)
    _see_keys(source, indexes, tree)
    result = _for_partitions(session, source, altered, plain, tree)
    await _rehearse(session, source, plain, result)
    return result


async def _sequences(session: Session, owned: Sequence[OwnedSequence], clone: TableName) -> list[str]:
    """Statements that hand a serial's sequence over to the clone, and set an identity's to where the ALTER has put it."""
    statements = []
    stand = await counters(session, owned, doing=_DOING)
    for each in owned:
        here = TableName(clone.schema, each.name)
        if each.identity:
            last, called = stand[each.oid]
            statements.append(
                f"SELECT pg_catalog.setval({quote.text(quote.table(here))}, {last}, {str(called).lower()})"
            )
        else:
            column = f"{quote.table(clone)}.{quote.name(each.column)}"
            statements += [
                f"ALTER SEQUENCE {each.full} OWNED BY NONE",
                f"ALTER SEQUENCE {each.full} SET SCHEMA {quote.name(clone.schema)}",
                f"ALTER SEQUENCE {quote.table(here)} OWNED BY {column}",
            ]
    return statements


async def _constrain(session: Session, source: TableName, path: Sequence[str], plain: Definitions) -> None:
    """Give the clone the constraints that rows must keep from the first; LIKE has brought those that are NOT NULL."""
    table = quote.name(plain.table.table)
    for constraint in plain.constraints:
        if constraint.kind == FOREIGN_KEY:
            continue
        if constraint.kind == NOT_NULL:
            lines = (constraint.drop(table),) if constraint.holds_new_rows_only else constraint.commented(table)
        else:
            lines = () if constraint.holds_new_rows_only else constraint.add(table)
        await _try(session, path, lines, f"the constraint {constraint.name} of {source}")


async def _divided(session: Session, plain: TableName, clone: TableName, partitions: Sequence[Partition]) -> list[str]:
    method = await session.scalar(
        "SELECT a.amname FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = %s::regclass",
        [quote.table(plain)],
        doing=_DOING,
    )
    return [
        f"SET LOCAL default_table_access_method = {quote.text(str(method))}",
        *(
            f"CREATE TABLE {quote.table(clone.beside(each.name))} PARTITION OF "
            f"{quote.table(clone.beside(each.parent) if each.parent else clone)} {each.behind}"
            for each in partitions
        ),
    ]


def _see_keys(source: TableName, indexes: Sequence[IndexDefinition], tree: Tree) -> None:
    """Raises PlanRefused for unique keys that lack a part of the partition key ("Table Partitioning", Limitations)."""
    without = [
        f"{'the primary key ' if index.constraint == PRIMARY else ''}{index.name}"
        for index in indexes
        if index.unique and (tree.by_expression or not {*tree.key} <= {*(index.plain_columns or ())})
    ]
    if not without:
        return
    if tree.by_expression:
        raise errors.PlanRefused(
            f"a table that is partitioned by an expression can have no unique key, but {source} has {', '.join(without)}; nothing was changed",
            hint="Partition it by a column.",
        )
    key = ", ".join(tree.key)
    raise errors.PlanRefused(
        f"a unique key of a partitioned table must hold the whole partition key ({key}), and these of {source} do not: "
        f"{', '.join(without)}; nothing was changed",
        hint=f"Replace or drop them in the same ALTER, for example: DROP CONSTRAINT {_constraint(indexes, without)}, ADD PRIMARY KEY "
        f"(id, {key}), PARTITION BY …; the old key's columns come first.",
    )


def _constraint(indexes: Sequence[IndexDefinition], without: Sequence[str]) -> str:
    return next((index.name for index in indexes if index.constraint == PRIMARY), without[0])


def _for_partitions(session: Session, source: TableName, altered: Altered, plain: Definitions, tree: Tree) -> Altered:
    whole = session.connection.info.server_version >= _NOT_VALID_FROM
    keys = [] if whole else [each for each in altered.constraints if each.kind == FOREIGN_KEY]
    unchecked = [key.name for key in keys if not key.valid]
    if unchecked:
        raise errors.PlanRefused(
            f"the foreign keys {', '.join(unchecked)} of {source} are NOT VALID, which those of a partitioned table can be from "
            "PostgreSQL 18 on only; nothing was changed",
            hint="ALTER TABLE … VALIDATE CONSTRAINT first.",
        )
    return replace(
        altered,
        indexes=tuple(index.for_partitions() for index in altered.indexes),
        before_exchange=(*altered.before_exchange, *_marks(plain, tree)),
        after_exchange=tuple(line for key in keys for line in _joined(key, source, tree)) or altered.after_exchange,
        keys_by_leaf=frozenset(key.name for key in keys),
        partitions=tree.partitions,
        leaves=tree.leaves,
        cover=tree.cover,
        divided_by=None if tree.by_expression else tree.key,
    )


def _joined(key: Constraint, source: TableName, tree: Tree) -> list[str]:
    """Statements that check a foreign key that each leaf has, and make it the whole table's, which then reads no row."""
    leaves = [quote.table(source.beside(leaf)) for leaf in tree.leaves]
    validated = [f"ALTER TABLE {leaf} VALIDATE CONSTRAINT {quote.name(key.name)}" for leaf in leaves]
    return [*validated, *key.add(quote.table(source))]


def _marks(plain: Definitions, tree: Tree) -> list[str]:
    """Owner and replica identity of the partitions, which do not follow those of the table."""
    table = quote.text(quote.name(plain.table.table))
    of_leaf = {"f": "FULL", "i": "USING INDEX %I"}.get(plain.replica_identity, "DEFAULT")
    return [_MARKED.format(table=table, identity=of_leaf)]


# The server has named the partitions' indexes.
_MARKED = """DO LANGUAGE plpgsql $ghostpy$
DECLARE part record;
BEGIN
    FOR part IN SELECT p.relid, pg_catalog.pg_get_userbyid(whole.relowner) AS owner, c.relowner <> whole.relowner AS given,
            (SELECT x.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
             WHERE i.indrelid = p.relid AND EXISTS (SELECT FROM pg_catalog.pg_partition_ancestors(i.indexrelid) AS a
                 JOIN pg_catalog.pg_index w ON w.indexrelid = a.relid WHERE w.indrelid = whole.oid AND w.indisreplident)) AS index
        FROM pg_catalog.pg_class whole CROSS JOIN pg_catalog.pg_partition_tree(whole.oid) AS p
        JOIN pg_catalog.pg_class c ON c.oid = p.relid
        WHERE whole.oid = {table}::pg_catalog.regclass AND p.level > 0
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s REPLICA IDENTITY {identity}', part.relid::pg_catalog.regclass, part.index);
        IF part.given THEN
            EXECUTE pg_catalog.format('ALTER TABLE %s OWNER TO %I', part.relid::pg_catalog.regclass, part.owner);
        END IF;
    END LOOP;
END
$ghostpy$"""


async def _rehearse(session: Session, source: TableName, plain: Definitions, altered: Altered) -> None:
    """Try everything that the new table is to get; it is undone."""
    path, table = path_of(plain.table, source), quote.name(plain.table.table)
    await session.execute(f"SAVEPOINT {_SAVEPOINT}", doing=_DOING)
    for index in altered.indexes:
        await _try(session, path, index.create, f"the index {index.name} of {source}")
    for constraint in plain.constraints:
        if constraint.kind == FOREIGN_KEY or constraint.holds_new_rows_only:
            await _try(session, path, constraint.add(table), f"the constraint {constraint.name} of {source}")
    for part in (*plain.triggers, *plain.rules, *plain.policies):
        await _try(session, path, part.create, f"the {part.kind} {part.name} of {source}")
    await run_under(session, path, altered.before_exchange, doing=_DOING)
    await _see_free(session, source, plain.table)
    await session.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}; RELEASE SAVEPOINT {_SAVEPOINT}", doing=_DOING)


async def _try(session: Session, path: Sequence[str], statements: Sequence[str], what: str) -> None:
    try:
        await run_under(session, path, statements, doing=_DOING)
    except (errors.ServerGone, errors.TransientError):
        raise
    except errors.GhostpyError as error:
        raise errors.PlanRefused(
            f"a partitioned table cannot have {what}: {error.message}; nothing was changed",
            hint="Drop or replace it in the same ALTER, or first.",
        ) from error


_TAKEN = """
WITH part AS (SELECT p.relid AS oid FROM pg_catalog.pg_partition_tree(%s::pg_catalog.regclass) AS p WHERE p.level > 0),
arriving AS (
    SELECT c.relname FROM part JOIN pg_catalog.pg_class c USING (oid)
    UNION ALL SELECT x.relname FROM part JOIN pg_catalog.pg_index i ON i.indrelid = part.oid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
),
leaving AS (
    SELECT i.indexrelid AS oid FROM pg_catalog.pg_index i WHERE i.indrelid = %s::pg_catalog.regclass
    UNION ALL SELECT d.objid FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refclassid = d.classid
      AND d.refobjid = %s::pg_catalog.regclass AND d.deptype = 'i'
)
SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN arriving USING (relname) WHERE n.nspname = %s AND c.oid NOT IN (SELECT oid FROM leaving)
UNION SELECT t.typname FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
JOIN part ON true JOIN pg_catalog.pg_class c ON c.oid = part.oid AND c.relname = t.typname WHERE n.nspname = %s
ORDER BY 1
"""


async def _see_free(session: Session, source: TableName, clone: TableName) -> None:
    """Raises PlanRefused where a partition, or an index of one, has a name that is taken where the source is."""
    own, there = quote.table(source), source.schema
    rows = await session.query(_TAKEN, [quote.table(clone), own, own, there, there], doing="looking for names")
    if rows:
        names = ", ".join(str(name) for (name,) in rows)
        raise errors.PlanRefused(
            f"partitions of {source}, or indexes of theirs, would be called {names}, and these names are taken in the schema {there} on "
            f"{session.address}; nothing was changed",
            hint="Give the partitions other names, or rename what has these.",
        )
