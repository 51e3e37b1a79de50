"""How long does an idle table of pgbench rows take on PostgreSQL, against pg_repack and the server's own ALTER?

    python -m bench.idle_postgres [--rows N] [--repeat N] [--version N] [--json FILE]

All tools rebuild the same table on the same server in turn, in each repetition in another order: ghostpy and the server turn the key
into a bigint; pg_repack cannot change columns and makes the table anew as it is. Quoted are medians and the ratios of the medians of one run. pg_repack
is taken from the machine (Debian: postgresql-15-repack) and left out where the server does not have it; it does not verify.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench._tools import Results, report, run
from ghostpy import sandbox

_ALTER = "ALTER COLUMN aid TYPE bigint"
_CREATE = (
    "CREATE TABLE pgbench_accounts (aid int NOT NULL, bid int, abalance int, filler char(84)) WITH (fillfactor = 100)"
)
_SETTINGS: sandbox.Options = {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "256MB"}


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.idle_postgres", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--version", type=int, default=15)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    with sandbox.postgres(_SETTINGS, version=options.version) as server:
        results = _measured(server, options.rows, options.repeat)
    title = f"{options.rows:,} rows, PostgreSQL {options.version}, {options.repeat} runs each"
    report(title, results, bases=("pg_repack", "native"), rows=options.rows, json_file=options.json)
    return 0


def _measured(server: sandbox.PostgresServer, rows: int, repeat: int) -> Results:
    tools = _tools(server)
    results: Results = {tool: {"seconds": [], "megabytes": []} for tool in tools}
    order = list(tools)
    for _ in range(repeat):
        random.shuffle(order)
        for tool in order:
            server.execute(
                "DROP TABLE IF EXISTS pgbench_accounts",
                _CREATE,
                f"INSERT INTO pgbench_accounts SELECT i, i / 100000 + 1, 0, '' FROM generate_series(1, {rows}) AS i",
                "ALTER TABLE pgbench_accounts ADD PRIMARY KEY (aid)",
                "VACUUM ANALYZE pgbench_accounts",
                "CHECKPOINT",
            )
            (before,) = server.execute(
                "SELECT 'pgbench_accounts'::regclass::oid AS oid, pg_relation_filenode('pgbench_accounts') AS file"
            )
            began = time.monotonic()
            megabytes = tools[tool]()
            results[tool]["seconds"].append(time.monotonic() - began)
            if megabytes:
                results[tool]["megabytes"].append(megabytes)
            (after,) = server.execute(
                "SELECT 'pgbench_accounts'::regclass::oid AS oid, pg_relation_filenode('pgbench_accounts') AS file"
            )
            assert before["file"] != after["file"], f"{tool} did not do its work"
            assert server.execute("SELECT count(*) AS n FROM pgbench_accounts") == [{"n": rows}], f"{tool} lost rows"
    return results


def _tools(server: sandbox.PostgresServer) -> dict[str, Callable[[], float]]:
    def native() -> float:
        server.execute(f"ALTER TABLE pgbench_accounts {_ALTER}")
        return 0.0

    flags = [f"--url={server.url}", "--table=public.pgbench_accounts", f"--alter={_ALTER}", "--execute", "--quiet"]
    ghostpy = [sys.executable, "-m", "ghostpy", "migrate", *flags, "--ok-to-drop-table"]
    tools: dict[str, Callable[[], float]] = {
        "ghostpy": lambda: run(ghostpy),
        "ghostpy, --verify=off": lambda: run([*ghostpy, "--verify=off"]),
        "native": native,
    }
    if peer := _repack(server):
        tools["pg_repack"] = lambda: run(peer)
    return tools


def _repack(server: sandbox.PostgresServer) -> list[str] | None:
    """pg_repack's command, where the server has the extension of that name."""
    (found,) = server.execute("SELECT count(*) AS n FROM pg_available_extensions WHERE name = 'pg_repack'")
    version = server.version.split(".")[0]
    program = shutil.which("pg_repack", path=f"/usr/lib/postgresql/{version}/bin") or shutil.which("pg_repack")
    if not found["n"] or not program:
        return None
    server.execute("CREATE EXTENSION IF NOT EXISTS pg_repack")
    return [
        *(program, "--host", server.host, "--port", str(server.port), "--username", server.user),
        *("--dbname", "postgres", "--no-order", "--table", "public.pgbench_accounts"),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
