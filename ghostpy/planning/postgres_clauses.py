"""One clause of PostgreSQL's ALTER TABLE: what kind it is, and which names stand in it.

Forms: PostgreSQL manual, "ALTER TABLE". What is not understood has the kind OTHER, and tells nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from msgspec import Struct

from ghostpy.planning.postgres_tokens import Token, TokenKind, span


class Kind(Enum):
    ADD_COLUMN = "add column"
    DROP_COLUMN = "drop column"
    ALTER_TYPE = "alter type"
    SET_NOT_NULL = "set not null"
    DROP_NOT_NULL = "drop not null"
    SET_DEFAULT = "set default"
    DROP_DEFAULT = "drop default"
    SET_EXPRESSION = "set expression"
    DROP_EXPRESSION = "drop expression"
    IDENTITY = "identity"
    SET_STORAGE = "set storage"
    SET_STATISTICS = "set statistics"
    COLUMN_OPTIONS = "column options"
    ADD_CHECK = "add check"
    ADD_FOREIGN_KEY = "add foreign key"
    ADD_UNIQUE = "add unique"
    ADD_PRIMARY_KEY = "add primary key"
    ADD_NOT_NULL = "add not null constraint"
    ADD_EXCLUDE = "add exclusion constraint"
    DROP_CONSTRAINT = "drop constraint"
    ALTER_CONSTRAINT = "alter constraint"
    VALIDATE = "validate constraint"
    RENAME_COLUMN = "rename column"
    RENAME_CONSTRAINT = "rename constraint"
    RENAME_TABLE = "rename table"
    SET_SCHEMA = "set schema"
    OWNER = "owner"
    TABLE_OPTIONS = "table options"
    TABLESPACE = "tablespace"
    ACCESS_METHOD = "access method"
    PERSISTENCE = "persistence"
    CLUSTER = "cluster mark"
    REPLICA_IDENTITY = "replica identity"
    TRIGGER = "trigger"
    RULE = "rule"
    ROW_SECURITY = "row security"
    INHERIT = "inheritance"
    PARTITION = "partition"
    PARTITION_BY = "partition by"
    """Not PostgreSQL's syntax: to make a partitioned table of a plain one."""
    CREATE_PARTITION = "create partition"
    CREATE_INDEX = "create index"
    DROP_INDEX = "drop index"
    COMMENT = "comment"
    OTHER = "other"


class Clause(Struct, frozen=True):
    """One clause, or one statement about an index, a partition or a comment. Names are unquoted; texts are as written."""

    kind: Kind
    text: str
    statement: int = 0
    """In which of the user's statements it stands."""
    column: str | None = None
    name: str | None = None
    """Of the constraint, index, owner, …; of a column or table that is renamed, the new one."""
    using: str | None = None
    """The expression of `ALTER COLUMN … TYPE … USING expression`."""
    not_valid: bool = False
    """It says NOT VALID, or NOT ENFORCED: rows that are there already are not looked at."""
    conditional: bool = False
    """It says IF EXISTS or IF NOT EXISTS."""
    cascade: bool = False
    table: tuple[str, ...] = ()
    """Of a statement about an index, a partition or a comment: the table that it names, with its schema where that stands there."""
    unique: bool = False
    behind: str = ""
    """Of CREATE INDEX and of a partition: what follows the table's name; of PARTITION BY: what follows it; of a comment: IS and its text."""


class Reader:
    """A cursor over tokens."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        place = self._at + ahead
        return self._tokens[place] if place < len(self._tokens) else None

    def sees(self, *words: str) -> bool:
        """Whether these keywords come next, in this order."""
        return all((token := self.peek(ahead)) is not None and token.is_word(word) for ahead, word in enumerate(words))

    def take(self, *words: str) -> bool:
        """Go past these keywords where all of them come next, in this order."""
        found = self.sees(*words)
        self._at += len(words) if found else 0
        return found

    def take_symbol(self, symbol: str) -> bool:
        token = self.peek()
        found = token is not None and token.is_symbol(symbol)
        self._at += found
        return found

    def name(self) -> str | None:
        """Go past one name, where there is one that can be read."""
        token, following = self.peek(), self.peek(1)
        if token is None or not token.name:
            return None
        if token.kind is TokenKind.QUOTED and following is not None and following.is_word("UESCAPE"):
            return None
        self._at += 1
        return token.name

    def dotted_name(self) -> tuple[str, ...]:
        """Go past a name with its qualifiers; empty where there is none."""
        parts: list[str] = []
        while not parts or self.take_symbol("."):
            part = self.name()
            if part is None:
                return ()
            parts.append(part)
        return tuple(parts)

    def rest(self) -> Sequence[Token]:
        return self._tokens[self._at :]


def read_clause(text: str, tokens: Sequence[Token], statement: int) -> Clause:
    """The clause that `tokens`, of `text`, spell."""
    reader = Reader(tokens)
    written = span(text, tokens)
    if reader.take("ADD"):
        return _read_add(reader, tokens, written, statement)
    if reader.take("DROP"):
        return _read_drop(reader, tokens, written, statement)
    if reader.take("ALTER"):
        return _read_alter(text, reader, written, statement)
    if reader.take("RENAME"):
        return _read_rename(reader, written, statement)
    if reader.take("PARTITION", "BY"):
        return Clause(Kind.PARTITION_BY, written, statement, behind=span(text, reader.rest()))
    for words, kind in _BEGINNINGS:
        if reader.take(*words):
            reader.take("TO")
            return Clause(kind, written, statement, name=reader.name())
    return Clause(Kind.OTHER, written, statement)


_BEGINNINGS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("VALIDATE", "CONSTRAINT"), Kind.VALIDATE),
    (("OWNER",), Kind.OWNER),
    (("SET", "SCHEMA"), Kind.SET_SCHEMA),
    (("SET", "TABLESPACE"), Kind.TABLESPACE),
    (("SET", "ACCESS", "METHOD"), Kind.ACCESS_METHOD),
    (("SET", "LOGGED"), Kind.PERSISTENCE),
    (("SET", "UNLOGGED"), Kind.PERSISTENCE),
    (("SET", "WITHOUT", "CLUSTER"), Kind.CLUSTER),
    (("CLUSTER", "ON"), Kind.CLUSTER),
    (("SET",), Kind.TABLE_OPTIONS),
    (("RESET",), Kind.TABLE_OPTIONS),
    (("REPLICA", "IDENTITY"), Kind.REPLICA_IDENTITY),
    (("ENABLE", "ROW"), Kind.ROW_SECURITY),
    (("DISABLE", "ROW"), Kind.ROW_SECURITY),
    (("FORCE", "ROW"), Kind.ROW_SECURITY),
    (("NO", "FORCE"), Kind.ROW_SECURITY),
    (("ENABLE", "RULE"), Kind.RULE),
    (("ENABLE", "REPLICA", "RULE"), Kind.RULE),
    (("ENABLE", "ALWAYS", "RULE"), Kind.RULE),
    (("DISABLE", "RULE"), Kind.RULE),
    (("ENABLE",), Kind.TRIGGER),
    (("DISABLE",), Kind.TRIGGER),
    (("INHERIT",), Kind.INHERIT),
    (("NO", "INHERIT"), Kind.INHERIT),
    (("OF",), Kind.INHERIT),
    (("NOT", "OF"), Kind.INHERIT),
    (("ATTACH", "PARTITION"), Kind.PARTITION),
    (("DETACH", "PARTITION"), Kind.PARTITION),
    (("MERGE", "PARTITIONS"), Kind.PARTITION),
    (("SPLIT", "PARTITION"), Kind.PARTITION),
)


def _read_add(reader: Reader, tokens: Sequence[Token], written: str, statement: int) -> Clause:
    kind, name = _constraint(reader)
    if kind is not None:
        return Clause(kind, written, statement, name=name, not_valid=_not_valid(tokens))
    reader.take("COLUMN")
    conditional = reader.take("IF", "NOT", "EXISTS")
    return Clause(Kind.ADD_COLUMN, written, statement, column=reader.name(), conditional=conditional)


def _constraint(reader: Reader) -> tuple[Kind | None, str | None]:
    """The kind of a table constraint and its name; no kind where a column is meant."""
    named = reader.take("CONSTRAINT")
    name = reader.name() if named else None
    for words, kind in (
        (("CHECK",), Kind.ADD_CHECK),
        (("UNIQUE",), Kind.ADD_UNIQUE),
        (("PRIMARY", "KEY"), Kind.ADD_PRIMARY_KEY),
        (("FOREIGN", "KEY"), Kind.ADD_FOREIGN_KEY),
        (("NOT", "NULL"), Kind.ADD_NOT_NULL),
    ):
        if reader.sees(*words):
            return kind, name
    following = reader.peek(1)
    # EXCLUDE is no reserved word: a column may be called so.
    if reader.sees("EXCLUDE") and following and (named or following.is_word("USING") or following.is_symbol("(")):
        return Kind.ADD_EXCLUDE, name
    return (Kind.OTHER if named else None), name


def _not_valid(tokens: Sequence[Token]) -> bool:
    outside = [token for token in tokens if token.depth == 0]
    return any(one.is_word("NOT") and two.is_word("VALID", "ENFORCED") for one, two in pairwise(outside))


def _read_drop(reader: Reader, tokens: Sequence[Token], written: str, statement: int) -> Clause:
    constraint = reader.take("CONSTRAINT")
    if not constraint:
        reader.take("COLUMN")
    conditional = reader.take("IF", "EXISTS")
    name = reader.name()
    cascade = tokens[-1].is_word("CASCADE") and bool(reader.rest())
    if constraint:
        return Clause(Kind.DROP_CONSTRAINT, written, statement, name=name, conditional=conditional, cascade=cascade)
    return Clause(Kind.DROP_COLUMN, written, statement, column=name, conditional=conditional, cascade=cascade)


_COLUMN_ACTIONS: tuple[tuple[tuple[str, ...], Kind], ...] = (
    (("SET", "DATA", "TYPE"), Kind.ALTER_TYPE),
    (("TYPE",), Kind.ALTER_TYPE),
    (("SET", "NOT", "NULL"), Kind.SET_NOT_NULL),
    (("DROP", "NOT", "NULL"), Kind.DROP_NOT_NULL),
    (("SET", "DEFAULT"), Kind.SET_DEFAULT),
    (("DROP", "DEFAULT"), Kind.DROP_DEFAULT),
    (("SET", "EXPRESSION"), Kind.SET_EXPRESSION),
    (("DROP", "EXPRESSION"), Kind.DROP_EXPRESSION),
    (("ADD", "GENERATED"), Kind.IDENTITY),
    (("DROP", "IDENTITY"), Kind.IDENTITY),
    (("SET", "GENERATED"), Kind.IDENTITY),
    (("RESTART",), Kind.IDENTITY),
    (("SET", "STATISTICS"), Kind.SET_STATISTICS),
    (("SET", "STORAGE"), Kind.SET_STORAGE),
    (("SET", "COMPRESSION"), Kind.SET_STORAGE),
    (("RESET",), Kind.COLUMN_OPTIONS),
)


def _read_alter(text: str, reader: Reader, written: str, statement: int) -> Clause:
    if reader.take("CONSTRAINT"):
        return Clause(Kind.ALTER_CONSTRAINT, written, statement, name=reader.name())
    reader.take("COLUMN")
    column = reader.name()
    for words, kind in _COLUMN_ACTIONS:
        if reader.take(*words):
            using = _using(text, reader.rest()) if kind is Kind.ALTER_TYPE else None
            return Clause(kind, written, statement, column=column, using=using)
    options = reader.take("SET")
    following = reader.peek()
    if options and following is not None:
        # What else may be set are the options of an identity's sequence, in any order.
        kind = Kind.COLUMN_OPTIONS if following.is_symbol("(") else Kind.IDENTITY
        return Clause(kind, written, statement, column=column)
    return Clause(Kind.OTHER, written, statement, column=column)


def _using(text: str, tokens: Sequence[Token]) -> str | None:
    for place, token in enumerate(tokens):
        if token.depth == 0 and token.is_word("USING"):
            return span(text, tokens[place + 1 :]) or None
    return None


def _read_rename(reader: Reader, written: str, statement: int) -> Clause:
    if reader.take("TO"):
        return Clause(Kind.RENAME_TABLE, written, statement, name=reader.name())
    kind = Kind.RENAME_CONSTRAINT if reader.take("CONSTRAINT") else Kind.RENAME_COLUMN
    reader.take("COLUMN")
    old = reader.name()
    new = reader.name() if reader.take("TO") else None
    return Clause(kind, written, statement, column=old if kind is Kind.RENAME_COLUMN else None, name=new)
