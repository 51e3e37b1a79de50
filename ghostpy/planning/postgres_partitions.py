"""A change that makes a partitioned table of a plain one. PostgreSQL has no ALTER for it, so the syntax is that of CREATE TABLE:

PARTITION BY RANGE (created);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_rest PARTITION OF events DEFAULT
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.errors import UsageError
from ghostpy.planning.postgres_clauses import Clause, Kind, Reader
from ghostpy.planning.postgres_tokens import Token, span

_WHAT = "The ALTER text"


class Partition(Struct, frozen=True):
    """One partition to be made. Names are unquoted, texts as written."""

    name: str
    parent: str | None
    """The partition that it is a part of; None for the table itself."""
    behind: str
    """What follows the parent's name: FOR VALUES … or DEFAULT, and options."""


class Partitioning(Struct, frozen=True):
    """What the table is to be divided by, and into what; a partition comes after the one that it is a part of."""

    by: str
    """What follows PARTITION BY."""
    partitions: tuple[Partition, ...]


def partitioning_of(clauses: Sequence[Clause], schema: str | None, table: str | None) -> Partitioning | None:
    """The partitioning that the clauses ask for; None where they ask for none.

    `schema`, `table`: as far as the text names them. Raises UsageError for one without partitions and for partitions without one.
    """
    divisions = [clause for clause in clauses if clause.kind is Kind.PARTITION_BY]
    made = [clause for clause in clauses if clause.kind is Kind.CREATE_PARTITION]
    if not divisions:
        if made:
            raise UsageError(
                f"{_WHAT} makes a partition, but has no PARTITION BY.",
                hint="A partition of a table that is partitioned already is made with CREATE TABLE, without ghostpy.",
            )
        return None
    if len(divisions) > 1:
        raise UsageError(f"{_WHAT} says PARTITION BY more than once.")
    if not made:
        raise UsageError(
            f"{_WHAT} has a PARTITION BY, but no partition for the rows.",
            hint="Add them behind it: PARTITION BY RANGE (created); CREATE TABLE events_2025 PARTITION OF events FOR VALUES "
            "FROM ('2025-01-01') TO ('2026-01-01'); CREATE TABLE events_rest PARTITION OF events DEFAULT",
        )
    known: list[str] = []
    partitions = []
    for clause in made:
        name, parent = clause.name or "", clause.table[-1]
        if name in (*known, table):
            raise UsageError(f"{_WHAT} makes two tables called {name}.")
        partitions.append(Partition(name, parent if parent in known else None, clause.behind))
        known.append(name)
    return Partitioning(divisions[0].behind, tuple(partitions))


def sees_partition(reader: Reader) -> bool:
    """Whether a statement begins that makes a table."""
    return reader.sees("CREATE", "TABLE")


def read_partition(text: str, reader: Reader, piece: Sequence[Token], number: int) -> Clause:
    """The clause of `CREATE TABLE … PARTITION OF …`."""
    reader.take("CREATE", "TABLE")
    conditional = reader.take("IF", "NOT", "EXISTS")
    name = reader.dotted_name()
    if not name or len(name) > 2:
        raise UsageError(f"{_WHAT} begins with CREATE TABLE, but no table's name follows that could be read.")
    if not reader.take("PARTITION", "OF"):
        raise UsageError(
            f"{_WHAT} may hold CREATE TABLE for partitions only, and {name[-1]} is none.",
            hint="Write CREATE TABLE … PARTITION OF …; other tables are created without ghostpy.",
        )
    parent = reader.dotted_name()
    if not parent or len(parent) > 2:
        raise UsageError(f"{_WHAT} makes the partition {name[-1]}, but no table's name follows PARTITION OF.")
    following = reader.peek()
    if following is not None and following.is_symbol("("):
        raise UsageError(
            f"{_WHAT} gives the partition {name[-1]} constraints or defaults of its own.",
            hint="Leave them out here, and add them to the partition after the change.",
        )
    if len({part[0] for part in (name, parent) if len(part) == 2}) > 1:
        raise UsageError(
            f"{_WHAT} makes the partition {'.'.join(name)} in another schema than its table's.",
            hint="Leave the schema out here; ALTER TABLE … SET SCHEMA moves it after the change.",
        )
    return Clause(
        Kind.CREATE_PARTITION,
        span(text, piece),
        number,
        name=name[-1],
        conditional=conditional,
        table=parent if len(parent) == 2 else (*name[:-1], *parent),
        behind=span(text, reader.rest()),
    )
