"""Whether a statement in the binlog changes the source.

Row changes come as row events; what comes as text is DDL, and DML of sessions in statement format. Names are looked at,
not the whole grammar: a statement whose target is plain is judged by its target, any other by whether it names the
source at all. Source: "SQL Statements" and "Comments" (MySQL manual).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from ghostpy.model.names import TableName

_TOKEN = re.compile(
    r"""
      (?P<space> \s+ | /\*(?!M?!) .*? (?:\*/|\Z) | --(?=\s|\Z) [^\n]* | \# [^\n]* )
    | (?P<opened> /\*M?!\d* | \*/ )
    | (?P<quoted> `(?:[^`]|``)*` )
    | (?P<text> '(?:[^'\\]|\\.|'')*' )
    | (?P<double> "(?:[^"\\]|\\.|"")*" )
    | (?P<word> [^\x00-#%-/:-@\[-^`{-\x7f]+ )
    | (?P<sign> . )
    """,
    re.VERBOSE | re.DOTALL,
)

# Statements that name tables but change neither their rows nor their definition.
_HARMLESS = frozenset(
    {
        "ANALYZE",
        "OPTIMIZE",
        "FLUSH",
        "GRANT",
        "REVOKE",
        "SET",
        "USE",
        "SAVEPOINT",
        "RELEASE",
        "COMMIT",
        "ROLLBACK",
        "BEGIN",
    }
    | {"START", "XA", "CHECK", "CHECKSUM", "SHOW", "INSTALL", "UNINSTALL"}
)
_OTHER_OBJECTS = frozenset(
    {
        "VIEW",
        "PROCEDURE",
        "FUNCTION",
        "EVENT",
        "USER",
        "ROLE",
        "SERVER",
        "TABLESPACE",
        "LOGFILE",
        "RESOURCE",
        "SPATIAL_REFERENCE",
    }
    | {"INSTANCE", "SEQUENCE", "PACKAGE", "UNDO"}
)
_BEFORE_OBJECT = frozenset(
    {
        "OR",
        "REPLACE",
        "UNIQUE",
        "FULLTEXT",
        "SPATIAL",
        "ONLINE",
        "OFFLINE",
        "IGNORE",
        "AGGREGATE",
        "IF",
        "NOT",
        "EXISTS",
    }
    | {"ALGORITHM", "=", "UNDEFINED", "MERGE", "TEMPTABLE", "SQL", "SECURITY", "INVOKER", "VECTOR"}
)


class _Token(Struct, frozen=True):
    text: str
    name: str | None
    """The name it may stand for, unquoted; None for signs and strings."""

    @property
    def word(self) -> str:
        return self.text.upper()


_COMMA = _Token(",", None)


class SourceName(Struct, frozen=True):
    """The source's name, compared as its server compares names (`folded`: without regard to case)."""

    name: TableName
    folded: bool = False

    def is_table(self, schema: str, table: str) -> bool:
        return self._same(schema, self.name.schema) and self._same(table, self.name.table)

    def is_schema(self, schema: str) -> bool:
        return self._same(schema, self.name.schema)

    def is_bare(self, table: str) -> bool:
        return self._same(table, self.name.table)

    def _same(self, one: str, other: str) -> bool:
        return one.casefold() == other.casefold() if self.folded else one == other


def changes_source(text: str, database: str, source: SourceName) -> bool:
    """Tell whether a statement, run with `database` as the default, changes the source or may do so."""
    tokens = list(_tokens(text))
    if not tokens:
        return False
    verb = tokens[0].word
    if verb in _HARMLESS:
        return False
    if verb == "TRUNCATE":
        return _any_target(tokens[1 + (tokens[1:2] != [] and tokens[1].word == "TABLE") :], database, source)
    if verb == "RENAME" and len(tokens) > 1:
        pairs = [_COMMA if token.word == "TO" else token for token in tokens[2:]]
        return tokens[1].word != "USER" and _any_target(pairs, database, source)
    if verb in ("CREATE", "ALTER", "DROP"):
        return _definition_changes(verb, tokens[1:], database, source)
    # DML in statement format, and whatever is not known here.
    return _mentions(tokens, database, source)


def _definition_changes(verb: str, tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    place = 0
    replaces = False
    while place < len(tokens) and tokens[place].word in _BEFORE_OBJECT:
        replaces |= tokens[place].word == "REPLACE"
        place += 1
    if place >= len(tokens):
        return False
    kind, rest = tokens[place].word, tokens[place + 1 :]
    if kind == "TEMPORARY" or kind in _OTHER_OBJECTS:
        return False
    if kind == "DEFINER":
        return _definer(tokens[place:], database, source)
    guarded, rest = _without_guard(rest)
    if kind in ("DATABASE", "SCHEMA"):
        # ALTER and guarded CREATE leave the tables as they are.
        return (
            bool(rest)
            and verb != "ALTER"
            and not (verb == "CREATE" and guarded)
            and source.is_schema(rest[0].name or "")
        )
    if kind in ("TABLE", "TABLES"):
        if verb == "DROP":
            return _any_target(rest, database, source)
        if _refers(rest, database, source):
            return True
        if verb == "CREATE":
            return (replaces or not guarded) and _any_target(rest[:3], database, source)
        return _any_target(rest[:3], database, source) or _exchanges(rest, database, source)
    if kind in ("INDEX", "TRIGGER"):
        return _after("ON", rest, database, source)
    return _mentions(tokens, database, source)


def _definer(tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """`CREATE DEFINER=… TRIGGER name BEFORE … ON table …`; the other objects with a definer are no tables."""
    for place, token in enumerate(tokens):
        if token.word == "TRIGGER":
            return _after("ON", tokens[place + 1 :], database, source)
        if token.word in _OTHER_OBJECTS:
            return False
    return _mentions(tokens, database, source)


def _without_guard(tokens: Sequence[_Token]) -> tuple[bool, Sequence[_Token]]:
    for guard in (["IF", "NOT", "EXISTS"], ["IF", "EXISTS"]):
        if [token.word for token in tokens[: len(guard)]] == guard:
            return True, tokens[len(guard) :]
    return False, tokens


def _after(word: str, tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """Tell whether the source is named behind the first `word`."""
    place = next((place for place, token in enumerate(tokens) if token.word == word), len(tokens))
    return _any_target(tokens[place + 1 : place + 4], database, source)


def _refers(tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """Tell whether a foreign key to the source is made, which would point at the old table after the exchange."""
    return any(
        token.word == "REFERENCES" and _any_target(tokens[place + 1 : place + 4], database, source)
        for place, token in enumerate(tokens)
    )


def _exchanges(tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """`ALTER TABLE other EXCHANGE PARTITION p WITH TABLE source` changes rows of both; `RENAME TO source` makes a new
    one.
    """
    words = [token.word for token in tokens]
    for place, word in enumerate(words):
        with_table = word == "TABLE" and place and words[place - 1] == "WITH"
        renamed = word in ("TO", "AS", "RENAME") and "RENAME" in words[: place + 1]
        if (with_table or renamed) and _any_target(tokens[place + 1 : place + 4], database, source):
            return True
    return False


def _any_target(tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """Tell whether a list `[schema.]table, …` names the source."""
    place = 0
    while place < len(tokens):
        first = tokens[place].name
        if first is None:
            break
        schema, table = database, first
        if place + 2 < len(tokens) and tokens[place + 1].text == ".":
            schema, table = first, tokens[place + 2].name or ""
            place += 2
        if source.is_table(schema, table):
            return True
        place += 1
        if place >= len(tokens) or tokens[place].text != ",":
            break
        place += 1
    return False


def _mentions(tokens: Sequence[_Token], database: str, source: SourceName) -> bool:
    """Tell whether the source's name stands anywhere, in its own schema as far as that can be told."""
    for place, token in enumerate(tokens):
        if token.name is None or not source.is_bare(token.name):
            continue
        if place > 1 and tokens[place - 1].text == ".":
            schema = tokens[place - 2].name
            # What precedes the point may be an alias or a table as well as a schema.
            if schema is None or source.is_schema(schema) or source.is_schema(database):
                return True
        elif source.is_schema(database):
            return True
    return False


def _tokens(text: str) -> Iterator[_Token]:
    """Split a statement. Comments are left out, but the text in those that the server executes is not."""
    for match in _TOKEN.finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind in ("space", "opened"):
            continue
        if kind == "quoted":
            yield _Token(piece, piece[1:-1].replace("``", "`"))
        elif kind == "double":
            # A name under ANSI_QUOTES, else a string; taken for a name to be on the safe side.
            yield _Token(piece, piece[1:-1].replace('""', '"'))
        else:
            yield _Token(piece, piece if kind == "word" else None)
