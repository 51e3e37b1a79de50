"""Tables for `bench.estimate`, and what is asked of their servers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_DIGITS = " ".join(f"CROSS JOIN digits d{n}" for n in range(1, 7))
_NUMBER = " + ".join(f"d{n}.d * {10**n}" for n in range(7))
PARENTS = 5000


@dataclass(frozen=True)
class Shape:
    """`columns` and `values` in SQL that all servers read alike; `{TEXT}`, `{BINARY}`, … differ. `n` is a row's number.

    Each table has a column `num` as well, which refers to another table.
    """

    name: str
    rows: int
    columns: str
    values: str
    indexed: str
    """What the new index is built of."""
    indexes: tuple[str, ...] = ()


SHAPES = (
    Shape("narrow", 2_000_000, "id INT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL", "n, n % 1000, n * 7", "a, b"),
    Shape(
        "wide",
        150_000,
        f"id INT PRIMARY KEY, {', '.join(f'c{i} VARCHAR(60)' for i in range(12))}, body {{TEXT}}",
        f"n, {', '.join(f'CONCAT({{H}}, {i})' for i in range(12))}, REPEAT({{H}}, 40)",
        "c3, c7",
    ),
    Shape(
        "many indexes",
        400_000,
        f"id INT PRIMARY KEY, {', '.join(f'c{i} INT NOT NULL' for i in range(8))}, t VARCHAR(40)",
        f"n, {', '.join(f'(n * {i + 3}) % {10007 + i}' for i in range(8))}, {{H}}",
        "c5, t",
        (*(f"c{i}" for i in range(8)), "t", "c1, c2"),
    ),
    Shape(
        "text key",
        500_000,
        "a VARCHAR(40) NOT NULL, b VARCHAR(40) NOT NULL, v INT, PRIMARY KEY (a, b)",
        "{H}, CONCAT('b', n % 100), n",
        "v",
    ),
    Shape(
        "json and blob",
        80_000,
        "id INT PRIMARY KEY, j {JSON}, z {BINARY}",
        "n, {OBJECT}, {BYTES}",
        "num",
    ),
)
_MYSQL = {
    "TEXT": "MEDIUMTEXT",
    "JSON": "JSON",
    "BINARY": "MEDIUMBLOB",
    "H": "LEFT(SHA2(n, 256), 32)",
    "OBJECT": "JSON_OBJECT('a', n, 'b', REPEAT(LEFT(SHA2(n, 256), 32), 10))",
    "BYTES": "REPEAT(UNHEX(LEFT(SHA2(n, 256), 32)), 150)",
}
_POSTGRES = {
    "TEXT": "text",
    "JSON": "jsonb",
    "BINARY": "bytea",
    "H": "md5(n::text)",
    "OBJECT": "jsonb_build_object('a', n, 'b', repeat(md5(n::text), 10))",
    "BYTES": "decode(repeat(md5(n::text), 150), 'hex')",
}


def beginning(kind: str) -> Iterator[str]:
    """What all tables of a server need."""
    yield f"CREATE TABLE p (id INT PRIMARY KEY, name VARCHAR(40)){'' if kind == 'postgres' else ' ENGINE=InnoDB'}"
    if kind == "postgres":
        yield f"INSERT INTO p SELECT n, md5(n::text) FROM generate_series(0, {PARENTS - 1}) AS n"
        yield "ANALYZE p"
        return
    yield "CREATE TABLE digits (d INT PRIMARY KEY)"
    yield "INSERT INTO digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)"


def filling(shape: Shape, kind: str, rows: int) -> Iterator[str]:
    """The table `t`, made anew."""
    postgres = kind == "postgres"
    words = _POSTGRES if postgres else _MYSQL
    yield "DROP TABLE IF EXISTS t"
    columns, _, key = shape.columns.format(**words).partition(", PRIMARY KEY")
    yield f"CREATE TABLE t ({columns}, num INT NOT NULL{f', PRIMARY KEY{key}' if key else ''})"
    numbers = (
        f"generate_series(1, {rows}) AS n"
        if postgres
        else f"(SELECT {_NUMBER} AS n FROM digits d0 {_DIGITS}) AS numbers WHERE n < {rows}"
    )
    yield f"INSERT INTO t SELECT {shape.values.format(**words)}, n % {PARENTS} FROM {numbers}"
    for number, indexed in enumerate(shape.indexes):
        yield f"CREATE INDEX i{number} ON t ({indexed})"
    yield from ("VACUUM ANALYZE t", "CHECKPOINT") if postgres else ("ANALYZE TABLE t",)
