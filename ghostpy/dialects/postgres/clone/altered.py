"""What the new table must have besides its rows, once its clone has been altered: statements, sorted by when they are due."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.clone.constraint_definitions import Constraint
from ghostpy.dialects.postgres.clone.definitions import Part, Statistics
from ghostpy.dialects.postgres.clone.index_definitions import IndexDefinition
from ghostpy.dialects.postgres.clone.lent_sequences import Lent, promised
from ghostpy.model.names import TableName


class Heir(Struct, frozen=True):
    """An identity column's sequence of the new table, which goes on where the source's stands."""

    new: str
    old: str


class Altered(Struct, frozen=True):
    """The new table's definitions. They name no clone, so those of one hold for another of the same source and ALTER."""

    columns: tuple[tuple[str, str], ...]
    """Pairs of the source's column and the new table's that comes from it, in order."""
    indexes: tuple[IndexDefinition, ...]
    """To be built when the rows are there, the primary key first."""
    before_exchange: tuple[str, ...]
    """For one transaction under a search_path of the shadow's and the source's schema, any time between copy and exchange; again, too."""
    after_exchange: tuple[str, ...]
    """Each for itself, under any search_path: validation of what the source's rows were known to keep. They read whole tables."""
    foreign_parents: tuple[TableName, ...]
    """Tables that the exchange locks in ACCESS EXCLUSIVE mode, since DROP CONSTRAINT on the old table's foreign keys does."""
    new_foreign_parents: tuple[TableName, ...]
    """Further tables that it locks in SHARE ROW EXCLUSIVE mode, for foreign keys that the ALTER adds."""
    left_foreign_keys: tuple[str, ...] = ()
    """The old table's foreign keys to other tables; they would hold the application back there."""
    statistics: tuple[Statistics, ...] = ()
    heirs: tuple[Heir, ...] = ()
    lent: tuple[Lent, ...] = ()
    """Sequences to be let go before the exchange (`lent_sequences.let_go`), and given to the new table after it."""
    parts: tuple[Part, ...] = ()
    """Triggers and rules."""
    constraints: tuple[Constraint, ...] = ()
    """Foreign keys, and what is NOT VALID."""
    new_foreign_keys: tuple[Constraint, ...] = ()
    """Those of them, to other tables, that the source's rows have never been held to."""
    row_security: tuple[str, ...] = ()
    late_grants: tuple[str, ...] = ()
    """Those that take something from the owner that the last resync needs."""
    partitions: tuple[str, ...] = ()
    """Tables that the new one is divided into, with those that these are; each moves by itself."""
    leaves: tuple[str, ...] = ()
    """Those of them that hold rows."""
    keys_by_leaf: frozenset[str] = frozenset()
    """Foreign keys that the exchange gives to each leaf, because the server takes none NOT VALID for the whole (before 18)."""
    divided_by: tuple[str, ...] | None = ()
    """The columns of the partition key; None where there are expressions in it."""
    stream_index: str | None = None
    """The index of the new table whose columns its stream would tell of a changed row; None where that would tell all columns."""
    cover: tuple[str, ...] = ()
    """Conditions over the new table's rows, one of which each row must meet to have a partition; none where that cannot be told."""

    @classmethod
    def none(cls) -> Altered:
        """Of a change that needs no shadow."""
        return cls((), (), (), (), (), ())

    def moves(self, shadow: TableName, schema: str) -> tuple[str, ...]:
        """Statements that move the new table into `schema`: neither its partitions nor their indexes come along by themselves."""
        tables = [shadow, *(shadow.beside(name) for name in self.partitions)]
        return tuple(f"ALTER TABLE {quote.table(table)} SET SCHEMA {quote.name(schema)}" for table in tables)

    def exchange_statements(self, old: TableName, new: TableName, ledger: TableName) -> tuple[str, ...]:
        """For the exchange's transaction, once the source is called `old` and the shadow `new`, which was the source's name.

        They run under a search_path of `new`'s schema; all of them are quick, whatever the tables' size.
        """
        return (
            *(f"ALTER TABLE {quote.table(old)} DROP CONSTRAINT {quote.name(key)}" for key in self.left_foreign_keys),
            *_moved_statistics(self.statistics, old, new),
            *promised(self.lent, new, ledger),
            *(_succession(heir, old, new) for heir in self.heirs),
            *(line for constraint in self.constraints for line in self._added(constraint, new)),
            *(line for part in self.parts for line in part.create),
            *self.row_security,
            *self.late_grants,
        )

    def _added(self, constraint: Constraint, new: TableName) -> tuple[str, ...]:
        if constraint.name not in self.keys_by_leaf:
            return constraint.add(quote.name(new.table), unvalidated=True)
        return tuple(constraint.add(quote.name(leaf), unvalidated=True)[0] for leaf in self.leaves)


def _succession(heir: Heir, old: TableName, new: TableName) -> str:
    # A value given out at a rolled-back exchange is only skipped: setval() is not undone ("Sequence Manipulation Functions").
    successor = quote.text(quote.table(TableName(new.schema, heir.new)))
    return f"SELECT pg_catalog.setval({successor}, last_value, is_called) FROM {quote.table(TableName(old.schema, heir.old))}"


def _moved_statistics(statistics: Sequence[Statistics], old: TableName, new: TableName) -> list[str]:
    """Statistics keep to their schema when their table moves: the old table's must make room for the new one's."""
    # Where the shadow was only the server knows now.
    statements = [_MOVE.format(table=quote.text(quote.table(old)), schema=quote.text(old.schema), only="true")]
    for schema in dict.fromkeys(each.schema for each in statistics):
        names = ", ".join(quote.text(each.name) for each in statistics if each.schema == schema)
        table = quote.text(quote.table(new))
        only = f"s.stxname IN ({names})"
        statements.append(_MOVE.format(table=table, schema=quote.text(schema), only=only))
    return statements if statistics else []


_MOVE = """DO LANGUAGE plpgsql $ghostpy$
DECLARE moved pg_catalog.text;
BEGIN
    FOR moved IN SELECT pg_catalog.format('%I.%I', n.nspname, s.stxname)
        FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
        WHERE s.stxrelid = {table}::pg_catalog.regclass AND n.nspname <> {schema} AND {only}
    LOOP
        EXECUTE pg_catalog.format('ALTER STATISTICS %s SET SCHEMA %I', moved, {schema});
    END LOOP;
END
$ghostpy$"""
