"""An empty table with the source's columns and storage: what CREATE TABLE … LIKE carries over, and what it forgets of that kind.

LIKE is trusted with types, collations, defaults, generation, NOT NULL, storage, compression and the columns' comments ("CREATE TABLE",
LIKE). It forgets storage parameters, tablespace, access method, statistics targets, attribute options, the table's comment and security
labels, and gives identity sequences names and values of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.index_definitions import settings
from ghostpy.dialects.postgres.clone.sequences import OwnedSequence, read_sequences
from ghostpy.dialects.postgres.replay import path_of, run_under
from ghostpy.dialects.postgres.session import Session
from ghostpy.model.names import TableName

_LIKE = ("DEFAULTS", "GENERATED", "IDENTITY", "STORAGE", "COMPRESSION", "COMMENTS")
_TYPE_NAMES_TRIED = 5

_TABLE = """
SELECT c.oid::int8, coalesce(am.amname, ''), coalesce(sp.spcname, ''), c.reloptions, toast.reloptions,
       obj_description(c.oid, 'pg_class'), arrays.typname
FROM pg_class c
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
LEFT JOIN pg_class toast ON toast.oid = c.reltoastrelid
LEFT JOIN pg_type rows ON rows.oid = c.reltype
LEFT JOIN pg_type arrays ON arrays.oid = rows.typarray
WHERE c.oid = %s::regclass
"""

# -1 up to 16, NULL from 17 on, where no target is set.
_COLUMNS = """
SELECT attname, CASE WHEN attstattarget >= 0 THEN attstattarget::int4 END, attoptions FROM pg_attribute
WHERE attrelid = %s::int8::oid AND attnum > 0 AND NOT attisdropped AND (attstattarget >= 0 OR attoptions IS NOT NULL)
ORDER BY attnum
"""

_LABELS = """
SELECT l.provider, l.label, a.attname FROM pg_seclabel l
LEFT JOIN pg_attribute a ON a.attrelid = l.objoid AND a.attnum = l.objsubid AND l.objsubid > 0
WHERE l.classoid = 'pg_class'::regclass AND l.objoid = %s::int8::oid ORDER BY l.provider, l.objsubid
"""


class _Table(Struct, frozen=True):
    oid: int
    method: str
    tablespace: str
    options: list[str] | None
    toast_options: list[str] | None
    comment: str | None
    array_type: str | None

    @property
    def storage(self) -> str:
        """Storage parameters, for a WITH or SET clause."""
        return ", ".join(filter(None, [settings(self.options), settings(self.toast_options, prefix="toast.")]))


async def create_bare(
    session: Session, source: TableName, clone: TableName, owned: Sequence[OwnedSequence], *, partitioned_by: str = ""
) -> None:
    """Make `clone`, in a schema that is there, within a transaction.

    `owned`: the source's sequences. `partitioned_by`: what follows PARTITION BY, if it is to be so.
    """
    doing = f"making an empty clone of {source}"
    table = await _table(session, source, doing)
    create = _create(session, source, clone, table, partitioned_by)
    path = path_of(clone, source)
    await run_under(session, path, [create], doing=doing)
    await _same_array_type(session, source, clone, table, create, doing)
    settled = [
        *await _settled_identities(session, clone, owned, doing),
        *await _attributes(session, clone, table, doing),
        *(_comment("SEQUENCE", TableName(clone.schema, s.name), s.comment) for s in owned if s.identity and s.comment),
    ]
    await run_under(session, path, settled, doing=doing)


async def _table(session: Session, name: TableName, doing: str) -> _Table:
    return _Table(*(await session.query(_TABLE, [quote.table(name)], doing=doing))[0])


def _create(session: Session, source: TableName, clone: TableName, table: _Table, partitioned_by: str) -> str:
    version = session.connection.info.server_version
    like = " ".join(f"INCLUDING {what}" for what in _LIKE if what != "COMPRESSION" or version >= 140000)
    create = f"CREATE TABLE {quote.table(clone)} (LIKE {quote.table(source)} {like})"
    if partitioned_by:
        # The rows' storage is the partitions' affair ("CREATE TABLE", storage parameters).
        create += f" PARTITION BY {partitioned_by}\n"
    else:
        create += f" USING {quote.name(table.method)}" if table.method else ""
        create += f" WITH ({table.storage})" if table.storage else ""
    return create + (f" TABLESPACE {quote.name(table.tablespace)}" if table.tablespace else "")


async def _same_array_type(
    session: Session, source: TableName, clone: TableName, table: _Table, create: str, doing: str
) -> None:
    """See that the clone's array type can take the place of the source's.

    The server names it after the table, with an underline before it, or otherwise where that name is taken in the schema; and it
    cannot be renamed. So the names that it would choose are taken until it comes to the right one.
    """
    taken: list[str] = []
    while (given := (await _table(session, clone, doing)).array_type) != table.array_type:
        if given is None or len(taken) == _TYPE_NAMES_TRIED:
            return
        placeholder = quote.table(TableName(clone.schema, given))
        taken.append(placeholder)
        again = [f"DROP TABLE {quote.table(clone)}", f"CREATE TYPE {placeholder} AS ENUM ()", create]
        await run_under(session, path_of(clone, source), again, doing=doing)
    for placeholder in taken:
        await session.execute(f"DROP TYPE {placeholder}", doing=doing)


async def _settled_identities(
    session: Session, clone: TableName, owned: Sequence[OwnedSequence], doing: str
) -> list[str]:
    """Identity sequences get the names of the source's, by way of names that none of them has.

    And their types: LIKE makes all of them bigint with the bounds of the other, which then would not grow with the column's type.
    """
    wanted = [sequence for sequence in owned if sequence.identity]
    if not wanted:
        return []
    given = [sequence for sequence in await read_sequences(session, clone, doing=doing) if sequence.identity]
    away, back = [], []
    for number, (sequence, model) in enumerate(zip(given, wanted, strict=True)):
        if sequence.name != model.name:
            between = TableName(clone.schema, f"_ghostpy_identity_{number}")
            away.append(f"ALTER SEQUENCE {sequence.full} RENAME TO {quote.name(between.table)}")
            back.append(f"ALTER SEQUENCE {quote.table(between)} RENAME TO {quote.name(model.name)}")
        if sequence.data_type != model.data_type:
            back.append(f"ALTER SEQUENCE {quote.table(TableName(clone.schema, model.name))} AS {model.data_type}")
    return away + back


async def _attributes(session: Session, clone: TableName, table: _Table, doing: str) -> list[str]:
    full = quote.table(clone)
    statements = [_comment("TABLE", clone, table.comment)] if table.comment is not None else []
    for column, target, options in await session.query(_COLUMNS, [table.oid], doing=doing):
        alter = f"ALTER TABLE {full} ALTER COLUMN {quote.name(column)}"
        if target is not None:
            statements.append(f"{alter} SET STATISTICS {target}")
        # What servers note there for themselves, as 15.20 does with pg_attver, cannot be set.
        given = [option for option in options or () if not option.startswith("pg_")]
        if given:
            statements.append(f"{alter} SET ({settings(given)})")
    for provider, label, column in await session.query(_LABELS, [table.oid], doing=doing):
        on = f"COLUMN {full}.{quote.name(column)}" if column is not None else f"TABLE {full}"
        statements.append(f"SECURITY LABEL FOR {quote.name(provider)} ON {on} IS {quote.text(label)}")
    return statements


async def of_partitions(session: Session, source: TableName, clone: TableName, leaves: Sequence[str]) -> list[str]:
    """Statements that give partitions of `clone` what they have not from it: storage, where none is set, and statistics targets."""
    doing = f"making an empty clone of {source}"
    table = await _table(session, source, doing)
    statements = await _attributes(session, clone, table, doing)
    for leaf in leaves if table.storage else ():
        own = await _table(session, clone.beside(leaf), doing)
        if not own.storage:
            statements.append(f"ALTER TABLE {quote.table(clone.beside(leaf))} SET ({table.storage})")
    return statements


def _comment(kind: str, name: TableName, comment: str | None) -> str:
    return f"COMMENT ON {kind} {quote.table(name)} IS {quote.text(comment or '')}"
