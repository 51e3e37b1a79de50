"""Throwaway servers: they start, come back, replicate, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ghostpy import sandbox

KINDS: dict[str, Callable[[], sandbox.Server]] = {
    "mysql": sandbox.mysql,
    "mariadb": sandbox.mariadb,
    "postgres": sandbox.postgres,
}


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[sandbox.Server]:
    """A server of each kind, not shared: tests may stop it."""
    with KINDS[request.param]() as started:
        started.execute("CREATE SCHEMA s", "CREATE TABLE s.t (id int PRIMARY KEY)", "INSERT INTO s.t VALUES (1)")
        yield started


def rows(server: sandbox.Server) -> list[object]:
    return [row["id"] for row in server.execute("SELECT id FROM s.t ORDER BY id")]


def eventually(condition: Callable[[], bool], timeout: float = 10.0) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    """Whether the process has ended. One whose parent did not ask for its exit code keeps a line in the table."""
    try:
        return stat(pid)[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def stat(pid: int) -> list[str]:
    """What the kernel tells of a process after its name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def no_trace(pid: int, folder: Path) -> bool:
    return not folder.exists() and gone(pid)


def test_data_survives_stop_and_kill_but_not_close(server: sandbox.Server) -> None:
    port, first = server.port, server.pid
    server.stop()
    server.stop()  # again does no harm
    assert not server.running
    server.start()
    server.execute("INSERT INTO s.t VALUES (2)")
    server.kill()
    assert not server.running
    server.start()
    assert rows(server) == [1, 2]
    assert server.port == port

    last = server.pid
    assert first is not None
    assert last is not None
    assert first != last
    server.close()
    assert no_trace(first, server.folder)
    assert no_trace(last, server.folder)
    server.close()  # again does no harm
    with pytest.raises(sandbox.SandboxError, match="was closed"):
        server.start()


def test_replica(server: sandbox.Server) -> None:
    with server.replica() as replica:
        assert eventually(lambda: bool(replica.execute("SELECT 1 AS is_up")) and rows_or_none(replica) == [1])
        server.execute("INSERT INTO s.t VALUES (2)")
        assert eventually(lambda: rows(replica) == [1, 2])
        folder = replica.folder
    assert not folder.exists()


def rows_or_none(server: sandbox.Server) -> list[object] | None:
    """The rows, or None while the table has not arrived yet."""
    there = server.execute(
        "SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = 's' AND table_name = 't'"
    )
    return rows(server) if there[0]["n"] else None


def test_a_replica_ends_with_its_source() -> None:
    with sandbox.postgres() as source:
        replica = source.replica()
    assert not replica.running
    assert not replica.folder.exists()


def test_mysql_is_set_up_for_change_streams() -> None:
    with sandbox.mysql() as server:
        (found,) = server.execute(
            "SELECT @@gtid_mode AS gtid, @@log_bin AS log_bin, @@binlog_format AS format,"
            " @@sync_binlog AS sync_binlog, @@innodb_flush_log_at_trx_commit AS flushed"
        )
        assert found == {"gtid": "ON", "log_bin": 1, "format": "ROW", "sync_binlog": 1, "flushed": 1}
        assert server.url == f"mysql://root@127.0.0.1:{server.port}"
        assert server.version.count(".") == 2
        assert len(server.socket) < 100


def test_many_mysql_servers_fit_on_one_machine(mysql: sandbox.MySQLServer) -> None:
    """Each of these threads keeps 256 of a machine's 65,536 requests for itself: with MySQL's own eight the 29th server does not start."""
    (found,) = mysql.execute("SELECT @@innodb_read_io_threads + @@innodb_write_io_threads AS threads")
    assert found == {"threads": 2}


def test_mysql_options(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> None:
    server = mysql_with({"gtid_mode": "OFF", "lower-case-table-names": 1})
    (found,) = server.execute("SELECT @@gtid_mode AS gtid, @@lower_case_table_names AS lower_case")
    assert found == {"gtid": "OFF", "lower_case": 1}
    assert mysql_with({"lower_case_table_names": 1, "gtid-mode": "OFF"}) is server
    with pytest.raises(sandbox.SandboxError, match="nonsense"):
        mysql_with({"nonsense": 1})


def test_a_replica_without_gtids(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> None:
    source = mysql_with({"gtid_mode": "OFF", "lower-case-table-names": 1})
    with source.replica() as replica:
        source.execute("CREATE DATABASE replicated")
        assert eventually(lambda: bool(replica.execute("SHOW DATABASES LIKE 'replicated'")))


@pytest.mark.parametrize("version", [18, 15])
def test_postgres_versions(version: int) -> None:
    with sandbox.postgres({"work-mem": "5MB"}, version=version) as server:
        assert server.version.split(".")[0] == str(version)
        (found,) = server.execute("SELECT current_setting('wal_level') AS wal, current_setting('work_mem') AS memory")
        assert found == {"wal": "logical", "memory": "5MB"}
        server.execute("SELECT pg_create_logical_replication_slot('slot', 'pgoutput')")


def test_mariadb_is_mariadb(mariadb: sandbox.MariaDBServer) -> None:
    (found,) = mariadb.execute("SELECT version() AS version, @@binlog_format AS format")
    assert "MariaDB" in str(found["version"])
    assert found["format"] == "ROW"


def test_a_fresh_database_for_each_test(mysql: sandbox.MySQLServer, database: str) -> None:
    mysql.execute(f"CREATE TABLE {database}.t (id int PRIMARY KEY)")
    assert len(mysql.execute(f"SHOW TABLES FROM {database}")) == 1


def test_two_at_once_from_threads_that_end() -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: sandbox.mariadb(), range(2))
    with first, second:
        # The threads are gone, their servers are not.
        assert first.port != second.port
        assert first.execute("SELECT 1 AS up") == second.execute("SELECT 1 AS up") == [{"up": 1}]


def test_an_exception_ends_the_server() -> None:
    seen: list[tuple[int | None, Path]] = []

    def fail() -> None:
        with sandbox.postgres() as server:
            seen.append((server.pid, server.folder))
            raise RuntimeError("in the block")

    with pytest.raises(RuntimeError, match="in the block"):
        fail()
    ((pid, folder),) = seen
    assert pid
    assert no_trace(pid, folder)


HOLD = """
import signal, sys
from ghostpy import sandbox
server = getattr(sandbox, sys.argv[1])()
print(server.pid, server.folder, flush=True)
signal.pause()
"""


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("mysql", signal.SIGKILL),
        ("mariadb", signal.SIGKILL),
        ("postgres", signal.SIGKILL),
        ("postgres", signal.SIGTERM),
        ("postgres", signal.SIGINT),
    ],
)
def test_the_server_ends_with_its_python(kind: str, number: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLD, kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as python:
        assert python.stdout
        pid, folder = python.stdout.readline().split()
        python.send_signal(number)
    assert eventually(lambda: no_trace(int(pid), Path(folder)))


def test_a_fork_does_not_hold_the_server() -> None:
    forked = HOLD.replace(
        "signal.pause()", "import os; os.write(1, b'%d\\n' % (os.fork() or os.getpid())); signal.pause()"
    )
    command = [sys.executable, "-c", forked, "postgres"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as python:
        assert python.stdout
        pid, folder = python.stdout.readline().split()
        (child,) = {int(python.stdout.readline()) for _ in range(2)} - {python.pid}
        python.kill()
    try:
        assert eventually(lambda: no_trace(int(pid), Path(folder)))
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_server_ends_with_its_guard() -> None:
    with sandbox.mariadb() as server:
        pid = server.pid
        assert pid
        guard = int(stat(pid)[1])
        os.kill(guard, signal.SIGKILL)
        assert eventually(lambda: gone(pid))
        assert not server.running


def test_held_from_the_command_line() -> None:
    call = "import sys; from ghostpy.cli.sandbox import run; sys.exit(run(sys.argv[1:]))"
    command = [
        sys.executable,
        "-c",
        call,
        "postgres",
        "--version=18",
        "--replicas=1",
        "--option=work_mem=5MB",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout
        lines = [program.stdout.readline() for _ in range(3)]
        program.send_signal(signal.SIGINT)
    assert lines[0].startswith("postgresql://postgres@127.0.0.1:")
    assert lines[1].endswith("(replica)\n")
    assert program.returncode == 0
