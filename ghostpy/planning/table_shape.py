"""A table's shape, from the CREATE TABLE that MySQL and MariaDB write for it: what it says, and what of that an ALTER can say again.

Every text is the server's own, so that two tables of one server are alike where their texts are. Taken away is what only tells how
a text came about: the frames of `/*! … */`, and the character set of the client that once wrote a plain ASCII string.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from ghostpy.errors import PlanRefused
from ghostpy.planning.alter import Reader
from ghostpy.planning.desired_text import written
from ghostpy.planning.sql_tokens import Token, TokenKind, tokenize

_WHAT = "The server's description of a table"
_INDEXES = ("PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "VECTOR")
_INTRODUCERS = ("_UTF8MB4", "_UTF8MB3", "_UTF8", "_LATIN1", "_ASCII")
PRIMARY = "PRIMARY"


class ColumnShape(Struct, frozen=True):
    name: str
    definition: str
    """All behind the name, the character set and collation always said."""

    @property
    def tokens(self) -> tuple[Token, ...]:
        return tokenize(self.definition, _WHAT)

    @property
    def type_text(self) -> str:
        """The type's name and what stands in parentheses behind it."""
        tokens = self.tokens
        end = 1
        if len(tokens) > 1 and tokens[1].is_symbol("("):
            end = next(place for place, token in enumerate(tokens) if token.depth == 0 and token.is_symbol(")")) + 1
        return comparable(self.definition[: tokens[end - 1].end])

    @property
    def generated(self) -> str:
        """`STORED`, `VIRTUAL` or nothing."""
        outside = [token for token in self.tokens if token.depth == 0]
        if not any(token.is_word("GENERATED", "AS") for token in outside):
            return ""
        return "STORED" if any(token.is_word("STORED", "PERSISTENT") for token in outside) else "VIRTUAL"


class CheckShape(Struct, frozen=True):
    name: str
    text: str
    """From CHECK on."""


class TableShape(Struct, frozen=True):
    columns: tuple[ColumnShape, ...]
    indexes: Mapping[str, str]
    """By name, what ADD takes: `UNIQUE KEY `a` (`a`)`. The primary key is called PRIMARY."""
    checks: tuple[CheckShape, ...]
    collation: tuple[str, str]
    """The table's default character set and collation."""
    options: Mapping[str, str] = field(default_factory=dict)
    partitions: str = ""
    """From PARTITION BY on."""

    def column(self, name: str) -> ColumnShape | None:
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def with_check_names(self, names: Mapping[str, str]) -> TableShape:
        """The same with other names for some CHECK constraints."""
        return replace(self, checks=tuple(replace(each, name=names.get(each.name, each.name)) for each in self.checks))


def comparable(text: str) -> str:
    """The text by which two definitions are compared."""
    tokens = tokenize(text, _WHAT)
    told = []
    for place, token in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else None
        plain = following is not None and following.kind is TokenKind.STRING and following.text.isascii()
        if plain and token.is_word(*_INTRODUCERS):
            continue
        told.append(token.text)
    return " ".join(told)


def read_shape(create: str, charsets: Mapping[str, tuple[str, str]], collation: tuple[str, str]) -> TableShape:
    """The shape that SHOW CREATE TABLE tells. `charsets`: character set and collation of the columns that have one, by name.

    Raises PlanRefused where it tells of something that is not known here.
    """
    tokens = tokenize(create, _WHAT)
    first = next(place for place, token in enumerate(tokens) if token.is_symbol("("))
    last = next(place for place, token in enumerate(tokens) if token.depth == 0 and token.is_symbol(")"))
    columns: list[ColumnShape] = []
    indexes: dict[str, str] = {}
    checks: list[CheckShape] = []
    for item in _items(tokens[first + 1 : last]):
        words = [token for token in item if token.kind is not TokenKind.CONDITION]
        reader = Reader(words)
        if words[0].kind is TokenKind.QUOTED:
            name = words[0].name or ""
            columns.append(ColumnShape(name, _definition(create, item, charsets.get(name))))
        elif words[0].is_word(*_INDEXES):
            indexes[_index_name(words)] = written(create, item)
        elif reader.take("CONSTRAINT") and (named := reader.name()) is not None and reader.sees("CHECK"):
            checks.append(CheckShape(named, written(create, _behind(item, reader.rest()))))
        else:
            raise PlanRefused(f"the table has a part that is not compared: {written(create, item)[:80]!r}")
    options, partitions = _read_options(create, tokens[last + 1 :])
    return TableShape(tuple(columns), indexes, tuple(checks), collation, options, partitions)


def _items(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    start = 0
    for place, token in enumerate(tokens):
        if token.depth == 1 and token.is_symbol(","):
            yield tokens[start:place]
            start = place + 1
    yield tokens[start:]


def _behind(item: Sequence[Token], rest: Sequence[Token]) -> Sequence[Token]:
    return item[next(place for place, token in enumerate(item) if token.start == rest[0].start) :]


def _definition(create: str, item: Sequence[Token], charset: tuple[str, str] | None) -> str:
    """The column's definition with its character set behind the type, whether the server has written it or not."""
    tokens = list(item[1:])
    end = 1
    if len(tokens) > 1 and tokens[1].is_symbol("("):
        end = next(place for place, token in enumerate(tokens) if token.depth == 1 and token.is_symbol(")")) + 1
    kind, rest = written(create, tokens[:end]), tokens[end:]
    if charset is not None:
        place = 0
        while place < len(rest):
            reader = Reader(rest[place:])
            if reader.take("CHARACTER", "SET"):
                del rest[place : place + 3]
            elif reader.take("COLLATE"):
                del rest[place : place + 2]
            else:
                break
        kind += f" CHARACTER SET {charset[0]} COLLATE {charset[1]}"
    return f"{kind} {written(create, rest)}".rstrip()


def _index_name(words: Sequence[Token]) -> str:
    if words[0].is_word("PRIMARY"):
        return PRIMARY
    return next(token.name or "" for token in words if token.kind is TokenKind.QUOTED)


def _read_options(create: str, tokens: Sequence[Token]) -> tuple[dict[str, str], str]:
    options: dict[str, str] = {}
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.is_word("PARTITION"):
            return _of_interest(options), written(create, tokens[place:])
        equals = next((each for each in range(place, len(tokens)) if tokens[each].is_symbol("=")), None)
        if token.kind is TokenKind.CONDITION:
            place += 1
            continue
        if equals is None or equals + 1 >= len(tokens) or tokens[equals + 1].depth:
            raise PlanRefused(f"the table has an option that is not compared: {written(create, tokens[place:])[:80]!r}")
        name = " ".join(each.text.upper() for each in tokens[place:equals] if each.kind is not TokenKind.CONDITION)
        options[name] = tokens[equals + 1].text
        place = equals + 2
    return _of_interest(options), ""


_TOLD_ELSEWHERE = ("DEFAULT CHARSET", "CHARSET", "COLLATE", "AUTO_INCREMENT")
"""By the table's collation; and the counter is no part of a shape."""


def _of_interest(options: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name not in _TOLD_ELSEWHERE}
