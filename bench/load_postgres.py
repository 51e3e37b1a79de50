"""What does a change cost the application on PostgreSQL, and what does the application cost the change?

    python -m bench.load_postgres [--scale N] [--rate N] [--repeat N] [--version N] [--json FILE]

`pgbench -N` runs at a fixed rate on a table of 100,000 × scale rows: first alone, then while ghostpy turns the table's key into a bigint. Quoted are medians of: the rate that was
kept, the latencies of the application's transactions (from pgbench's own log; its latency counts from when a transaction was due, so that what waits behind a lock counts in full), the
longest one that was under way at the exchange, and how long the change took, against the same change on the idle server. pgbench is taken from the machine (Debian: postgresql-15).
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from bench._application import Application, due, ended, percentile, program_of
from ghostpy import sandbox

_ALTER = "ALTER COLUMN aid TYPE bigint"
_SETTINGS: sandbox.Options = {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "256MB"}
_CLIENTS = 8
_QUIET_SECONDS = 10
_SLACK = 0.05


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.load_postgres", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--version", type=int, default=15)
    parser.add_argument("--verify", choices=("on", "off"), default="on")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    program = program_of("postgres", options.version)
    if program is None:
        print("left out: there is no pgbench on this machine (Debian: postgresql-15)")
        return 0
    with sandbox.postgres(_SETTINGS, version=options.version) as server:
        runs = [_run(server, program, options) for _ in range(options.repeat)]
    print(
        f"{options.scale * 100_000:,} rows, PostgreSQL {options.version}, pgbench -N at {options.rate} transactions/s demanded, "
        f"verification {options.verify}, medians of {options.repeat}"
    )
    for name in runs[0]:
        print(f"  {name:34} {statistics.median(run[name] for run in runs):10.2f}")
    if options.json:
        options.json.write_text(json.dumps({"options": vars(options) | {"json": None}, "runs": runs}, indent=2) + "\n")
    return 0


def _run(server: sandbox.PostgresServer, program: str, options: argparse.Namespace) -> dict[str, float]:
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    fill = [program, "-i", "-q", "-s", str(options.scale), *address, "postgres"]
    application = Application(server, program, options.rate, options.scale * 100_000, clients=_CLIENTS)
    _done(fill)
    server.execute("VACUUM ANALYZE", "CHECKPOINT")
    idle, _ = _migrate(server, options)
    _done(fill)
    server.execute("VACUUM ANALYZE", "CHECKPOINT")
    with application.running() as folder:
        began = time.time()
        time.sleep(_QUIET_SECONDS)
        quiet = application.log(folder, time.time())
    with application.running() as folder:
        began = time.time()
        busy, exchanged = _migrate(server, options)
        finished = time.time()
        log = application.log(folder, finished)
    during = due(log, began, finished)
    held = [latency for moment, latency in during if moment - latency - _SLACK <= exchanged <= moment + _SLACK]
    rows: dict[str, float] = {
        "idle, seconds": idle,
        "under load, seconds": busy,
        "under load / idle": busy / idle,
        "rate kept, %": 100 * len(ended(log, began, finished)) / (finished - began) / options.rate,
        "held at the exchange, ms": max(held, default=0.0) * 1000,
    }
    for name, sample in (("alone", quiet), ("during the change", during)):
        for percent in (50, 95, 99):
            rows[f"p{percent} {name}, ms"] = percentile(sample, percent)
        rows[f"longest {name}, ms"] = percentile(sample, 100)
    return rows


def _migrate(server: sandbox.PostgresServer, options: argparse.Namespace) -> tuple[float, float]:
    """(seconds, the moment at which the new table had the name)."""
    flags = [f"--url={server.url}", "--table=public.pgbench_accounts", f"--alter={_ALTER}", "--execute", "--quiet"]
    exchanged: list[float] = []
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(server.url, autocommit=True) as connection:
            while not exchanged and not over.is_set():
                # By name, without a lock on the table itself.
                found = connection.execute(
                    "SELECT atttypid::regtype::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
                    "WHERE c.relname = 'pgbench_accounts' AND c.relnamespace = 'public'::regnamespace AND attname = 'aid'"
                ).fetchone()
                if found == ("bigint",):
                    exchanged.append(time.time())
                time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    command = [sys.executable, "-m", "ghostpy", "migrate", *flags, "--ok-to-drop-table", f"--verify={options.verify}"]
    _done(command)
    seconds = time.monotonic() - began
    over.set()
    watcher.join()
    return seconds, exchanged[0] if exchanged else 0.0


def _done(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} … failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
