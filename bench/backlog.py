"""How fast does a run get through changes that wait for it, does the copy go on meanwhile, and what memory does that take?

    python -m bench.backlog [--dialect mysql|postgres] [--rows N] [--transactions N] [--json FILE]

Waiting changes: a run is killed early in its copy, N transactions are made that change one row each, and the same command goes on where it
was. Told is the time from the first of these changes that is read until all are in the new table and the stream has caught up, and how many rows
were copied in it. One statement: a run copies a table, one UPDATE changes all of its rows meanwhile. Told is the peak memory of ghostpy, beside that of a run
on the idle server; and how many keys a second are resynced where that statement comes once all is copied.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeAlias

from bench._metered import metered
from ghostpy import sandbox
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.process import free_port
from ghostpy.sandbox.shapes import PgbenchRows, SysbenchRows

_TABLE = {"mysql": "sbtest1", "postgres": "accounts"}
_SHAPE = {"mysql": SysbenchRows(), "postgres": PgbenchRows()}
_ALTER = {"mysql": "MODIFY k BIGINT NOT NULL", "postgres": "ALTER COLUMN abalance TYPE bigint"}
_UPDATE_ALL = {"mysql": "UPDATE bench.sbtest1 SET k = k + 1", "postgres": "UPDATE accounts SET abalance = abalance + 1"}
# Rows from all over the table, each transaction another one.
_WORK = {
    "mysql": (
        "CREATE PROCEDURE bench.work (n INT) BEGIN WHILE n > 0 DO "
        "UPDATE bench.sbtest1 SET k = k + 1 WHERE id = 1 + (n * 7919) % {rows}; SET n = n - 1; END WHILE; END",
        "CALL bench.work({transactions})",
    ),
    "postgres": (
        "CREATE PROCEDURE work (n bigint) LANGUAGE plpgsql AS $$ BEGIN WHILE n > 0 LOOP "
        "UPDATE accounts SET abalance = abalance + 1 WHERE aid = 1 + (n * 7919) % {rows}; COMMIT; n := n - 1; END LOOP; END $$",
        "CALL work({transactions})",
    ),
}
_SETTINGS: Mapping[str, sandbox.Options] = {
    "mysql": {"innodb_buffer_pool_size": "1G", "innodb_redo_log_capacity": "1G", "max_binlog_size": "1G"},
    "postgres": {"shared_buffers": "1GB", "max_wal_size": "8GB"},
}
# The changes are made quickly, and read from a server that is set up to lose nothing.
_QUICK = {
    "mysql": ("SET GLOBAL sync_binlog = 0", "SET GLOBAL innodb_flush_log_at_trx_commit = 0"),
    "postgres": ("ALTER SYSTEM SET synchronous_commit = off", "SELECT pg_reload_conf()"),
}
_SAFE = {
    "mysql": ("SET GLOBAL sync_binlog = 1", "SET GLOBAL innodb_flush_log_at_trx_commit = 1"),
    "postgres": ("ALTER SYSTEM RESET synchronous_commit", "SELECT pg_reload_conf()"),
}
_LOOK = 0.1
_PATIENCE = 300.0
_CAUGHT_UP = 1.5
"""Seconds: the age of the youngest heartbeat of a stream that has nothing waiting."""

Figures = dict[str, float]
_Told: TypeAlias = Mapping["str | tuple[str, str]", float]
"""Metrics by their name, those of a phase also by both."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.backlog", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--dialect", choices=("mysql", "postgres"), default="mysql")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--transactions", type=int, default=400_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    start = sandbox.mysql if options.dialect == "mysql" else sandbox.postgres
    with start(_SETTINGS[options.dialect]) as server:
        bench = _Bench(server, options.rows)
        waiting = bench.waiting(options.transactions)
        statement = bench.one_statement()
        resynced = bench.resynced()
    print(f"{options.dialect}, {options.rows:,} rows; {options.transactions:,} changes of single rows that wait")
    figures = {**waiting, **statement, **resynced}
    for name, figure in figures.items():
        print(f"  {name:58} {figure:12,.1f}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


class _Bench:
    """The table, and ghostpy on it."""

    def __init__(self, server: sandbox.Server, rows: int) -> None:
        self._server = server
        self._kind = server.kind
        self._rows = rows
        self._port = free_port()

    def waiting(self, transactions: int) -> Figures:
        """What a run does with changes that were made while it was away."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            self._fill(cursor)
            self._execute(cursor, _QUICK)
            slowly = ["--chunk-size=1000", "--workers=1", "--nice-ratio=5", "--checkpoint-seconds=1"]
            with self._started(*slowly) as process:
                self._until(lambda told: told["ghostpy_copy_progress_ratio"] > 0.05)
                time.sleep(2.0)
                process.send_signal(signal.SIGKILL)
                process.wait()
            create, call = (text.format(rows=self._rows, transactions=transactions) for text in _WORK[self._kind])
            cursor.execute(create)
            cursor.execute(call)
            self._execute(cursor, _SAFE)
            with self._started() as process:
                first = self._until(lambda told: told["ghostpy_changes_applied_total"] > 0 or _waits(told))
                began = time.monotonic()
                last = self._until(lambda told: not _waits(told) and told["ghostpy_stream_lag_seconds"] < _CAUGHT_UP)
                took = time.monotonic() - began
                _ended(process)
        return {
            "until all that waited was in the new table, seconds": took,
            "of them applied in that time": last["ghostpy_changes_applied_total"]
            - first["ghostpy_changes_applied_total"],
            "rows copied in that time": last["ghostpy_rows_copied_total"] - first["ghostpy_rows_copied_total"],
        }

    def one_statement(self) -> Figures:
        """What a run takes in memory while one statement changes every row."""
        with closing(self._connected()) as connection, connection.cursor() as cursor:
            self._fill(cursor)
            idle = metered(self._command()).megabytes
            self._fill(cursor)
            peak: list[float] = []
            running = threading.Thread(target=lambda: peak.append(metered(self._command()).megabytes))
            running.start()
            self._until(lambda told: told["ghostpy_copy_progress_ratio"] > 0.05)
            began = time.monotonic()
            cursor.execute(_UPDATE_ALL[self._kind])
            took = time.monotonic() - began
            running.join()
        return {
            "the one UPDATE of all rows, seconds": took,
            "peak memory without it, MB": idle,
            "peak memory with it, MB": peak[0],
        }

    def resynced(self) -> Figures:
        """How many keys a second are brought over again once all is copied and the cut-over is postponed."""
        with (
            closing(self._connected()) as connection,
            connection.cursor() as cursor,
            tempfile.TemporaryDirectory() as folder,
        ):
            self._fill(cursor)
            flag = Path(folder) / "postpone"
            with self._started(f"--postpone-cut-over-flag-file={flag}", "--verify=off") as process:
                self._until(lambda told: told["ghostpy_phase", "postponing cut-over"] == 1)
                cursor.execute(_UPDATE_ALL[self._kind])
                began = time.monotonic()
                self._until(lambda told: told["ghostpy_changes_applied_total"] >= self._rows and not _waits(told))
                took = time.monotonic() - began
                flag.unlink()
                _ended(process)
        return {"keys of one UPDATE resynced, a second": self._rows / took}

    def _connected(self) -> Any:
        server = self._server
        return DRIVERS[self._kind].connect(
            host=server.host, port=server.port, user=server.user, password="", database=self._kind
        )

    def _fill(self, cursor: Any) -> None:
        if self._kind == "mysql":
            cursor.execute("CREATE DATABASE IF NOT EXISTS bench")
            cursor.execute("USE bench")
        cursor.execute(f"DROP TABLE IF EXISTS {_TABLE[self._kind]}")
        fill(cursor, _SHAPE[self._kind], _TABLE[self._kind], self._rows)

    def _execute(self, cursor: Any, statements: Mapping[str, Sequence[str]]) -> None:
        for statement in statements[self._kind]:
            cursor.execute(statement)

    def _command(self, *more: str) -> list[str]:
        address = self._server.url if self._kind == "postgres" else f"{self._server.url}/bench"
        flags = [f"--url={address}", f"--table={_TABLE[self._kind]}", f"--alter={_ALTER[self._kind]}", "--execute"]
        flags += ["--quiet", "--ok-to-drop-table", f"--metrics-port={self._port}", *more]
        flags += ["--strategy=shadow"] if self._kind == "postgres" else []
        return [sys.executable, "-m", "ghostpy", "migrate", *flags]

    def _started(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._command(*more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def _until(self, wanted: Callable[[_Told], bool]) -> _Told:
        """The run's metrics, once they are as wanted."""
        began = time.monotonic()
        while time.monotonic() - began < _PATIENCE:
            with suppress(urllib.error.URLError, ConnectionError, KeyError):
                told = self._metrics()
                if wanted(told):
                    return told
            time.sleep(_LOOK)
        raise SystemExit("the run did not get there")

    def _metrics(self) -> _Told:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        told: dict[str | tuple[str, str], float] = {}
        for name, labels, value in re.findall(r"^(ghostpy_\w+)\{([^}]*)\} (\S+)$", text, re.MULTILINE):
            told[name] = float(value)
            if phase := re.search(r'phase="([^"]*)"', labels):
                told[name, phase[1]] = float(value)
        return told


def _waits(told: _Told) -> bool:
    return told["ghostpy_backlog_keys"] > 0


def _ended(process: subprocess.Popen[str]) -> None:
    told, _ = process.communicate(timeout=_PATIENCE)
    if process.returncode:
        raise SystemExit(f"ghostpy failed:\n{told[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
