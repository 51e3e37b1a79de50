"""What the change stream sees on a real server: every committed key, under each way in which a server may log it."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from handed_over import read_beside
from mysql_following import LEDGER_COLUMNS, Following, connect, following, in_loop, run

from ghostpy import sandbox
from ghostpy.errors import SourceChanged, StreamLost
from ghostpy.settings import TlsSettings

MySQLWith = Callable[[sandbox.Options], sandbox.MySQLServer]
NewDatabase = Callable[[sandbox.Server], str]

WIDE = "CREATE TABLE t (a VARCHAR(20), id INT PRIMARY KEY AUTO_INCREMENT, k INT, j JSON, b MEDIUMTEXT, c CHAR(60))"


@pytest.fixture(params=["gtid", "offset"])
def server(request: pytest.FixtureRequest, mysql_with: MySQLWith) -> sandbox.MySQLServer:
    """Servers whose stream is followed by GTID and by file and offset."""
    if request.param == "gtid":
        return mysql_with({})
    return mysql_with({"gtid-mode": "OFF", "enforce-gtid-consistency": "OFF"})


@pytest.fixture
def database(server: sandbox.MySQLServer, new_database: NewDatabase) -> str:
    return new_database(server)


class Writers:
    """Threads that change rows at random and know which keys they committed."""

    def __init__(self, server: sandbox.MySQLServer, database: str, *, count: int, rounds: int, first: str) -> None:
        self._place = server, database
        self._first = first
        self.committed: list[set[int]] = [set() for _ in range(count)]
        self._threads = [threading.Thread(target=self._write, args=(each, rounds)) for each in range(count)]

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join()

    @property
    def busy(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _write(self, which: int, rounds: int) -> None:
        choose = random.Random(which)
        low = which * 1_000_000 + 1
        mine: list[int] = []
        made = 0
        with connect(*self._place, self._first) as writer:
            for turn in range(rounds):
                changed: set[int] = set()
                run(writer, "BEGIN")
                for _ in range(choose.randrange(1, 4)):
                    kind = choose.randrange(5) if mine else 0
                    key = choose.choice(mine) if mine else 0
                    if kind < 2:
                        made += 1
                        key = low + 2 * made
                        run(
                            writer,
                            f"INSERT INTO t (id, k, j, b) VALUES ({key}, {turn}, '{{\"n\": 1, \"l\": []}}', REPEAT('b', {turn % 300}))",
                        )
                        mine.append(key)
                    elif kind == 2:
                        json = "JSON_SET(j, '$.n', k)"
                        run(
                            writer,
                            f"UPDATE t SET k = k + 1, j = {json}, a = NULLIF('x', '{'x' * (turn % 2)}') WHERE id = {key}",
                        )
                    elif kind == 3:
                        run(writer, f"UPDATE t SET id = id + 1 WHERE id = {key}")
                        mine.remove(key)
                        changed.add(key + 1)
                    else:
                        run(writer, f"DELETE FROM t WHERE id = {key}")
                        mine.remove(key)
                    changed.add(key)
                if choose.randrange(10):
                    run(writer, "COMMIT")
                    self.committed[which] |= changed
                else:
                    run(writer, "ROLLBACK")
                    mine = [
                        row[0]
                        for row in run(
                            writer, f"SELECT id FROM t WHERE id BETWEEN {low} AND {low + 999_999} AND id % 2"
                        )
                    ]


@pytest.mark.parametrize(
    "logged",
    [
        "binlog_row_image=FULL",
        "binlog_row_image=MINIMAL",
        "binlog_row_image=NOBLOB",
        "binlog_transaction_compression=ON",
        "binlog_row_value_options=PARTIAL_JSON",
        "binlog_row_value_options=PARTIAL_JSON, binlog_row_image=MINIMAL",
        "binlog_row_value_options=PARTIAL_JSON, binlog_row_image=NOBLOB, binlog_transaction_compression=ON",
        "binlog_rows_query_log_events=ON",
    ],
)
def test_every_committed_key_comes(logged: str, server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as first:
            run(first, WIDE)
        async with following(server, database) as follow:
            with Writers(server, database, count=3, rounds=120, first=f"SET {logged}") as writers:
                while writers.busy:
                    await follow.read()
            seen = follow.keys | await follow.catch_up()
            assert seen == set().union(*writers.committed)
            assert follow.events >= len(seen)

    in_loop(check)


def test_the_streams_thread_is_killed(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as first:
            run(first, WIDE)
            async with following(server, database) as follow:
                with Writers(server, database, count=3, rounds=400, first="SET binlog_row_image=FULL") as writers:
                    kills = 0
                    while writers.busy:
                        await follow.read()
                        if follow.batches % 20 == 19:
                            for row in run(first, "SHOW PROCESSLIST"):
                                if str(row[4]).startswith("Binlog Dump"):
                                    run(first, f"KILL {row[0]}")
                                    kills += 1
                seen = follow.keys | await follow.catch_up()
                assert kills >= 2
                assert seen == set().union(*writers.committed)

    in_loop(check)


def test_big_transaction(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database, "SET cte_max_recursion_depth=1000000") as writer:
            run(
                writer,
                "CREATE TABLE t (id INT PRIMARY KEY, k INT)",
                "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000) SELECT i, 0 FROM n",
            )
            async with following(server, database) as follow:
                run(writer, "UPDATE t SET k = 1")
                assert await follow.catch_up() == set(range(1, 300_001))
                run(writer, "SET binlog_transaction_compression=ON", "UPDATE t SET k = 2")
                assert await follow.catch_up() == set(range(1, 300_001))
                assert follow.events == 600_000

    in_loop(check)


@pytest.mark.parametrize(
    ("server", "compressed"),
    [
        ("gtid", "ON"),
        ("offset", "OFF"),
        pytest.param("gtid", "OFF", marks=pytest.mark.soak),
        pytest.param("offset", "ON", marks=pytest.mark.soak),
    ],
    indirect=["server"],
)
def test_events_of_more_than_a_packet(compressed: str, server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        first = f"SET binlog_transaction_compression={compressed}"
        with (
            connect(server, database, "SET GLOBAL max_allowed_packet=1<<30") as other,
            connect(server, database, first) as writer,
        ):
            run(other, "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, k INT, l VARCHAR(10))")
            run(other, "CREATE TABLE other (id INT PRIMARY KEY, b LONGBLOB)")
            async with following(server, database) as follow:
                # The event of size 2^24 - 2 fills a packet; the ones around it are split, or followed by an empty
                # packet.
                around = [(1 << 24) - 70 + each for each in range(0, 40, 3)]
                for key, size in enumerate([17_000_000, 40_000_000, *around], 1):
                    filled = f"RIGHT(REPEAT(HEX(RANDOM_BYTES(500)), {size // 1000 + 1}), {size})"
                    run(
                        writer,
                        f"INSERT INTO t VALUES ({key}, {filled}, 1, 'x')",
                        f"INSERT INTO other VALUES ({key}, {filled})",
                    )
                assert await follow.catch_up() == set(range(1, len(around) + 3))
                run(writer, "UPDATE t SET k = 2, id = id + 100 WHERE id IN (2, 3)")
                assert await follow.catch_up() == {2, 3, 102, 103}

    in_loop(check)


def test_rotation_and_idleness(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id INT PRIMARY KEY)")
            async with following(server, database) as follow:
                for key in range(5):
                    run(writer, f"INSERT INTO t VALUES ({key})", "FLUSH BINARY LOGS")
                    assert await follow.catch_up() == {key}
                run(writer, "FLUSH BINARY LOGS", "CREATE TABLE u (id INT)", "ANALYZE TABLE u", "FLUSH LOGS")
                assert await follow.catch_up() == set()
                assert follow.stream.passed(await follow.stream.end())

    in_loop(check)


def test_server_restarts(mysql_with: MySQLWith, new_database: NewDatabase) -> None:
    server = mysql_with({"max-connections": 90})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)")
        async with following(server, database) as follow:
            with connect(server, database) as writer:
                run(writer, "INSERT INTO t VALUES (2)")
            await follow.read()
            for key, end in ((3, server.stop), (4, server.kill)):
                await asyncio.to_thread(end)
                await asyncio.to_thread(server.start)
                with connect(server, database) as writer:
                    run(writer, f"INSERT INTO t VALUES ({key})")
            await follow.session.close()
            assert await follow.catch_up() == {2, 3, 4}

    in_loop(check)


def test_purged_binlog(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id INT PRIMARY KEY)")
            async with following(server, database) as follow:
                start = await follow.stream.start()
            run(
                writer, "INSERT INTO t VALUES (1)", "FLUSH BINARY LOGS", "INSERT INTO t VALUES (2)", "FLUSH BINARY LOGS"
            )
            while len(files := run(writer, "SHOW BINARY LOGS")) > 1:
                # Files that a stream still reads are left.
                run(writer, f"PURGE BINARY LOGS TO '{files[-1][0]}'")
            stream = follow.stream
            with pytest.raises(StreamLost, match="1236"):
                await stream.open(start)
            await stream.close()

    in_loop(check)


def test_heartbeats_of_the_ledger(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id INT PRIMARY KEY)")
            async with following(server, database) as follow:
                run(writer, f"CREATE TABLE IF NOT EXISTS _t_ghc {LEDGER_COLUMNS}")
                number = 0
                for image in ("FULL", "MINIMAL", "NOBLOB"):
                    run(writer, f"SET binlog_row_image={image}")
                    for _ in range(3):
                        number += 1
                        run(
                            writer,
                            f"INSERT INTO _t_ghc (id, number) VALUES ('heartbeat', {number}) ON DUPLICATE KEY UPDATE number = {number}",
                            f"INSERT INTO _t_ghc VALUES ('checkpoint', 99, 'text') ON DUPLICATE KEY UPDATE number = 99, text = '{number}'",
                        )
                        assert await follow.catch_up() == set()
                        assert follow.heartbeat == number

    in_loop(check)


def test_keys_between_generated_and_invisible_columns(server: sandbox.MySQLServer, database: str) -> None:
    async def check(declared: str, key: tuple[str, ...], insert: str, expected: set[int | str]) -> None:
        with connect(server, database, "SET sql_generate_invisible_primary_key=ON") as writer:
            run(writer, "DROP TABLE IF EXISTS t", f"CREATE TABLE t ({declared})")
            async with following(server, database, key=key) as follow:
                for image in ("FULL", "MINIMAL"):
                    run(writer, f"SET binlog_row_image={image}", insert)
                    assert await follow.catch_up() == expected
                    run(writer, "UPDATE t SET n = 77")
                    assert await follow.catch_up() == expected
                    run(writer, "DELETE FROM t")
                    assert await follow.catch_up() == expected

    async def check_all() -> None:
        await check(
            "v VARCHAR(90) AS (REPEAT('v', n)) VIRTUAL, n INT, id INT PRIMARY KEY",
            ("id",),
            "INSERT INTO t (n, id) VALUES (80, 5)",
            {5},
        )
        await check(
            "n INT, s VARCHAR(90) AS (REPEAT('s', n)) STORED, id INT PRIMARY KEY, w TEXT AS (REPEAT('w', n)) VIRTUAL",
            ("id",), "INSERT INTO t (n, id) VALUES (80, 5)", {5},
        )  # fmt: skip
        await check(
            "a INT, n INT, g INT AS (a * 2) STORED NOT NULL, id INT, PRIMARY KEY (g, id)",
            ("g", "id"), "INSERT INTO t (a, n, id) VALUES (4, 1, 5)", {"8,5"},
        )  # fmt: skip
        await check(
            "a INT, n INT, hidden VARCHAR(20) INVISIBLE DEFAULT 'h', id INT PRIMARY KEY INVISIBLE",
            ("id",), "INSERT INTO t (n, id) VALUES (80, 5)", {5},
        )  # fmt: skip
        await check(
            "n INT, j JSON, id INT PRIMARY KEY, KEY f ((n + 1)), KEY m ((CAST(j->'$.l' AS UNSIGNED ARRAY)))",
            ("id",), "INSERT INTO t VALUES (1, '{\"l\": [1, 2]}', 5)", {5},
        )  # fmt: skip
        await check(
            "n INT, id INT, PRIMARY KEY (id)) PARTITION BY KEY (id",
            ("id",),
            "INSERT INTO t VALUES (1, 5), (1, 6)",
            {5, 6},
        )
        await check("n INT, name VARCHAR(20)", ("my_row_id",), "INSERT INTO t (my_row_id, n) VALUES (5, 1)", {5})

    in_loop(check_all)


def test_minimal_inserts_take_defaults(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database, "SET binlog_row_image=MINIMAL") as writer:
            run(
                writer,
                "CREATE TABLE t (id INT NOT NULL DEFAULT 7, s VARCHAR(10) NOT NULL DEFAULT 'é', d DATETIME(2) NOT NULL DEFAULT "
                "'2020-01-01 10:00:00', n INT, PRIMARY KEY (id, s, d))",
            )
            async with following(server, database, key=("id", "s", "d")) as follow:
                run(writer, "INSERT INTO t (id, n) VALUES (1, 2), (2, 3)", "INSERT INTO t () VALUES ()")
                rest = "_utf8mb4 X'C3A9','2020-01-01 10:00:00.00'"
                assert await follow.catch_up() == {f"1,{rest}", f"2,{rest}", f"7,{rest}"}
                run(writer, "UPDATE t SET s = 'x' WHERE id = 1")
                assert await follow.catch_up() == {f"1,{rest}", "1,_utf8mb4 X'78','2020-01-01 10:00:00.00'"}

    in_loop(check)


def test_minimal_images_without_the_copy_key_are_refused(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database, "SET binlog_row_image=MINIMAL") as writer:
            run(
                writer,
                "CREATE TABLE t (id INT PRIMARY KEY, u INT NOT NULL UNIQUE, n INT)",
                "INSERT INTO t VALUES (1, 2, 3)",
            )
            async with following(server, database, key=("u",)) as follow:
                run(writer, "UPDATE t SET n = 4")
                with pytest.raises(StreamLost, match="logged without its key"):
                    await follow.catch_up()

    in_loop(check)


# --- the source is changed by statements ---


CHANGES = [
    "ALTER TABLE t ADD COLUMN x INT",
    "ALTER TABLE `t` ENGINE=InnoDB",
    "TRUNCATE t",
    "TRUNCATE TABLE {database}.t",
    "RENAME TABLE t TO moved",
    "DROP TABLE t",
    "DROP TABLE other, t",
    "CREATE INDEX i ON t (k)",
    "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @x = 1",
    "ALTER TABLE parts EXCHANGE PARTITION p0 WITH TABLE t",
    "DROP DATABASE {database}",
]
NOT_CHANGES = [
    "CREATE TABLE t2 LIKE t",
    "CREATE TABLE t3 AS SELECT * FROM t",
    "CREATE TABLE IF NOT EXISTS t (id INT)",
    "CREATE VIEW v AS SELECT * FROM t",
    "CREATE PROCEDURE p () DELETE FROM t",
    "CREATE TRIGGER tr BEFORE INSERT ON other FOR EACH ROW SET @x = (SELECT MAX(id) FROM t)",
    "CREATE TABLE `_t_gho` LIKE `t`",
    "ALTER TABLE `_t_gho` ADD COLUMN x INT COMMENT 'for t'",
    "DROP TABLE `_t_gho`",
    "ALTER TABLE other COMMENT 't'",
    "RENAME TABLE other TO other_t",
    "TRUNCATE other_t",
    "CREATE TEMPORARY TABLE t (id INT)",
    "DROP TEMPORARY TABLE t",
    "ANALYZE TABLE t",
    "GRANT SELECT ON t TO CURRENT_USER()",
    "DROP VIEW v",
    "CREATE DATABASE IF NOT EXISTS {database}",
    "CREATE TABLE {database}_x.t (id INT)",
    "DROP TABLE {database}_x.t",
]


def _prepared(first: Any, database: str) -> None:
    run(
        first,
        "CREATE TABLE t (id INT PRIMARY KEY, k INT)",
        "CREATE TABLE other (id INT PRIMARY KEY, k INT)",
        "CREATE TABLE parts (id INT PRIMARY KEY, k INT) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100))",
        "INSERT INTO t VALUES (1, 1)",
        f"CREATE DATABASE {database}_x",
    )


@pytest.mark.parametrize("statement", CHANGES)
def test_statements_that_change_the_source(statement: str, server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            _prepared(writer, database)
            try:
                async with following(server, database) as follow:
                    run(writer, "INSERT INTO t VALUES (2, 2)", statement.format(database=database))
                    with pytest.raises(SourceChanged, match=f"{database}.t"):
                        await follow.catch_up()
                    assert follow.keys == {2}
            finally:
                run(writer, f"DROP DATABASE {database}_x", f"CREATE DATABASE IF NOT EXISTS {database}")

    in_loop(check)


def test_statements_that_do_not_change_the_source(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            _prepared(writer, database)
            try:
                async with following(server, database) as follow:
                    for key, statement in enumerate(NOT_CHANGES, 10):
                        run(writer, statement.format(database=database))
                        if "TEMPORARY" not in statement:
                            run(writer, f"INSERT INTO {database}.t VALUES ({key}, 1)")
                            assert await follow.catch_up() == {key}, statement
            finally:
                run(writer, f"DROP DATABASE {database}_x")

    in_loop(check)


@pytest.mark.filterwarnings("ignore")
def test_dml_in_statement_format(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            _prepared(writer, database)
            run(writer, f"DROP DATABASE {database}_x", "SET SESSION binlog_format=STATEMENT")
            async with following(server, database) as follow:
                run(
                    writer,
                    "INSERT INTO other VALUES (1, 1)",
                    "UPDATE other SET k = RAND() * 100, id = LAST_INSERT_ID(5)",
                )
                assert await follow.catch_up() == set()
                run(writer, "UPDATE t SET k = 5")
                with pytest.raises(SourceChanged, match="UPDATE t SET k"):
                    await follow.catch_up()

    in_loop(check)


@pytest.mark.filterwarnings("ignore")
def test_load_data_in_statement_format(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        file = f"{server.folder}/data/{database}.txt"
        with connect(server, database) as writer:
            _prepared(writer, database)
            run(writer, f"DROP DATABASE {database}_x", f"SELECT 7, 8 INTO OUTFILE '{file}'")
            run(writer, "SET SESSION binlog_format=STATEMENT")
            async with following(server, database) as follow:
                run(writer, f"LOAD DATA INFILE '{file}' INTO TABLE other")
                assert await follow.catch_up() == set()
                run(writer, f"LOAD DATA INFILE '{file}' INTO TABLE t")
                with pytest.raises(SourceChanged, match="LOAD DATA"):
                    await follow.catch_up()

    in_loop(check)


# --- XA ---

XA_TABLE = "CREATE TABLE t (id INT PRIMARY KEY, k INT)"


def _xa(writer: Any, xid: str, key: int, *ends: str) -> None:
    run(
        writer,
        f"XA START {xid}",
        f"INSERT INTO t VALUES ({key}, 1)",
        f"XA END {xid}",
        *(end.format(xid=xid) for end in ends),
    )


async def _ends_with(follow: Following, expected: set[int]) -> None:
    assert await follow.catch_up() == expected


@pytest.mark.parametrize("compressed", ["OFF", "ON"])
def test_xa_transactions(compressed: str, server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        first = f"SET binlog_transaction_compression={compressed}"
        with connect(server, database, first) as writer, connect(server, database, first) as other:
            run(writer, XA_TABLE)
            async with following(server, database) as follow:
                _xa(writer, "'one'", 1, "XA COMMIT {xid} ONE PHASE")
                await _ends_with(follow, {1})
                _xa(writer, "'two','branch',7", 2, "XA PREPARE {xid}")
                run(other, "INSERT INTO t VALUES (100, 1)")
                await _ends_with(follow, {100})
                _xa(other, "'three'", 3, "XA PREPARE {xid}")
                await _ends_with(follow, set())
                run(writer, "XA COMMIT 'two','branch',7")
                await _ends_with(follow, {2})
                run(other, "XA ROLLBACK 'three'")
                await _ends_with(follow, set())
                _xa(writer, "'four'", 4, "XA ROLLBACK {xid}")
                await _ends_with(follow, set())
                _xa(writer, "0x00ff27,'\\'',1", 5, "XA PREPARE {xid}", "XA COMMIT {xid}")
                await _ends_with(follow, {5})

    in_loop(check)


def test_xa_transaction_prepared_before_the_start(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, XA_TABLE)
            async with following(server, database) as follow:
                _xa(writer, "'early'", 1, "XA PREPARE {xid}")
                waiting = asyncio.create_task(follow.stream.start())
                await asyncio.sleep(1)
                assert not waiting.done()
                run(writer, "XA COMMIT 'early'")
                await asyncio.wait_for(waiting, 5)
                # As if XA RECOVER had not been allowed: the end without the beginning is an error.
                _xa(writer, "'late'", 2, "XA PREPARE {xid}")
                late = await follow.stream.end()
                await follow.stream.close()
                run(writer, "XA COMMIT 'late'")

                async def follow_from_late() -> None:
                    await follow.stream.open(late)
                    await follow.read_on()

                with pytest.raises(StreamLost, match="prepared before"):
                    await follow_from_late()

    in_loop(check)


def test_xa_transaction_outlives_a_lost_connection(server: sandbox.MySQLServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(writer, XA_TABLE)
            async with following(server, database) as follow:
                _xa(writer, "'long'", 1, "XA PREPARE {xid}")
                await _ends_with(follow, set())
                for row in run(other, "SHOW PROCESSLIST"):
                    if str(row[4]).startswith("Binlog Dump"):
                        run(other, f"KILL {row[0]}")
                run(writer, "XA COMMIT 'long'")
                await _ends_with(follow, {1})

    in_loop(check)


@pytest.mark.parametrize("tls", ["plain", "tls"])
def test_small_transactions_are_handed_over_together_and_at_once(
    server: sandbox.MySQLServer, database: str, tls: str
) -> None:
    """Each hand-over wakes threads: one for each transaction would take more of the processors than all the decoding.

    By TLS each event is read alone, and there may be any number of them.
    """
    settings = TlsSettings(enabled=tls == "tls", allow_insecure=True)

    async def test() -> None:
        with connect(server, database, "CREATE TABLE t (id INT PRIMARY KEY, k INT NOT NULL)") as writer:
            run(writer, f"INSERT INTO t VALUES {', '.join(f'({i}, 0)' for i in range(100))}")
            async with following(server, database, tls=settings) as follow:
                updates = [f"UPDATE t SET k = k + 1 WHERE id = {i % 100}" for i in range(2000)]
                await read_beside(follow, partial(run, writer, *updates), events=len(updates))
                assert follow.keys == set(range(100))

    in_loop(test)
