"""How near is the time that a plan tells to the time that the change takes, on an idle server?

Plans a change of five tables, carries it out, and prints both times and their ratio.

    python -m bench.estimate [--scale 1.0] [--servers mysql,postgres] [--shapes narrow,wide]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ghostpy import sandbox
from ghostpy.assembly import migrate
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.several import Several
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_CHANGE = "ADD COLUMN extra INT NOT NULL DEFAULT 7"
_DIGITS = " ".join(f"CROSS JOIN digits d{n}" for n in range(1, 7))
_NUMBER = " + ".join(f"d{n}.d * {10**n}" for n in range(7))


@dataclass(frozen=True)
class Shape:
    """`columns` and `values` in SQL that both kinds of servers read alike; `{TEXT}`, `{BINARY}`, … differ. `n` is a row's number."""

    name: str
    rows: int
    columns: str
    values: str
    indexes: tuple[str, ...] = ()


SHAPES = (
    Shape("narrow", 2_000_000, "id INT PRIMARY KEY, a INT NOT NULL, b INT NOT NULL", "n, n % 1000, n * 7"),
    Shape(
        "wide",
        150_000,
        f"id INT PRIMARY KEY, {', '.join(f'c{i} VARCHAR(60)' for i in range(12))}, body {{TEXT}}",
        f"n, {', '.join(f'CONCAT({{H}}, {i})' for i in range(12))}, REPEAT({{H}}, 40)",
    ),
    Shape(
        "many indexes",
        400_000,
        f"id INT PRIMARY KEY, {', '.join(f'c{i} INT NOT NULL' for i in range(8))}, t VARCHAR(40)",
        f"n, {', '.join(f'(n * {i + 3}) % {10007 + i}' for i in range(8))}, {{H}}",
        (*(f"c{i}" for i in range(8)), "t", "c1, c2"),
    ),
    Shape(
        "text key",
        500_000,
        "a VARCHAR(40) NOT NULL, b VARCHAR(40) NOT NULL, v INT, PRIMARY KEY (a, b)",
        "{H}, CONCAT('b', n % 100), n",
    ),
    Shape(
        "json and blob",
        80_000,
        "id INT PRIMARY KEY, j {JSON}, z {BINARY}",
        "n, {OBJECT}, {BYTES}",
    ),
)
_WORDS = {
    "mysql": {
        "TEXT": "MEDIUMTEXT",
        "JSON": "JSON",
        "BINARY": "MEDIUMBLOB",
        "H": "LEFT(SHA2(n, 256), 32)",
        "OBJECT": "JSON_OBJECT('a', n, 'b', REPEAT(LEFT(SHA2(n, 256), 32), 10))",
        "BYTES": "REPEAT(UNHEX(LEFT(SHA2(n, 256), 32)), 150)",
    },
    "postgres": {
        "TEXT": "text",
        "JSON": "jsonb",
        "BINARY": "bytea",
        "H": "md5(n::text)",
        "OBJECT": "jsonb_build_object('a', n, 'b', repeat(md5(n::text), 10))",
        "BYTES": "decode(repeat(md5(n::text), 150), 'hex')",
    },
}


def _statements(shape: Shape, kind: str, rows: int) -> Iterator[str]:
    words = _WORDS[kind]
    yield "DROP TABLE IF EXISTS t"
    yield f"CREATE TABLE t ({shape.columns.format(**words)})"
    numbers = (
        f"(SELECT {_NUMBER} AS n FROM digits d0 {_DIGITS}) AS numbers WHERE n < {rows}"
        if kind == "mysql"
        else f"generate_series(1, {rows}) AS n"
    )
    yield f"INSERT INTO t SELECT {shape.values.format(**words)} FROM {numbers}"
    for number, columns in enumerate(shape.indexes):
        yield f"CREATE INDEX i{number} ON t ({columns})"
    yield "ANALYZE TABLE t" if kind == "mysql" else "VACUUM ANALYZE t"


def _settings(server: sandbox.Server) -> MigrateSettings:
    postgres = server.kind == "postgres"
    dsn = f"host={server.host} port={server.port} user={server.user} dbname=bench" if postgres else ""
    connect = ConnectSettings(host=server.host, port=server.port, user=server.user)
    if postgres:
        connect = replace(connect, dialect="postgres", dsn=dsn)
    return MigrateSettings(
        connect=connect,
        target=TargetSettings(
            database="" if postgres else "bench", table="t", alter=_CHANGE, strategy="shadow", ok_to_drop_old=True
        ),
    )


def _measured(server: sandbox.Server, shape: Shape, rows: int) -> tuple[Plan, RunReport]:
    with (
        DRIVERS[server.kind].connect(
            host=server.host, port=server.port, user=server.user, password="", database="bench"
        ) as connection,
        connection.cursor() as cursor,
    ):
        for statement in _statements(shape, server.kind, rows):
            cursor.execute(statement)
    settings = _settings(server)
    plan = asyncio.run(migrate(settings, Several([])))
    report = asyncio.run(migrate(replace(settings, execute=True), Several([])))
    assert isinstance(plan, Plan)
    assert isinstance(report, RunReport)
    return plan, report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the tables' rows")
    parser.add_argument("--servers", default="mysql,postgres")
    parser.add_argument("--shapes", default=",".join(shape.name for shape in SHAPES))
    given = parser.parse_args()
    shapes = [shape for shape in SHAPES if shape.name in given.shapes.split(",")]
    for kind in given.servers.split(","):
        with getattr(sandbox, kind)() as server:
            server.execute("CREATE DATABASE bench")
            if kind == "mysql":
                server.execute("CREATE TABLE bench.digits (d INT PRIMARY KEY)")
                server.execute("INSERT INTO bench.digits VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)")
            for shape in shapes:
                plan, report = _measured(server, shape, int(shape.rows * given.scale))
                found = plan.estimate
                assert found is not None
                assert found.seconds is not None, found.reason
                parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found.parts.items())
                print(
                    f"{kind:9} {shape.name:14} planned {found.seconds:6.1f} s ({parts}), took {report.elapsed:6.1f} s "
                    f"(copy {report.copy_elapsed:.1f}): ratio {found.seconds / report.elapsed:.2f}; log {(found.log_bytes or 0) >> 20} MB; "
                    f"sample {found.sample_rows:,} of {report.rows_copied:,} rows in {found.sample_seconds:.2f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
