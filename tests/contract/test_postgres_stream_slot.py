"""What a change stream registers on the server: when it may begin, what refuses it, and that nothing of it is left."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from postgres_following import connect, following, in_loop, prepared, run, settings

from ghostpy import sandbox
from ghostpy.dialects.postgres.session import opened
from ghostpy.dialects.postgres.wal.slot import Leftover, deregister, leftovers, registration_name, retained_bytes
from ghostpy.errors import LockTimeout, MissingPrivilege, PlanRefused, SourceChanged, StreamLost

PostgresWith = Callable[[int, sandbox.Options], sandbox.PostgresServer]
NewDatabase = Callable[[sandbox.Server], str]
Writer = psycopg.Connection[tuple[Any, ...]]

TABLE = "CREATE TABLE t (id int PRIMARY KEY, k int)"


@pytest.fixture(params=[18, 15])
def server(request: pytest.FixtureRequest, postgres_with: PostgresWith) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


@pytest.fixture
def database(server: sandbox.PostgresServer, new_database: NewDatabase) -> str:
    return new_database(server)


def registered(writer: Writer) -> list[tuple[Any, ...]]:
    """The slots and publications of a database."""
    return run(
        writer,
        "SELECT slot_name::text FROM pg_replication_slots WHERE database = current_database() "
        "UNION ALL SELECT pubname::text FROM pg_publication",
    )


def test_nothing_is_left(server: sandbox.PostgresServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with following(server, database) as follow:
                assert registered(writer) == [(follow.stream.name,)] * 2
                assert await leftovers(follow.session) == [Leftover(follow.stream.name, True, True, True)]
                await follow.stream.close()
                assert registered(writer) == []
                await follow.stream.close()
            # One that was never started touches nothing, also where a run has the same table.
            async with following(server, database) as follow:
                async with prepared(server, database):
                    pass
                run(writer, "INSERT INTO t VALUES (1)")
                assert await follow.catch_up() == {1}
            assert registered(writer) == []

    in_loop(check)


def test_what_a_dead_run_left_is_replaced(server: sandbox.PostgresServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with prepared(server, database) as dead:
                await dead.stream.start()
                run(writer, "INSERT INTO t VALUES (1)")
                # Its connection is as good as dead, but still there.
                await dead.stream.open(await dead.stream.end())
                name = dead.stream.name
                async with following(server, database) as follow:
                    assert follow.stream.name == name
                    run(writer, "INSERT INTO t VALUES (2)")
                    assert await follow.catch_up() == {2}
                    # The other one must not read from a slot that is not its own.
                    with pytest.raises(StreamLost, match="somebody else"):
                        await dead.read_on()
                await deregister(dead.session, name)
                assert await leftovers(dead.session) == []

    in_loop(check)


@pytest.mark.parametrize("written", [True, False])
def test_a_table_leaves_its_publication_before_that_is_dropped(
    server: sandbox.PostgresServer, database: str, written: bool
) -> None:
    """A statement that has looked up its table's publications a moment ago must find them: else it fails, and its transaction."""

    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(
                writer,
                TABLE,
                "INSERT INTO t VALUES (1)",
                "CREATE TABLE seen (what text, tables int, at timestamptz)",
                "CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
                "INSERT INTO seen SELECT tg_tag, (SELECT count(*) FROM pg_publication_rel), clock_timestamp(); END $$",
                "CREATE EVENT TRIGGER gone ON ddl_command_start WHEN TAG IN ('DROP PUBLICATION') EXECUTE FUNCTION note()",
                "CREATE EVENT TRIGGER parted ON ddl_command_end WHEN TAG IN ('ALTER PUBLICATION') EXECUTE FUNCTION note()",
            )
            async with following(server, database) as follow:
                run(writer, "TRUNCATE seen")
                if written:
                    run(other, "BEGIN", "UPDATE t SET k = 1")
                await follow.stream.close()
            assert registered(writer) == []
            assert run(writer, "SELECT what, tables FROM seen ORDER BY at") == [
                ("ALTER PUBLICATION", 0),
                ("DROP PUBLICATION", 0),
            ]
            waited = run(writer, "SELECT extract(epoch FROM max(at) - min(at))::float FROM seen")[0][0]
            # Only where somebody writes there is anything to wait for.
            assert not written or waited >= 0.1
            if written:
                run(other, "ROLLBACK")

    in_loop(check)


def test_a_publication_of_a_table_that_is_locked_is_dropped_all_the_same(
    server: sandbox.PostgresServer, database: str
) -> None:
    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(writer, TABLE)
            async with following(server, database) as follow:
                run(other, "BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
                await follow.stream.close()
                assert registered(writer) == []
            run(other, "ROLLBACK")

    in_loop(check)


def test_leftovers(server: sandbox.PostgresServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(
                writer,
                TABLE,
                "CREATE PUBLICATION ghostpy_1_2 FOR TABLE t",
                "CREATE PUBLICATION ghostpy_of_the_user",
                f"SELECT pg_create_logical_replication_slot('ghostpy_{database.split('_')[1]}_4', 'pgoutput')",
                "CREATE PUBLICATION ghostpy_1_5",
                f"SELECT pg_create_logical_replication_slot('users_{database}', 'pgoutput')",
            )
            only_slot = f"ghostpy_{database.split('_')[1]}_4"
            async with opened(settings(server, database), purpose="test") as session:
                found = {each.name: each for each in await leftovers(session)}
                assert found == {
                    "ghostpy_1_2": Leftover("ghostpy_1_2", False, True, False),
                    "ghostpy_1_5": Leftover("ghostpy_1_5", False, True, False),
                    only_slot: Leftover(only_slot, True, False, False),
                }
                assert await retained_bytes(session, only_slot) > 0
                assert await retained_bytes(session, "nothing") == 0
                for name in found:
                    await deregister(session, name)
                assert await leftovers(session) == []
                assert run(writer, "SELECT pubname::text FROM pg_publication") == [("ghostpy_of_the_user",)]
            run(writer, f"SELECT pg_drop_replication_slot('users_{database}')")

    in_loop(check)


# --- when it may begin --------------------------------------------------------------------------------------------------


def test_the_slot_waits_for_transactions(server: sandbox.PostgresServer, database: str) -> None:
    """What a transaction wrote before the slot was there is visible when `start` returns."""

    async def check() -> None:
        with connect(server, database) as writer, connect(server, database) as other:
            run(writer, TABLE, "BEGIN", "INSERT INTO t VALUES (1)")
            async with prepared(server, database) as follow:
                starting = asyncio.create_task(follow.stream.start())
                await _waits_for(other, writer)
                assert not starting.done()
                run(writer, "COMMIT")
                start = await starting
                assert await follow.stored() == {"1"}
                await follow.stream.open(start)
                run(writer, "INSERT INTO t VALUES (2)")
                assert await follow.catch_up() == {2}

    in_loop(check)


def test_transactions_that_do_not_end(server: sandbox.PostgresServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, "SET application_name = 'nightly job'", "BEGIN", "INSERT INTO t VALUES (1)")
            async with prepared(server, database, stream={"patience": 1.0}) as follow:
                with pytest.raises(
                    StreamLost, match=rf"process {writer.info.backend_pid} \(postgres, nightly job, idle in"
                ):
                    await follow.stream.start()
                run(writer, "COMMIT")
                assert registered(writer) == []

    in_loop(check)


def test_prepared_transactions_that_do_not_end(server: sandbox.PostgresServer, database: str) -> None:
    async def check() -> None:
        with connect(server, database) as writer:
            name = f"left over {database}"
            run(writer, TABLE, "BEGIN", "INSERT INTO t VALUES (1)", f"PREPARE TRANSACTION '{name}'")
            try:
                async with prepared(server, database, stream={"patience": 1.0}) as follow:
                    with pytest.raises(StreamLost, match=f"prepared transaction '{name}'") as raised:
                        await follow.stream.start()
                    assert "ROLLBACK PREPARED" in raised.value.hint
            finally:
                run(writer, f"ROLLBACK PREPARED '{name}'")
            assert registered(writer) == []

    in_loop(check)


@pytest.fixture
def late_standby(
    postgres_with: PostgresWith, new_database: NewDatabase
) -> Iterator[tuple[sandbox.PostgresServer, str]]:
    """A server that waits for a standby which nobody is, for commits of sessions with synchronous_commit = on only."""
    server = postgres_with(18, {"max_connections": "77"})
    database = new_database(server)
    with ExitStack() as undo:
        undo.callback(server.execute, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")
        server.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
        yield server, database


def test_commits_that_are_not_visible_when_the_slot_is_made(late_standby: tuple[sandbox.PostgresServer, str]) -> None:
    """Committed in the WAL before the slot's first place, and invisible: in neither the stream nor the copy, if nobody waits."""
    server, database = late_standby

    async def check() -> None:
        local = "SET synchronous_commit = local"
        with (
            connect(server, database, local, TABLE) as first,
            connect(server, database, local) as second,
            connect(server, database, local) as look,
            connect(server, database) as late,
        ):
            run(first, "BEGIN", "INSERT INTO t VALUES (1)")
            async with prepared(server, database) as follow:
                starting = asyncio.create_task(follow.stream.start())
                await _waits_for(look, first)
                # The slot's snapshot is built in two steps, each of which waits for the writers that it finds. The late
                # transaction begins between them, so that it is not waited for by the server.
                run(second, "BEGIN", "INSERT INTO t VALUES (2)")
                run(first, "COMMIT")
                await _waits_for(look, second)
                committing = asyncio.create_task(asyncio.to_thread(run, late, "INSERT INTO t VALUES (3)"))
                await _until(look, "SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
                run(second, "COMMIT")
                await _until(
                    look,
                    "SELECT count(*) = 1 FROM pg_replication_slots WHERE database = current_database() "
                    "AND confirmed_flush_lsn IS NOT NULL AND NOT active",
                )

                async def answer() -> None:
                    await asyncio.sleep(1)
                    await asyncio.to_thread(
                        server.execute, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()"
                    )

                answering = asyncio.create_task(answer())
                start = await starting
                seen = {int(text) for text in await follow.stored()}
                await answering
                await committing
                await follow.stream.open(start)
                followed = await follow.catch_up()
                assert seen | followed >= {1, 2, 3}

    in_loop(check)


def test_any_walsender_counts_as_a_standby(late_standby: tuple[sandbox.PostgresServer, str]) -> None:
    """The stream must not answer for a standby: it reads by queries then."""
    server, database = late_standby

    async def check() -> None:
        server.execute("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        with connect(server, database, "SET synchronous_commit = local", TABLE) as writer:
            await _until(writer, "SELECT current_setting('synchronous_standby_names') = '*'")
            async with following(server, database) as follow:
                assert follow.stream.way == "peek"
                assert run(writer, "SELECT count(*) FROM pg_stat_replication") == [(0,)]
                run(writer, "INSERT INTO t VALUES (1)")
                assert await follow.catch_up() == {1}

    in_loop(check)


async def _waits_for(look: Writer, holder: Writer) -> None:
    """Until some session waits for the transaction of `holder`."""
    pid = holder.info.backend_pid
    await _until(look, f"SELECT count(*) > 0 FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))")


async def _until(look: Writer, question: str) -> None:
    async with asyncio.timeout(60):
        while run(look, question) != [(True,)]:
            await asyncio.sleep(0.01)


# --- what refuses it ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ("id int PRIMARY KEY, k int); ALTER TABLE t REPLICA IDENTITY NOTHING; SELECT (1", "no replica identity"),
        ("id int PRIMARY KEY DEFERRABLE, k int", "no replica identity"),
        ("id int UNIQUE NOT NULL, k int", "no replica identity"),
        (
            "id int PRIMARY KEY, k int NOT NULL UNIQUE); ALTER TABLE t REPLICA IDENTITY USING INDEX t_k_key; SELECT (1",
            "do not tell their key",
        ),
    ],
)
def test_no_identity(definition: str, text: str, server: sandbox.PostgresServer, database: str) -> None:
    """A publication would make the application's own writes fail, or leave keys out."""

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, f"CREATE TABLE t ({definition})")
            async with prepared(server, database) as follow:
                with pytest.raises(PlanRefused, match=text):
                    await follow.stream.start()
            assert registered(writer) == []

    in_loop(check)


def test_generated_key_columns(postgres_with: PostgresWith, new_database: NewDatabase) -> None:
    """Where the server does not publish them, deleted rows would not tell their key."""
    old, new = postgres_with(15, {}), postgres_with(18, {})

    async def refused(server: sandbox.PostgresServer, columns: str, identity: str, text: str) -> None:
        database = new_database(server)
        with connect(server, database) as writer:
            run(writer, f"CREATE TABLE t ({columns})", f"ALTER TABLE t REPLICA IDENTITY {identity}")
            async with prepared(server, database) as follow:
                with pytest.raises(PlanRefused, match=text):
                    await follow.stream.start()
            assert registered(writer) == []

    async def check() -> None:
        stored = "n int, id int GENERATED ALWAYS AS (n) STORED PRIMARY KEY"
        await refused(old, stored, "DEFAULT", "generated column id")
        await refused(old, stored, "FULL", "generated column id")
        await refused(new, "id int PRIMARY KEY, v int GENERATED ALWAYS AS (id) VIRTUAL", "FULL", "virtual column v")

    in_loop(check)


def test_another_table_than_planned(server: sandbox.PostgresServer, database: str) -> None:
    async def check(change: str) -> None:
        with connect(server, database) as writer:
            run(writer, "DROP TABLE IF EXISTS t, s", TABLE)
            async with prepared(server, database) as follow:
                run(writer, *change.split("; "))
                with pytest.raises(SourceChanged):
                    await follow.stream.start()
            assert registered(writer) == []

    in_loop(lambda: check("ALTER TABLE t ADD new int"))
    in_loop(lambda: check(f"DROP TABLE t; {TABLE}"))
    in_loop(lambda: check(f"ALTER TABLE t RENAME TO s; {TABLE}"))


def test_missing_privileges(server: sandbox.PostgresServer, database: str) -> None:
    user = f"u_{database}"

    async def refused(text: str) -> str:
        async with prepared(server, database, user=user) as follow:
            with pytest.raises(MissingPrivilege, match=text) as raised:
                await follow.stream.start()
        return raised.value.hint

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, f"CREATE ROLE {user} LOGIN")
            try:
                run(writer, f"GRANT ALL ON TABLE t TO {user}")
                await refused("permission denied for database|must be owner")
                run(writer, f"GRANT CREATE ON DATABASE {database} TO {user}")
                await refused("owner of table t")
                run(writer, f"ALTER TABLE t OWNER TO {user}")
                assert "REPLICATION" in await refused("(?i)replication")
                assert registered(writer) == []
                # This is all that is needed.
                run(writer, f"ALTER ROLE {user} REPLICATION")
                for reader in ("walsender", "peek"):
                    async with following(server, database, user=user, stream={"reader": reader}) as follow:
                        run(writer, "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET k = 1")
                        assert await follow.catch_up() == {1}
                        assert await follow.stream.retained_bytes() > 0
            finally:
                run(writer, f"REASSIGN OWNED BY {user} TO postgres", f"DROP OWNED BY {user}", f"DROP ROLE {user}")

    in_loop(check)


def test_no_slot_left(postgres_with: PostgresWith, new_database: NewDatabase) -> None:
    server = postgres_with(15, {"max_replication_slots": 1})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, "SELECT pg_create_physical_replication_slot('taken')")
            async with prepared(server, database) as follow:
                with pytest.raises(StreamLost, match="max_replication_slots = 1"):
                    await follow.stream.start()
            run(writer, "SELECT pg_drop_replication_slot('taken')")
            assert registered(writer) == []

    in_loop(check)


def test_wal_level(postgres_with: PostgresWith, new_database: NewDatabase) -> None:
    server = postgres_with(15, {"wal_level": "replica"})
    database = new_database(server)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE)
            async with prepared(server, database) as follow:
                with pytest.raises(StreamLost, match="wal_level = replica") as raised:
                    await follow.stream.start()
                assert "wal_level = logical" in raised.value.hint

    in_loop(check)


def test_the_table_is_locked(server: sandbox.PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ghostpy.dialects.postgres.wal.slot._LOCK_SECONDS", 1)

    async def check() -> None:
        with connect(server, database) as writer:
            run(writer, TABLE, "BEGIN", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
            async with prepared(server, database) as follow:
                with pytest.raises(LockTimeout, match=r"public\.t"):
                    await follow.stream.start()
            run(writer, "COMMIT")
            assert registered(writer) == []

    in_loop(check)


def test_name_of_a_registration() -> None:
    assert registration_name(5, 16384) == "ghostpy_5_16384"
    assert len(registration_name(2**32 - 1, 2**32 - 1)) <= 63
