"""How do the tools that change a table compare, idle and under load: their time, and what the application feels?

    python -m bench.compare [--dialect mysql|postgres] [--rows N] [--rates 0,3000,8000] [--repeat N] [--tools "NAME;NAME"]
                            [--gh-ost PATH] [--limit SECONDS] [--json FILE] [--markdown FILE] [--picture FILE]

Each tool in turn makes the same change to the same table on the same server, in each repetition in another order, while an application
updates single rows of it at a fixed rate (0: none): sysbench with load.lua on MySQL, pgbench -N on PostgreSQL. A latency counts from when
a transaction was due. Quoted are medians; `kept` is the share of the rate of the seconds before, `longest` the longest transaction there
was, so what writers were held for at most. A tool that does not end within the limit is ended.

MySQL: ghostpy, pt-online-schema-change (Debian: percona-toolkit), the server's ALTER … ALGORITHM=COPY, and a gh-ost given by its path.
PostgreSQL: ghostpy, pg_repack (postgresql-15-repack), and the server's ALTER. Only ghostpy compares both tables.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from bench._application import Application, due, ended, percentile, program_of
from bench._metered import Metered, metered
from bench._page import Measured, page, picture
from bench._peers import CHANGED, POSTGRES, TABLE, Tool, tools_for
from ghostpy import sandbox
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.shapes import SysbenchRows

_SETTINGS: Mapping[str, sandbox.Options] = {
    "mysql": {
        "innodb_buffer_pool_size": "1G",
        "sync_binlog": "1",
        "innodb_flush_log_at_trx_commit": "1",
        "innodb_redo_log_capacity": "1G",
        # As MySQL has them by itself.
        "innodb_read_io_threads": "4",
        "innodb_write_io_threads": "4",
    },
    "postgres": {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "256MB"},
}
_QUIET = 6.0
_WHAT = {"mysql": "MySQL, sysbench rows, single-row updates", "postgres": f"PostgreSQL {POSTGRES}, pgbench -N"}


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    program = program_of(options.dialect, POSTGRES)
    rates = [int(rate) for rate in options.rates.split(",")]
    if program is None and any(rates):
        print("without sysbench, or pgbench, on this machine there is no load: only the idle server is measured")
        rates = [0]
    found: dict[int, dict[str, list[Measured]]] = {}
    with _server(options.dialect) as server:
        tools = tools_for(server, options.gh_ost)
        if options.tools:
            tools = {name: tools[name] for name in options.tools.split(";")}
        for rate in rates:
            found[rate] = {tool: [] for tool in tools}
            for _ in range(options.repeat):
                for tool in random.sample(list(tools), len(tools)):
                    application = Application(server, program, rate, options.rows) if rate and program else None
                    measured = _measured(server, tools[tool], application, options.rows, options.limit)
                    found[rate][tool].append(measured)
                    print(f"{rate:>6}/s  {tool:26} {measured.line}", flush=True)
    text = page(_title(options), found)
    print(f"\n{text}")
    if options.markdown:
        options.markdown.write_text(text)
    if options.json:
        plain = {rate: {tool: list(map(asdict, runs)) for tool, runs in each.items()} for rate, each in found.items()}
        options.json.write_text(json.dumps({"title": _title(options), "rates": plain}, indent=2) + "\n")
    if options.picture:
        picture(options.picture, found)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.compare", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dialect", choices=("mysql", "postgres"), default="mysql")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rates", default="0,3000,8000")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tools", default="")
    parser.add_argument("--gh-ost", type=Path)
    parser.add_argument("--limit", type=float, default=300.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--picture", type=Path)
    return parser


def _server(kind: str) -> AbstractContextManager[sandbox.Server]:
    if kind == "mysql":
        return sandbox.mysql(_SETTINGS[kind])
    return sandbox.postgres(_SETTINGS[kind], version=POSTGRES)


def _title(options: argparse.Namespace) -> str:
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
    runs = "one run" if options.repeat == 1 else f"medians of {options.repeat} runs"
    return f"{options.rows:,} rows, {_WHAT[options.dialect]}, {runs}, {date.today()}, {machine}."


def _measured(server: sandbox.Server, tool: Tool, application: Application | None, rows: int, limit: float) -> Measured:
    driver = DRIVERS[server.kind]
    place = {"mysql": "mysql", "postgres": "postgres"}[server.kind]
    address: dict[str, Any] = {"host": server.host, "port": server.port, "user": server.user, "password": ""}
    with closing(driver.connect(**address, database=place)) as connection, connection.cursor() as cursor:
        _fill(server, cursor, rows)
        with application.running() if application else nullcontext() as folder:
            started = time.time()
            time.sleep(_QUIET if application else 0.0)
            written = _log_bytes(cursor, server.kind)
            began = time.time()
            took = _carried_out(cursor, tool, limit)
            finished = time.time()
            written = _log_bytes(cursor, server.kind) - written
            measured = Measured(took.ended, finished - began, written / 1e6, took.megabytes, took.cpu)
            if application and folder:
                log = application.log(folder, finished)
                rate = len(ended(log, began, finished)) / (finished - began)
                measured.kept = 100 * rate / (len(ended(log, started, began)) / (began - started))
                before, during = due(log, started, began), due(log, began, finished)
                measured.p50, measured.p95, measured.p99, measured.longest = (
                    percentile(during, percent) for percent in (50, 95, 99, 100)
                )
                measured.quiet_p99 = percentile(before, 99)
        if took.ended:
            _check(server.kind, cursor, tool, rows)
        return measured


def _carried_out(cursor: Any, tool: Tool, limit: float) -> Metered:
    if isinstance(tool, str):
        cursor.execute(tool)
        return Metered(True, 0.0, 0.0)
    return metered(tool, limit=limit)


def _fill(server: sandbox.Server, cursor: Any, rows: int) -> None:
    if server.kind == "mysql":
        for statement in ("DROP DATABASE IF EXISTS bench", "CREATE DATABASE bench", "USE bench"):
            cursor.execute(statement)
        fill(cursor, SysbenchRows(), TABLE["mysql"], rows)
        return
    program = program_of("postgres", POSTGRES)
    if program is None:
        raise SystemExit("there is no pgbench on this machine (Debian: postgresql-15)")
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    scale = str(max(1, rows // 100_000))
    subprocess.run([program, "-i", "-q", "-s", scale, *address, "postgres"], check=True, capture_output=True)
    cursor.execute("CHECKPOINT")


def _check(kind: str, cursor: Any, tool: Tool, rows: int) -> None:
    """A tool that has not done its work is not fast."""
    column, wanted = CHANGED[kind]
    cursor.execute(f"SELECT COUNT({column}) FROM {TABLE[kind]}")
    assert cursor.fetchone() == (rows,), f"{tool} did not keep the rows"
    if "pg_repack" not in tool[0]:
        cursor.execute(
            "SELECT data_type FROM information_schema.columns WHERE table_schema IN ('bench', 'public') "
            f"AND table_name = '{TABLE[kind]}' AND column_name = '{column}'"
        )
        assert cursor.fetchone() == (wanted,), f"{tool} did not do its work"


def _log_bytes(cursor: Any, kind: str) -> int:
    if kind == "mysql":
        cursor.execute("SHOW BINARY LOGS")
        return sum(int(row[1]) for row in cursor.fetchall())
    cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(cursor.fetchone()[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
