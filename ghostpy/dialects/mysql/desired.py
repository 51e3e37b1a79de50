"""What leads from a table to the one that is desired, found by carrying the desired text out beside it.

Two empty tables are made in the table's own database: the desired one, and a twin of the table as it is. The server describes both, and
the clauses that are found are carried out on a twin; they count only where it is described like the desired one then. The tables have
names with a random part, under a lock that lasts as long as the session: what a kill leaves, `ghostpy cleanup` knows to be left.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.housekeeping import drop_at_last, lock_name
from ghostpy.dialects.mysql.inspect import describe
from ghostpy.dialects.mysql.server_checks import ENGINES
from ghostpy.dialects.mysql.session import Session, opened
from ghostpy.dialects.mysql.topology import working_server
from ghostpy.model.names import TableName
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.model.table import Table
from ghostpy.planning.alter_between import Between, alter_text, differing, told
from ghostpy.planning.desired_text import DesiredTable, read_desired
from ghostpy.planning.lookalikes import alike, check_renames
from ghostpy.planning.table_shape import TableShape, comparable, read_shape
from ghostpy.settings import MigrateSettings

NAME_BEGINS = "_ghostpy_desired_"
"""Names of the tables that are made for it; what follows is `RANDOM_DIGITS` long."""
RANDOM_DIGITS = 16
_CLEAN_UP_LIMIT = 30.0
_LONGEST_WAIT = 10
"""Seconds for a table that somebody else holds."""
_NOTHING = "Nothing was changed."
_AUTOMATIC_CHECK = "_chk_"
# They change how the server reads quotes and writes descriptions; the texts of both tables must be read alike.
_MODES_REMOVED = frozenset(
    {"ANSI", "ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "NO_TABLE_OPTIONS", "NO_KEY_OPTIONS", "NO_FIELD_OPTIONS"}
    # MariaDB's names for several, these among them.
    | {"DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "ORACLE", "POSTGRESQL"}
)


class MySQLDiffer:
    """Fulfils `Differ`."""

    def __init__(self, settings: MigrateSettings) -> None:
        self._settings = settings
        target = settings.target
        self._desired: DesiredTable = read_desired(target.desired)
        self._source = TableName(target.database or self._desired.database or "", target.table or self._desired.table)

    async def difference(self) -> SchemaDifference:
        connect = await asyncio.to_thread(working_server, self._settings.connect, self._settings.topology)
        async with opened(connect, purpose="diff") as session:
            modes = await _plain_quotes(session)
            source = await self._described(session)
            async with _scratch(session, source.name) as (wanted_name, twin_name):
                wanted = await self._wanted(session, wanted_name, ansi_quotes="ANSI_QUOTES" in modes)
                between, notes = await self._between(session, source, twin_name, wanted)
                changes = between.changes()
                clauses = alter_text(changes)
                if clauses:
                    await self._proven(session, source, twin_name, between, clauses)
        if "\\" in clauses and "NO_BACKSLASH_ESCAPES" in modes:
            raise self._refused(
                "the change holds a backslash in a string, which the server's sql_mode (NO_BACKSLASH_ESCAPES) takes for a "
                f"character like any other: ALTER TABLE {quote.table(source.name)} {clauses}"
            )
        return SchemaDifference(
            source.name,
            alter=f"ALTER TABLE {quote.table(source.name)}\n  {clauses}" if clauses else "",
            changes=changes,
            alike=alike(told(between.dropped), told(between.added)),
            notes=(*notes, *_notes(between)),
        )

    async def _described(self, session: Session) -> Table:
        table = await describe(session, self._source)
        if table is None:
            hint = f"{_NOTHING} Check --database and --table. A new table is made by its CREATE TABLE itself."
            raise self._refused("there is no such table, or no right to see it", hint=hint)
        if table.kind != "BASE TABLE":
            raise self._refused(f"it is a {table.kind.lower()}, not a table of rows")
        if str(table.engine).lower() not in {str(engine).lower() for engine in ENGINES}:
            raise self._refused(f"its storage engine is {table.engine}; only InnoDB is migrated")
        if table.foreign_keys_out:
            names = ", ".join(key.name for key in table.foreign_keys_out)
            raise self._refused(f"it has foreign keys ({names}), which are not migrated yet")
        return table

    async def _wanted(self, session: Session, name: TableName, *, ansi_quotes: bool) -> TableShape:
        given = self._desired.check_names
        ours = [f"{name.table}_{number}" for number in range(len(given))]
        create = self._desired.create(quote.table(name), [quote.name(each) for each in ours], ansi_quotes=ansi_quotes)
        try:
            await session.execute(create, doing="making the desired table, empty, beside it")
        except (errors.ServerGone, errors.TransientError, errors.MissingPrivilege):
            raise
        except errors.GhostpyError as error:
            raise self._refused(f"the server refuses the desired CREATE TABLE: {error.message}") from error
        made = await describe(session, name)
        if made is None or str(made.engine).lower() not in {str(engine).lower() for engine in ENGINES}:
            raise self._refused(f"the desired table has the storage engine {made.engine if made else 'of nothing'}")
        shape = await self._shape(session, name)
        names = dict(zip(ours, given, strict=True))
        # A name that the server has chosen is no wish.
        chosen = {each.name: "" for each in shape.checks if each.name.startswith(f"{name.table}{_AUTOMATIC_CHECK}")}
        return shape.with_check_names({**chosen, **names})

    async def _between(
        self, session: Session, source: Table, twin: TableName, wanted: TableShape
    ) -> tuple[Between, tuple[str, ...]]:
        await self._twin(session, source, twin)
        now = await self._shape(session, twin)
        original = await self._shape(session, source.name)
        renames, notes = self._renames(now, wanted)
        checks = _names_of_checks(original, now)
        if renames:
            listed = ", ".join(f"RENAME COLUMN {quote.name(old)} TO {quote.name(new)}" for old, new in renames)
            try:
                await session.execute(f"ALTER TABLE {quote.table(twin)} {listed}", doing="trying the renames")
            except (errors.ServerGone, errors.TransientError):
                raise
            except errors.GhostpyError as error:
                raise self._refused(f"the server refuses --rename-column: {error.message}") from error
            now = await self._shape(session, twin)
        return Between(now.with_check_names(checks), wanted, renames), notes

    def _renames(self, now: TableShape, wanted: TableShape) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Columns' names are the same in upper and lower case."""
        given = [(old.casefold(), new.casefold()) for old, new in self._settings.target.renames]
        renames, notes = check_renames(given, _folded(now.names), _folded(wanted.names))
        found = []
        for old, new in renames:
            source, target = now.column(old), wanted.column(new)
            assert source is not None
            assert target is not None
            found.append((source.name, target.name))
        return tuple(found), notes

    async def _proven(self, session: Session, source: Table, twin: TableName, between: Between, clauses: str) -> None:
        """See that the server makes the desired table of the twin. Raises PlanRefused where it does not."""
        await session.execute(f"DROP TABLE {quote.table(twin)}", doing="dropping the twin")
        await self._twin(session, source, twin)
        original, now = await self._shape(session, source.name), await self._shape(session, twin)
        back = {real: own for own, real in _names_of_checks(original, now).items()}
        trial = replace(between, now=between.now.with_check_names(back))
        shown = f"ALTER TABLE {quote.table(source.name)} {clauses}"
        try:
            await session.execute(
                f"ALTER TABLE {quote.table(twin)} {alter_text(trial.changes(name_checks=False))}",
                doing="trying the ALTER on an empty twin",
            )
        except (errors.ServerGone, errors.TransientError):
            raise
        except errors.GhostpyError as error:
            raise self._refused(
                f"no single ALTER is known that leads to the desired table: of the one found, {shown}, the server says: {error.message}"
            ) from error
        left = differing(await self._shape(session, twin), between.wanted)
        if left:
            raise self._refused(
                f"no single ALTER is known that leads to the desired table: {', '.join(left)} would differ after {shown}"
            )

    async def _twin(self, session: Session, source: Table, twin: TableName) -> None:
        await session.execute(
            f"CREATE TABLE {quote.table(twin)} LIKE {quote.table(source.name)}",
            doing="making an empty twin of the table",
        )

    async def _shape(self, session: Session, name: TableName) -> TableShape:
        doing = f"describing {name}"
        where = f"TABLE_SCHEMA = {quote.text(name.schema)} AND TABLE_NAME = {quote.text(name.table)}"
        created = await session.query(f"SHOW CREATE TABLE {quote.table(name)}", doing=doing)
        columns = await session.query(
            f"SELECT COLUMN_NAME, CHARACTER_SET_NAME, COLLATION_NAME FROM information_schema.COLUMNS WHERE {where}",
            doing=doing,
        )
        collation = await session.scalar(
            f"SELECT TABLE_COLLATION FROM information_schema.TABLES WHERE {where}", doing=doing
        )
        charset = await session.scalar(
            "SELECT CHARACTER_SET_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY "
            f"WHERE {self._collation_name(session)} = {quote.text(str(collation))}",
            doing=doing,
        )
        try:
            return read_shape(
                str(created[0][1]),
                {str(column): (str(of), str(by)) for column, of, by in columns if by is not None},
                (str(charset), str(collation)),
            )
        except errors.PlanRefused as error:
            raise self._refused(error.message) from error

    @staticmethod
    def _collation_name(session: Session) -> str:
        # MariaDB's newer collations have names that are whole only there.
        return "FULL_COLLATION_NAME" if session.mariadb else "COLLATION_NAME"

    def _refused(self, why: str, *, hint: str = _NOTHING) -> errors.PlanRefused:
        return errors.PlanRefused(f"{self._source} on {self._settings.connect.address}: {why}", hint=hint)


def _folded(names: Iterable[str]) -> list[str]:
    return [name.casefold() for name in names]


def _notes(between: Between) -> tuple[str, ...]:
    return tuple(
        f"the CHECK constraint {now} is the desired {wanted}; its name counts for nothing, for a copied table cannot keep it"
        for now, wanted in between.renamed_checks()
    )


def _names_of_checks(original: TableShape, twin: TableShape) -> dict[str, str]:
    """What the twin's CHECK constraints, which have names of their own, are called in the table itself."""
    left, found = list(original.checks), {}
    for check in twin.checks:
        match = next((each for each in left if comparable(each.text) == comparable(check.text)), None)
        if match is not None:
            left.remove(match)
            found[check.name] = match.name
    return found


async def _plain_quotes(session: Session) -> frozenset[str]:
    """Have the session read and write quotes as this program does; the modes that it had."""
    modes = str(await session.scalar("SELECT @@SESSION.sql_mode", doing="asking for the sql_mode")).upper().split(",")
    kept = ",".join(mode for mode in modes if mode and mode not in _MODES_REMOVED)
    await session.execute(
        f"SET SESSION sql_mode = {quote.text(kept)}, SESSION sql_quote_show_create = 1, SESSION lock_wait_timeout = {_LONGEST_WAIT}",
        doing="setting the sql_mode",
    )
    return frozenset(modes)


@asynccontextmanager
async def _scratch(session: Session, source: TableName) -> AsyncIterator[tuple[TableName, TableName]]:
    """Names for two tables, under their locks; what is made of them is gone afterwards, however the block ends."""
    names = [source.beside(f"{NAME_BEGINS}{secrets.token_hex(RANDOM_DIGITS // 2)}") for _ in range(2)]
    for name in names:
        await session.scalar(f"SELECT GET_LOCK('{lock_name(name)}', 0)", doing="taking a lock")
    try:
        yield names[0], names[1]
    except BaseException as error:
        await _remove(session, names, source, error)
        raise
    await _remove(session, names, source)


async def _remove(
    session: Session, names: Iterable[TableName], source: TableName, ended: BaseException | None = None
) -> None:
    """Where that cannot be done, `ended` says so, or ServerGone is raised."""
    for name in names:
        try:
            async with asyncio.timeout(_CLEAN_UP_LIMIT):
                await drop_at_last(session, name)
        except (errors.GhostpyError, TimeoutError) as failure:
            left = f"{name}, an empty table, may be left behind; `ghostpy cleanup` removes it."
            if ended is None:
                raise errors.ServerGone(f"{failure or 'The server does not answer.'} {left}") from failure
            ended.add_note(f"{source} was not changed. {left}")
