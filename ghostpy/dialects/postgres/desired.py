"""What leads from a table to the one that is desired, found by carrying the desired text out beside it.

Two empty tables are made, each in a schema of its own: the desired one, and a twin of the table as it is. The server describes both, and
the statements that are found are carried out on the twin; they count only where it is described like the desired one then. All of it
happens in one transaction that is rolled back, so that nobody else ever sees anything of it, and nothing can be left.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from ghostpy import errors
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.lent_sequences import lent_defaults
from ghostpy.dialects.postgres.in_place.marks import Leftovers, find_leftovers
from ghostpy.dialects.postgres.in_place.parent_stand_ins import stand_in_for
from ghostpy.dialects.postgres.in_place.stand_in import make_stand_in, users_of_columns
from ghostpy.dialects.postgres.names import helper_names
from ghostpy.dialects.postgres.session import Session, opened
from ghostpy.dialects.postgres.shape_reading import own_defaults, read_shape
from ghostpy.dialects.postgres.target import schema_of, split_name
from ghostpy.model.names import TableName
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.planning.lookalikes import alike, check_renames
from ghostpy.planning.postgres_alter_between import Between, statements, told
from ghostpy.planning.postgres_columns import names_behind, redirected
from ghostpy.planning.postgres_desired import DesiredTable, other_statements, read_desired
from ghostpy.planning.postgres_shape import ConstraintShape, IndexShape, TableShape, differing
from ghostpy.settings import MigrateSettings

_NOTHING = "Nothing was changed."
_LOCK_WAIT = "5s"
_PARENTS = "REFERENCES"
_SOURCE = """
SELECT c.oid::int8, c.relkind::text, EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)), c.reloftype <> 0
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
_THERE = "SELECT to_regclass(%s) IS NOT NULL"


class PostgresDiffer:
    """Fulfils `Differ`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        self._desired: DesiredTable = read_desired(settings.target.desired)
        schema, table = split_name(settings.target.table) if settings.target.table else (None, self._desired.table)
        self._schema, self._source = schema or self._desired.schema, TableName("", table)

    async def difference(self) -> SchemaDifference:
        async with opened(self._settings.connect, purpose="diff") as session:
            schema = self._schema or await schema_of(session, self._source.table)
            self._source = TableName(schema, self._source.table)
            async with session.transaction(keep=False, doing="comparing the table with the desired one"):
                await session.execute(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'", doing="setting a time limit")
                return await _Comparison(session, self._source, self._desired, self._settings).made()


class _Comparison:
    """One, within its transaction."""

    def __init__(self, session: Session, source: TableName, desired: DesiredTable, settings: MigrateSettings) -> None:
        self._session = session
        self._source = source
        self._desired = desired
        self._settings = settings
        random = secrets.token_hex(8)
        self._wanted = TableName(f"_ghostpy_desired_{random}", source.table)
        self._twin = TableName(f"_ghostpy_twin_{random}", source.table)
        self._oid = 0
        self._parents: dict[str, str] = {}
        """The tables that stand for others, with those; quoted and qualified by the server."""
        self._stands: dict[TableName, dict[str, str]] = {self._wanted: {}, self._twin: {}}
        """For each of the two tables, by the tables that foreign keys point to, what stands for them."""
        self._own: Mapping[str, str] = {}

    async def made(self) -> SchemaDifference:
        await self._look_at_source()
        twin = await self._make_twin()
        wanted_oid = await self._make_wanted()
        wanted = await self._read(wanted_oid)
        renames, notes = check_renames(self._settings.target.renames, (await self._read(twin)).names, wanted.names)
        between = Between(wanted, wanted, renames, self._session.connection.info.server_version)
        for change in between.rename_changes(self._twin):
            await self._do(change.sql, "the server refuses --rename-column")
        own = {dict(renames).get(column, column): default for column, default in self._own.items()}
        self._own = own
        between = Between(await self._read(twin), await self._read(wanted_oid), renames, between.version)
        try:
            changes = between.changes(self._source)
        except errors.PlanRefused as error:
            raise self._refused(error.message, hint=error.hint) from error
        lines = statements(changes, self._source)
        if lines:
            await self._prove(twin, between, lines)
        return SchemaDifference(
            self._source,
            alter=";\n".join(lines),
            changes=changes,
            alike=alike(told(between.dropped), told(between.added)),
            notes=(*notes, *between.notes()),
        )

    async def _look_at_source(self) -> None:
        rows = await self._session.query(
            _SOURCE, [self._source.schema, self._source.table], doing="looking for the table"
        )
        if not rows:
            hint = f"{_NOTHING} Check --table and the database. A new table is made by its CREATE TABLE itself."
            raise self._refused("there is no such table, or no right to see it", hint=hint)
        self._oid, kind, inherits, typed = rows[0]
        if kind == "p":
            raise self._refused("it is divided into partitions, and such tables are not migrated yet")
        if kind != "r":
            raise self._refused("it is not a table of rows")
        if inherits:
            raise self._refused(
                "it inherits from another table, or another one from it, which CREATE TABLE alone does not say"
            )
        if typed:
            raise self._refused("its columns are those of a type (OF)")
        # A dead run may have let sequences go, and not given them back.
        ledger = helper_names(self._source, base=self._settings.target.force_table_names).ledger
        lent = await lent_defaults(self._session, ledger, self._source)
        self._own = {**lent, **await own_defaults(self._session, self._oid)}

    # --- the twin ----------------------------------------------------------------------------------------------------

    async def _make_twin(self) -> int:
        """A twin that the server describes like the table itself. Raises PlanRefused where none can be made."""
        left = await find_leftovers(self._session, self._source)
        source = _without(await self._read(self._oid), left)
        for index in source.indexes:
            if not index.valid:
                raise self._refused(
                    f"its index {index.name} is not valid: somebody's CREATE INDEX CONCURRENTLY did not come to its end",
                    hint=f"{_NOTHING} Drop the index {index.name}, then run the same command again.",
                )
        oid = await make_stand_in(self._session, self._source, self._oid, self._twin, left=left, taken=frozenset())
        table = quote.table(self._twin)
        await self._run(f"DROP VIEW IF EXISTS {users_of_columns(self._twin)}")
        for name, value in source.options.items():
            await self._run(f"ALTER TABLE {table} SET ({name} = {quote.text(value)})")
        if source.unlogged:
            await self._run(f"ALTER TABLE {table} SET UNLOGGED")
        if source.comment is not None:
            await self._run(f"COMMENT ON TABLE {table} IS {quote.text(source.comment)}")
        for column in source.columns:
            if column.comment is not None:
                await self._run(f"COMMENT ON COLUMN {table}.{quote.name(column.name)} IS {quote.text(column.comment)}")
            if column.identity:
                # LIKE makes all of them bigint.
                sequence = await self._session.scalar(
                    "SELECT pg_get_serial_sequence(%s, %s)", [table, column.name], doing="looking for a sequence"
                )
                await self._run(f"ALTER SEQUENCE {sequence} AS {column.type_text}")
        self._parents[await self._spelled(self._twin)] = await self._spelled(self._source)
        for each in source.constraints:
            if each.parent:
                # The stand-in has its foreign keys without all that they do.
                name = quote.name(each.name)
                await self._run(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
                await self._run(
                    await self._to_stand_ins(f"ALTER TABLE {table} ADD CONSTRAINT {name} {each.definition}", self._twin)
                )
        unlike = differing(source, await self._read(oid))
        if unlike:
            raise self._refused(f"it cannot be compared: an empty copy of it differs in {', '.join(unlike)}")
        return oid

    # --- the desired table -------------------------------------------------------------------------------------------

    async def _make_wanted(self) -> int:
        await self._run(f"CREATE SCHEMA {quote.name(self._wanted.schema)}")
        table = quote.table(self._wanted)
        columns = await self._to_stand_ins(self._desired.columns, self._wanted)
        lines = [self._desired.create(table, columns)]
        for line in other_statements(self._desired.others, table):
            lines.append(await self._to_stand_ins(line, self._wanted))
        for line in lines:
            await self._do(line, "the server refuses the desired table")
        oid = await self._session.scalar(
            "SELECT to_regclass(%s)::oid::int8", [table], doing="looking for the desired table"
        )
        self._parents[await self._spelled(self._wanted)] = await self._spelled(self._source)
        return int(oid)

    async def _to_stand_ins(self, text: str, table: TableName) -> str:
        """`text` with stand-ins in the place of the tables that foreign keys point to: those would be locked."""
        names = []
        stands = self._stands[table]
        for written in names_behind(text, _PARENTS):
            found = await stand_in_for(self._session, written, self._oid, table, stands)
            if found == written and await self._session.scalar(_THERE, [written], doing="looking for a parent"):
                raise errors.MissingPrivilege(
                    f"{self._source} on {self._session.address}: the desired table has a foreign key to {written}, which our role "
                    "may not read, or which is not a table",
                    hint=f"{_NOTHING} GRANT SELECT ON {written} TO our role, then run the same command again.",
                )
            names.append(found)
        self._parents.update({stand: real for real, stand in stands.items()})
        return redirected(text, _PARENTS, names)

    # --- the proof ---------------------------------------------------------------------------------------------------

    async def _prove(self, twin: int, between: Between, lines: Sequence[str]) -> None:
        """See that the server makes the desired table of the twin. Raises PlanRefused where it does not."""
        trial = between.changes(self._twin)[len(between.renames) :]
        shown = "; ".join(" ".join(line.split()) for line in lines)
        for line in statements(trial, self._twin):
            redirected_line = await self._to_stand_ins(line, self._twin)
            await self._do(
                redirected_line,
                f"no single ALTER is known that leads to the desired table: of the one found, {shown}, the server says",
                hint=f"{_NOTHING} Where a change of type needs a USING, say it by --alter.",
            )
        left = differing(await self._read(twin), between.wanted)
        if left:
            raise self._refused(
                f"no single ALTER is known that leads to the desired table: {', '.join(left)} would differ after {shown}"
            )

    # --- the server --------------------------------------------------------------------------------------------------

    async def _read(self, oid: int) -> TableShape:
        return await read_shape(self._session, oid, self._parents, self._own)

    async def _spelled(self, table: TableName) -> str:
        return str(
            await self._session.scalar(
                "SELECT format('%%I.%%I', %s::text, %s::text)", [table.schema, table.table], doing="spelling a name"
            )
        )

    async def _run(self, sql: str) -> None:
        await self._session.execute(sql, doing="making an empty twin of the table")

    async def _do(self, sql: str, why: str, *, hint: str = _NOTHING) -> None:
        try:
            await self._session.execute(sql, doing="trying it on an empty table")
        except (errors.ServerGone, errors.TransientError, errors.MissingPrivilege):
            raise
        except errors.GhostpyError as error:
            raise self._refused(f"{why}: {error.message}", hint=hint) from error

    def _refused(self, why: str, *, hint: str = _NOTHING) -> errors.PlanRefused:
        return errors.PlanRefused(f"{self._source} on {self._session.address}: {why}", hint=hint)


def _without(shape: TableShape, left: Leftovers) -> TableShape:
    """The shape without what a change in steps that died has left."""

    def kept(parts: Sequence[ConstraintShape] | Sequence[IndexShape], names: Sequence[str]) -> list[str]:
        return [each.name for each in parts if each.name not in names]

    constraints, indexes = kept(shape.constraints, left.constraints), kept(shape.indexes, left.indexes)
    return TableShape(
        columns=tuple(column for column in shape.columns if column.name not in left.columns),
        constraints=tuple(each for each in shape.constraints if each.name in constraints),
        indexes=tuple(each for each in shape.indexes if each.name in indexes),
        options=shape.options,
        unlogged=shape.unlogged,
        method=shape.method,
        comment=shape.comment,
    )
