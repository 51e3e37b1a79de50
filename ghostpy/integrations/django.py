"""`GhostpyAlter` for the operations of Django's migrations; docs/library.md tells how it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Unpack

from django.db import router
from django.db.migrations.operations.base import Operation

from ghostpy.api import Settings, migrate
from ghostpy.errors import UsageError
from ghostpy.integrations.servers import of_mysql, of_postgres, plain_statement

_NOT_LIBPQ = (
    "pool",
    "isolation_level",
    "server_side_binding",
    "cursor_factory",
    "context",
    "prepare_threshold",
    "row_factory",
)


class GhostpyAlter(Operation):  # type: ignore[misc]
    """One change of one table, by ghostpy; its migration has `atomic = False`.

    `model_or_table`: a model of the app, or a table's name. `alter`: "ADD …, DROP …"; `reverse_alter`: what takes it back, without which
    the migration cannot be unapplied. `state_operations`: what Django is to believe of its models afterwards. `url`: where the way to
    the server is not that of the settings' DATABASES. Raises as `ghostpy.migrate` does.
    """

    atomic = False
    reduces_to_sql = True

    def __init__(
        self,
        model_or_table: str,
        alter: str,
        reverse_alter: str | None = None,
        state_operations: Sequence[Operation] | None = None,
        hints: Mapping[str, Any] | None = None,
        *,
        url: str | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self.model_or_table = model_or_table
        self.alter = alter
        self.reverse_alter = reverse_alter
        self.state_operations = list(state_operations or ())
        self.hints = dict(hints or {})
        self.url = url
        self.settings = settings

    @property
    def reversible(self) -> bool:
        """Whether there is a way back."""
        return self.reverse_alter is not None

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """For migrations that Django writes itself, as when it squashes."""
        own = {
            "reverse_alter": self.reverse_alter,
            "state_operations": self.state_operations,
            "hints": self.hints,
            "url": self.url,
        }
        given = {name: value for name, value in own.items() if value}
        if self.reverse_alter is not None:
            given["reverse_alter"] = self.reverse_alter
        return type(self).__name__, [self.model_or_table, self.alter], {**given, **self.settings}

    def state_forwards(self, app_label: str, state: Any) -> None:
        for operation in self.state_operations:
            operation.state_forwards(app_label, state)

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        self._change(app_label, schema_editor, from_state, self.alter)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if self.reverse_alter is None:
            raise NotImplementedError("there is no reverse_alter")
        # What is filled or left out on the way there means nothing on the way back.
        self._change(app_label, schema_editor, to_state, self.reverse_alter, back=True)

    def describe(self) -> str:
        return f"Change {self.model_or_table} by ghostpy"

    def _change(self, app_label: str, schema_editor: Any, state: Any, alter: str, *, back: bool = False) -> None:
        connection = schema_editor.connection
        model = _model(state, app_label, self.model_or_table)
        hints = {**self.hints, **({} if model is None else {"model_name": model._meta.model_name})}
        if not router.allow_migrate(connection.alias, app_label, **hints):
            return
        table = self.model_or_table if model is None else model._meta.db_table
        settings = {name: value for name, value in self.settings.items() if not (back and name in _ONE_WAY)}
        if schema_editor.collect_sql:
            quoted = schema_editor.quote_name(table)
            schema_editor.collected_sql.append(f"-- by ghostpy, where the migration is run by `migrate`: {quoted}")
            schema_editor.execute(plain_statement(quoted, alter, settings), params=None)
            return
        if connection.in_atomic_block:
            raise UsageError(
                f"The migration runs in a transaction, whose locks the change of {table} might wait for in vain; "
                "nothing was changed by ghostpy.",
                hint="Put `atomic = False` into the migration, and run it outside of any transaction.",
            )
        where = {"url": self.url} if self.url is not None else _where(connection.vendor, connection.settings_dict)
        if connection.vendor == "postgresql":
            table = schema_editor.quote_name(table)
        migrate(**{**where, "table": table, "alter": alter, **settings})


_ONE_WAY = ("transform", "where", "skip_renamed_columns")


def _model(state: Any, app_label: str, name: str) -> Any | None:
    try:
        return state.apps.get_model(*name.split(".", 1)) if "." in name else state.apps.get_model(app_label, name)
    except LookupError:
        return None


def _where(vendor: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that lead to where Django's do. Raises UsageError where there is no such way."""
    options = dict(settings.get("OPTIONS") or {})
    given = partial(
        of_mysql if vendor == "mysql" else of_postgres,
        host=settings.get("HOST") or "",
        port=int(settings["PORT"]) if settings.get("PORT") else None,
        user=settings.get("USER") or "",
        password=settings.get("PASSWORD") or "",
        database=settings.get("NAME") or "",
    )
    if vendor == "mysql":
        return given(options=options)
    if vendor == "postgresql":
        role = options.pop("assume_role", None)
        for name in _NOT_LIBPQ:
            options.pop(name, None)
        if role:
            # Tables that the run makes are to belong to the same role.
            spelled = str(role).replace("\\", "\\\\").replace(" ", "\\ ")
            options["options"] = f"{options.get('options', '')} -c role={spelled}".strip()
        return given(options=options)
    raise UsageError(f"{vendor} servers are not supported by ghostpy.", hint="Use MySQL, MariaDB or PostgreSQL.")
