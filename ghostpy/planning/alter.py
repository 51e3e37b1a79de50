"""What an ALTER text says about names; everything else about it is asked of the server.

The text is taken apart as far as needed and never written anew: the clauses go to the server as the user
wrote them. What is not understood stays text, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.planning.sql_tokens import Token, TokenKind, one_statement, span, tokenize

_WHAT = "The ALTER text"
_PARTITION_VERBS = (
    "ADD",
    "ANALYZE",
    "CHECK",
    "COALESCE",
    "CONVERT",
    "DISCARD",
    "DROP",
    "EXCHANGE",
    "IMPORT",
    "OPTIMIZE",
    "REBUILD",
    "REORGANIZE",
    "REPAIR",
    "TRUNCATE",
)
_OTHER_STATEMENTS = (
    "CREATE",
    "DELETE",
    "GRANT",
    "INSERT",
    "REPLACE",
    "REVOKE",
    "SELECT",
    "SET",
    "SHOW",
    "UPDATE",
    "USE",
)
_OTHER_VERBS = ("DROP", "RENAME", "TRUNCATE", "OPTIMIZE", "ANALYZE", "CHECK", "REPAIR", "LOCK")
_ALTERS_ELSE = ("DATABASE", "SCHEMA", "VIEW", "PROCEDURE", "FUNCTION", "EVENT", "USER", "SERVER")


class AlterText(Struct, frozen=True):
    """An ALTER text taken apart. Names are unquoted; keywords are in upper case."""

    clauses: str
    """All behind the table's name, as written; no semicolon or comment at the end: more can be added."""
    database: str | None = None
    table: str | None = None
    """Of the header `ALTER TABLE [database.]table`, where there is one."""
    renamed: tuple[tuple[str, str], ...] = ()
    """Columns that get another name (a change of upper and lower case alone is none): old, new."""
    dropped: tuple[str, ...] = ()
    """Columns."""
    constraints: tuple[str, ...] = ()
    """Those that are dropped or altered by a name of their own (`DROP CHECK`, `ALTER CONSTRAINT`, …)."""
    table_renamed_to: str | None = None
    partition_operations: tuple[str, ...] = ()
    """Operations on single partitions (`DROP PARTITION`, …); not PARTITION BY and REMOVE PARTITIONING."""
    adds_foreign_key: bool = False
    auto_increment: int | None = None
    """The table option AUTO_INCREMENT=n."""
    algorithm: str | None = None
    lock: str | None = None
    """Values of the clauses ALGORITHM= and LOCK=."""
    orders_rows: bool = False
    """An ORDER BY clause."""
    tablespace_operation: bool = False
    """DISCARD TABLESPACE or IMPORT TABLESPACE."""
    ignore: bool = False
    """The header says ALTER IGNORE TABLE: drop rows that collide."""
    conditional: bool = False
    """Parts stand in `/*! … */`, which the server may or may not run; they are read here as if it did."""


def parse_alter(text: str) -> AlterText:
    """Take `text` apart: clauses alone, or a whole `ALTER TABLE …` statement.

    Raises UsageError where it is empty, more than one statement, another statement, or where its quotes or
    parentheses do not match.
    """
    tokens = one_statement(tokenize(text, _WHAT), text, _WHAT)
    reader = Reader([token for token in tokens if token.kind is not TokenKind.CONDITION])
    header = _read_header(reader)
    _refuse_other_statements(reader)
    body = reader.rest()
    if not body:
        raise UsageError(
            f"{_WHAT} holds no change." if header.table else f"{_WHAT} is empty.",
            hint='Say what to change, for example: --alter "ADD COLUMN note TEXT".',
        )
    found = _Found()
    for clause in split_clauses(body):
        _read_clause(Reader(clause), found)
    return AlterText(
        clauses=_clauses(text, tokens, body[0]),
        database=header.database,
        table=header.table,
        renamed=tuple(found.renamed),
        dropped=tuple(found.dropped),
        constraints=tuple(found.constraints),
        table_renamed_to=found.table_renamed_to,
        partition_operations=tuple(found.partition_operations),
        adds_foreign_key=any(token.is_word("REFERENCES") for token in body),
        auto_increment=_auto_increment(body),
        algorithm=found.algorithm,
        lock=found.lock,
        orders_rows=_has_sequence(body, "ORDER", "BY"),
        tablespace_operation=found.tablespace_operation,
        ignore=header.ignore,
        conditional=any(token.kind is TokenKind.CONDITION for token in tokens),
    )


class Reader:
    """A cursor over tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def sees(self, *words: str) -> bool:
        """Whether the next token is one of these keywords."""
        token = self.peek()
        return token is not None and token.is_word(*words)

    def take(self, *words: str) -> bool:
        """Go past these keywords where all of them come next, in this order."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or not token.is_word(word):
                return False
        self._at += len(words)
        return True

    def take_symbol(self, symbol: str) -> bool:
        token = self.peek()
        if token is None or not token.is_symbol(symbol):
            return False
        self._at += 1
        return True

    def name(self) -> str | None:
        """Go past one name, where there is one."""
        token = self.peek()
        if token is None or not token.name:
            return None
        self._at += 1
        return token.name

    def dotted_name(self) -> tuple[str, ...] | None:
        """Go past a name with its qualifiers, where there is one."""
        first = self.name()
        if first is None:
            return None
        parts = [first]
        while self.take_symbol("."):
            part = self.name()
            if part is None:
                return None
            parts.append(part)
        return tuple(parts)

    def value(self) -> str | None:
        """Go past the word of `[=] word`, in upper case."""
        self.take_symbol("=")
        token = self.peek()
        if token is None or token.kind is not TokenKind.WORD:
            return None
        self._at += 1
        return token.text.upper()

    def rest(self) -> Sequence[Token]:
        return self._tokens[self._at :]


class _Header(Struct):
    database: str | None = None
    table: str | None = None
    ignore: bool = False


class _Found:
    """What the clauses have told so far."""

    def __init__(self) -> None:
        self.renamed: list[tuple[str, str]] = []
        self.dropped: list[str] = []
        self.constraints: list[str] = []
        self.table_renamed_to: str | None = None
        self.partition_operations: list[str] = []
        self.algorithm: str | None = None
        self.lock: str | None = None
        self.tablespace_operation = False


def _read_header(reader: Reader) -> _Header:
    """Go past `ALTER [ONLINE|OFFLINE] [IGNORE] TABLE [IF EXISTS] [database.]table [WAIT n|NOWAIT]`."""
    # TABLE is a reserved word: with these in front of it, nothing but a header can be meant.
    for online in ((), ("ONLINE",), ("OFFLINE",)):
        for ignore in ((), ("IGNORE",)):
            if reader.take("ALTER", *online, *ignore, "TABLE"):
                return _read_table(reader, ignore=bool(ignore))
    return _Header()


def _read_table(reader: Reader, *, ignore: bool) -> _Header:
    reader.take("IF", "EXISTS")
    parts = reader.dotted_name()
    if parts is None or len(parts) > 2:
        raise UsageError(
            f"{_WHAT} begins with ALTER TABLE, but no table's name follows.",
            hint="Write ALTER TABLE [database.]table …, with unusual names in backticks.",
        )
    _skip_wait(reader)
    return _Header(database=parts[0] if len(parts) == 2 else None, table=parts[-1], ignore=ignore)


def _skip_wait(reader: Reader) -> None:
    """MariaDB's lock wait belongs to its own ALTER; ours are set by the cut-over."""
    if reader.take("NOWAIT"):
        return
    number = reader.peek(1)
    if reader.sees("WAIT") and number is not None and number.text.isdigit():
        reader.take("WAIT")
        reader.name()


def _refuse_other_statements(reader: Reader) -> None:
    first, second, third = reader.peek(), reader.peek(1), reader.peek(2)
    if first is None:
        return
    other = first.is_word(*_OTHER_STATEMENTS)
    if second is not None:
        other |= first.is_word(*_OTHER_VERBS) and second.is_word("TABLE", "TABLES", "DATABASE", "SCHEMA")
    if second is not None and third is not None:
        # `ALTER event SET DEFAULT 1` changes a column that happens to be called like a kind of object.
        other |= first.is_word("ALTER") and second.is_word(*_ALTERS_ELSE) and not third.is_word("SET", "DROP")
        other |= first.is_word("DROP") and second.is_word("INDEX") and (reader.peek(3) or third).is_word("ON")
    if other:
        raise UsageError(
            f"{_WHAT} must be a change of one table, not a statement that begins with {first.text.upper()}.",
            hint='Give the clauses alone ("ADD COLUMN …, DROP COLUMN …") or a whole ALTER TABLE.',
        )


def split_clauses(body: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The clauses, cut at the commas outside of parentheses.

    ORDER BY and lists of partitions hold such commas too; their pieces begin with no keyword of a clause,
    and tell nothing.
    """
    start = 0
    for place, token in enumerate(body):
        if token.depth == 0 and token.is_symbol(","):
            yield body[start:place]
            start = place + 1
    yield body[start:]


def _read_clause(clause: Reader, found: _Found) -> None:
    if _partition_operation(clause, found):
        return
    if clause.take("CHANGE"):
        _read_change(clause, found)
    elif clause.take("RENAME"):
        _read_rename(clause, found)
    elif clause.take("DROP"):
        _read_drop(clause, found)
    elif clause.take("ALTER"):
        _read_constraint(clause, found)
    elif clause.take("ALGORITHM"):
        found.algorithm = clause.value() or found.algorithm
    elif clause.take("LOCK"):
        found.lock = clause.value() or found.lock
    elif clause.take("DISCARD", "TABLESPACE") or clause.take("IMPORT", "TABLESPACE"):
        found.tablespace_operation = True


def _partition_operation(clause: Reader, found: _Found) -> bool:
    verb, noun = clause.peek(), clause.peek(1)
    if verb is None or noun is None or not verb.is_word(*_PARTITION_VERBS):
        return False
    # MariaDB: CONVERT PARTITION p TO TABLE t, CONVERT TABLE t TO PARTITION p.
    if not noun.is_word("PARTITION") and not (verb.is_word("CONVERT") and noun.is_word("TABLE")):
        return False
    found.partition_operations.append(f"{verb.text.upper()} {noun.text.upper()}")
    return True


def _read_change(clause: Reader, found: _Found) -> None:
    clause.take("COLUMN")
    clause.take("IF", "EXISTS")
    old = clause.dotted_name()
    new = clause.dotted_name()
    if old and new:
        _renamed(found, old[-1], new[-1])


def _read_rename(clause: Reader, found: _Found) -> None:
    if clause.take("COLUMN"):
        clause.take("IF", "EXISTS")
        old = clause.name()
        if old and clause.take("TO"):
            new = clause.name()
            if new:
                _renamed(found, old, new)
    elif not clause.sees("INDEX", "KEY", "CONSTRAINT"):
        if not (clause.take("TO") or clause.take("AS")):
            clause.take_symbol("=")
        name = clause.dotted_name()
        if name:
            found.table_renamed_to = ".".join(name)


def _renamed(found: _Found, old: str, new: str) -> None:
    if old.casefold() != new.casefold():
        found.renamed.append((old, new))


def _read_constraint(clause: Reader, found: _Found) -> None:
    if clause.take("CHECK") or clause.take("CONSTRAINT"):
        name = clause.name()
        if name:
            found.constraints.append(name)


def _read_drop(clause: Reader, found: _Found) -> None:
    if not clause.take("COLUMN"):
        if clause.sees("CHECK", "CONSTRAINT"):
            return _read_constraint(clause, found)
        if clause.sees("INDEX", "KEY", "PRIMARY", "FOREIGN", "PARTITION"):
            return None
        if clause.take("PERIOD", "FOR") or clause.take("SYSTEM", "VERSIONING"):
            return None
    clause.take("IF", "EXISTS")
    name = clause.dotted_name()
    if name:
        found.dropped.append(name[-1])
    return None


def _auto_increment(body: Sequence[Token]) -> int | None:
    """The table option's last value. As an attribute of a column, no number follows the word."""
    value = None
    outside = [token for token in body if token.depth == 0]
    for place, token in enumerate(outside):
        if token.is_word("AUTO_INCREMENT"):
            number = Reader(outside[place + 1 :]).value()
            if number is not None and number.isdecimal():
                value = int(number)
    return value


def _has_sequence(body: Sequence[Token], first: str, second: str) -> bool:
    return any(one.depth == 0 and one.is_word(first) and two.is_word(second) for one, two in pairwise(body))


def _clauses(text: str, tokens: Sequence[Token], first: Token) -> str:
    """The text from `first` on, with a `/*!` that opens right in front of it."""
    place = tokens.index(first)
    while place and tokens[place - 1].kind is TokenKind.CONDITION and tokens[place - 1].text != "*/":
        place -= 1
    clauses = span(text, tokens[place:])
    tokenize(clauses, _WHAT)  # Refuses a condition that opens in front of the clauses and ends within them.
    return clauses
