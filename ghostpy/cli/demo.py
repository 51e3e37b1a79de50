"""`ghostpy demo`: a real server, an application at work, and a change of its table before your eyes."""

from __future__ import annotations

import argparse
import logging
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

from ghostpy import sandbox
from ghostpy.cli import migrate
from ghostpy.cli.demo_scene import SCENES, Scene
from ghostpy.sandbox.checking import differences, differing_rows
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.writers import Writers

_DATABASE, _TABLE = "shop", "customers"
_AROUND_EXCHANGE = 3.0
"""Seconds; a row touched later than so long before the end may have been written to the new table only."""


def run(argv: Sequence[str]) -> int:
    """Carry out one call; the exit code: 0 where every check held."""
    parser = argparse.ArgumentParser(prog="ghostpy demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the table (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1000, help="statements per second (default: %(default)s)")
    parser.add_argument("--writers", type=int, default=4, help="connections that write (default: %(default)s)")
    parser.add_argument("--dialect", choices=list(SCENES), default="mysql", help="server (default: %(default)s)")
    options = parser.parse_args(argv)
    scene = SCENES[options.dialect]
    console = Console(highlight=False)
    console.print(f"[bold]A throwaway {scene.title} server[/] … ", end="")
    logging.getLogger(sandbox.__name__).addHandler(_Fetching(console))
    with scene.start() as server:
        console.print(f"{server.version} on port {server.port}")
        server.execute(f"CREATE DATABASE {_DATABASE}")
        connection = DRIVERS[server.kind].connect(
            host=server.host, port=server.port, user=server.user, password="", database=_DATABASE
        )
        try:
            with connection.cursor() as cursor:
                return _show(console, scene, server, cursor, options)
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


def _show(console: Console, scene: Scene, server: sandbox.Server, cursor: Any, options: argparse.Namespace) -> int:
    console.print(f"[bold]A table[/] of {options.rows:,} rows of mixed types … ", end="")
    began = time.monotonic()
    fill(cursor, scene.shape, _TABLE, options.rows)
    console.print(f"filled in {time.monotonic() - began:.0f} s")
    console.print(
        f"[bold]An application[/]: {options.writers} connections, {options.rate:,.0f} statements/s, all logged"
    )
    console.print("[bold]The change[/]:")
    console.print(f"  {scene.alter}", markup=False)
    console.print("[bold]Values for the new columns[/]:")
    for column, expression in scene.transforms.items():
        console.print(f"  {column} = {expression}", markup=False)
    load = Load(
        server.host, server.port, _DATABASE, _TABLE, options.rows, user=server.user, threads=options.writers,
        rate=options.rate, shape=scene.shape,
    )  # fmt: skip
    with _deaf_to_interrupts(Writers(load)) as writers:
        time.sleep(2)
        quiet_until = time.monotonic()
        flags = [f"--url={_url(server)}", f"--table={_TABLE}", f"--alter={scene.alter}", "--execute"]
        # At full speed: server, writers and run share one machine here, and nobody wants to watch rests.
        flags += ["--max-impact=0"]
        flags += [f"--transform={column}={expression}" for column, expression in scene.transforms.items()]
        migrate.run(flags)
        ended = time.monotonic()
        time.sleep(2)
        committed = writers.stop()
    return _checked(console, scene, cursor, committed, quiet_until, ended)


def _url(server: sandbox.Server) -> str:
    scheme = "postgresql" if server.kind == "postgres" else "mysql"
    return f"{scheme}://{server.user}@{server.host}:{server.port}/{_DATABASE}"


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


def _checked(
    console: Console, scene: Scene, cursor: Any, committed: Committed, quiet_until: float, ended: float
) -> int:
    before = ended - _AROUND_EXCHANGE
    later = {row for row, moment in committed.touched.items() if moment > before}
    for log in committed.rows.values():
        for old, new in scene.shape.renamed.items():
            if log is not None and old in log:
                log[new] = log.pop(old)

    def unlike(columns: Sequence[tuple[str, str]]) -> int:
        found = differing_rows(cursor, scene.old_table, _TABLE, columns, kind=scene.shape.kind)
        return len(found - later)

    found: dict[str, int] = {
        "Writers' log and new table": len(differences(cursor, _TABLE, committed)),
        "Writers' log and old table, up to the exchange": len(
            differences(cursor, scene.old_table, committed, until=before)
        ),
        "Old and new table, all columns": unlike(scene.same),
        "Old and new table, the split names": unlike(scene.split),
        "Writers' statements that failed": len(committed.errors),
    }
    cursor.execute(f"SELECT COUNT(*) FROM {_TABLE}")
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
