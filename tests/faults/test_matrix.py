"""Faults of the network, of the server and of its other clients, in each phase, with writers at work: the run survives them, or ends so that the same
command goes on; in the end the table is what the writers' log says.
"""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import program
import pytest
from migrating import cursor_of
from proxy import Proxy, proxied
from under_load import PGBENCH, SYSBENCH, Change, course_of

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 10_000
_GOES_ON_AFTER = {4, 9, 10, 20}
"""Exit codes after which the same command must go on."""
_WITHIN = 120.0


class _Run:
    """A migration through a proxy, and what the test needs to know of it."""

    def __init__(self, server: sandbox.Server, database: str, proxy: Proxy, folder: Path, slowness: float) -> None:
        self.server, self.database, self.proxy = server, database, proxy
        self._slowness = slowness
        self.change: Change = PGBENCH if server.kind == "postgres" else SYSBENCH
        self.flag = folder / "postponed"
        self._log = folder / "log"
        self.process: program.Program | None = None

    def begin(self, *flags: str) -> None:
        scheme = "postgresql" if self.server.kind == "postgres" else "mysql"
        url = f"{scheme}://{self.server.user}@127.0.0.1:{self.proxy.port}/{self.database}"
        alter = (
            "ALTER COLUMN abalance TYPE bigint, ADD extra bigint NOT NULL DEFAULT 7"
            if scheme == "postgresql"
            else "MODIFY k BIGINT NOT NULL, ADD extra BIGINT NOT NULL DEFAULT 7"
        )
        call = ["migrate", f"--url={url}", f"--table={self.change.table}", f"--alter={alter}", "--execute"]
        with self._log.open("ab") as log:
            self.process = program.start(
                *call,
                "--checkpoint-seconds=1",
                "--cut-over-lock-timeout-seconds=1",
                "--display=lines",
                *flags,
                output=log,
                errors=log,
            )

    def lasts(self, seconds: float) -> None:
        """Waits while a fault lasts; longer in the slow cells."""
        time.sleep(self._slowness * seconds)

    def told(self) -> str:
        return self._log.read_text()

    def course(self) -> dict[str, Any]:
        return course_of(self.server, self.database)

    def until(self, true: Callable[[], object]) -> None:
        assert self.process is not None
        deadline = time.monotonic() + _WITHIN
        while not true():
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.02)

    def to_its_end(self) -> None:
        """Lets it come to the exchange, and runs it again for as long as that is what the exit code asks for."""
        assert self.process is not None
        self.flag.unlink(missing_ok=True)
        for _ in range(6):
            try:
                status = self.process.wait(_WITHIN)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGABRT)
                raise AssertionError(f"the run does not end\n{self.told()}") from None
            if status == 0:
                return
            assert status in _GOES_ON_AFTER, f"{status}\n{self.told()}"
            assert "Traceback" not in self.told()
            self.begin()
        raise AssertionError(self.told())


# --- phases -----------------------------------------------------------------------------------------------------------

_SLOWLY = ("--chunk-size=50", "--workers=2", "--nice-ratio=4")


def _at_the_start(run: _Run) -> None:
    run.begin()
    seen = run.proxy.accepted
    run.until(lambda: run.proxy.accepted > seen)
    time.sleep(random.Random(run.database).uniform(0, 0.4))


def _copying(run: _Run) -> None:
    run.begin(*_SLOWLY)
    run.until(lambda: run.course().get("low"))


def _comparing(run: _Run) -> None:
    run.begin("--chunk-size=50")
    run.until(lambda: "copy" in run.told() and "100.0%" in run.told())


def _postponed(run: _Run) -> None:
    run.begin(f"--postpone-cut-over-flag-file={run.flag}")
    run.until(lambda: run.course().get("compared"))


def _exchanging(run: _Run) -> None:
    run.begin(f"--postpone-cut-over-flag-file={run.flag}")
    run.until(lambda: run.course().get("compared"))
    run.flag.unlink()
    time.sleep(random.Random(run.database).uniform(0.0, 0.2))


PHASES = {
    "start": _at_the_start,
    "copy": _copying,
    "compare": _comparing,
    "postponed": _postponed,
    "exchange": _exchanging,
}


# --- faults -----------------------------------------------------------------------------------------------------------


@contextmanager
def _cut(run: _Run) -> Iterator[None]:
    run.proxy.cut()
    yield


@contextmanager
def _cut_again_and_again(run: _Run) -> Iterator[None]:
    for _ in range(5):
        run.proxy.cut()
        run.lasts(0.25)
    yield


@contextmanager
def _refused(run: _Run) -> Iterator[None]:
    with run.proxy.refusing():
        run.lasts(1.5)
    yield


@contextmanager
def _swallowed(run: _Run) -> Iterator[None]:
    with run.proxy.swallowing():
        run.lasts(1.5)
    yield


@contextmanager
def _swallowed_for_long(run: _Run) -> Iterator[None]:
    """Longer than MySQL's change stream has patience for (10 s); then the connections are gone."""
    with run.proxy.swallowing():
        run.lasts(11.0)
        run.proxy.cut()
    yield


@contextmanager
def _slow(run: _Run) -> Iterator[None]:
    run.proxy.delay, run.proxy.rate = 0.03, 200_000
    run.lasts(2.5)
    run.proxy.delay = run.proxy.rate = 0
    yield


@contextmanager
def _crowded(run: _Run) -> Iterator[None]:
    """No new connection is let in by the server for some seconds, and the old ones are gone."""
    with ExitStack() as others:
        for _ in range(400):
            try:
                others.enter_context(cursor_of(run.server, run.database))
            except Exception:
                break
        else:
            raise AssertionError("the server takes any number of connections")
        run.proxy.cut()
        run.lasts(1.2)
    yield


@contextmanager
def _held(run: _Run) -> Iterator[None]:
    """A transaction of somebody else's that has the table, and some rows, for some seconds.

    It must not wait for rows that writers have: they may be waiting for its own.
    """
    with cursor_of(run.server, run.database) as cursor:
        cursor.execute("BEGIN")
        cursor.execute(
            f"SELECT {run.change.shape.key} FROM {run.change.table} WHERE {run.change.shape.key} % 100 = 0 FOR UPDATE SKIP LOCKED"
        )
        cursor.fetchall()
        run.lasts(1.8)
        cursor.execute("ROLLBACK")
    yield


@contextmanager
def _crashed(run: _Run) -> Iterator[None]:
    """The server dies, and is started again."""
    run.server.kill()
    run.server.start()
    yield


@contextmanager
def _read_only(run: _Run) -> Iterator[None]:
    """As in a failover: nobody may write for some seconds."""
    forbid, allow = _READ_ONLY[run.server.kind]
    with cursor_of(run.server, run.database) as cursor:
        try:
            for statement in forbid:
                cursor.execute(statement)
            run.lasts(1.2)
        finally:
            for statement in allow:
                cursor.execute(statement)
    yield


_READ_ONLY = {
    "mysql": (("SET GLOBAL super_read_only = ON",), ("SET GLOBAL super_read_only = OFF", "SET GLOBAL read_only = OFF")),
    "postgres": (
        ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"),
        (
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        ),
    ),
}


@contextmanager
def _rotated(run: _Run) -> Iterator[None]:
    """The log goes on in another file, again and again."""
    statement = "SELECT pg_switch_wal()" if run.server.kind == "postgres" else "FLUSH BINARY LOGS"
    with cursor_of(run.server, run.database) as cursor:
        for _ in range(8):
            cursor.execute(statement)
            run.lasts(0.08)
    yield


FAULTS = {
    "cut": _cut,
    "cut again": _cut_again_and_again,
    "refused": _refused,
    "swallowed": _swallowed,
    "swallowed long": _swallowed_for_long,
    "slow": _slow,
    "crowded": _crowded,
    "held": _held,
    "crashed": _crashed,
    "read only": _read_only,
    "rotated": _rotated,
}
_KINDS = ("mysql", "postgres")
_TWICE = {
    *((fault, phase) for fault in ("cut", "crashed") for phase in ("copy", "exchange")),
    *((fault, "exchange") for fault in ("cut again", "refused", "swallowed")),
    ("read only", "copy"),
    ("held", "postponed"),
}
"""What is always looked at on both kinds of server."""
_LONG = {("mysql", "copy"), ("postgres", "compare"), ("mysql", "exchange")}
_SLOWNESS = 2.5


def _always(kind: str, fault: str, phase: str) -> bool:
    """Each fault in each phase on one kind of server, in turn, so that each kind has every fault and every phase; the rest is slow."""
    if fault == "swallowed long":
        return (kind, phase) in _LONG
    turn = [*FAULTS].index(fault) + [*PHASES].index(phase)
    return (fault, phase) in _TWICE or _KINDS[turn % 2] == kind


_MATRIX = [
    pytest.param(
        kind,
        fault,
        phase,
        1.0 if always else _SLOWNESS,
        id=f"{kind}-{fault}, {phase}",
        marks=() if always else pytest.mark.soak,
    )
    for kind in _KINDS
    for fault in FAULTS
    for phase in PHASES
    for always in [_always(kind, fault, phase)]
]


@pytest.fixture(scope="module")
def small_mysql(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> sandbox.MySQLServer:
    return mysql_with({"max-connections": 60})


@pytest.fixture(scope="module")
def small_postgres(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
) -> sandbox.PostgresServer:
    return postgres_with(18, {"max_connections": "60"})


@pytest.mark.parametrize(("kind", "fault", "phase", "slowness"), _MATRIX)
def test_survived(
    request: pytest.FixtureRequest,
    new_database: NewDatabase,
    tmp_path: Path,
    kind: str,
    fault: str,
    phase: str,
    slowness: float,
) -> None:
    server = request.getfixturevalue(f"small_{kind}")
    database = new_database(server)
    with proxied(server.host, server.port) as proxy:
        run = _Run(server, database, proxy, tmp_path, slowness)
        change = run.change
        with cursor_of(server, database) as cursor:
            fill(cursor, change.shape, change.table, _ROWS)
        load = Load(
            server.host,
            server.port,
            database,
            change.table,
            _ROWS,
            user=server.user,
            rate=150,
            shape=change.shape,
            stubborn=True,
        )
        try:
            with Writers(load) as writers:
                PHASES[phase](run)
                with FAULTS[fault](run):
                    run.to_its_end()
                committed = writers.stop()
        finally:
            if run.process is not None and run.process.poll() is None:
                run.process.kill()
                run.process.wait()
    assert committed.errors == [], run.told()
    with cursor_of(server, database) as cursor:
        assert differences(cursor, change.table, committed, key=change.shape.key) == [], run.told()
        cursor.execute(f"SELECT MIN(extra), MAX(extra) FROM {change.table}")
        assert cursor.fetchone() == (7, 7)
        cursor.execute(change.left)
        assert set(cursor.fetchall()) == change.expected, run.told()
        if server.kind == "postgres":
            cursor.execute("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
            assert cursor.fetchall() == []
