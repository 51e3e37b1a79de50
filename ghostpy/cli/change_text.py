"""The SQL among the flags, read by the rules of the server it is for: which table, which change, which expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from ghostpy.dialects.postgres.target import split_name
from ghostpy.errors import UsageError
from ghostpy.planning import postgres_alter, postgres_desired, postgres_tokens, sql_tokens
from ghostpy.planning.alter import parse_alter
from ghostpy.planning.desired_text import read_desired
from ghostpy.planning.postgres_tokens import TokenKind

_TRANSFORM = re.compile(r"\s*(?:`((?:[^`]|``)+)`|([^=\s`]+))\s*=(.*)", re.DOTALL)
_EXAMPLE = (
    "For example: {flag} \"first_name=SUBSTRING_INDEX(name, ' ', 1)\", or on PostgreSQL split_part(name, ' ', 1)."
)
_NOT_SENT = "Nothing was sent to the server."


class Named(Struct, frozen=True):
    """The table that a call is about, as flags and ALTER name it; what is empty is named nowhere."""

    database: str
    table: str


class ChangeText(Struct, frozen=True):
    """How the texts of one kind of server are read. All raise UsageError where a text cannot be one."""

    named: Callable[[str, str, str], Named]
    """Of the flags --alter, --database and --table."""
    desired: Callable[[str, str, str], Named]
    """Of the text of --desired, and the flags --database and --table."""
    expression: Callable[[str, str], str]
    """An expression that can be put into a statement as it is; the second text is what to call it."""
    column: Callable[[str, str], tuple[str, str]]
    """A column's name at the beginning of a text, and what follows it; the second text is what to call it."""
    defined: Callable[[str, str], tuple[str, str]]
    """A column's name at the beginning of a text, and its definition behind it; the second text is what to call it."""
    commas: Callable[[str, str], int]
    """How many commas stand outside of all parentheses of an expression."""
    folded: Callable[[str], str]
    """Of columns' names: those that are one column are equal."""


def _named_on_mysql(alter: str, database: str, table: str) -> Named:
    if not alter.strip():
        return Named(database, table)
    parsed = parse_alter(alter)
    return Named(
        _agreed("database", database, parsed.database),
        _agreed("table", table, parsed.table),
    )


def _named_on_postgres(alter: str, database: str, table: str) -> Named:
    """Whether flag and ALTER agree is looked at where names are resolved."""
    if table:
        split_name(table)
    if not alter.strip():
        return Named(database, table)
    parsed = postgres_alter.parse_alter(alter)
    in_alter = (parsed.schema, parsed.table) if parsed.table else ()
    return Named(database, table or ".".join(postgres_alter.quoted(name) for name in in_alter if name))


def _desired_on_mysql(desired: str, database: str, table: str) -> Named:
    read = read_desired(desired)
    return Named(
        _agreed("database", database, read.database, "the file of --desired"),
        _agreed("table", table, read.table, "the file of --desired"),
    )


def _desired_on_postgres(desired: str, database: str, table: str) -> Named:
    read = postgres_desired.read_desired(desired)
    if not table:
        return Named(database, ".".join(postgres_alter.quoted(name) for name in (read.schema, read.table) if name))
    schema, name = split_name(table)
    _agreed("table", name, read.table, "the file of --desired", folds=False)
    _agreed("table", schema or "", read.schema, "the file of --desired", folds=False)
    # Where only the file says the schema, that is the one.
    return Named(database, ".".join(postgres_alter.quoted(each) for each in (schema or read.schema, name) if each))


def _agreed(flag: str, given: str, written: str | None, where: str = "--alter", *, folds: bool = True) -> str:
    if given and written and given != written and (not folds or given.casefold() != written.casefold()):
        raise UsageError(f"--{flag} says {given}, but {where} says {written}.", hint=_NOT_SENT)
    return given or written or ""


def _postgres_expression(text: str, what: str) -> str:
    tokens = postgres_tokens.tokenize(text, what)
    while tokens and tokens[-1].is_symbol(";"):
        tokens = tokens[:-1]
    if not tokens:
        raise UsageError(f"{what} is empty.")
    if any(token.is_symbol(";") for token in tokens):
        raise UsageError(f"{what} holds more than one statement.", hint=_NOT_SENT)
    return postgres_tokens.span(text, tokens)


def _mysql_column(text: str, what: str) -> tuple[str, str]:
    match = _TRANSFORM.fullmatch(text)
    if match is None:
        raise _no_transform(what)
    return match[1].replace("``", "`") if match[1] else match[2], match[3]


def _postgres_column(text: str, what: str) -> tuple[str, str]:
    tokens = postgres_tokens.tokenize(text, what)
    if len(tokens) < 2 or tokens[0].name is None or not tokens[1].is_symbol("="):
        raise _no_transform(what)
    # As with --table, a name without quotes is taken as it stands.
    name = tokens[0].text if tokens[0].kind is TokenKind.WORD else tokens[0].name
    return name, text[tokens[1].end :]


def _defined(tokens: Sequence[sql_tokens.Token] | Sequence[postgres_tokens.Token], text: str) -> tuple[str, str]:
    if not tokens or tokens[0].name is None:
        raise UsageError(f"--add {text!r} does not begin with a column's name.", hint=_NOT_SENT)
    first = tokens[0]
    # As elsewhere, a name without quotes is taken as it stands.
    return first.text if first.kind.value == "word" else first.name or "", text[first.end :].strip()


def _no_transform(what: str) -> UsageError:
    hint = _EXAMPLE.format(flag=what.partition(" ")[0])
    return UsageError(f"{what} is not of the form column=expression.", hint=hint)


TEXTS: Mapping[str, ChangeText] = {
    "mysql": ChangeText(
        _named_on_mysql,
        _desired_on_mysql,
        sql_tokens.expression,
        _mysql_column,
        lambda text, what: _defined(sql_tokens.tokenize(text, what), text),
        lambda text, what: sum(t.is_symbol(",") and not t.depth for t in sql_tokens.tokenize(text, what)),
        str.casefold,
    ),
    "postgres": ChangeText(
        _named_on_postgres,
        _desired_on_postgres,
        _postgres_expression,
        _postgres_column,
        lambda text, what: _defined(postgres_tokens.tokenize(text, what), text),
        lambda text, what: sum(t.is_symbol(",") and not t.depth for t in postgres_tokens.tokenize(text, what)),
        str,
    ),
}
