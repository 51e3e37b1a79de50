"""A table's indexes and the constraints that stand on them: what they are, and the SQL that makes them again."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.session import Session

PRIMARY, UNIQUE, EXCLUDE = "PRIMARY", "UNIQUE", "EXCLUDE"
NO_IDENTITY = "(no replica identity)"
"""In the place of the index by whose columns the stream tells changed rows apart."""
_KINDS = {"p": PRIMARY, "u": UNIQUE, "x": EXCLUDE}


class IndexDefinition(Struct, frozen=True):
    """One index. `create` runs in one transaction, under a search_path that begins with the table's schema.

    What `create` does to the table itself (a constraint that takes over an index) is of no length; the building is in CREATE INDEX,
    which lets reads and other CREATE INDEX go on. Only what cannot be made so (EXCLUDE, WITHOUT OVERLAPS) is built by ALTER TABLE.
    """

    name: str
    columns: tuple[str | None, ...]
    """The key columns (not those of INCLUDE); None for an expression."""
    unique: bool
    create: tuple[str, ...]
    constraint: str | None = None
    """PRIMARY, UNIQUE or EXCLUDE where a constraint stands on the index."""
    deferrable: bool = False
    nulls_not_distinct: bool = False
    partial: bool = False
    method: str = "btree"
    new: bool = False
    """Whether the ALTER added it: rows of the source have never been held to it."""
    clustered: bool = False
    replica_identity: bool = False
    on_partitions: tuple[str, ...] = ()
    """`create` for a partitioned table, whose constraints take over no index that stands already ("ALTER TABLE", USING INDEX)."""
    oid: int = 0
    """Of the index that this was read from."""
    attnums: tuple[int, ...] = ()
    valid: bool = True

    def as_new(self) -> IndexDefinition:
        """The same, added by the ALTER."""
        return replace(self, new=True)

    def for_partitions(self) -> IndexDefinition:
        """The same for a partitioned table."""
        return replace(self, create=self.on_partitions)

    @property
    def plain_columns(self) -> tuple[str, ...] | None:
        """The key columns where all of them are columns, else None."""
        columns = tuple(column for column in self.columns if column is not None)
        return columns if len(columns) == len(self.columns) else None

    @property
    def total(self) -> bool:
        """Whether it is unique, at any time and over all rows, in plain columns."""
        return self.unique and not self.deferrable and not self.partial and self.plain_columns is not None


_QUESTION = """
SELECT i.indexrelid::bigint AS oid, x.relname AS name, i.indisunique AS unique, i.indisvalid AND i.indisready AS valid,
       i.indisclustered AS clustered, i.indisreplident AS replica_identity, {nulls_not_distinct} AS nulls_not_distinct,
       pg_catalog.pg_get_indexdef(i.indexrelid, 0, false) AS definition,
       pg_catalog.format('CREATE %%sINDEX %%I ON ', CASE WHEN i.indisunique THEN 'UNIQUE ' END, x.relname) AS beginning,
       pg_catalog.format('%%I.%%I', n.nspname, t.relname) AS qualified, pg_catalog.quote_ident(t.relname) AS unqualified,
       am.amname AS method, coalesce(sp.spcname, '') AS tablespace, i.indpred IS NOT NULL AS partial,
       x.reloptions AS options, i.indkey::smallint[] AS attnums, i.indnkeyatts AS keys,
       ARRAY(SELECT a.attname::varchar FROM pg_catalog.unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
             WHERE k.place <= i.indnkeyatts ORDER BY k.place) AS columns,
       c.contype::varchar AS constraint, c.conname AS constraint_name, c.condeferrable AS deferrable, c.condeferred AS deferred,
       pg_catalog.pg_get_constraintdef(c.oid) AS constraint_definition, {temporal} AS temporal,
       pg_catalog.obj_description(c.oid, 'pg_constraint') AS constraint_comment,
       pg_catalog.obj_description(i.indexrelid, 'pg_class') AS comment,
       ARRAY(SELECT ARRAY[a.attnum::bigint, a.attstattarget::bigint] FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0 ORDER BY a.attnum) AS targets,
       ARRAY(SELECT e.extname::varchar FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = i.indexrelid AND d.deptype = 'x'
             ORDER BY 1) AS extensions
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
JOIN pg_catalog.pg_class t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = x.relam
LEFT JOIN pg_catalog.pg_tablespace sp ON sp.oid = x.reltablespace
LEFT JOIN pg_catalog.pg_constraint c
    ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
WHERE i.indrelid = %s::bigint::pg_catalog.oid
ORDER BY c.contype IS DISTINCT FROM 'p', x.relname
"""


async def read_indexes(session: Session, oid: int, *, doing: str) -> tuple[IndexDefinition, ...]:
    """The indexes of a table, the primary key first, the others by name; also those that are not valid."""
    version = session.connection.info.server_version
    question = _QUESTION.format(
        nulls_not_distinct="i.indnullsnotdistinct" if version >= 150000 else "false",
        temporal="coalesce(c.conperiod, false)" if version >= 180000 else "false",
    )
    return tuple(_index(_Read(*row)) for row in await session.query(question, [oid], doing=doing))


class _Read(Struct, frozen=True):
    """A row of the question."""

    oid: int
    name: str
    unique: bool
    valid: bool
    clustered: bool
    replica_identity: bool
    nulls_not_distinct: bool
    definition: str
    beginning: str
    qualified: str
    unqualified: str
    method: str
    tablespace: str
    partial: bool
    options: list[str] | None
    attnums: list[int]
    keys: int
    columns: list[str | None]
    constraint: str | None
    constraint_name: str | None
    deferrable: bool | None
    deferred: bool | None
    constraint_definition: str | None
    temporal: bool
    constraint_comment: str | None
    comment: str | None
    targets: list[list[int]]
    extensions: list[str]


def _index(read: _Read) -> IndexDefinition:
    return IndexDefinition(
        name=read.name,
        columns=tuple(read.columns),
        unique=read.unique,
        create=tuple(_create(read)),
        on_partitions=tuple(_create(read, partitioned=True)),
        constraint=None if read.constraint is None else _KINDS[read.constraint],
        deferrable=bool(read.deferrable),
        nulls_not_distinct=read.nulls_not_distinct,
        partial=read.partial,
        method=read.method,
        clustered=read.clustered,
        replica_identity=read.replica_identity,
        oid=read.oid,
        attnums=tuple(read.attnums),
        valid=read.valid,
    )


def _create(read: _Read, *, partitioned: bool = False) -> list[str]:
    index, table = quote.name(read.name), read.unqualified
    lines = [f"SET LOCAL default_tablespace = {quote.text(read.tablespace)}"] if read.tablespace else []
    if _KINDS.get(read.constraint or "") == EXCLUDE or read.temporal:
        lines.append(f"ALTER TABLE {table} ADD CONSTRAINT {index} {read.constraint_definition}")
        # The definition of WITHOUT OVERLAPS leaves them out.
        lines += [f"ALTER INDEX {index} SET ({settings(read.options)})"] if read.options else []
    elif partitioned and read.constraint:
        timing, options = _timing(read), settings(read.options)
        definition = (read.constraint_definition or "").removesuffix(timing)
        definition += f" WITH ({options})" if options else ""
        lines.append(f"ALTER TABLE {table} ADD CONSTRAINT {index} {definition}{timing}")
    else:
        unique = "UNIQUE " if read.unique else ""
        lines.append(f"CREATE {unique}INDEX {index} ON {table}{_tail(read)}")
        if read.constraint:
            lines.append(f"ALTER TABLE {table} ADD CONSTRAINT {index} {_kind(read)} USING INDEX {index}{_timing(read)}")
    lines += [f"ALTER INDEX {index} ALTER COLUMN {number} SET STATISTICS {target}" for number, target in read.targets]
    lines += [f"ALTER INDEX {index} DEPENDS ON EXTENSION {quote.name(extension)}" for extension in read.extensions]
    if read.comment is not None:
        lines.append(f"COMMENT ON INDEX {index} IS {quote.text(read.comment)}")
    if read.constraint_comment is not None:
        lines.append(f"COMMENT ON CONSTRAINT {index} ON {table} IS {quote.text(read.constraint_comment)}")
    if read.clustered:
        lines.append(f"ALTER TABLE {table} CLUSTER ON {index}")
    return [*lines, "SET LOCAL default_tablespace = ''"] if read.tablespace else lines


def _tail(read: _Read) -> str:
    """What follows the table's name in CREATE INDEX. The server writes the name qualified or not, by its version and the path."""
    for table in (read.qualified, read.unqualified):
        beginning = f"{read.beginning}{table} "
        if read.definition.startswith(beginning):
            return read.definition[len(beginning) - 1 :]
    raise ValueError(f"an index definition of an unknown form: {read.definition}")


def _kind(read: _Read) -> str:
    return "PRIMARY KEY" if read.constraint == "p" else "UNIQUE"


def _timing(read: _Read) -> str:
    if not read.deferrable:
        return ""
    return " DEFERRABLE INITIALLY DEFERRED" if read.deferred else " DEFERRABLE"


def settings(options: Sequence[str] | None, *, prefix: str = "") -> str:
    """Storage parameters as they stand in pg_class.reloptions, for a WITH or SET clause."""
    pairs = (option.partition("=") for option in options or ())
    return ", ".join(f"{prefix}{quote.name(name)}={quote.text(value)}" for name, _, value in pairs)
