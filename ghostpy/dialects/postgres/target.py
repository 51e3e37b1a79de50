"""What to change, names resolved."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from ghostpy import errors
from ghostpy.dialects.postgres.names import helper_names
from ghostpy.model.names import HelperNames, TableName
from ghostpy.planning.postgres_alter import AlterText, parse_alter
from ghostpy.settings import TargetSettings

if TYPE_CHECKING:
    # With it comes psycopg, which takes a tenth of a second to load; names are split for MySQL as well.
    from ghostpy.dialects.postgres.session import Session


class Target(Struct, frozen=True):
    """The table, the change, and the names of what a run makes."""

    source: TableName
    alter: AlterText
    names: HelperNames


class Asked(Struct, frozen=True):
    """The same as far as the settings tell: `schema` is None where the server's search_path decides."""

    schema: str | None
    table: str
    alter: AlterText


def asked_for(settings: TargetSettings, *, altered: bool = True) -> Asked:
    """Names and clauses from the settings; `altered`: whether there is an ALTER. Raises UsageError where they contradict each other or are missing."""
    as_desired = bool(settings.desired) and not settings.alter
    alter = parse_alter(settings.alter) if altered and not as_desired else AlterText(())
    schema, table = split_name(settings.table) if settings.table else (None, "")
    for flag, given, written in (("schema", schema, alter.schema), ("table", table, alter.table)):
        if given and written and given != written:
            raise errors.UsageError(f"--table says the {flag} {given!r}, but the ALTER names {written!r}")
    schema, table = schema or alter.schema, table or alter.table or ""
    if not table:
        raise errors.UsageError("no table given: use --table, or write a whole ALTER TABLE statement")
    return Asked(schema, table, alter)


def split_name(text: str) -> tuple[str | None, str]:
    """`[schema.]table` as the user wrote it: names in double quotes are taken as they stand, others as they are too.

    A name without quotes is *not* folded to lower case: what looks like the table's name in a catalog is its name.
    """
    parts, rest = [], text.strip()
    while rest:
        if rest.startswith('"'):
            end = 1
            while True:
                end = rest.find('"', end)
                if end < 0:
                    raise errors.UsageError(f"--table {text}: a double quote has no end")
                if rest[end : end + 2] != '""':
                    break
                end += 2
            parts.append(rest[1:end].replace('""', '"'))
            rest = rest[end + 1 :]
        else:
            part, dot, behind = rest.partition(".")
            parts.append(part)
            rest = dot + behind
        if rest.startswith("."):
            rest = rest[1:]
            if not rest:
                parts.append("")
        elif rest:
            raise errors.UsageError(f"--table {text}: write it as schema.table, unusual names in double quotes")
    if not 1 <= len(parts) <= 2 or not all(parts):
        raise errors.UsageError(f"--table {text}: write it as schema.table, unusual names in double quotes")
    return (parts[0], parts[1]) if len(parts) == 2 else (None, parts[0])


async def resolved(session: Session, asked: Asked, settings: TargetSettings, *, started: datetime) -> Target:
    """The target on this server: a name without a schema is looked up as the server looks names up."""
    schema = asked.schema or await schema_of(session, asked.table)
    source = TableName(schema, asked.table)
    names = helper_names(
        source, base=settings.force_table_names, old_timestamp=started if settings.timestamp_old_table else None
    )
    return Target(source, asked.alter, names)


async def schema_of(session: Session, table: str) -> str:
    """Where a name without a schema is found, or would be made."""
    schema = await session.scalar(
        "SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid = to_regclass(quote_ident(%s))",
        [table],
        doing="looking for the table",
    )
    if schema is None:
        schema = await session.scalar("SELECT current_schema()", doing="asking for the schema")
    return str(schema or "public")


def expected_names(settings: TargetSettings) -> tuple[TableName, HelperNames]:
    """The table and what a run makes, where the server has not been asked yet; for messages."""
    schema, table = split_name(settings.table)
    source = TableName(schema or "public", table)
    return source, helper_names(source, base=settings.force_table_names)
