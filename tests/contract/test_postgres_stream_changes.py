"""What the change stream sees on a real server: every committed key, marked with its transaction, by both ways of reading."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Sequence
from functools import partial

import pytest
from handed_over import read_beside
from postgres_following import connect, following, in_loop, run

from ghostpy import sandbox
from ghostpy.dialects.postgres.wal.pgoutput import Decoder
from ghostpy.dialects.postgres.wal.slot import message_prefix
from ghostpy.errors import SourceChanged, StreamLost

PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]

WIDE = "CREATE TABLE t (a varchar(20), id int PRIMARY KEY, k int NOT NULL DEFAULT 0, j jsonb, b text, UNIQUE (id, k))"
IDENTITIES = {
    "default": "ALTER TABLE t REPLICA IDENTITY DEFAULT",
    "index": "ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_k_key",
    "full": "ALTER TABLE t REPLICA IDENTITY FULL",
}


@pytest.fixture(
    params=[
        "18 walsender",
        "15 peek",
        *(pytest.param(way, marks=pytest.mark.soak) for way in ("18 peek", "15 walsender")),
    ]
)
def way(request: pytest.FixtureRequest) -> tuple[int, str]:
    version, reader = request.param.split()
    return int(version), reader


@pytest.fixture
def server(way: tuple[int, str], postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(way[0], {})


@pytest.fixture
def reader(way: tuple[int, str]) -> dict[str, object]:
    """The stream's arguments."""
    return {"reader": way[1]}


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    return new_database(server)


class Writers:
    """Threads that change rows at random, with savepoints, and know which keys they committed."""

    def __init__(self, server: sandbox.PostgresServer, database: str, *, count: int, rounds: int) -> None:
        self._place = server, database
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
        with connect(*self._place) as writer:
            for turn in range(rounds):
                changed: set[int] = set()
                run(writer, "BEGIN")
                for _ in range(choose.randrange(1, 4)):
                    kind = choose.randrange(5) if mine else 0
                    key = choose.choice(mine) if mine else 0
                    before = list(mine)
                    undone = choose.randrange(4) == 0
                    touched = {key}
                    if undone:
                        run(writer, "SAVEPOINT s")
                    if kind < 2:
                        made += 1
                        key = low + 2 * made
                        touched = {key}
                        run(
                            writer,
                            f"INSERT INTO t (id, j, b) VALUES ({key}, '[]', repeat(md5('{turn}'), {turn % 300}))",
                        )
                        mine.append(key)
                    elif kind == 2:
                        run(writer, f"UPDATE t SET a = 'x{turn}', k = k + {turn % 2} WHERE id = {key}")
                    elif kind == 3:
                        run(writer, f"UPDATE t SET id = id + 1 WHERE id = {key}")
                        mine.remove(key)
                        touched.add(key + 1)
                    else:
                        run(writer, f"DELETE FROM t WHERE id = {key}")
                        mine.remove(key)
                    if undone:
                        run(writer, "ROLLBACK TO s")
                        mine = before
                    else:
                        changed |= touched
                if choose.randrange(10):
                    run(writer, "COMMIT")
                    self.committed[which] |= changed
                else:
                    run(writer, "ROLLBACK")
                    mine = [
                        row[0]
                        for row in run(
                            writer, f"SELECT id FROM t WHERE id BETWEEN {low} AND {low + 999_999} AND id % 2 = 1"
                        )
                    ]


@pytest.mark.parametrize("identity", IDENTITIES)
def test_every_committed_key_comes_and_no_other(
    identity: str, server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    async def check() -> None:
        with connect(server, database) as first:
            run(first, WIDE, IDENTITIES[identity])
        async with following(server, database, stream=reader) as follow:
            with Writers(server, database, count=3, rounds=120) as writers:
                while writers.busy:
                    await follow.read()
            seen = follow.keys | await follow.catch_up()
            assert seen == set().union(*writers.committed)
            assert follow.events >= len(seen)

    in_loop(check)


def test_marks_are_transactions(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    """A key's mark is the 64 bits of its last transaction, the top one where a subtransaction wrote."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE)
            async with following(server, database, stream=reader) as follow:
                xids = []
                for key in (1, 2, 1):
                    run(writer, "BEGIN")
                    xids.append(int(run(writer, "SELECT pg_current_xact_id()::text")[0][0]))
                    run(
                        writer,
                        "SAVEPOINT s",
                        f"INSERT INTO t VALUES ('', {key}) ON CONFLICT (id) DO UPDATE SET a = 'new'",
                        "RELEASE s",
                        "COMMIT",
                    )
                end = await follow.stream.end()
                while not follow.stream.passed(end):
                    await follow.read()
                assert follow.marks == {2: xids[1], 1: xids[2]}
                for xid in xids:
                    assert run(writer, f"SELECT pg_visible_in_snapshot('{xid}', pg_current_snapshot())") == [(True,)]

    in_loop(check)


def test_prepared_transactions(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    """Their changes come at COMMIT PREPARED, under the id that they had before, and are then visible."""

    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(writer, WIDE)
            async with following(server, database, stream=reader) as follow:
                run(writer, "BEGIN", "INSERT INTO t VALUES ('', 1)")
                xid = int(run(writer, "SELECT pg_current_xact_id()::text")[0][0])
                run(writer, f"PREPARE TRANSACTION '{database} kept'")
                run(writer, "BEGIN", "INSERT INTO t VALUES ('', 2)", f"PREPARE TRANSACTION '{database} undone'")
                run(writer, "INSERT INTO t VALUES ('', 3)")
                assert await follow.catch_up() == {3}
                run(other, f"COMMIT PREPARED '{database} kept'", f"ROLLBACK PREPARED '{database} undone'")
                end = await follow.stream.end()
                while not follow.stream.passed(end):
                    await follow.read()
                assert follow.marks == {1: xid}
                assert run(other, f"SELECT pg_visible_in_snapshot('{xid}', pg_current_snapshot())") == [(True,)]

    in_loop(check)


@pytest.fixture
def largest_feed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The most bytes, and the most messages, that were held as they came at any one time."""
    largest = [0, 0]
    feed = Decoder.feed

    def measured(self: Decoder, messages: Sequence[bytes]) -> None:
        largest[:] = max(largest[0], sum(map(len, messages))), max(largest[1], len(messages))
        feed(self, messages)

    monkeypatch.setattr(Decoder, "feed", measured)
    return largest


def test_large_transaction_in_bounded_memory(
    server: sandbox.PostgresServer,
    reader: dict[str, object],
    database: str,
    largest_feed: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.stream._KEYS_IN_FLIGHT", 5_000)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id int PRIMARY KEY, k text)")
            async with following(server, database, stream=reader) as follow:
                run(writer, "INSERT INTO t SELECT i, repeat('x', 100) FROM generate_series(1, 300000) i")
                end = await follow.stream.end()
                seen: set[object] = set()
                while not follow.stream.passed(end):
                    batch = await follow.stream.read()
                    assert len(batch.keys) <= 15_000
                    seen.update(batch.keys)
                assert seen == set(range(1, 300_001))
                assert 0 < largest_feed[1] <= 10_000

    in_loop(check)


def test_large_rows_in_bounded_memory(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str, largest_feed: list[int]
) -> None:
    """Whole rows come with REPLICA IDENTITY FULL."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, "CREATE TABLE t (id int PRIMARY KEY, k text)", "ALTER TABLE t ALTER k SET STORAGE EXTERNAL")
            run(writer, "ALTER TABLE t REPLICA IDENTITY FULL")
            async with following(server, database, stream=reader) as follow:
                run(writer, "INSERT INTO t SELECT i, repeat('x', 1000000) FROM generate_series(1, 100) i")
                assert await follow.catch_up() == set(range(1, 101))
                assert 1_000_000 < largest_feed[0] < 60_000_000

    in_loop(check)


@pytest.mark.parametrize("identity", IDENTITIES)
def test_values_stored_apart_that_did_not_change(
    identity: str, server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    """An update leaves them out of the new row; where the key is such a value, the old row has it."""

    async def check() -> None:
        long = "(SELECT string_agg(md5(i::text), '') FROM generate_series(1, {}) i)"
        with connect(server, database) as writer:
            run(
                writer,
                "CREATE TABLE t (b text, id text, k int DEFAULT 0 NOT NULL, c text)",
                "ALTER TABLE t ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE EXTERNAL, ALTER id SET STORAGE EXTERNAL",
                "ALTER TABLE t ADD PRIMARY KEY (id), ADD UNIQUE (id, k)",
                IDENTITIES[identity],
            )
            async with following(server, database, stream=reader) as follow:
                # Enough columns that are large to make the server store the key apart, too, where it can.
                run(
                    writer,
                    f"INSERT INTO t SELECT {long.format(300)}, 'short', 0, {long.format(300)}",
                    f"INSERT INTO t SELECT NULL, {long.format(80)}, 0, NULL",
                )
                stored = await follow.stored()
                assert await follow.catch_up() == stored
                run(writer, "UPDATE t SET k = k + 1")
                assert await follow.catch_up() == stored
                run(writer, "UPDATE t SET b = 'shorter'")
                assert await follow.catch_up() == stored
                run(writer, "UPDATE t SET id = id || '''s'")
                assert await follow.catch_up() == stored | await follow.stored()
                now = await follow.stored()
                run(writer, "DELETE FROM t")
                assert await follow.catch_up() == now

    in_loop(check)


@pytest.mark.parametrize(
    ("identity", "change", "text"),
    [
        ("default", "TRUNCATE t", "truncated"),
        ("default", "TRUNCATE u, t CASCADE", "truncated"),
        ("full", "TRUNCATE parent CASCADE", "truncated"),
        ("default", "ALTER TABLE t RENAME COLUMN id TO other", "columns"),
        ("default", "ALTER TABLE t RENAME TO renamed", "renamed"),
        ("default", "ALTER TABLE t REPLICA IDENTITY USING INDEX t_id_k_key", "identity"),
        # With a column list, as from 15 on, the server itself refuses these two.
        ("full", "ALTER TABLE t ALTER id TYPE bigint", "type of its column id"),
        ("full", "ALTER TABLE t DROP k", "columns"),
        ("full", "ALTER TABLE t ADD new text", "columns"),
    ],
)
def test_the_source_changes(
    identity: str, change: str, text: str, server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(
                writer,
                "CREATE TABLE u (id int)",
                "CREATE TABLE parent (id int PRIMARY KEY)",
                "CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL DEFAULT 0 REFERENCES parent, UNIQUE (id, k))",
                "INSERT INTO parent VALUES (0)",
                IDENTITIES[identity],
            )
            async with following(server, database, stream=reader) as follow:
                run(writer, "INSERT INTO t VALUES (1)")
                await follow.catch_up()
                run(writer, "INSERT INTO t VALUES (2)", change)
                if not change.startswith("TRUNCATE"):
                    run(writer, f"INSERT INTO {'renamed' if 'TO renamed' in change else 't'} VALUES (3)")
                with pytest.raises(SourceChanged, match=f"public.t .*{text}"):
                    await follow.read_on()
                # What came before it was not lost.
                assert follow.keys == {2}

    in_loop(check)


def test_harmless_ddl(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    """What makes the server describe the table again without making it another one."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE, "CREATE TABLE u (id int PRIMARY KEY)")
            async with following(server, database, stream=reader) as follow:
                for key, ddl in enumerate(
                    (
                        "ANALYZE t",
                        "VACUUM t",
                        "CREATE INDEX ON t (k)",
                        "TRUNCATE u",
                        "ALTER TABLE t SET (fillfactor = 50)",
                    )
                ):
                    run(writer, f"INSERT INTO t (id) VALUES ({key})", ddl, f"UPDATE t SET k = 7 WHERE id = {key}")
                    assert await follow.catch_up() == {key}

    in_loop(check)


def test_heartbeats(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE)
            async with following(server, database, stream=reader) as follow:
                ours = message_prefix(follow.stream.name)
                for number in (1, 2, 3):
                    run(writer, f"SELECT pg_logical_emit_message(true, '{ours}', 'beat {number}')")
                    # Others, and what was rolled back.
                    run(writer, f"SELECT pg_logical_emit_message(true, '{ours}0', 'beat 90')")
                    run(writer, f"SELECT pg_logical_emit_message(true, 'another', 'end {number}')")
                    run(writer, "BEGIN", f"SELECT pg_logical_emit_message(true, '{ours}', 'beat 91')", "ROLLBACK")
                    assert await follow.catch_up() == set()
                    assert follow.heartbeat == number

    in_loop(check)


def test_end_is_passed_with_all_before_it(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE)
            async with following(server, database, stream=reader) as follow:
                assert follow.stream.passed(await follow.stream.end()) is False
                for key in range(30):
                    run(writer, f"INSERT INTO t (id) VALUES ({key})")
                    end = await follow.stream.end()
                    assert not follow.stream.passed(end)
                    while not follow.stream.passed(end):
                        await follow.read()
                    assert key in follow.keys

    in_loop(check)


def test_an_idle_table_holds_no_wal(server: sandbox.PostgresServer, reader: dict[str, object], database: str) -> None:
    """Other tables are written, and the slot moves on."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE, "CREATE TABLE u (id int, b text)")
            async with following(server, database, stream=reader) as follow:

                def confirmed() -> int:
                    slot = f"SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = '{follow.stream.name}'"
                    return int(run(writer, slot)[0][0])

                run(writer, "INSERT INTO u SELECT i, repeat('x', 100) FROM generate_series(1, 10000) i")
                written = int(run(writer, "SELECT pg_current_wal_flush_lsn() - '0/0'")[0][0])
                async with asyncio.timeout(60):
                    while confirmed() < written:
                        await follow.read()
                        follow.keep()
                assert not follow.marks
                # The restart point follows with the server's next look at running transactions.
                async with asyncio.timeout(60):
                    while await follow.stream.retained_bytes() > 5_000_000:
                        run(writer, "CHECKPOINT", "SELECT pg_log_standby_snapshot()" if "18" in server.version else "")
                        await follow.read()
                        follow.keep()

    in_loop(check)


def test_a_table_added_to_the_publication(
    server: sandbox.PostgresServer, reader: dict[str, object], database: str
) -> None:
    """Rows of tables that are not ours tell nothing; a publication without our table ends the stream."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, WIDE, "CREATE TABLE u (id int PRIMARY KEY)")
            async with following(server, database, stream=reader) as follow:
                run(writer, f"ALTER PUBLICATION {follow.stream.name} ADD TABLE u", "INSERT INTO u VALUES (1), (2)")
                run(writer, "INSERT INTO t (id) VALUES (3)", "TRUNCATE u")
                assert await follow.catch_up() == {3}
                run(writer, f"ALTER PUBLICATION {follow.stream.name} DROP TABLE u, t")
                with pytest.raises(StreamLost, match="publication"):
                    await follow.read_on()

    in_loop(check)


def test_small_transactions_are_handed_over_together_and_at_once(
    server: sandbox.PostgresServer, database: str, reader: dict[str, object]
) -> None:
    """Each hand-over wakes threads: one for each transaction would take more of the processors than all the decoding."""

    async def test() -> None:
        with connect(server, database, "CREATE TABLE t (id int PRIMARY KEY, k int NOT NULL)") as writer:
            run(writer, "INSERT INTO t SELECT i, 0 FROM generate_series(0, 99) AS i")
            async with following(server, database, stream=reader) as follow:
                updates = [f"UPDATE t SET k = k + 1 WHERE id = {i % 100}" for i in range(2000)]
                await read_beside(follow, partial(run, writer, *updates), events=len(updates))
                assert follow.keys == set(range(100))

    in_loop(test)
