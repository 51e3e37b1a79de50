"""How long does an idle table of sysbench rows take, against pt-online-schema-change and the server's own ALTER?

    python -m bench.idle [--rows N] [--repeat N] [--json FILE]

All tools change the same table on the same server in turn, in each repetition in another order. Quoted are medians and the
ratios of the medians of one run: absolute seconds depend on the machine and on what else it does. pt-online-schema-change is taken
from PATH (Debian: percona-toolkit) and left out where it is not there; it does not verify.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pymysql

from bench._tools import report, run
from ghostpy import sandbox
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.shapes import SysbenchRows

_ALTER = "ADD COLUMN extra BIGINT NOT NULL DEFAULT 0"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.idle", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(argv)
    with sandbox.mysql({"innodb_buffer_pool_size": "1G"}) as server:
        results = _measured(server, options.rows, options.repeat)
    title = f"{options.rows:,} rows, MySQL, {options.repeat} runs each"
    report(title, results, bases=("pt-online-schema-change", "native, COPY"), rows=options.rows, json_file=options.json)
    return 0


def _measured(server: sandbox.MySQLServer, rows: int, repeat: int) -> dict[str, dict[str, list[float]]]:
    tools = _tools(server)
    results: dict[str, dict[str, list[float]]] = {tool: {"seconds": [], "megabytes": []} for tool in tools}
    connection = pymysql.connect(host=server.host, port=server.port, user=server.user, autocommit=True)
    with connection, connection.cursor() as cursor:
        order = list(tools)
        for _ in range(repeat):
            random.shuffle(order)
            for tool in order:
                cursor.execute("DROP DATABASE IF EXISTS bench")
                cursor.execute("CREATE DATABASE bench")
                cursor.execute("USE bench")
                fill(cursor, SysbenchRows(), "sbtest1", rows)
                began = time.monotonic()
                megabytes = tools[tool](cursor)
                results[tool]["seconds"].append(time.monotonic() - began)
                if megabytes:
                    results[tool]["megabytes"].append(megabytes)
                cursor.execute("SELECT COUNT(extra) FROM sbtest1")
                assert cursor.fetchone() == (rows,), f"{tool} did not do its work"
    return results


def _tools(server: sandbox.MySQLServer) -> dict[str, Callable[[Any], float]]:
    def native(cursor: Any) -> float:
        cursor.execute(f"ALTER TABLE sbtest1 {_ALTER}, ALGORITHM=COPY")
        return 0.0

    flags = [f"--url={server.url}/bench", "--table=sbtest1", f"--alter={_ALTER}", "--execute", "--quiet"]
    ghostpy = [sys.executable, "-m", "ghostpy", "migrate", *flags, "--ok-to-drop-table"]
    tools: dict[str, Callable[[Any], float]] = {
        "ghostpy": lambda _: run(ghostpy),
        "ghostpy, --verify=off": lambda _: run([*ghostpy, "--verify=off"]),
        "native, COPY": native,
    }
    perl = shutil.which("pt-online-schema-change")
    if perl:
        address = f"h={server.host},P={server.port},u={server.user},D=bench,t=sbtest1"
        peer = [perl, "--execute", "--alter", _ALTER, "--no-version-check", "--recursion-method=none", address]
        tools["pt-online-schema-change"] = lambda _: run(peer)
    return tools


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
