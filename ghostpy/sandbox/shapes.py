"""Rows that writers know how to make, each for one kind of server."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

Values: TypeAlias = dict[str, Any]


class Shape(Protocol):
    """A table and its rows. Writers are sent to another process, so a shape is an object without any state."""

    @property
    def kind(self) -> str:
        """The kind of server: `mysql` or `postgres`."""

    @property
    def key(self) -> str:
        """The column with the ids."""

    @property
    def renamed(self) -> Mapping[str, str]:
        """Columns that are to get another name meanwhile, and that name."""

    @property
    def create(self) -> tuple[str, ...]:
        """Statements that make the `{table}`."""

    @property
    def fill(self) -> str:
        """The statement that adds the rows `{first}` … `{last}` to the `{table}`."""

    def whole(self, rng: random.Random) -> Values:
        """All values of a new row but its key."""

    def some(self, rng: random.Random) -> Values:
        """What an update sets."""


class SysbenchRows:
    """Rows of sysbench's table: `id`, `k`, `c`, `pad`."""

    kind: ClassVar[str] = "mysql"
    key: ClassVar[str] = "id"
    renamed: ClassVar[Mapping[str, str]] = {}
    create: ClassVar[tuple[str, ...]] = (
        "CREATE TABLE {table} (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, k INT NOT NULL DEFAULT 0, "
        "c CHAR(120) NOT NULL DEFAULT '', pad CHAR(60) NOT NULL DEFAULT '', KEY k_1 (k))",
    )
    fill: ClassVar[str] = (
        "INSERT INTO {table} (id, k, c, pad) WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n "
        "WHERE i < {last}) SELECT i, i * 7919 % 1000000, CONCAT(SHA2(i, 224), '-', LEFT(SHA2(-i, 224), 50)), "
        "LEFT(SHA2(i + 1, 256), 59) FROM n"
    )

    def whole(self, rng: random.Random) -> Values:
        return {"k": rng.randrange(1_000_000), "c": f"{rng.getrandbits(380):x}", "pad": f"{rng.getrandbits(190):x}"}

    def some(self, rng: random.Random) -> Values:
        return {"c": f"{rng.getrandbits(380):x}"} if rng.random() < 0.5 else {"k": rng.randrange(1_000_000)}


class PgbenchRows:
    """Rows of pgbench's accounts: `aid`, `bid`, `abalance`, `filler`."""

    kind: ClassVar[str] = "postgres"
    key: ClassVar[str] = "aid"
    renamed: ClassVar[Mapping[str, str]] = {}
    create: ClassVar[tuple[str, ...]] = (
        "CREATE TABLE {table} (aid int NOT NULL PRIMARY KEY, bid int NOT NULL, abalance int NOT NULL DEFAULT 0, "
        "filler char(84) NOT NULL)",
        "CREATE INDEX ON {table} (bid)",
    )
    fill: ClassVar[str] = (
        "INSERT INTO {table} SELECT i, i * 7919::bigint % 1000, i % 1000, left(repeat(md5(i::text), 3), 84) "
        "FROM generate_series({first}, {last}) AS i"
    )

    def whole(self, rng: random.Random) -> Values:
        return {"bid": rng.randrange(1000), "abalance": rng.randrange(-(10**6), 10**6), "filler": _filler(rng)}

    def some(self, rng: random.Random) -> Values:
        return {"abalance": rng.randrange(-(10**6), 10**6)} if rng.random() < 0.8 else {"filler": _filler(rng)}


def _filler(rng: random.Random) -> str:
    """As long as its column, which would be padded with blanks otherwise."""
    return f"{rng.getrandbits(84 * 4):084x}"
