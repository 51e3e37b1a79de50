"""An exchange is taken back, with every write made since; and so is that."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import going_back
import pytest
from going_back import told
from migrating import cursor_of, ghostpy
from waiting import WITHIN, until

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import SysbenchRows
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ALTER = "ADD COLUMN extra BIGINT NOT NULL DEFAULT 7, MODIFY k BIGINT NOT NULL, DROP COLUMN note, DROP COLUMN seen"
_OLD, _NEW = "_t_del", "_t_rev_del"
_WITHOUT_GTIDS = {"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"}
_KINDS = (
    "mysql",
    "mariadb",
    *(pytest.param(each, marks=pytest.mark.soak) for each in ("mariadb_11", "mysql_without_gtids")),
)


@pytest.fixture(params=_KINDS)
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    if request.param == "mysql_without_gtids":
        made: sandbox.Server = request.getfixturevalue("mysql_with")(_WITHOUT_GTIDS)
        return made
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


class Place(going_back.Place):
    """With what there is of a run on this kind of server."""

    @property
    def tables(self) -> set[str]:
        return {row[0] for row in self.ask("SHOW TABLES")}


class Table(Place):
    """A table with two columns that its writers do not know, and that the change drops."""

    def __init__(self, server: sandbox.Server, database: str, rows: int) -> None:
        super().__init__(server, database)
        self.rows = rows
        with cursor_of(server, database) as cursor:
            fill(cursor, SysbenchRows(), "t", rows)
            cursor.execute(
                "ALTER TABLE t ADD note VARCHAR(20) NOT NULL DEFAULT 'none', "
                "ADD seen TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6)"
            )
            cursor.execute("UPDATE t SET note = CONCAT('n', id), seen = '2020-01-01'")
            cursor.execute("COMMIT")

    def load(self, rate: float, seed: int = 1) -> Load:
        server = self.server
        mix = {"update": 0.85, "insert": 0.06, "delete": 0.04, "rekey": 0.03, "several": 0.02}
        return Load(
            server.host,
            server.port,
            self.database,
            "t",
            self.rows,
            user=server.user,
            rate=rate,
            seed=seed,
            threads=3,
            mix=mix,
        )

    def window(self, folder: Path, *flags: str) -> Any:
        return self.started(folder, "migrate", f"--alter={_ALTER}", "--revert-window=1h", *flags)

    @property
    def columns(self) -> list[str]:
        return [
            row[0]
            for row in self.ask(
                "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' "
                "ORDER BY ORDINAL_POSITION"
            )
        ]

    def is_what_was_committed(self, committed: Committed) -> None:
        assert committed.errors == []
        with cursor_of(self.server, self.database) as cursor:
            assert differences(cursor, "t", committed) == []
        touched = ",".join(map(str, committed.touched)) or "0"
        # Rows that no writer touched are as they were filled.
        assert self.ask(f"SELECT COUNT(*) FROM t WHERE id NOT IN ({touched})") == [
            (self.rows - sum(1 for row in committed.touched if row <= self.rows),)
        ]

    def keeps(self, column: str, snapshot: str) -> None:
        """Rows that stayed have the values of `column` that they had."""
        assert self.ask(
            f"SELECT COUNT(*) FROM t JOIN {snapshot} s ON s.id = t.id WHERE NOT t.{column} <=> s.{column}"
        ) == [(0,)]
        assert self.ask(f"SELECT COUNT(*) FROM t JOIN {snapshot} s ON s.id = t.id")[0][0] > self.rows // 20


def _there_and_back(table: Table, *, rate: float, seconds: float) -> Committed:
    with Writers(table.load(rate)) as writers:
        done = table.migrate(_ALTER, "--keep-revertible")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        assert table.tables == {"t", _OLD, "_t_ghc"}
        table.do(f"CREATE TABLE snapshot (PRIMARY KEY (id)) AS SELECT id, note, seen FROM {_OLD}")
        time.sleep(seconds)

        planned = table.revert()
        assert planned.status == 0, planned.errors
        assert "note keeps its values in rows that stay" in " ".join(planned.output.split())
        assert "does not bring back what was written to extra" in " ".join(planned.output.split())
        assert "extra" in table.columns

        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert table.columns == ["id", "k", "c", "pad", "note", "seen"]
        assert table.tables == {"t", _NEW, "_t_ghc", "snapshot"}
        time.sleep(seconds / 4)

        table.do(f"CREATE TABLE second (PRIMARY KEY (id)) AS SELECT id, extra FROM {_NEW}")
        done = table.revert("--execute", f"--old-table={_NEW}")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        time.sleep(seconds / 4)
        assert table.revert("--execute", f"--old-table={_NEW}").status == 17

        done = table.revert("--execute", f"--old-table={_OLD}")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    table.keeps("note", "snapshot")
    return committed


def test_there_and_back_and_there_again(server: sandbox.Server, new_database: NewDatabase) -> None:
    table = Table(server, new_database(server), 3_000)
    committed = _there_and_back(table, rate=400, seconds=2.0)
    assert len(committed.statements) > 1_000


@pytest.mark.soak
def test_an_hours_worth_of_writes(server: sandbox.Server, new_database: NewDatabase) -> None:
    """As many as an application with 20 of them a second makes in an hour."""
    table = Table(server, new_database(server), 50_000)
    committed = _there_and_back(table, rate=0, seconds=60.0)
    print(f"{server.kind}: {len(committed.statements)} statements")
    assert len(committed.statements) > 72_000


_SMALL = (
    "CREATE TABLE t (id INT PRIMARY KEY, u VARCHAR(10) UNIQUE, v SMALLINT NOT NULL, kept INT NOT NULL, "
    "seen TIMESTAMP(6) NULL DEFAULT NULL ON UPDATE CURRENT_TIMESTAMP(6), bare CHAR(3) NOT NULL)",
    "INSERT INTO t SELECT id, CONCAT('u', id), id, id * 10, '2020-01-01', 'abc' FROM "
    "(SELECT 1 AS id UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6) AS n",
)
_SMALL_ALTER = (
    "DROP COLUMN kept, DROP COLUMN seen, DROP COLUMN bare, MODIFY v INT, RENAME COLUMN u TO w, ADD COLUMN n INT"
)


@pytest.fixture
def small(server: sandbox.Server, new_database: NewDatabase) -> Place:
    """A table of six rows that was changed in a way that can be taken back."""
    return _small(server, new_database(server))


@pytest.fixture
def small_on_mysql(mysql: sandbox.MySQLServer, new_database: NewDatabase) -> Place:
    return _small(mysql, new_database(mysql))


def _small(server: sandbox.Server, database: str) -> Place:
    place = Place(server, database)
    place.do(*_SMALL)
    done = place.migrate(_SMALL_ALTER, "--keep-revertible")
    assert done.status == 0, done.errors
    told = " ".join(done.errors.split())
    for words in (
        "kept keeps its values in rows that stay; rows inserted since get 0",
        "seen keeps its values in rows that stay; rows inserted since get its default",
        "a revert stores v (int) as smallint again",
        "a revert stops at the first NULL in v",
        "does not bring back what was written to n",
    ):
        assert words in told.replace("int(11)", "int").replace("smallint(6)", "smallint"), told
    return place


def test_values_of_each_kind(small: Place) -> None:
    """Kept, carried back, swapped, given up and taken over, deleted, and new."""
    small.do(
        # Each other's values, by a detour; a chain; and one that a deleted row gives up.
        "UPDATE t SET w = 'x' WHERE id = 1",
        "UPDATE t SET w = 'u1', v = 99 WHERE id = 2",
        "UPDATE t SET w = 'u2' WHERE id = 1",
        "UPDATE t SET w = NULL WHERE id = 3",
        "UPDATE t SET w = 'u3' WHERE id = 4",
        "UPDATE t SET w = 'u4', n = 5 WHERE id = 3",
        "DELETE FROM t WHERE id = 5",
        "INSERT INTO t (id, w, v, n) VALUES (7, 'u5', 7, 8)",
    )
    done = small.revert("--execute")
    assert done.status == 0, done.errors
    assert small.ask("SELECT id, u, v, kept, seen = '2020-01-01', bare FROM t ORDER BY id") == [
        (1, "u2", 1, 10, 1, "abc"),
        (2, "u1", 99, 20, 1, "abc"),
        (3, "u4", 3, 30, 1, "abc"),
        (4, "u3", 4, 40, 1, "abc"),
        (6, "u6", 6, 60, 1, "abc"),
        (7, "u5", 7, 0, None, ""),
    ]


def test_a_row_that_does_not_fit_is_named(small_on_mysql: Place) -> None:
    small = small_on_mysql
    small.do("INSERT INTO t (id, w, v) VALUES (8, 'u8', 70000)")
    done = small.revert("--execute")
    assert done.status == 7, done.errors
    assert "id = 8" in done.errors
    assert ("w",) in small.ask(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't'"
    )
    small.do("UPDATE t SET v = 8 WHERE id = 8")
    done = small.revert("--execute")
    assert done.status == 0, done.errors
    assert small.ask("SELECT v FROM t WHERE id = 8") == [(8,)]


@pytest.mark.parametrize(
    ("statement", "status", "words"),
    [
        ("TRUNCATE TABLE t", 6, "was changed by a statement"),
        ("ALTER TABLE t ADD COLUMN later INT", 6, "was changed by a statement"),
        ("ALTER TABLE t DROP COLUMN w", 17, "was altered since the exchange"),
        ("DROP TABLE _t_del", 17, "no change of"),
        ("ALTER TABLE _t_del DROP COLUMN u", 17, "was altered since the exchange"),
    ],
)
def test_refused_where_a_table_is_another(small_on_mysql: Place, statement: str, status: int, words: str) -> None:
    small = small_on_mysql
    small.do(statement)
    before = small.ask("SHOW CREATE TABLE t"), small.ask("SELECT * FROM t ORDER BY id")
    done = small.revert("--execute")
    assert done.status == status, done.errors
    assert words in " ".join(done.errors.split())
    assert (small.ask("SHOW CREATE TABLE t"), small.ask("SELECT * FROM t ORDER BY id")) == before


def test_refused_where_the_stream_does_not_reach_back(small: Place) -> None:
    with cursor_of(small.server, small.database) as cursor:
        cursor.execute("FLUSH BINARY LOGS")
        cursor.execute("SHOW BINARY LOGS")
        last = cursor.fetchall()[-1][0]
        until(lambda: _purged(cursor, last), "the binlog to be purged")
    done = small.revert("--execute")
    assert done.status == 17, done.errors
    assert "does not reach back" in done.errors


def _purged(cursor: Any, last: str) -> bool:
    cursor.execute(f"PURGE BINARY LOGS TO '{last}'")
    cursor.execute("SHOW BINARY LOGS")
    return bool(cursor.fetchall()[0][0] == last)


@pytest.fixture
def table(mysql: sandbox.MySQLServer, new_database: NewDatabase) -> Table:
    return Table(mysql, new_database(mysql), 3_000)


def _in_step(table: Table, folder: Path) -> None:
    """Return once the old table is kept in step."""
    until(lambda: told(folder, "the old table is kept in step"), "the window")


def _resynced(table: Table) -> None:
    """Return once a change made now is in the old table."""
    table.do("UPDATE t SET c = 'marked' WHERE id = (SELECT * FROM (SELECT MAX(id) FROM t) AS m)")
    until(lambda: table.ask(f"SELECT 1 FROM {_OLD} WHERE c = 'marked'"), "the old table to be in step")


def test_a_window_and_a_second_process(table: Table, tmp_path: Path) -> None:
    with Writers(table.load(200)) as writers, table.window(tmp_path) as process:
        _in_step(table, tmp_path)
        assert process.poll() is None
        assert table.tables == {"t", _OLD, "_t_ghc"}
        planned = table.revert()
        assert planned.status == 0, planned.errors
        time.sleep(1.0)
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert "is reverted" in done.output
        assert process.wait(WITHIN) == 0
        time.sleep(0.5)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE id <= 3000 AND note <> CONCAT('n', id)") == [(0,)]


def test_rows_that_a_transaction_holds_are_not_waited_for(
    server: sandbox.Server, new_database: NewDatabase, tmp_path: Path
) -> None:
    """Who waits for no row lock, and takes none, is part of no deadlock."""
    table = Table(server, new_database(server), 1_000)
    with table.window(tmp_path), cursor_of(server, table.database) as cursor:
        _in_step(table, tmp_path)
        cursor.execute("UPDATE t SET c = 'seen', k = 77 WHERE id = 1")
        cursor.execute("DELETE FROM t WHERE id = 2")
        cursor.execute("INSERT INTO t (id, k, c, pad) VALUES (5001, 1, 'new', 'row')")
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")
        cursor.execute("SELECT id FROM t WHERE id IN (1, 3, 5001) FOR UPDATE")
        rows = f"SELECT id, k, c, note FROM {_OLD} WHERE id IN (1, 2, 5001)"
        there = [(1, 77, "seen", "n1"), (5001, 1, "new", "none")]
        until(lambda: table.ask(rows) == there, "the rows that are held are brought over")
        table.do("UPDATE t SET c = 'too' WHERE id = 4")
        row = f"SELECT c, note FROM {_OLD} WHERE id = 4"
        until(lambda: table.ask(row) == [("too", "n4")], "another row is brought over")
        cursor.execute("ROLLBACK")


def test_a_window_ends(table: Table, tmp_path: Path) -> None:
    done = table.migrate(_ALTER, "--revert-window=2s")
    assert done.status == 0, done.errors
    assert table.tables == {"t", _OLD}
    done = table.revert("--execute")
    assert done.status == 17, done.errors


@pytest.mark.parametrize("again", ["migrate", "revert"])
def test_killed_in_the_window(table: Table, tmp_path: Path, again: str) -> None:
    with Writers(table.load(200)) as writers:
        with table.window(tmp_path, "--checkpoint-seconds=1") as process:
            _in_step(table, tmp_path)
            time.sleep(2.5)
            process.kill()
            process.wait()
        time.sleep(0.5)
        if again == "migrate":
            with table.window(tmp_path) as process:
                _in_step(table, tmp_path)
                process.send_signal(signal.SIGTERM)
                assert process.wait(WITHIN) == 128 + signal.SIGTERM
            assert told(tmp_path, "ghostpy revert")
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)


def test_stopped_by_command(table: Table, tmp_path: Path) -> None:
    with table.window(tmp_path) as process:
        _in_step(table, tmp_path)
        said = ghostpy("control", f"--table={table.database}.t", "stop")
        assert said.status == 0, said.errors
        assert process.wait(WITHIN) == 14
    assert table.tables == {"t", _OLD, "_t_ghc"}
    found = ghostpy("cleanup", table.at[0])
    assert "ledger for a revert" in " ".join(found.output.split()), found.output
    done = table.revert("--execute")
    assert done.status == 0, done.errors
    assert "note" in table.columns


@pytest.mark.parametrize(
    "moment", [pytest.param(0.2, marks=pytest.mark.soak), 0.5, pytest.param(0.8, marks=pytest.mark.soak), 1.1]
)
def test_killed_in_a_revert(table: Table, tmp_path: Path, moment: float) -> None:
    """Whatever it has done by then: said again with the table's name, it ends with the old table in its place."""
    with Writers(table.load(200)) as writers:
        assert table.migrate(_ALTER, "--keep-revertible").status == 0
        with table.started(tmp_path, "revert", f"--old-table={_OLD}") as process:
            until(lambda: told(tmp_path, "commands are taken") or process.poll() is not None, "the revert to begin")
            time.sleep(moment * 0.5)
            process.kill()
            process.wait()
        done = table.revert("--execute", f"--old-table={_OLD}")
        # Where the first one came to its end before it was killed, the last change is the revert itself.
        assert done.status == 0 or (done.status == 17 and f"left {table.database}.{_NEW}" in done.errors), done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)


@pytest.mark.parametrize("carried_out", [True, False])
def test_killed_at_the_exchange_back(table: Table, tmp_path: Path, carried_out: bool) -> None:
    """In the very statement: whether the server carries it out for nobody or not, the same command ends with the old table in its place."""
    waiting = "SELECT ID FROM performance_schema.processlist WHERE STATE LIKE 'Waiting for %{}' AND INFO LIKE '{}%'"
    locking, renaming = waiting.format("metadata lock", "LOCK TABLES"), waiting.format("backup lock", "RENAME TABLE")
    with Writers(table.load(200)) as writers:
        assert table.migrate(_ALTER, "--keep-revertible").status == 0
        time.sleep(0.3)
        with cursor_of(table.server, table.database) as holder, cursor_of(table.server, table.database) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM t LIMIT 1")
            with table.started(
                tmp_path, "revert", f"--old-table={_OLD}", "--cut-over-lock-timeout-seconds=10"
            ) as process:
                until(
                    lambda: table.ask(locking) or process.poll() is not None, "the exchange back to wait for its lock"
                )
                holder.execute("LOCK INSTANCE FOR BACKUP")
                reader.execute("ROLLBACK")
                until(lambda: table.ask(renaming) or process.poll() is not None, "the exchange back to be under way")
                (session,) = table.ask(renaming)[0]
                process.kill()
                process.wait()
            if not carried_out:
                table.do(f"KILL {session}")
                until(lambda: not table.ask(renaming), "the exchange back to be given up")
        if carried_out:
            until(lambda: _NEW in table.tables, "the server to carry out what it was told")
        time.sleep(0.3)
        done = table.revert("--execute", f"--old-table={_OLD}")
        assert done.status == 0, done.errors
        assert ("is reverted; what is left of that run is cleaned up" in done.errors) == carried_out, done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    assert table.tables == {"t", _NEW, "_t_ghc"}
    table.is_what_was_committed(committed)


def test_after_a_restart_of_the_server(
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase
) -> None:
    server = mysql_with({"max-connections": 90})
    table = Table(server, new_database(server), 2_000)
    with Writers(table.load(200)) as writers:
        assert table.migrate(_ALTER, "--keep-revertible").status == 0
        time.sleep(0.5)
        committed = writers.stop()
    server.kill()
    server.start()
    table.do("UPDATE t SET c = 'later' WHERE id % 2 = 0")
    assert table.revert("--execute").status == 0
    assert "note" in table.columns
    for row in committed.rows.values():
        if row is not None:
            row.pop("c", None)
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE (id % 2 = 0) <> (c = 'later')") == [(0,)]


def test_the_counter_comes_along(table: Table) -> None:
    assert table.migrate(_ALTER, "--keep-revertible").status == 0
    table.do("INSERT INTO t (id, k, c, pad) VALUES (90000, 1, 'c', 'p')", "DELETE FROM t WHERE id = 90000")
    assert table.revert("--execute").status == 0
    table.do("INSERT INTO t (k, c, pad) VALUES (1, 'c', 'p')")
    assert table.ask("SELECT MAX(id) > 90000 FROM t") == [(1,)]


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (("--revert-window=24h", "--ok-to-drop-table"), 2, "exclude each other"),
        (("--keep-revertible", "--ok-to-drop-table"), 2, "exclude each other"),
        (("--revert-window=soon",), 2, "must be a duration"),
        (("--keep-revertible", "--where=id > 5"), 3, "could not be reverted"),
    ],
)
def test_refused_beforehand(table: Table, flags: tuple[str, ...], status: int, words: str) -> None:
    done = table.migrate(_ALTER, *flags)
    assert done.status == status, done.errors
    assert words in " ".join(done.errors.split())
    assert table.tables == {"t"}


def test_a_key_that_does_not_lead_back_is_refused_beforehand(table: Table) -> None:
    done = table.migrate("DROP PRIMARY KEY, ADD PRIMARY KEY (k, id), ADD KEY (id)", "--keep-revertible")
    assert done.status == 3, done.errors
    assert "could not be reverted" in " ".join(done.errors.split())
    assert table.tables == {"t"}


def test_nothing_to_revert(table: Table) -> None:
    assert table.migrate(_ALTER).status == 0
    done = table.revert("--execute")
    assert done.status == 17, done.errors
    assert "no change of" in done.errors


def test_gh_osts_flags(table: Table) -> None:
    assert table.migrate(_ALTER, "--keep-revertible").status == 0
    call = ("migrate", *table.at, "--revert", "--execute")
    assert ghostpy(*call).status == 2
    assert ghostpy(*call, "--old-table=_t_other").status == 17
    done = ghostpy(*call, f"--old-table={_OLD}")
    assert done.status == 0, done.errors
    assert "note" in table.columns
