"""The kinds of servers. Only this module names them all."""

from __future__ import annotations

from ghostpy import errors
from ghostpy.dialects.mysql.dialect import MySQLDialect
from ghostpy.protocols import Dialect
from ghostpy.settings import MigrateSettings


def dialect_for(settings: MigrateSettings) -> Dialect:
    """The dialect of the server that `settings` name. Raises UsageError for one that is not supported."""
    if settings.connect.dialect == "mysql":
        return MySQLDialect(settings)
    if settings.connect.dialect == "postgres":
        from ghostpy.dialects.postgres.dialect import PostgresDialect  # a run loads one driver

        return PostgresDialect(settings)
    raise errors.UsageError(
        f"{settings.connect.dialect} servers are not supported by this version", hint="Use a mysql:// or postgresql:// URL."
    )
