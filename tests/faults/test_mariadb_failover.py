"""MariaDB: the primary dies, and a run that died with it is gone on with on the replica that was promoted, by GTID."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import program
import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from proxy import Proxy, proxied
from under_load import SYSBENCH, course_of
from waiting import until

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences, differing_rows
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 30_000
_ALTER = "MODIFY k BIGINT NOT NULL, ADD extra BIGINT NOT NULL DEFAULT 7"
_SLOWLY = ("--chunk-size=50", "--workers=2", "--nice-ratio=6")
_LOGGED: sandbox.Options = {
    "log-slave-updates": 1,
    # A process that is killed leaves what it has written; and the replica keeps up on any disk.
    "innodb-flush-log-at-trx-commit": 2,
    "innodb-flush-method": "nosync",
    "sync-binlog": 0,
}
_SAME = [(f"o.{name}", f"n.{name}") for name in SYSBENCH.columns]
_ON = "going on with the work of an earlier run"


@dataclass
class _Topology:
    """A primary and its replicas, and a run on `primary`; `flags`: of its next call."""

    primary: sandbox.MariaDBServer
    database: str
    folder: Path
    flags: tuple[str, ...] = field(default=())

    def call(self, server: sandbox.Server) -> list[str]:
        url = f"--url={url_of(server, self.database)}"
        return ["migrate", url, "--table=sbtest1", f"--alter={_ALTER}", "--execute", *self.flags]

    def on(self, server: sandbox.Server) -> Finished:
        return ghostpy(*self.call(server))

    def killed_when(self, true: Callable[[dict[str, Any]], object], *flags: str) -> None:
        """A run on the primary, killed as soon as its checkpoint is so."""
        with (self.folder / "log").open("ab") as log:
            process = program.start(*self.call(self.primary), "--checkpoint-seconds=1", *flags, output=log, errors=log)
        with process:
            until(lambda: true(course_of(self.primary, self.database)), (self.folder / "log").read_text)
            process.send_signal(signal.SIGKILL)
            process.wait()

    def replicated(self, replica: sandbox.Server) -> None:
        """All that the primary has is on the replica, too."""
        place = self.primary.execute("SELECT @@GLOBAL.gtid_binlog_pos AS g")[0]["g"]
        assert replica.execute(f"SELECT MASTER_GTID_WAIT('{place}', 60) AS w")[0]["w"] == 0


def _promote(replica: sandbox.Server) -> None:
    replica.execute("STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = 0")


@contextmanager
def _topology(new_database: NewDatabase, folder: Path, version: str | None = None) -> Iterator[_Topology]:
    with sandbox.mariadb(_LOGGED, version=version) as primary:
        database = new_database(primary)
        with cursor_of(primary, database) as cursor:
            fill(cursor, SYSBENCH.shape, "sbtest1", _ROWS)
        yield _Topology(primary, database, folder)


def _fail_over(of: _Topology, replica: sandbox.Server, proxy: Proxy) -> None:
    """The primary dies, with the writers at work; what it has committed is on the replica, which takes its place."""
    with cursor_of(of.primary) as cursor:
        # Replication does not wait for replicas, so nothing may be committed that they lack.
        cursor.execute("FLUSH TABLES WITH READ LOCK")
        of.replicated(replica)
        of.primary.kill()
    _promote(replica)
    proxy.turn_to(replica.host, replica.port)
    proxy.cut()


_PHASES: dict[str, tuple[Callable[[dict[str, Any]], object], tuple[str, ...]]] = {
    "copy": (lambda course: course.get("low"), _SLOWLY),
    "postponed": (lambda course: course.get("compared"), ("--postpone-cut-over",)),
}


@pytest.mark.parametrize(
    ("phase", "version"),
    [
        ("copy", None),
        pytest.param("postponed", None, marks=pytest.mark.soak),
        pytest.param("copy", "11.8", marks=pytest.mark.soak),
    ],
)
def test_nothing_is_lost_in_a_failover(
    new_database: NewDatabase, tmp_path: Path, phase: str, version: str | None
) -> None:
    with (
        _topology(new_database, tmp_path, version) as of,
        of.primary.replica() as replica,
        proxied(of.primary.host, of.primary.port) as proxy,
    ):
        load = Load("127.0.0.1", proxy.port, of.database, "sbtest1", _ROWS, rate=200, stubborn=True)
        with Writers(load) as writers:
            of.killed_when(_PHASES[phase][0], *_PHASES[phase][1])
            rows = course_of(of.primary, of.database)["rows_copied"]
            time.sleep(1.0)
            # The replica's binlog is another than the primary's: an offset of the one means nothing in the other.
            replica.execute("FLUSH BINARY LOGS")
            _fail_over(of, replica, proxy)
            time.sleep(1.0)
            finished = of.on(replica)
            committed = writers.stop()
        assert finished.status == 0, finished.errors
        assert f"{_ON}: {rows} rows are copied" in finished.errors
        assert len(committed.touched) > 200
        with cursor_of(replica, of.database) as cursor:
            _assert_nothing_lost(cursor, committed, finished)


def _assert_nothing_lost(cursor: Any, committed: Committed, finished: Finished) -> None:
    assert committed.errors == []
    assert differences(cursor, "sbtest1", committed) == []
    # The old table stands still since the exchange.
    later = {row for row, moment in committed.touched.items() if moment > finished.ended - 3}
    assert differing_rows(cursor, "_sbtest1_del", "sbtest1", _SAME) - later == set()
    cursor.execute("SHOW TABLES")
    assert {row[0] for row in cursor.fetchall()} == {"sbtest1", "_sbtest1_del"}


@pytest.mark.soak
@pytest.mark.parametrize("phase", _PHASES)
def test_a_run_that_lives_does_not_follow_another_server_at_its_address(
    new_database: NewDatabase, tmp_path: Path, phase: str
) -> None:
    with (
        _topology(new_database, tmp_path) as of,
        of.primary.replica() as replica,
        proxied(of.primary.host, of.primary.port) as proxy,
    ):
        load = Load("127.0.0.1", proxy.port, of.database, "sbtest1", _ROWS, rate=200, stubborn=True)
        url = f"--url=mysql://root@127.0.0.1:{proxy.port}/{of.database}"
        call = ["migrate", url, "--table=sbtest1", f"--alter={_ALTER}", "--execute", "--checkpoint-seconds=1"]
        log = tmp_path / "log"
        with Writers(load) as writers:
            with log.open("ab") as file:
                process = program.start(*call, *_PHASES[phase][1], output=file, errors=file)
            with process:
                until(lambda: _PHASES[phase][0](course_of(of.primary, of.database)), log.read_text)
                _fail_over(of, replica, proxy)
                assert process.wait(60) == 4, log.read_text()
            finished = ghostpy(*call)
            committed = writers.stop()
        assert finished.status == 0, finished.errors
        assert _ON in finished.errors
        with cursor_of(replica, of.database) as cursor:
            _assert_nothing_lost(cursor, committed, finished)


def test_refused_where_the_replica_cannot_tell_what_was_missed(new_database: NewDatabase, tmp_path: Path) -> None:
    with (
        _topology(new_database, tmp_path) as of,
        of.primary.replica() as logged,
        of.primary.replica({"log-slave-updates": 0}) as silent,
    ):
        of.killed_when(_PHASES["copy"][0], *_SLOWLY)
        for replica in (logged, silent):
            of.replicated(replica)
        of.primary.kill()
        for replica in (logged, silent):
            _promote(replica)
        # Asked for it, the server itself would send nothing, and wait.
        _assert_refused(of, silent, "does not have the GTID 0-", "log_slave_updates=ON")
        logged.execute("FLUSH BINARY LOGS", "FLUSH BINARY LOGS")
        last = logged.execute("SHOW BINARY LOGS")[-1]["Log_name"]
        until(lambda: _purged(logged, last), "the binlog to be purged")
        _assert_refused(of, logged, "purged", "1236")
        of.flags = ("--restart",)
        finished = of.on(logged)
        assert finished.status == 0, finished.errors


def _purged(server: sandbox.Server, last: object) -> bool:
    server.execute(f"PURGE BINARY LOGS TO '{last}'")
    return bool(server.execute("SHOW BINARY LOGS")[0]["Log_name"] == last)


def _assert_refused(of: _Topology, server: sandbox.Server, *told: str) -> None:
    finished = of.on(server)
    errors = finished.errors.replace("\n", " ")
    assert finished.status == 17, finished.errors
    for each in (*told, "--restart"):
        assert each in errors
    assert course_of(server, of.database).get("low"), "the earlier run's work is gone"


def test_a_checkpoint_without_gtids_is_gone_on_with_on_its_own_server(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    """As earlier versions have left it."""
    with _topology(new_database, tmp_path) as of, of.primary.replica() as replica:
        of.killed_when(_PHASES["copy"][0], *_SLOWLY)
        _without_gtids(of)
        with cursor_of(of.primary, of.database) as cursor:
            cursor.execute("UPDATE sbtest1 SET k = k + 100000 WHERE id % 7 = 0")
            cursor.execute("DELETE FROM sbtest1 WHERE id % 11 = 0")
        of.replicated(replica)
        _promote(replica)
        _assert_refused(of, replica, "it differs in the server")
        finished = of.on(of.primary)
        assert finished.status == 0, finished.errors
        assert _ON in finished.errors
        with cursor_of(of.primary, of.database) as cursor:
            assert differing_rows(cursor, "_sbtest1_del", "sbtest1", _SAME) == set()


def _without_gtids(of: _Topology) -> None:
    with cursor_of(of.primary, of.database) as cursor:
        cursor.execute(
            "SELECT text, CONCAT_WS(':', @@hostname, @@port, @@server_id) FROM _sbtest1_ghc WHERE id = 'checkpoint'"
        )
        text, server = cursor.fetchone()
        told = json.loads(text)
        told["change"]["the server"] = server
        position = json.loads(told["position"])
        told["position"] = json.dumps({name: position[name] for name in ("file", "offset", "gtids")})
        cursor.execute("UPDATE _sbtest1_ghc SET text = %s WHERE id = 'checkpoint'", (json.dumps(told),))


@pytest.mark.soak
def test_a_change_is_reverted_after_a_failover(new_database: NewDatabase, tmp_path: Path) -> None:
    with _topology(new_database, tmp_path) as of, of.primary.replica() as replica:
        of.flags = ("--keep-revertible",)
        assert of.on(of.primary).status == 0
        _changed(of.primary, of.database)
        of.replicated(replica)
        of.primary.kill()
        _promote(replica)
        _changed(replica, of.database)
        with cursor_of(replica, of.database) as cursor:
            cursor.execute("SELECT id, k, c, pad FROM sbtest1 ORDER BY id")
            rows = cursor.fetchall()
            finished = ghostpy("revert", f"--url={url_of(replica, of.database)}", "--table=sbtest1", "--execute")
            assert finished.status == 0, finished.errors
            cursor.execute("COMMIT")
            cursor.execute("SELECT * FROM sbtest1 ORDER BY id")
            assert cursor.fetchall() == rows


def _changed(server: sandbox.Server, database: str) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute("UPDATE sbtest1 SET k = k + 1 WHERE id % 7 = 0")
        cursor.execute("DELETE FROM sbtest1 WHERE id = (SELECT * FROM (SELECT MAX(id) FROM sbtest1) AS m)")
        cursor.execute("INSERT INTO sbtest1 (k, c, pad) SELECT k, c, pad FROM sbtest1 WHERE id % 100 = 3")
