"""The kinds of servers. Only this module names them all. Each is imported when it is needed: a run loads one driver."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

from ghostpy import errors
from ghostpy.model.names import HelperNames, TableName, helper_names
from ghostpy.protocols import Applying, BackfillDialect, Dialect, Differ, Expanding, Leftovers, Pair
from ghostpy.settings import ConnectSettings, MigrateSettings, PairSettings


def dialect_for(settings: MigrateSettings) -> Dialect:
    """The dialect of the server that `settings` name. Raises UsageError for one that is not supported."""
    if settings.connect.dialect == "mysql":
        from ghostpy.dialects.mysql.dialect import MySQLDialect

        return MySQLDialect(settings)
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.dialect import PostgresDialect

        return PostgresDialect(settings)
    raise errors.UsageError(
        f"{settings.connect.dialect} servers are not supported by this version",
        hint="Use a mysql:// or postgresql:// URL.",
    )


def backfill_dialect_for(settings: MigrateSettings) -> BackfillDialect:
    """The same for a backfill."""
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.backfill_dialect import PostgresBackfill

        return PostgresBackfill(settings)
    from ghostpy.dialects.mysql.backfill_dialect import MySQLBackfill

    return MySQLBackfill(settings)


def expanding_for(settings: MigrateSettings) -> Expanding:
    """The same for an expansion, its contraction, and the way back."""
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.expanding import PostgresExpanding

        return PostgresExpanding(settings)
    from ghostpy.dialects.mysql.expanding import MySQLExpanding

    return MySQLExpanding(settings)


def applying_for(settings: MigrateSettings) -> Applying:
    """The same for a script."""
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.applying import PostgresApplying

        return PostgresApplying(settings)
    from ghostpy.dialects.mysql.applying import MySQLApplying

    return MySQLApplying(settings)


def differ_for(settings: MigrateSettings) -> Differ:
    """Finds what leads to the desired table that `settings` name. Raises UsageError where its text is not to be carried out."""
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.desired import PostgresDiffer

        return PostgresDiffer(settings)
    from ghostpy.dialects.mysql.desired import MySQLDiffer

    return MySQLDiffer(settings)


def names_of(settings: MigrateSettings) -> tuple[TableName, HelperNames]:
    """The table and what a run makes beside it, as far as that is known without asking the server; for messages."""
    target = settings.target
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.target import expected_names

        return expected_names(target)
    from ghostpy.dialects.mysql.quote import NAME_LIMIT

    source = TableName(target.database, target.table)
    return source, helper_names(source, limit=NAME_LIMIT, base=target.force_table_names)


def drop_statement(connect: ConnectSettings, old: TableName) -> str:
    """What removes an old table, and the schema that was made for it; to show."""
    if connect.dialect == "postgres":
        from ghostpy.dialects.postgres import quote as postgres

        return f"DROP TABLE {postgres.table(old)}; DROP SCHEMA {postgres.name(old.schema)}"
    from ghostpy.dialects.mysql import quote as mysql

    return f"DROP TABLE {mysql.table(old)}"


def quoted(connect: ConnectSettings, table: TableName) -> str:
    """A table's name in the server's SQL; to show."""
    if connect.dialect == "postgres":
        from ghostpy.dialects.postgres import quote as postgres

        return postgres.table(table)
    from ghostpy.dialects.mysql import quote as mysql

    return mysql.table(table)


def leftovers_of(connect: ConnectSettings) -> AbstractAsyncContextManager[Leftovers]:
    """What dead runs have left, for the length of a block. Raises ConnectionFailed."""
    if connect.dialect == "postgres":
        from ghostpy.dialects.postgres.leftovers import leftovers

        return leftovers(connect)
    from ghostpy.dialects.mysql.leftovers import leftovers as of_mysql

    return of_mysql(connect)


def pair_of(settings: PairSettings) -> AbstractAsyncContextManager[Pair]:
    """Two tables to be compared, for the length of a block. Raises ConnectionFailed, UsageError."""
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.pair import pair

        return pair(settings)
    from ghostpy.dialects.mysql.pair import pair as of_mysql

    return of_mysql(settings)
