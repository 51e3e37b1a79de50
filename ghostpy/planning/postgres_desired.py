"""The statements that describe a desired table, as PostgreSQL reads them: one CREATE TABLE, and what pg_dump writes behind it.

They are carried out on the server, on a table of ours; so everything else that such statements can do is refused before anything is
sent. What stands behind a table's name is sent as it was written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.planning.postgres_alter import alone, parse_alter, statements
from ghostpy.planning.postgres_clauses import Clause, Kind, Reader
from ghostpy.planning.postgres_tokens import Token, span, split, tokenize

WHAT = "The desired table"
LARGEST = 1 << 20
"""Characters of the text."""
_HINT = (
    "Nothing was sent to the server. The file holds one CREATE TABLE, and beside it nothing but CREATE INDEX, COMMENT ON TABLE and COLUMN, "
    "and ALTER TABLE … ADD CONSTRAINT of that table."
)
_CONSTRAINTS = (
    *(Kind.ADD_CHECK, Kind.ADD_FOREIGN_KEY, Kind.ADD_UNIQUE),
    *(Kind.ADD_PRIMARY_KEY, Kind.ADD_NOT_NULL, Kind.ADD_EXCLUDE),
)
_BEHIND = {
    "INHERITS": "inherits from another table",
    "PARTITION": "is divided into partitions",
    "AS": "has a query for its rows",
    "ON": "says ON COMMIT",
    "TABLESPACE": "says TABLESPACE: where files lie is no part of a schema",
    "WITHOUT": "says WITHOUT OIDS",
}


class DesiredTable(Struct, frozen=True):
    """The statements taken apart. Names are unquoted."""

    schema: str | None
    table: str
    unlogged: bool
    columns: str
    """What stands in the parentheses of CREATE TABLE."""
    behind: str
    """What follows them."""
    others: tuple[Clause, ...]
    """In the order of the file."""

    def create(self, table: str, columns: str) -> str:
        """The CREATE TABLE of `table` (a quoted name) with these columns, which are the text's own but for the parents of foreign keys."""
        return f"CREATE {'UNLOGGED ' if self.unlogged else ''}TABLE {table} ({columns}) {self.behind}".rstrip()


def read_desired(text: str) -> DesiredTable:
    """Take `text` apart. Raises UsageError where it is anything else than one table's description."""
    if len(text) > LARGEST:
        raise UsageError(f"{WHAT} is described in more than {LARGEST} characters.", hint=_HINT)
    pieces = [piece for piece in split(tokenize(text, WHAT), ";") if piece]
    made = [piece for piece in pieces if _creates_table(piece)]
    others = [piece for piece in pieces if not _creates_table(piece)]
    for piece in others:
        _see_allowed(piece, text)
    if len(made) != 1:
        raise _other(f"is described by {len(made) or 'no'} CREATE TABLE" + ("s" if len(made) > 1 else ""))
    schema, table, unlogged, body = _header(made[0])
    columns, behind = _body(body, text)
    clauses: list[Clause] = []
    for piece in others:
        clauses += _other_statement(piece, text, schema, table)
    return DesiredTable(schema, table, unlogged, columns, behind, tuple(clauses))


def _creates_table(piece: Sequence[Token]) -> bool:
    words = [token.text.upper() for token in piece[:4]]
    return words[:1] == ["CREATE"] and "TABLE" in words[1:]


def _header(piece: Sequence[Token]) -> tuple[str | None, str, bool, Sequence[Token]]:
    reader = Reader(piece)
    reader.take("CREATE")
    unlogged = reader.take("UNLOGGED")
    if not reader.take("TABLE"):
        raise _other(
            f"says CREATE {piece[1].text.upper()}, and only CREATE [UNLOGGED] TABLE describes a table that stays"
        )
    reader.take("IF", "NOT", "EXISTS")
    name = reader.dotted_name()
    if not name or len(name) > 2:
        raise _other("begins with CREATE TABLE, but no table's name follows that could be read")
    return (name[0] if len(name) == 2 else None), name[-1], unlogged, reader.rest()


def _body(tokens: Sequence[Token], text: str) -> tuple[str, str]:
    if not tokens or not tokens[0].is_symbol("("):
        first = tokens[0].text.upper() if tokens else ""
        why = {"OF": "takes its columns from a type (OF)", "PARTITION": "is a partition of another table"}
        raise _other(why.get(first, _BEHIND.get(first, "has no columns in parentheses")))
    end = next(place for place, token in enumerate(tokens) if token.depth == 0 and token.is_symbol(")"))
    inside, behind = tokens[1:end], tokens[end + 1 :]
    start = True
    for one, two in pairwise([*inside, *inside[-1:]]):
        if start and one.is_word("LIKE"):
            raise _other("takes its columns from another table (LIKE)")
        start = one.depth == 1 and one.is_symbol(",")
        if one.is_word("SELECT"):
            raise _other("has a query in it")
        if one.is_word("SEQUENCE") and two.is_word("NAME"):
            raise _other("names the sequence of an identity, which is to have the name that the server gives it")
        if one.is_word("INDEX") and two.is_word("TABLESPACE"):
            raise _other(_BEHIND["TABLESPACE"])
    for one, two in pairwise([*behind, *behind[-1:]]):
        if one.depth == 0 and one.is_word(*_BEHIND):
            raise _other(_BEHIND[one.text.upper()])
        if one.depth == 0 and one.is_word("WITH") and not two.is_symbol("("):
            raise _other("has a query for its rows")
    return span(text, inside), span(text, behind)


def _see_allowed(piece: Sequence[Token], text: str) -> None:
    reader = Reader(piece)
    beginnings = (("CREATE", "INDEX"), ("CREATE", "UNIQUE", "INDEX"), ("ALTER", "TABLE"))
    comments = (("COMMENT", "ON", "TABLE"), ("COMMENT", "ON", "COLUMN"))
    if not any(reader.sees(*words) for words in (*beginnings, *comments)):
        begins = " ".join(text[piece[0].start :].split())[:40]
        raise _other(f"is described by other statements than its own: one begins with {begins!r}")


def _other_statement(piece: Sequence[Token], text: str, schema: str | None, table: str) -> list[Clause]:
    read = parse_alter(span(text, piece))
    if read.table is None:
        raise _other(f"is described by a statement that names no table: {span(text, piece)[:40]!r}")
    if read.table != table or (read.schema or schema) != (schema or read.schema):
        named = ".".join(filter(None, (read.schema, read.table)))
        raise _other(f"is {table}, but a statement is about {named}")
    for clause in read.clauses:
        if clause.kind not in (*_CONSTRAINTS, Kind.CREATE_INDEX, Kind.COMMENT):
            raise _other(
                f"is described by a change that is not an ADD CONSTRAINT: {' '.join(clause.text.split())[:60]!r}"
            )
        words = tokenize(clause.text, WHAT)
        if any(one.is_word("TABLESPACE") for one in words):
            raise _other(_BEHIND["TABLESPACE"])
        if clause.kind in _CONSTRAINTS and any(
            one.is_word("USING") and two.is_word("INDEX") for one, two in pairwise(words)
        ):
            raise _other("has a constraint that takes over an index (USING INDEX); write the constraint alone")
    return list(read.clauses)


def other_statements(clauses: Sequence[Clause], table: str) -> tuple[str, ...]:
    """Whole statements for the `others` of a description, on `table` (a quoted name), in order."""
    return tuple(
        alone(clause, table) if clause.kind in (Kind.CREATE_INDEX, Kind.COMMENT) else statements([clause], table)[0]
        for clause in clauses
    )


def _other(why: str) -> UsageError:
    return UsageError(f"{WHAT} {why}.", hint=_HINT)
