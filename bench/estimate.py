"""How near is what a plan tells (time, disk, log) to what the change takes, on an idle server?

Five tables are changed in each way that a plan measures, one after the other: by an index that the server builds while the table is
written, on PostgreSQL by constraints whose rows are looked at, by the server's own ALTER, which a plan tells the price of, and by a shadow.
Printed are the plan's figures and those of the change; a ratio above 1 means that the plan told too much.

    python -m bench.estimate [--scale 1.0] [--servers mysql,mariadb,postgres] [--shapes narrow,wide] [--ways shadow,index] [--json FILE] [--markdown FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from bench._estimate_shapes import SHAPES, Shape, beginning, filling
from ghostpy import sandbox
from ghostpy.assembly import migrate
from ghostpy.model.estimate import Estimate
from ghostpy.model.plan import Plan
from ghostpy.model.progress import RunReport
from ghostpy.observe.several import Several
from ghostpy.sandbox.drivers import DRIVERS
from ghostpy.settings import ConnectSettings, MigrateSettings, TargetSettings

_SMALL = 1 << 20
"""Of fewer bytes no ratio is told: there a page more or less decides."""


@dataclass(frozen=True)
class Way:
    """`alters`: by the kind of server; none: it has no such way. `after`: what takes it back. `whole`: the table is written anew."""

    name: str
    alters: Mapping[str, str]
    strategy: str = "auto"
    own: bool = False
    """The server's own ALTER, which ghostpy does not make."""
    after: Mapping[str, str] | None = None
    whole: bool = False


_INDEX = "CREATE INDEX nx ON t ({indexed})"
WAYS = (
    Way(
        "index",
        {"mysql": "ADD INDEX nx ({indexed})", "mariadb": "ADD INDEX nx ({indexed})", "postgres": _INDEX},
        after={"mysql": "DROP INDEX nx ON t", "mariadb": "DROP INDEX nx ON t", "postgres": "DROP INDEX nx"},
    ),
    Way("check", {"postgres": "ADD CONSTRAINT positive CHECK (num >= 0)"}),
    Way("foreign key", {"postgres": "ADD CONSTRAINT parent FOREIGN KEY (num) REFERENCES p"}),
    Way("rebuild in place", {"mysql": "FORCE", "mariadb": "FORCE"}, "shadow", own=True, whole=True),
    Way(
        "server's own ALTER",
        {
            "mysql": "MODIFY num BIGINT NOT NULL",
            "mariadb": "MODIFY num BIGINT NOT NULL",
            "postgres": "ALTER num TYPE bigint",
        },
        "shadow",
        own=True,
        whole=True,
    ),
    Way("shadow", dict.fromkeys(("mysql", "mariadb", "postgres"), "ADD COLUMN late INT NOT NULL DEFAULT 7"), "shadow", whole=True),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What was told, and what it took: seconds, and bytes of disk (without what is gone at the end) and of the log."""

    server: str
    shape: str
    rows: int
    way: str
    told_seconds: float
    seconds: float
    told_disk: int | None
    disk: int
    told_log: int | None
    log: int
    told_sorting: int
    sorting: int | None
    """Bytes of files that were written to sort in; only PostgreSQL tells."""
    sample_rows: int
    planning: float
    """Seconds that the whole plan took."""

    @property
    def ratios(self) -> Mapping[str, float | None]:
        return {
            "time": self.told_seconds / self.seconds,
            "disk": _ratio(self.told_disk, self.disk),
            "log": _ratio(self.told_log, self.log),
        }


def _ratio(told: int | None, real: int) -> float | None:
    return None if told is None or max(told, real) < _SMALL or not real else told / real


class Table:
    """The table `t` on one server, and a session to look at it."""

    def __init__(self, server: sandbox.Server, session: Any) -> None:
        self._server = server
        self._session = session
        self.postgres = server.kind == "postgres"

    def do(self, *statements: str) -> None:
        with self._session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def asked(self, question: str) -> int:
        with self._session.cursor() as cursor:
            cursor.execute(question)
            return int(cursor.fetchone()[0])

    @property
    def disk(self) -> int:
        """Bytes of its rows and indexes."""
        if self.postgres:
            return self.asked("SELECT pg_total_relation_size('t')")
        prefix = "INNODB_SYS_" if self._server.kind == "mariadb" else "INNODB_"
        return self.asked(f"SELECT FILE_SIZE FROM information_schema.{prefix}TABLESPACES WHERE NAME = 'bench/t'")

    @property
    def log(self) -> int:
        """Bytes that were ever written to the log."""
        if self.postgres:
            return self.asked("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::int8")
        with self._session.cursor() as cursor:
            cursor.execute("SHOW BINARY LOGS")
            return sum(int(row[1]) for row in cursor.fetchall())

    @property
    def sorting(self) -> int | None:
        """Bytes that were ever written to files for sorts; sessions tell of them at their end."""
        if not self.postgres:
            return None
        self.do("SELECT pg_stat_force_next_flush()")
        return self.asked("SELECT temp_bytes::int8 FROM pg_stat_database WHERE datname = current_database()")

    def settings(self, way: Way, shape: Shape) -> MigrateSettings:
        server = self._server
        connect = ConnectSettings(host=server.host, port=server.port, user=server.user)
        if self.postgres:
            dsn = f"host={server.host} port={server.port} user={server.user} dbname=bench"
            connect = replace(connect, dialect="postgres", dsn=dsn)
        return MigrateSettings(
            connect=connect,
            target=TargetSettings(
                database="" if self.postgres else "bench",
                table="t",
                alter=way.alters[server.kind].format(indexed=shape.indexed),
                strategy=way.strategy,
                ok_to_drop_old=True,
            ),
        )

    def changed(self, way: Way, shape: Shape, rows: int) -> Found:
        """Planned, and done."""
        settings = self.settings(way, shape)
        began = time.monotonic()
        plan = asyncio.run(migrate(settings, Several([])))
        planning = time.monotonic() - began
        assert isinstance(plan, Plan)
        told = plan.native if way.own else plan.estimate
        assert isinstance(told, Estimate)
        assert told.seconds is not None, told.reason
        disk, log, sorting, began = self.disk, self.log, self.sorting, time.monotonic()
        if way.own:
            self.do(_own(settings.target.alter))
            seconds = time.monotonic() - began
        else:
            report = asyncio.run(migrate(replace(settings, execute=True), Several([])))
            assert isinstance(report, RunReport)
            seconds = report.elapsed
        after = self.disk
        found = Found(
            server=self._server.kind,
            shape=shape.name,
            rows=rows,
            way=way.name,
            told_seconds=told.seconds,
            seconds=seconds,
            told_disk=None if told.disk_bytes is None else told.disk_bytes - told.temporary_bytes,
            disk=after if way.whole else max(after - disk, 0),
            told_log=told.log_bytes,
            log=self.log - log,
            told_sorting=told.temporary_bytes,
            sorting=None if sorting is None else (self.sorting or 0) - sorting,
            sample_rows=told.sample_rows,
            planning=planning,
        )
        self.do(*([way.after[self._server.kind]] if way.after else []))
        return found


def _own(alter: str) -> str:
    return f"ALTER TABLE t {alter}"


def _line(found: Found) -> str:
    disk, log = (f"{(told or 0) / 1e6:.1f} for {real / 1e6:.1f} MB" for told, real in ((found.told_disk, found.disk), (found.told_log, found.log)))  # fmt: skip
    if found.sorting or found.told_sorting:
        real = "?" if found.sorting is None else f"{found.sorting / 1e6:.1f}"
        log += f"; to sort in {found.told_sorting / 1e6:.1f} for {real} MB"
    ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in found.ratios.items() if ratio is not None)
    return (
        f"{found.server:9} {found.shape:14} {found.way:19} told {found.told_seconds:6.2f} s, took {found.seconds:6.2f} s; disk {disk}; log {log}; "
        f"ratios: {ratios}; plan {found.planning:.1f} s, sample {found.sample_rows:,} of {found.rows:,} rows"
    )


def _markdown(found: Sequence[Found]) -> str:
    lines = [
        "| | table | way | rows | seconds told | took | ratio | disk told, MB | is | ratio | log told, MB | is | ratio |",
        "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for each in found:
        ratios = ["–" if ratio is None else f"{ratio:.2f}" for ratio in each.ratios.values()]
        cells = [each.server, each.shape, each.way, f"{each.rows:,}", f"{each.told_seconds:.1f}", f"{each.seconds:.1f}", ratios[0]]  # fmt: skip
        cells += [_megabytes(each.told_disk), _megabytes(each.disk), ratios[1]]
        cells += [_megabytes(each.told_log), _megabytes(each.log), ratios[2]]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _megabytes(octets: int | None) -> str:
    return "–" if octets is None else f"{octets / 1e6:.1f}"


def _summary(found: Sequence[Found]) -> str:
    lines = []
    for name in ("time", "disk", "log"):
        ratios = [ratio for each in found if (ratio := each.ratios[name])]
        if not ratios:
            continue
        within = sum(0.5 <= ratio <= 2 for ratio in ratios)
        typical = math.exp(statistics.median(abs(math.log(ratio)) for ratio in ratios))
        lines.append(
            f"{name}: {within} of {len(ratios)} within a factor of 2 ({min(ratios):.2f} to {max(ratios):.2f}), half of them within {typical:.2f}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bench.estimate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1.0, help="of the tables' rows")
    parser.add_argument("--servers", default="mysql,postgres")
    parser.add_argument("--shapes", default=",".join(shape.name for shape in SHAPES))
    parser.add_argument("--ways", default=",".join(way.name for way in WAYS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    given = parser.parse_args(argv)
    shapes = [shape for shape in SHAPES if shape.name in given.shapes.split(",")]
    ways = [way for way in WAYS if way.name in given.ways.split(",")]
    found: list[Found] = []
    for kind in given.servers.split(","):
        with getattr(sandbox, kind)() as server:
            server.execute("CREATE DATABASE bench")
            opened = DRIVERS[kind].connect(
                host=server.host, port=server.port, user=server.user, password="", database="bench"
            )
            with closing(opened) as session:
                table = Table(server, session)
                table.do(*beginning(kind))
                for shape in shapes:
                    rows = int(shape.rows * given.scale)
                    table.do(*filling(shape, kind, rows))
                    for way in ways:
                        if kind in way.alters:
                            found.append(table.changed(way, shape, rows))
                            print(_line(found[-1]), flush=True)
    print(_summary(found))
    if given.json:
        rows_of = [{**asdict(each), "ratios": each.ratios} for each in found]
        given.json.write_text(json.dumps({"scale": given.scale, "found": rows_of}, indent=2) + "\n")
    if given.markdown:
        given.markdown.write_text(_markdown(found))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
