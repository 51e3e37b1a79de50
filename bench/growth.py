"""What grows with the table: time per row, memory, and how long writers are held at the exchange?

    python -m bench.growth [--dialect mysql|postgres] [--keys int,composite,text] [--millions 1,3,10,30] [--repeat N] [--verify on|off] [--json FILE] [--plot FILE]

One table after the other, each larger than the one before and filled anew, is changed by ghostpy on an idle server. Quoted are medians: seconds for a
million rows and their ratio to the smallest table's, peak memory of ghostpy, and the length of the lock at the exchange by ghostpy's own clock. Nothing may grow
faster than the table; memory and the lock not at all. `--plot` draws them as SVG; that needs matplotlib (`pip install -e ".[bench]"`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench._metered import metered
from bench._plot import plotted
from ghostpy import sandbox
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill

_MILLION = 1_000_000
_KEYS = {
    "int": ("id INT NOT NULL", "id", "i"),
    # Three columns, none of which tells a row by itself.
    "composite": (
        "a INT NOT NULL, b INT NOT NULL, id INT NOT NULL",
        "a, b, id",
        "{div} 100000, {div} 100 % 1000, i % 100",
    ),
    "text": ("id VARCHAR(40) NOT NULL", "id", "CONCAT('customer-', LPAD({text}, 12, '0'))"),
}
"""Of each kind of key: the columns, the key, and the values of row `i`."""
_ALTER = {"mysql": "MODIFY k BIGINT NOT NULL", "postgres": "ALTER COLUMN k TYPE bigint"}
_SETTINGS: dict[str, sandbox.Options] = {
    "mysql": {"innodb_buffer_pool_size": "2G"},
    "postgres": {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "256MB"},
}

Figures = dict[str, float]


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.growth", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dialect", choices=("mysql", "postgres"), default="mysql")
    parser.add_argument("--keys", default="int")
    parser.add_argument("--millions", default="1,3,10")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--verify", choices=("on", "off"), default="on")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args(argv)
    sizes = [float(size) for size in options.millions.split(",")]
    found: dict[str, list[Figures]] = {}
    with _server(options.dialect) as server:
        if options.dialect == "mysql":
            server.execute("CREATE DATABASE bench")
        for key in options.keys.split(","):
            print(f"{options.dialect}, {key} key, verification {options.verify}, medians of {options.repeat}")
            print(f"  {'million rows':>12} {'seconds':>9} {'s/million':>10} {'ratio':>6} {'memory':>8} {'lock':>8}")
            found[key] = []
            for size in sizes:
                figures = _medians([_changed(server, key, size, options.verify) for _ in range(options.repeat)])
                found[key].append(figures)
                ratio = figures["per million"] / found[key][0]["per million"]
                print(
                    f"  {size:12g} {figures['seconds']:9.1f} {figures['per million']:10.2f} {ratio:6.2f} "
                    f"{figures['megabytes']:5.0f} MB {figures['lock'] * 1000:5.0f} ms",
                    flush=True,
                )
    if options.json:
        options.json.write_text(
            json.dumps({"millions": sizes, "verify": options.verify, "keys": found}, indent=2) + "\n"
        )
    if options.plot:
        lines = {"Seconds for a million rows": "per million", "Peak memory, MB": "megabytes", "Lock, seconds": "lock"}
        plotted(
            options.plot,
            "Million rows",
            sizes,
            {
                title: {key: [each[name] for each in rows] for key, rows in found.items()}
                for title, name in lines.items()
            },
        )
    return 0


def _server(dialect: str) -> AbstractContextManager[sandbox.Server]:
    start = sandbox.mysql if dialect == "mysql" else sandbox.postgres
    return start(_SETTINGS[dialect])


def _medians(runs: Sequence[Figures]) -> Figures:
    return {name: statistics.median(each[name] for each in runs) for name in runs[0]}


@dataclass(frozen=True)
class _Rows:
    """A shape for `fill`: rows of 150 bytes with a key of one kind."""

    kind: str
    key: str

    @property
    def create(self) -> tuple[str, ...]:
        columns, key, _ = _KEYS[self.key]
        return (
            "DROP TABLE IF EXISTS {table}",
            f"CREATE TABLE {{table}} ({columns}, k INT NOT NULL, c CHAR(107) NOT NULL, PRIMARY KEY ({key}))",
        )

    @property
    def fill(self) -> str:
        values = _KEYS[self.key][2]
        if self.kind == "mysql":
            values = values.format(div="i DIV", text="i")
            rows = "WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
            return f"INSERT INTO {{table}} {rows} SELECT {values}, i * 7919 % 1000000, CONCAT(SHA2(i, 224), LEFT(SHA2(-i, 224), 51)) FROM n"
        values = values.format(div="i /", text="i::text")
        return (
            f"INSERT INTO {{table}} SELECT {values}, i * 7919::bigint % 1000000, left(repeat(md5(i::text), 4), 107) "
            "FROM generate_series({first}, {last}) AS i"
        )


def _changed(server: sandbox.Server, key: str, millions: float, verify: str) -> Figures:
    rows = int(millions * _MILLION)
    place = {"mysql": "bench", "postgres": "postgres"}[server.kind]
    with (
        DRIVERS[server.kind].connect(
            host=server.host, port=server.port, user=server.user, password="", database=place
        ) as connection,
        connection.cursor() as cursor,
    ):
        fill(cursor, _Rows(server.kind, key), "t", rows)
    address = server.url if server.kind == "postgres" else f"{server.url}/{place}"
    flags = [f"--url={address}", "--table=t", f"--alter={_ALTER[server.kind]}", f"--verify={verify}"]
    flags += ["--strategy=shadow"] if server.kind == "postgres" else []
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        flags += [f"--report={report}", "--ok-to-drop-table", "--execute", "--quiet"]
        began = time.monotonic()
        megabytes = metered([sys.executable, "-m", "ghostpy", "migrate", *flags]).megabytes
        seconds = time.monotonic() - began
        told = json.loads(report.read_text())["figures"]
    assert told["rows_copied"] == rows, told
    return {
        "seconds": seconds,
        "per million": seconds / millions,
        "megabytes": megabytes,
        "lock": float(told["lock_seconds"]),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
