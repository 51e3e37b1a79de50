"""`op.ghostpy_alter("orders", "ADD COLUMN note text")` in Alembic's migrations, once this module is imported.

docs/library.md tells how it is used, and what becomes of the transaction that a migration runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Unpack

from alembic.ddl.impl import DefaultImpl
from alembic.operations import MigrateOperation, Operations
from sqlalchemy.engine import URL

from ghostpy.api import OnProgress, Result, Settings, amigrate
from ghostpy.api.running import in_a_loop, to_end, to_end_beside_a_loop
from ghostpy.errors import UsageError
from ghostpy.integrations.servers import of_mysql, of_postgres, plain_statement


@Operations.register_operation("ghostpy_alter")
class GhostpyAlter(MigrateOperation):
    """One change of one table, by ghostpy."""

    def __init__(
        self,
        table_name: str,
        alter: str,
        schema: str | None,
        on_progress: OnProgress | None,
        settings: Mapping[str, Any],
    ) -> None:
        self.table_name = table_name
        self.alter = alter
        self.schema = schema
        self.on_progress = on_progress
        self.settings = settings

    @classmethod
    def ghostpy_alter(
        cls,
        operations: Operations,
        table_name: str,
        alter: str = "",
        *,
        schema: str | None = None,
        url: str | None = None,
        on_progress: OnProgress | None = None,
        **settings: Unpack[Settings],
    ) -> Result | None:
        """Change a table while it is written to. None offline (`--sql`), where the plain ALTER TABLE is written.

        What the migration has done before is committed, as by `autocommit_block`. `url`: where the way to the server is not that of the
        migration's own connection. Raises as `ghostpy.migrate` does, UsageError where the transaction is not Alembic's to commit.
        """
        given = {**settings, **({} if url is None else {"url": url})}
        outcome: Result | None = operations.invoke(cls(table_name, alter, schema, on_progress, given))
        return outcome


@Operations.implementation_for(GhostpyAlter)
def _carry_out(operations: Operations, operation: GhostpyAlter) -> Result | None:
    context = operations.get_context()
    if not isinstance(operations.impl, DefaultImpl):
        raise UsageError(
            f"The change of {operation.table_name} stands within batch_alter_table.", hint="Use op.ghostpy_alter."
        )
    if context.as_sql:
        _write(operations, operation)
        return None
    connection = operations.get_bind()
    settings = {**({} if "url" in operation.settings else _where(connection.engine.url)), **operation.settings}
    table = operation.table_name
    if connection.dialect.name == "postgresql":
        table = ".".join('"' + each.replace('"', '""') + '"' for each in (operation.schema, table) if each)
    elif operation.schema:
        settings["database"] = operation.schema
    if connection.in_transaction() and context._in_external_transaction:
        raise UsageError(
            f"The migration runs in a transaction that is not Alembic's own, whose locks the change of {operation.table_name} "
            "might wait for in vain; nothing was changed by ghostpy.",
            hint="Hand env.py's context.configure() a connection without a transaction.",
        )
    start = partial(amigrate, table=table, alter=operation.alter, on_progress=operation.on_progress, **settings)
    with context.autocommit_block():
        return _to_end(start)


def _to_end(start: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    # An env.py for an asyncio driver runs the migrations within its loop.
    return to_end_beside_a_loop(start) if in_a_loop() else to_end(start, "amigrate")


def _write(operations: Operations, operation: GhostpyAlter) -> None:
    implementation, preparer = operations.impl, operations.impl.dialect.identifier_preparer
    assert isinstance(implementation, DefaultImpl)
    quoted = preparer.quote(operation.table_name)
    if operation.schema:
        quoted = f"{preparer.quote_schema(operation.schema)}.{quoted}"
    text = plain_statement(quoted, operation.alter, operation.settings)
    said = f"-- by ghostpy, where the migration is run against the database: {quoted}"
    implementation.static_output(f"{said}\n{text}{implementation.command_terminator}")


def _where(url: URL) -> dict[str, Any]:
    """Settings that lead to where SQLAlchemy's do. Raises UsageError where there is no such way."""
    kind = url.get_backend_name()
    query = {name: value if isinstance(value, str) else ",".join(value) for name, value in url.query.items()}
    parts: dict[str, Any] = {
        "host": url.host or "",
        "port": url.port,
        "user": url.username or "",
        "password": str(url.password or ""),
        "database": url.database or "",
        "options": query,
    }
    if kind in ("mysql", "mariadb"):
        return of_mysql(**parts)
    if kind == "postgresql":
        return of_postgres(**{**parts, "options": _libpq(query)})
    raise UsageError(f"{kind} servers are not supported by ghostpy.", hint="Use MySQL, MariaDB or PostgreSQL.")


def _libpq(query: Mapping[str, str]) -> Mapping[str, str]:
    """SQLAlchemy's several hosts, `host=one:5432,other:5433`, as libpq has them."""
    pairs = [each.partition(":") for each in query.get("host", "").split(",")]
    if "/" in query.get("host", "") or not any(port for _, _, port in pairs):
        return query
    hosts = {"host": ",".join(host for host, _, _ in pairs), "port": ",".join(port for _, _, port in pairs)}
    return {**query, **hosts}
