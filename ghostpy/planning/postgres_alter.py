"""What the text of a change says to PostgreSQL; everything else about it is asked of the server.

The text is taken apart at its commas and semicolons and given to the server as the user wrote it; only the header with the
table's name is ours. The two statements about an index are taken apart a little further, for the words CONCURRENTLY and the
table's name stand in the middle of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.model.finding import Finding
from ghostpy.planning.malformed import malformed
from ghostpy.planning.postgres_clauses import Clause, Kind, Reader, read_clause
from ghostpy.planning.postgres_partitions import Partitioning, partitioning_of, read_partition, sees_partition
from ghostpy.planning.postgres_tokens import Token, span, split, tokenize

_WHAT = "The ALTER text"
# PostgreSQL does not take these in one list with others ("ALTER TABLE": its first forms).
_ALONE = frozenset(
    {Kind.RENAME_COLUMN, Kind.RENAME_CONSTRAINT, Kind.RENAME_TABLE, Kind.SET_SCHEMA, Kind.PARTITION}
    | {Kind.CREATE_INDEX, Kind.DROP_INDEX, Kind.COMMENT}
)
_NO_STATEMENT = (Kind.PARTITION_BY, Kind.CREATE_PARTITION)
_VERBS = (
    *(
        "ADD",
        "DROP",
        "ALTER",
        "RENAME",
        "SET",
        "RESET",
        "VALIDATE",
        "ENABLE",
        "DISABLE",
        "FORCE",
        "NO",
        "NOT",
        "OF",
        "CLUSTER",
    ),
    *("INHERIT", "OWNER", "REPLICA", "ATTACH", "DETACH", "MERGE", "SPLIT", "PARTITION", "OPTIONS"),
)
_OBJECTS = (
    *(
        "AGGREGATE",
        "CAST",
        "COLLATION",
        "CONVERSION",
        "DATABASE",
        "DOMAIN",
        "EVENT",
        "EXTENSION",
        "FOREIGN",
        "FUNCTION",
    ),
    *("GROUP", "INDEX", "LANGUAGE", "LARGE", "MATERIALIZED", "OPERATOR", "OWNED", "POLICY", "PROCEDURE", "PUBLICATION"),
    *("ROLE", "ROUTINE", "RULE", "SCHEMA", "SEQUENCE", "SERVER", "STATISTICS", "SUBSCRIPTION", "SYSTEM", "TABLE"),
    *("TABLESPACE", "TEXT", "TRIGGER", "TYPE", "USER", "VIEW"),
)
_COLUMN_VERBS = ("TYPE", "SET", "DROP", "ADD", "RESET", "RESTART", "CASCADE", "RESTRICT")


class AlterText(Struct, frozen=True):
    """A change taken apart. Names are unquoted."""

    clauses: tuple[Clause, ...]
    schema: str | None = None
    table: str | None = None
    """Where a statement names them."""
    partitioning: Partitioning | None = None
    """Where a partitioned table is to be made of a plain one; `statements` holds nothing of it."""

    def statements(self, table: str) -> tuple[str, ...]:
        """Whole statements that make the change on `table` (a quoted name, with its schema where one is meant).

        They can run in one transaction: none is CONCURRENTLY.
        """
        return statements(self.clauses, table)

    @property
    def using(self) -> Mapping[str, str]:
        """Of the columns whose type changes by an expression, that expression over the old row."""
        return {
            clause.column: clause.using
            for clause in self.clauses
            if clause.column is not None and clause.using is not None
        }

    @property
    def text(self) -> str:
        """The clauses as they were written, to show."""
        return "".join(
            ("; " if clause.kind is Kind.CREATE_PARTITION else ", ") + clause.text for clause in self.clauses
        ).lstrip(";, ")

    def has(self, *kinds: Kind) -> bool:
        """Whether there is a clause of one of these kinds."""
        return any(clause.kind in kinds for clause in self.clauses)


def parse_alter(text: str) -> AlterText:
    """Take `text` apart: clauses alone, or whole statements of ALTER TABLE, CREATE INDEX and DROP INDEX, divided by `;`.

    Beside those, PARTITION BY and the partitions, and comments on the table and its columns.

    Raises UsageError where it holds nothing, another statement, more than one table, or quotes and parentheses without match.
    """
    tokens = tokenize(text, _WHAT)
    pieces = [piece for piece in split(tokens, ";") if piece]
    if not pieces:
        raise UsageError(f"{_WHAT} is empty.", hint='Say what to change, for example: --alter "ADD COLUMN note text".')
    clauses: list[Clause] = []
    named: list[tuple[str, ...]] = []
    for number, piece in enumerate(pieces):
        clauses += _read_statement(text, piece, number, named, clauses)
    schema, table = _one_table(clauses, named)
    return AlterText(tuple(clauses), schema, table, partitioning_of(clauses, schema, table))


def statements(clauses: Sequence[Clause], table: str) -> tuple[str, ...]:
    """Whole statements for `clauses`: those of one statement stay together where PostgreSQL allows a list of them."""
    found: list[str] = []
    together: list[Clause] = []
    for clause in clauses:
        if clause.kind in _NO_STATEMENT:
            continue
        if together and (clause.kind in _ALONE or clause.statement != together[0].statement):
            found.append(_alter(together, table))
            together = []
        if clause.kind in _ALONE:
            found.append(alone(clause, table))
        else:
            together.append(clause)
    if together:
        found.append(_alter(together, table))
    return tuple(found)


def alone(clause: Clause, table: str, *, concurrently: bool = False, name: str | None = None) -> str:
    """The one statement for `clause`. `name` is another one for the index that it creates."""
    how = " CONCURRENTLY" if concurrently else ""
    if clause.kind is Kind.CREATE_INDEX:
        called = quoted(name or clause.name) + " " if name or clause.name else ""
        unless = "IF NOT EXISTS " if clause.conditional and called and name is None else ""
        return (
            f"CREATE {'UNIQUE ' if clause.unique else ''}INDEX{how} {unless}{called}ON {table} {clause.behind}".rstrip()
        )
    if clause.kind is Kind.DROP_INDEX:
        schema = table[: tokenize(table, "a table's name")[-1].start]
        cascade = " CASCADE" if clause.cascade else ""
        return f"DROP INDEX{how} {'IF EXISTS ' if clause.conditional else ''}{schema}{quoted(clause.name)}{cascade}"
    if clause.kind is Kind.COMMENT:
        on = f"TABLE {table}" if clause.column is None else f"COLUMN {table}.{quoted(clause.column)}"
        return f"COMMENT ON {on} {clause.behind}"
    return _alter([clause], table)


def quoted(name: str | None) -> str:
    """A quoted identifier."""
    return '"' + (name or "").replace('"', '""') + '"'


def _alter(clauses: Sequence[Clause], table: str) -> str:
    return f"ALTER TABLE {table} {', '.join(clause.text for clause in clauses)}"


def shadow_findings(alter: AlterText) -> list[Finding]:
    """What cannot be had by way of a shadow, because it is about the table's name or what hangs on it."""
    findings = []
    for clause in alter.clauses:
        if clause.kind in _NOT_BY_SHADOW:
            code, what = _NOT_BY_SHADOW[clause.kind]
            text = f"{' '.join(clause.text.split())} {what}; it cannot be done beside the rest of this change"
            findings.append(Finding(code, text, "Leave it out here; alone it takes an instant."))
    return findings


_NOT_BY_SHADOW = {
    Kind.RENAME_TABLE: ("renames-table", "gives the table another name"),
    Kind.SET_SCHEMA: ("renames-table", "moves the table to another schema"),
    Kind.OWNER: ("not-by-shadow", "gives the table another owner"),
    Kind.TRIGGER: ("not-by-shadow", "is about a trigger, which the shadow does not have while rows are copied"),
    Kind.RULE: ("not-by-shadow", "is about a rule, which the shadow does not have while rows are copied"),
    Kind.ROW_SECURITY: ("not-by-shadow", "could hide rows while they are copied"),
    Kind.INHERIT: ("not-by-shadow", "ties the table to another"),
    Kind.PARTITION: ("not-by-shadow", "is about a partition"),
}


def _read_statement(
    text: str, piece: Sequence[Token], number: int, named: list[tuple[str, ...]], before: Sequence[Clause]
) -> list[Clause]:
    reader = Reader(piece)
    if reader.sees("CREATE", "INDEX") or reader.sees("CREATE", "UNIQUE", "INDEX"):
        clause = _read_create_index(text, reader, piece, number)
        named.append(clause.table)
        return [clause]
    if sees_partition(reader):
        partition = read_partition(text, reader, piece, number)
        if partition.table[-1] not in {each.name for each in before if each.kind is Kind.CREATE_PARTITION}:
            named.append(partition.table)
        return [partition]
    if reader.sees("COMMENT", "ON"):
        clause = _read_comment(text, reader, piece, number)
        named.append(clause.table)
        return [clause]
    if _drops_index(reader):
        return _read_drop_index(reader, text, piece, number)
    if reader.take("ALTER", "TABLE"):
        named.append(_read_table(reader))
        _refuse_nothing(reader)
    else:
        _refuse_other_statements(reader, text)
    found = []
    for part in split(reader.rest(), ","):
        if not part:
            raise malformed(_WHAT, "a comma has no clause beside it", text, piece[0].start)
        found.append(read_clause(text, part, number))
    return found


def _read_table(reader: Reader) -> tuple[str, ...]:
    """Go past `[IF EXISTS] [ONLY] [schema.]table [*]`."""
    if reader.sees("ALL", "IN", "TABLESPACE"):
        raise UsageError(f"{_WHAT} must be about one table, not about all in a tablespace.")
    reader.take("IF", "EXISTS")
    reader.take("ONLY")
    name = reader.dotted_name()
    if not name or len(name) > 2:
        raise UsageError(
            f"{_WHAT} begins with ALTER TABLE, but no table's name follows that could be read.",
            hint="Write ALTER TABLE [schema.]table …, with unusual names in double quotes.",
        )
    reader.take_symbol("*")
    return name


def _refuse_nothing(reader: Reader) -> None:
    if not reader.rest():
        raise UsageError(
            f"{_WHAT} holds no change.", hint='Say what to change, for example: --alter "ADD COLUMN note text".'
        )


def _refuse_other_statements(reader: Reader, text: str) -> None:
    first, second, third = reader.peek(), reader.peek(1), reader.peek(2)
    if first is None:
        return
    other = not first.is_word(*_VERBS)
    if first.is_word("ALTER", "DROP", "REPLICA", "SET") and second is not None and third is not None:
        # `ALTER type SET DEFAULT 1` changes a column that happens to be called like a kind of object.
        other |= first.is_word("ALTER", "DROP") and second.is_word(*_OBJECTS) and not third.is_word(*_COLUMN_VERBS)
    other |= first.is_word("MERGE") and second is not None and second.is_word("INTO")
    if other:
        raise UsageError(
            f"{_WHAT} must be a change of one table, but here begins something else: {' '.join(text[first.start :].split())[:40]!r}.",
            hint='Give the clauses alone ("ADD COLUMN …, DROP COLUMN …"), or whole statements: ALTER TABLE, CREATE INDEX, '
            "DROP INDEX, COMMENT ON. BEGIN and COMMIT are left out.",
        )


def _read_create_index(text: str, reader: Reader, piece: Sequence[Token], number: int) -> Clause:
    reader.take("CREATE")
    unique = reader.take("UNIQUE")
    reader.take("INDEX")
    reader.take("CONCURRENTLY")
    conditional = reader.take("IF", "NOT", "EXISTS")
    name = None if reader.sees("ON") else reader.name()
    if not reader.take("ON"):
        raise UsageError(f"{_WHAT} begins with CREATE INDEX, but no ON with a table's name follows.")
    reader.take("ONLY")
    table = reader.dotted_name()
    if not table or len(table) > 2:
        raise UsageError(f"{_WHAT} begins with CREATE INDEX, but no table's name follows ON that could be read.")
    return Clause(
        Kind.CREATE_INDEX,
        span(text, piece),
        number,
        name=name,
        conditional=conditional,
        table=table,
        unique=unique,
        behind=span(text, reader.rest()),
    )


def _read_comment(text: str, reader: Reader, piece: Sequence[Token], number: int) -> Clause:
    reader.take("COMMENT", "ON")
    on_column = reader.take("COLUMN")
    if not on_column and not reader.take("TABLE"):
        raise UsageError(f"{_WHAT} may comment on the table and its columns only.")
    name = reader.dotted_name()
    table = name[:-1] if on_column else name
    if not 1 <= len(table) <= 2 or not reader.sees("IS") or len(reader.rest()) < 2:
        raise UsageError(f"{_WHAT} begins with COMMENT ON, but no name that could be read and no text follow.")
    return Clause(
        Kind.COMMENT,
        span(text, piece),
        number,
        column=name[-1] if on_column else None,
        table=table,
        behind=span(text, reader.rest()),
    )


def _drops_index(reader: Reader) -> bool:
    """`DROP index CASCADE` drops a column of this name."""
    third, fourth = reader.peek(2), reader.peek(3)
    if not reader.sees("DROP", "INDEX") or third is None or third.is_symbol(","):
        return False
    return not third.is_word("CASCADE", "RESTRICT") or (fourth is not None and not fourth.is_symbol(","))


def _read_drop_index(reader: Reader, text: str, piece: Sequence[Token], number: int) -> list[Clause]:
    reader.take("DROP", "INDEX")
    reader.take("CONCURRENTLY")
    conditional = reader.take("IF", "EXISTS")
    names: list[tuple[str, ...]] = []
    while not names or reader.take_symbol(","):
        name = reader.dotted_name()
        if not name or len(name) > 2:
            raise UsageError(f"{_WHAT} begins with DROP INDEX, but no index's name follows that could be read.")
        names.append(name)
    cascade = reader.take("CASCADE")
    reader.take("RESTRICT")
    if rest := reader.rest():
        raise malformed(_WHAT, "DROP INDEX ends before this", text, rest[0].start)
    return [
        Clause(
            Kind.DROP_INDEX,
            span(text, piece) if len(names) == 1 else f"DROP INDEX {quoted(name[-1])}",
            number,
            name=name[-1],
            conditional=conditional,
            cascade=cascade,
            table=name[:-1],
        )
        for name in names
    ]


def _one_table(clauses: Sequence[Clause], named: Sequence[tuple[str, ...]]) -> tuple[str | None, str | None]:
    """The schema and the table that all statements agree on, as far as they name them."""
    schemas = {name[0] for name in named if len(name) == 2}
    schemas |= {clause.table[0] for clause in clauses if clause.kind is Kind.DROP_INDEX and clause.table}
    tables = {name[-1] for name in named}
    if len(schemas) > 1 or len(tables) > 1:
        raise UsageError(
            f"{_WHAT} is about more than one table: {', '.join(sorted({'.'.join(name) for name in named}))}.",
            hint="Change one table at a time.",
        )
    return next(iter(schemas), None), next(iter(tables), None)
