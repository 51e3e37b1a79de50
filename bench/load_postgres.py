"""What does a change cost the application on PostgreSQL, and what does the application cost the change?

    python -m bench.load_postgres [--scale N] [--rate N] [--repeat N] [--version N] [--json FILE]

`pgbench -N` runs at a fixed rate on a table of 100,000 × scale rows: first alone, then while ghostpy turns the table's key into a bigint. Quoted are medians of: the rate that was
kept, the latencies of the application's transactions (from pgbench's own log; its latency counts from when a transaction was due, so that what waits behind a lock counts in full), the
longest one that was under way at the exchange, and how long the change took, against the same change on the idle server. pgbench is taken from the machine (Debian: postgresql-15).
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

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
    program = shutil.which("pgbench", path=f"/usr/lib/postgresql/{options.version}/bin") or shutil.which("pgbench")
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
    load = [program, "-N", "-n", "-c", str(_CLIENTS), "-j", "2", "-R", str(options.rate), "-l", *address]
    with tempfile.TemporaryDirectory() as folder:
        _done(fill, folder)
        server.execute("VACUUM ANALYZE", "CHECKPOINT")
        idle, _ = _migrate(server, options)
        _done(fill, folder)
        server.execute("VACUUM ANALYZE", "CHECKPOINT")
        _done([*load, "-T", str(_QUIET_SECONDS), "postgres"], folder)
        quiet = _latencies(Path(folder))
        with subprocess.Popen(
            [*load, "-T", "600", "postgres"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as under:
            time.sleep(2.0)
            began = time.time()
            busy, exchanged = _migrate(server, options)
            ended = time.time()
            time.sleep(0.5)
            under.terminate()
        during = _latencies(Path(folder), began, ended)
    held = [latency for moment, latency in during if moment - latency - _SLACK <= exchanged <= moment + _SLACK]
    rows: dict[str, float] = {
        "idle, seconds": idle,
        "under load, seconds": busy,
        "under load / idle": busy / idle,
        "rate kept, %": 100 * len(during) / (ended - began) / options.rate,
        "held at the exchange, ms": max(held, default=0.0) * 1000,
    }
    for name, sample in (("alone", quiet), ("during the change", during)):
        values = sorted(latency * 1000 for _, latency in sample)
        for percent in (50, 95, 99):
            rows[f"p{percent} {name}, ms"] = values[min(len(values) - 1, len(values) * percent // 100)]
        rows[f"longest {name}, ms"] = values[-1]
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
    _done(command, None)
    seconds = time.monotonic() - began
    over.set()
    watcher.join()
    return seconds, exchanged[0] if exchanged else 0.0


def _latencies(folder: Path, since: float = 0.0, until: float = float("inf")) -> list[tuple[float, float]]:
    """(end of a transaction, its latency), in seconds, of pgbench's logs, which are removed."""
    found = []
    for path in folder.glob("pgbench_log.*"):
        for line in path.read_text().splitlines():
            fields = line.split()
            if len(fields) < 6:  # the last one of a pgbench that was ended
                continue
            latency, second, microsecond = fields[2], fields[4], fields[5]
            moment = int(second) + int(microsecond) / 1e6
            if since <= moment <= until and latency.isdigit():
                found.append((moment, int(latency) / 1e6))
        path.unlink()
    return found


def _done(command: list[str], folder: str | None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=folder, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:3])} … failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
