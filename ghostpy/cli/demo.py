"""`ghostpy demo`: a real server, an application at work, and a change of its table before your eyes."""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import pymysql
from rich.console import Console
from rich.table import Table

from ghostpy import sandbox
from ghostpy.cli import migrate
from ghostpy.sandbox.checking import differences, differing_rows
from ghostpy.sandbox.customers import CustomerRows
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.writers import Writers

_ALTER = """ADD COLUMN first_name VARCHAR(60) NOT NULL DEFAULT '' AFTER name,
  ADD COLUMN last_name VARCHAR(60) NOT NULL DEFAULT '' AFTER first_name,
  RENAME COLUMN country TO country_code,
  CHANGE COLUMN note remark VARCHAR(500),
  MODIFY COLUMN email VARCHAR(200) CHARACTER SET utf8mb4,
  MODIFY COLUMN balance DECIMAL(14, 4) NOT NULL DEFAULT 0,
  MODIFY COLUMN status ENUM('closed', 'new', 'active', 'paused', 'vip') NOT NULL DEFAULT 'new',
  ADD KEY last_name_1 (last_name)"""
_TRANSFORMS = {
    "first_name": "SUBSTRING_INDEX(name, ' ', 1)",
    "last_name": "SUBSTRING(name, LOCATE(' ', name) + 1)",
}
_SAME = ("name", "email", "balance", "score", "born", "created", "seen", "settings", "token")
_MOVED = {"country": "country_code", "note": "remark"}
_AROUND_EXCHANGE = 3.0
"""Seconds; a row touched later than so long before the end may have been written to the new table only."""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code: 0 where every check held."""
    parser = argparse.ArgumentParser(prog="ghostpy demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1000, help="statements per second (default: %(default)s)")
    parser.add_argument("--writers", type=int, default=4, help="connections that write (default: %(default)s)")
    options = parser.parse_args(argv)
    console = Console(highlight=False)
    console.print("[bold]A throwaway MySQL server[/] … ", end="")
    logging.getLogger(sandbox.__name__).addHandler(_Fetching(console))
    with sandbox.mysql({"innodb_buffer_pool_size": "1G"}) as server:
        console.print(f"{server.version} on port {server.port}")
        connection = pymysql.connect(host=server.host, port=server.port, user=server.user, autocommit=True)
        try:
            with connection.cursor() as cursor:
                return _show(console, server, cursor, options)
        finally:
            connection.close()


class _Fetching(logging.Handler):
    """Says on the same line what the very first start of a server waits for."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        logging.getLogger(sandbox.__name__).setLevel(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        self._console.print(f"{record.getMessage()} … ", end="", markup=False)


def _show(console: Console, server: sandbox.MySQLServer, cursor: Any, options: argparse.Namespace) -> int:
    console.print(f"[bold]A table[/] of {options.rows:,} rows of mixed types … ", end="")
    cursor.execute("CREATE DATABASE shop")
    cursor.execute("USE shop")
    began = time.monotonic()
    fill(cursor, CustomerRows(), "customers", options.rows)
    console.print(f"filled in {time.monotonic() - began:.0f} s")
    console.print(
        f"[bold]An application[/]: {options.writers} connections, {options.rate:,.0f} statements/s, all logged"
    )
    console.print("[bold]The change[/]:")
    console.print(f"  {_ALTER}", markup=False)
    console.print("[bold]Values for the new columns[/]:")
    for column, expression in _TRANSFORMS.items():
        console.print(f"  {column} = {expression}", markup=False)
    load = Load(
        server.host, server.port, "shop", "customers", options.rows, threads=options.writers, rate=options.rate,
        shape=CustomerRows(),
    )  # fmt: skip
    with _deaf_to_interrupts(Writers(load)) as writers:
        time.sleep(2)
        quiet_until = time.monotonic()
        flags = [f"--url={server.url}/shop", "--table=customers", f"--alter={_ALTER}", "--execute"]
        flags += [f"--transform={column}={expression}" for column, expression in _TRANSFORMS.items()]
        migrate.run(flags)
        ended = time.monotonic()
        time.sleep(2)
        committed = writers.stop()
    return _checked(console, cursor, committed, quiet_until, ended)


@contextmanager
def _deaf_to_interrupts(writers: Writers) -> Iterator[Writers]:
    """The writers at work. Ctrl-C goes to all processes of a terminal, but is for us alone to tell them."""
    with ExitStack() as ending:
        ours = signal.signal(signal.SIGINT, signal.SIG_IGN)  # which a new process inherits
        try:
            ending.enter_context(writers)
        finally:
            signal.signal(signal.SIGINT, ours)
        yield writers


def _checked(console: Console, cursor: Any, committed: Committed, quiet_until: float, ended: float) -> int:
    before = ended - _AROUND_EXCHANGE
    later = {row for row, moment in committed.touched.items() if moment > before}
    columns = [(f"o.{name}", f"n.{name}") for name in _SAME] + [(f"o.{a}", f"n.{b}") for a, b in _MOVED.items()]
    columns = [("CAST(o.balance AS DECIMAL(14, 4))", "n.balance") if "balance" in pair[0] else pair for pair in columns]
    columns = [("CONVERT(o.email USING utf8mb4)", "n.email") if "email" in pair[0] else pair for pair in columns]
    columns.append(("o.status", "n.status"))
    split = [(f"({text.replace('name', 'o.name')})", f"n.{name}") for name, text in _TRANSFORMS.items()]
    for log in committed.rows.values():
        for old, new in _MOVED.items():
            if log is not None and old in log:
                log[new] = log.pop(old)
    found: dict[str, int] = {
        "Writers' log and new table": len(differences(cursor, "customers", committed)),
        "Writers' log and old table, up to the exchange": len(
            differences(cursor, "_customers_del", committed, until=before)
        ),
        "Old and new table, all columns": len(differing_rows(cursor, "_customers_del", "customers", columns) - later),
        "Old and new table, the split names": len(differing_rows(cursor, "_customers_del", "customers", split) - later),
        "Writers' statements that failed": len(committed.errors),
    }
    cursor.execute("SELECT COUNT(*) FROM customers")
    (rows,) = cursor.fetchone()
    table = Table(title="Checked", show_lines=False)
    table.add_column("What")
    table.add_column("Compared", justify="right")
    table.add_column("Differences", justify="right")
    sizes = (len(committed.rows), len(committed.rows) - len(later), rows, rows, len(committed.statements))
    for (what, wrong), size in zip(found.items(), sizes, strict=True):
        table.add_row(what, f"{size:,}", f"[{'green' if not wrong else 'bold red'}]{wrong}[/]")
    console.print(table)
    exchange = committed.switched or ended
    console.print(
        f"The writers' slowest statement: {committed.slowest(until=quiet_until) * 1000:.0f} ms before the change, "
        f"{committed.slowest(quiet_until, exchange - 0.5) * 1000:.0f} ms during copy and comparison, "
        f"[bold]{committed.slowest(exchange - 0.5, exchange + 0.5) * 1000:.0f} ms around the exchange[/]."
    )
    return 0 if not any(found.values()) else 1
