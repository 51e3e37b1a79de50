"""What the pairs of tables of all kinds of servers have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self, TypeAlias

from case_files import Case

Rows: TypeAlias = Iterable[tuple[Any, ...]]


class BothTables(ABC):
    """Half of a `Pair`; a server adds how a statement is executed, and how a transaction on both ends."""

    passing: ClassVar[frozenset[object]]
    overlapping: ClassVar[bool]

    def __init__(self, database: str, twin: str) -> None:
        self.database = database
        self.twin = twin

    def on_source(self, statement: str) -> None:
        self.execute(self.database, statement)

    def on_twin(self, statement: str) -> None:
        self.execute(self.twin, statement)

    @abstractmethod
    def execute(self, database: str, statement: str) -> None:
        """Raises Refused."""

    @abstractmethod
    def exchanged(self) -> bool: ...

    @abstractmethod
    def at(self, moment: int) -> None: ...

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class TwinTables(ABC):
    """Half of `Twins`: two tables of the same name, in two databases of one server, so that the same text changes both."""

    def __init__(self, case: Case, database: str, twin: str) -> None:
        self.case = case
        self.database = database
        self.twin = twin

    @abstractmethod
    def pair(self) -> BothTables: ...

    def alter_twin(self) -> None:
        own = f"ALTER TABLE {self.qualified()} {self.case.alter}"
        with self.pair() as pair:
            for transaction in self.case.twin or ((own,),):
                for statement in transaction:
                    pair.on_twin(statement)
                pair.commit()

    def rows(self, *, twin: bool, old: bool = False, ignore: Sequence[str] = ()) -> list[tuple[str, ...]]:
        values = [value for name, value in self.values(twin=twin, old=old) if name not in ignore]
        question = f"SELECT {', '.join(values)} FROM {self.qualified(old=old)}"
        found = self.read(self.twin if twin else self.database, question)
        return sorted(tuple("NULL" if value is None else str(value) for value in row) for row in found)

    @abstractmethod
    def values(self, *, twin: bool, old: bool) -> list[tuple[str, str]]:
        """The columns, each with an expression for its whole value as text."""

    @abstractmethod
    def qualified(self, *, old: bool = False) -> str:
        """The table's name, quoted."""

    @abstractmethod
    def read(self, database: str, question: str) -> Rows:
        """The rows of a query that sees all that is committed by now."""

    def check(self, statement: str) -> object:
        return next(iter(self.read(self.database, statement)))[0]
