"""How do the tools that change a table compare, idle and under load: their time, and what the application feels?

    python -m bench.compare [--dialect mysql|postgres] [--rows N] [--rates 0,3000,8000] [--repeat N] [--tools "NAME;NAME"]
                            [--gh-ost PATH] [--limit SECONDS] [--json FILE] [--markdown FILE] [--picture FILE]

Each tool in turn makes the same change to the same table on the same server, while an application updates single rows of it at a fixed
rate (0: none): sysbench with load.lua on MySQL, pgbench -N on PostgreSQL. A latency counts from when a transaction was due. Quoted are
medians over the repetitions; `kept` is the share of the rate of the seconds before, `longest` the longest transaction there was, which
is what writers were held for. A tool that does not end within the limit is ended.

MySQL: ghostpy, pt-online-schema-change (Debian: percona-toolkit), the server's ALTER … ALGORITHM=COPY, and a gh-ost given by its path.
PostgreSQL: ghostpy, pg_repack (postgresql-15-repack; it changes nothing, it only rewrites), and the server's ALTER.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench._application import Application, percentile, program_of
from bench._plot import bars
from ghostpy import sandbox
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.shapes import PgbenchRows, Shape, SysbenchRows

_SETTINGS: Mapping[str, sandbox.Options] = {
    "mysql": {
        "innodb_buffer_pool_size": "1G",
        "sync_binlog": "1",
        "innodb_flush_log_at_trx_commit": "1",
        "innodb_redo_log_capacity": "1G",
    },
    "postgres": {"shared_buffers": "1GB", "max_wal_size": "8GB", "maintenance_work_mem": "256MB"},
}
_ALTER = {"mysql": "ADD COLUMN extra BIGINT NOT NULL DEFAULT 0", "postgres": "ALTER COLUMN aid TYPE bigint"}
_TABLE = {"mysql": "sbtest1", "postgres": "pgbench_accounts"}
_PLACE = {"mysql": "mysql", "postgres": "postgres"}
"""The database to connect to."""
_SHAPES: Mapping[str, Shape] = {"mysql": SysbenchRows(), "postgres": PgbenchRows()}
_POSTGRES = 15
_QUIET = 6.0
_AFTERWARDS = 0.3

_COLUMNS = {
    "seconds": "seconds",
    "kept": "kept, %",
    "p50": "p50, ms",
    "p95": "p95, ms",
    "p99": "p99, ms",
    "longest": "longest, ms",
    "log_megabytes": "log, MB",
    "megabytes": "memory, MB",
    "cpu": "CPU, s",
}


@dataclass
class Measured:
    """One tool's run. Latencies in milliseconds; `log_megabytes`: of binlog or WAL; `cpu`: of the tool, in seconds. `ended`: within the limit."""

    ended: bool
    seconds: float
    log_megabytes: float
    megabytes: float = 0.0
    cpu: float = 0.0
    kept: float = 0.0
    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    longest: float = 0.0
    quiet_p99: float = 0.0


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    kind = options.dialect
    program = program_of(kind, _POSTGRES)
    rates = [int(rate) for rate in options.rates.split(",")]
    if program is None and any(rates):
        print("without sysbench, or pgbench, on this machine there is no load: only the idle server is measured")
        rates = [0]
    found: dict[int, dict[str, list[Measured]]] = {}
    with _server(kind) as server:
        if kind == "mysql":
            server.execute("CREATE DATABASE bench")
        tools = _tools(server, options)
        for rate in rates:
            found[rate] = {tool: [] for tool in tools}
            for _ in range(options.repeat):
                for tool in random.sample(list(tools), len(tools)):
                    application = Application(server, program, rate, options.rows) if rate and program else None
                    measured = _measured(server, tools[tool], application, options)
                    found[rate][tool].append(measured)
                    print(f"{rate:>6}/s  {tool:26} {_line(measured)}", flush=True)
    page = _page(found, options)
    print(f"\n{page}")
    if options.markdown:
        options.markdown.write_text(page)
    if options.json:
        plain = {
            rate: {tool: [asdict(run) for run in runs] for tool, runs in tools.items()} for rate, tools in found.items()
        }
        options.json.write_text(json.dumps({"title": _title(options), "rates": plain}, indent=2) + "\n")
    if options.picture:
        _draw(options.picture, found)
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
    return sandbox.postgres(_SETTINGS[kind], version=_POSTGRES)


def _tools(server: sandbox.Server, options: argparse.Namespace) -> dict[str, list[str]]:
    """Command lines, by the tool's name."""
    kind = options.dialect
    alter, table = _ALTER[kind], _TABLE[kind]
    address = server.url if kind == "postgres" else f"{server.url}/bench"
    ghostpy = [sys.executable, "-m", "ghostpy", "migrate", f"--url={address}", f"--table={table}", f"--alter={alter}"]
    ghostpy += ["--execute", "--quiet", "--ok-to-drop-table"]
    tools = {"ghostpy": ghostpy, "ghostpy, --verify=off": [*ghostpy, "--verify=off"]}
    tools["ghostpy, --max-impact=0"] = [*ghostpy, "--max-impact=0"]
    if kind == "mysql":
        tools |= _mysql_tools(server, alter, options.gh_ost)
    else:
        tools |= _postgres_tools(server, table, alter)
    wanted = options.tools.split(";") if options.tools else list(tools)
    return {name: command for name, command in tools.items() if name in wanted}


def _mysql_tools(server: sandbox.Server, alter: str, gh_ost: Path | None) -> dict[str, list[str]]:
    native = f"ALTER TABLE bench.sbtest1 {alter}, ALGORITHM=COPY"
    tools = {"native, COPY": _statement(server, native)}
    peer = shutil.which("pt-online-schema-change")
    if peer:
        place = f"h={server.host},P={server.port},u={server.user},D=bench,t=sbtest1"
        tools["pt-online-schema-change"] = [
            peer, "--execute", "--alter", alter, "--no-version-check", "--recursion-method=none", place,
        ]  # fmt: skip
    if gh_ost:
        tools["gh-ost"] = [
            str(gh_ost), f"--host={server.host}", f"--port={server.port}", f"--user={server.user}", "--database=bench",
            "--table=sbtest1", f"--alter={alter}", "--allow-on-master", "--assume-rbr", "--ok-to-drop-table",
            "--initially-drop-ghost-table", "--initially-drop-old-table", "--initially-drop-socket-file", "--execute",
        ]  # fmt: skip
    return tools


def _postgres_tools(server: sandbox.Server, table: str, alter: str) -> dict[str, list[str]]:
    tools = {"native": _statement(server, f"ALTER TABLE {table} {alter}")}
    peer = shutil.which("pg_repack", path=f"/usr/lib/postgresql/{_POSTGRES}/bin") or shutil.which("pg_repack")
    if peer:
        place = ["-h", server.host, "-p", str(server.port), "-U", server.user, "-d", "postgres"]
        tools["pg_repack"] = [peer, *place, "-t", table, "-k"]
        server.execute("CREATE EXTENSION IF NOT EXISTS pg_repack")
    return tools


def _statement(server: sandbox.Server, sql: str) -> list[str]:
    return [sys.executable, "-m", "bench._statement", server.url, sql]


def _measured(
    server: sandbox.Server, command: list[str], application: Application | None, options: argparse.Namespace
) -> Measured:
    kind = options.dialect
    with _cursor(server) as cursor:
        if kind == "mysql":
            cursor.execute("DROP DATABASE IF EXISTS bench")
            cursor.execute("CREATE DATABASE bench")
            cursor.execute("USE bench")
            fill(cursor, _SHAPES[kind], _TABLE[kind], options.rows)
        else:
            _fill_by_pgbench(server, options.rows)
            cursor.execute("CHECKPOINT")
        with application.running() if application else nullcontext() as folder:
            started = time.time()
            time.sleep(_QUIET if application else 0.0)
            log = _log_bytes(cursor, kind)
            began = time.time()
            ended, megabytes, cpu = _run(command, options.limit)
            finished = time.time()
            log = _log_bytes(cursor, kind) - log
            measured = Measured(ended, finished - began, log / 1e6, megabytes, cpu)
            if application and folder:
                time.sleep(_AFTERWARDS)
                quiet = application.log(folder, started, began)
                during = application.log(folder, began, finished)
                measured.kept = 100 * (len(during) / (finished - began)) / (len(quiet) / (began - started))
                measured.p50, measured.p95, measured.p99, measured.longest = (
                    percentile(during, percent) for percent in (50, 95, 99, 100)
                )
                measured.quiet_p99 = percentile(quiet, 99)
        return measured


def _fill_by_pgbench(server: sandbox.Server, rows: int) -> None:
    program = program_of("postgres", _POSTGRES)
    if program is None:
        raise SystemExit("there is no pgbench on this machine (Debian: postgresql-15)")
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    subprocess.run(
        [program, "-i", "-q", "-s", str(max(1, rows // 100_000)), *address, "postgres"], check=True, capture_output=True
    )


def _cursor(server: sandbox.Server) -> Any:
    driver = DRIVERS[server.kind]
    return driver.connect(
        host=server.host, port=server.port, user=server.user, password="", database=_PLACE[server.kind]
    ).cursor()


def _log_bytes(cursor: Any, kind: str) -> int:
    if kind == "mysql":
        cursor.execute("SHOW BINARY LOGS")
        return sum(int(row[1]) for row in cursor.fetchall())
    cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
    return int(cursor.fetchone()[0])


def _run(command: list[str], limit: float) -> tuple[bool, float, float]:
    """(whether it ended in time, its peak memory in MB, its seconds of CPU)."""
    meter = ["/usr/bin/time", "-f", "metered %M %U %S"] if Path("/usr/bin/time").exists() else []
    with subprocess.Popen(
        [*meter, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            told, _ = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            subprocess.run(["pkill", "-TERM", "-P", str(process.pid)], check=False)
            told, _ = process.communicate(timeout=60)
            return False, *_metered(told)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … failed:\n{told[-2000:]}")
    return True, *_metered(told)


def _metered(told: str) -> tuple[float, float]:
    for line in reversed(told.splitlines()):
        if line.startswith("metered "):
            kilobytes, user, system = line.split()[1:]
            return int(kilobytes) / 1024, float(user) + float(system)
    return 0.0, 0.0


def _line(run: Measured) -> str:
    what = "" if run.ended else "  (did not end)"
    return (
        "  ".join(f"{title} {getattr(run, name):.1f}" for name, title in _COLUMNS.items() if getattr(run, name)) + what
    )


def _page(found: Mapping[int, Mapping[str, Sequence[Measured]]], options: argparse.Namespace) -> str:
    lines = [_title(options), ""]
    for rate, tools in found.items():
        first = next(iter(tools.values()))
        quiet = statistics.median(run.quiet_p99 for runs in tools.values() for run in runs) if first else 0.0
        what = f"{rate:,} transactions/s demanded (quiet p99: {quiet:.1f} ms)" if rate else "Idle"
        names = list(_COLUMNS) if rate else ["seconds", "log_megabytes", "megabytes", "cpu"]
        lines += [
            f"**{what}**",
            "",
            f"| | {' | '.join(_COLUMNS[name] for name in names)} |",
            f"|---|{'---:|' * len(names)}",
        ]
        for tool, runs in tools.items():
            cells = [_cell(name, runs) for name in names]
            lines.append(f"| {tool} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _cell(name: str, runs: Sequence[Measured]) -> str:
    value = statistics.median(getattr(run, name) for run in runs)
    text = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    late = sum(not run.ended for run in runs)
    return f"over {text} ({late} of {len(runs)} did not end)" if name == "seconds" and late else text


def _title(options: argparse.Namespace) -> str:
    what = {"mysql": "MySQL, sysbench rows, single-row updates", "postgres": f"PostgreSQL {_POSTGRES}, pgbench -N"}
    machine = f"{platform.machine()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}"
    runs = "one run" if options.repeat == 1 else f"medians of {options.repeat} runs"
    return f"{options.rows:,} rows, {what[options.dialect]}, {runs}, {date.today()}, {machine}."


def _draw(picture: Path, found: Mapping[int, Mapping[str, Sequence[Measured]]]) -> None:
    def medians(name: str) -> dict[str, list[float]]:
        tools = next(iter(found.values()))
        return {
            tool: [statistics.median(getattr(run, name) for run in found[rate][tool]) for rate in found]
            for tool in tools
        }

    places = [f"{rate:,}/s" if rate else "idle" for rate in found]
    titles = {"Seconds": "seconds", "Rate kept, %": "kept", "p99, ms": "p99", "Longest, ms": "longest"}
    bars(picture, places, {title: medians(name) for title, name in titles.items()})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
