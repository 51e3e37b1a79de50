"""Cases that nobody has thought of: a table, what writers do to it, and a change of it, all by chance, each by its number.

What is particular to a database stands in `random_mysql` and `random_postgres`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from case_files import Case, Transaction

_ROWS = 60
_STAYS = 40
"""A row that is never deleted: each write must find one."""


@dataclass(frozen=True)
class Language:
    """How a database says it."""

    quoted: Callable[[str], str]
    values: Mapping[str, Sequence[str]]
    """Types, each with literals of values that are at its edges."""
    keys: Mapping[str, str]
    """Types of keys, each with the literal for the number `{n}`."""
    named: Sequence[str]
    """Names of columns; some need quotes."""


@dataclass
class Table:
    """A table under way."""

    chance: random.Random
    language: Language
    key: str
    """The literal of the key for the number `{n}`."""
    columns: dict[str, str] = field(default_factory=dict)
    """All but the key: names with their types."""
    values: dict[str, list[str]] = field(default_factory=dict)
    """What each column may hold."""
    lines: list[str] = field(default_factory=list)
    """Of CREATE TABLE."""

    @property
    def quoted(self) -> Callable[[str], str]:
        return self.language.quoted

    def add(self, name: str, kind: str, *, null: bool, more: str = "") -> None:
        """A column; `more`: what its line ends with."""
        self.columns[name] = kind
        self.values[name] = [*self.language.values[kind], *(["NULL"] if null else [])]
        self.lines.append(f"{self.quoted(name)} {kind}{'' if null else ' NOT NULL'}{more}")

    def any_column(self, fits: Callable[[str], bool] = lambda _: True) -> str | None:
        """The name of one whose type `fits`."""
        found = [name for name, kind in self.columns.items() if fits(kind)]
        return self.chance.choice(found) if found else None

    def row(self, number: str) -> str:
        """An INSERT."""
        names = ", ".join(["id", *map(self.quoted, self.columns)])
        values = ", ".join([self.keyed(number), *(self.chance.choice(self.values[name]) for name in self.columns)])
        return f"INSERT INTO t ({names}) VALUES ({values})"

    def keyed(self, number: str) -> str:
        """The key of a row as SQL; `number` may be a placeholder."""
        return self.key.replace("{n}", number)

    def _any_of(self, low: int, high: int) -> str:
        return self.keyed(f"{{{low}..{high}}}")

    def first_rows(self) -> list[Transaction]:
        return [(self.row(str(2 * number)),) for number in range(1, _ROWS + 1)]

    def writes(self) -> list[Transaction]:
        """New rows, changed rows, rows that go, rows whose key changes, and several of these together."""
        chance, last = self.chance, 2 * _ROWS
        found: list[Transaction] = [(self.row(f"1{number}{{n}}"),) for number in range(4)]
        for _ in range(6):
            names = chance.sample(list(self.columns), chance.randint(1, min(3, len(self.columns))))
            sets = ", ".join(f"{self.quoted(name)} = {chance.choice(self.values[name])}" for name in names)
            keys = ", ".join([*(self._any_of(2, last) for _ in range(3)), self.keyed(str(_STAYS))])
            found.append((f"UPDATE t SET {sets} WHERE id IN ({keys})",))
        but = f"id <> {self.keyed(str(_STAYS))}"
        found.append((f"DELETE FROM t WHERE id = {self._any_of(2, 80)} AND {but}",))
        found.append((f"UPDATE t SET id = {self.keyed('9{n}')} WHERE id = {self._any_of(2, last)} AND {but}",))
        found.append((self.row("77{n}"), f"DELETE FROM t WHERE id = {self._any_of(82, last)}", self.row("78{n}")))
        return found


def begun(seed: int, language: Language) -> tuple[Table, str]:
    """A table with a key only, and the key's type."""
    chance = random.Random(seed)
    kind = chance.choice(list(language.keys))
    table = Table(chance, language, language.keys[kind], lines=[f"id {kind} NOT NULL"])
    return table, kind


def random_case(seed: int, table: Table, create: Sequence[str], clauses: Sequence[str]) -> Case:
    """The whole of it. What is written after the exchange is not: the old and the new type may store it differently."""
    return Case(
        folder=Path(f"random/{seed}"),
        create=[*((statement,) for statement in create), *table.first_rows()],
        writes=table.writes(),
        after=(),
        twin=(),
        checks=(),
        alter=", ".join(clauses),
        stop_at_exchange=True,
    )
