"""The CREATE TABLE of a desired table, as MySQL reads it: one statement, of one table, that makes nothing but a table of columns.

It is carried out on the server, under a name of ours; so everything else that such a statement can do is refused before anything is
sent. What stands in `/*! … */` is taken out of it: the server must read the very words that were looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.planning.alter import Reader
from ghostpy.planning.sql_tokens import Token, TokenKind, one_statement, span, tokenize

WHAT = "The desired table"
LARGEST = 1 << 20
"""Characters of the text."""
_HINT = (
    "Nothing was sent to the server. The file holds one CREATE TABLE, as SHOW CREATE TABLE writes it, and nothing else."
)
_ELSEWHERE = ("DATA", "INDEX")
_REFUSED_OPTIONS = {
    "CONNECTION": "the option CONNECTION",
    "TABLESPACE": "a tablespace",
    "UNION": "the option UNION",
    "START": "START TRANSACTION",
    "AS": "a query for its rows",
    "IGNORE": "a query for its rows",
    "REPLACE": "a query for its rows",
}


class DesiredTable(Struct, frozen=True):
    """The statement taken apart. Names are unquoted."""

    database: str | None
    table: str
    tokens: tuple[Token, ...]
    """All behind the table's name."""
    text: str
    """The whole text, which the tokens are places of."""

    def create(self, name: str, checks: Sequence[str], *, ansi_quotes: bool = False) -> str:
        """The statement for a table of another (quoted) name. `checks`: quoted names for CHECK constraints that have one."""
        instead = dict(zip((place for place, _ in self._named_checks()), checks, strict=True))
        pieces: list[str] = []
        end = 0
        for place, token in enumerate(self.tokens):
            # A space for whatever stood between them: a comment says nothing to the server. Two minus signs must not begin one.
            minuses = token.is_symbol("-") and place > 0 and self.tokens[place - 1].is_symbol("-")
            pieces.append(" " if token.start > end or minuses or not pieces else "")
            pieces.append(instead.get(place) or _spelled(token, ansi_quotes=ansi_quotes))
            end = token.end
        return f"CREATE TABLE {name}{''.join(pieces)}"

    @property
    def check_names(self) -> tuple[str, ...]:
        """Of the CHECK constraints that are given one, in order."""
        return tuple(name for _, name in self._named_checks())

    def _named_checks(self) -> Iterator[tuple[int, str]]:
        for place in range(len(self.tokens) - 2):
            first, name, last = self.tokens[place : place + 3]
            if first.is_word("CONSTRAINT") and last.is_word("CHECK") and not name.is_word("CHECK"):
                yield place + 1, name.name or ""


def _spelled(token: Token, *, ansi_quotes: bool) -> str:
    if ansi_quotes and token.kind is TokenKind.DOUBLE_QUOTED:
        return "`" + (token.name or "").replace("`", "``") + "`"
    return token.text


def read_desired(text: str) -> DesiredTable:
    """Take `text` apart. Raises UsageError where it is anything else than one CREATE TABLE with columns of its own."""
    if len(text) > LARGEST:
        raise UsageError(f"{WHAT} is described in more than {LARGEST} characters.", hint=_HINT)
    tokens = one_statement(tokenize(text, WHAT), text, WHAT)
    if not tokens:
        raise UsageError(f"{WHAT} is not described: the file holds no statement.", hint=_HINT)
    database, table, rest = _header(tokens, text)
    _conditions(rest)
    words = tuple(token for token in rest if token.kind is not TokenKind.CONDITION)
    _body(words, text)
    return DesiredTable(database, table, words, text)


def _header(tokens: Sequence[Token], text: str) -> tuple[str | None, str, Sequence[Token]]:
    reader = Reader(tokens)
    if not reader.take("CREATE"):
        raise _other(f"begins with {' '.join(text[tokens[0].start :].split())[:30]!r}, not with CREATE TABLE")
    for words in (("OR",), ("TEMPORARY",), ("GLOBAL",), ("EXTERNAL",)):
        if reader.take(*words):
            raise _other(f"says CREATE {words[0]} {'REPLACE' if words[0] == 'OR' else 'TABLE'}")
    if not reader.take("TABLE"):
        raise _other("makes something else than a table")
    reader.take("IF", "NOT", "EXISTS")
    name = reader.dotted_name()
    if name is None or len(name) > 2:
        raise _other("begins with CREATE TABLE, but no table's name follows that could be read")
    return (name[0] if len(name) == 2 else None), name[-1], reader.rest()


def _conditions(tokens: Sequence[Token]) -> None:
    """See that a server that runs `/*! … */` and one that skips it agree on where it ends."""
    inside = 0
    for token in tokens:
        if token.kind is TokenKind.CONDITION:
            inside += -1 if token.text == "*/" else 1
            if token.text != "*/" and not token.text[-1].isdigit():
                raise _other("has a part in /*! … */ without a version")
        elif inside and ("*/" in token.text or "/*" in token.text):
            raise _other(
                "has a comment's sign in quotes within /*! … */, which would end there for a server that skips it"
            )


def _body(tokens: Sequence[Token], text: str) -> None:
    first = tokens[0] if tokens else None
    if first is None or not first.is_symbol("("):
        copied = first is not None and first.is_word("LIKE")
        raise _other("takes its columns from another table (LIKE)" if copied else "has no columns in parentheses")
    end = next(place for place, token in enumerate(tokens) if token.depth == 0 and token.is_symbol(")"))
    if tokens[1].is_word("LIKE"):
        raise _other("takes its columns from another table (LIKE)")
    for one, two in pairwise([*tokens, tokens[-1]]):
        # Those of partitions stand in parentheses.
        rows = one.is_word("VALUES") and (two.is_word("ROW") or one.depth == 0)
        if rows or one.is_word("SELECT", "TABLE"):
            raise _other("has a query for its rows")
        if one.is_word("REFERENCES"):
            raise UsageError(
                f"{WHAT} has a foreign key, and tables with foreign keys are not migrated on MySQL and MariaDB yet.",
                hint=_HINT,
            )
        if one.is_word(*_ELSEWHERE) and two.is_word("DIRECTORY"):
            raise _other(f"says {one.text.upper()} DIRECTORY: where files lie is no part of a schema")
        if one.kind is TokenKind.DOUBLE_QUOTED and "\\" in one.text:
            raise _other("has a backslash in double quotes, which mean different things by the server's sql_mode")
    _options(tokens[end + 1 :])


def _options(tokens: Sequence[Token]) -> None:
    outside = [token for token in tokens if token.depth == 0]
    partitions = next((place for place, token in enumerate(outside) if token.is_word("PARTITION")), len(outside))
    for place, token in enumerate(outside[:partitions]):
        if place and outside[place - 1].is_symbol("="):
            continue  # a value
        if token.is_word(*_REFUSED_OPTIONS):
            raise _other(f"has {_REFUSED_OPTIONS[token.text.upper()]}")
        if token.is_word("WITH"):
            raise _other("has a part that begins with WITH, such as SYSTEM VERSIONING")
        if token.is_symbol("("):
            raise _other("has a second list in parentheses")
        if token.is_word("ENGINE", "TYPE"):
            engine = Reader(outside[place + 1 :]).value()
            if engine != "INNODB":
                raise _other(f"has the storage engine {engine or 'in quotes'}; only InnoDB is migrated")


def _other(why: str) -> UsageError:
    return UsageError(f"{WHAT} {why}.", hint=_HINT)


def written(text: str, tokens: Sequence[Token]) -> str:
    """The words of `tokens`, as they stand in `text` but for the frames of `/*! … */`."""
    runs: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is TokenKind.CONDITION:
            runs.append([])
        else:
            runs[-1].append(token)
    return " ".join(span(text, run) for run in runs if run)
