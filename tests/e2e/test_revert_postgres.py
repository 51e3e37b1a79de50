"""PostgreSQL: an exchange is taken back, with every write made since and all that hangs on the table; and so is that."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from going_back import told
from going_back_postgres import ALTER, LEDGER, NEW, OLD, Place, Table, as_the_stream_told
from migrating import cursor_of, ghostpy
from waiting import WITHIN, until

from ghostpy import sandbox
from ghostpy.sandbox.load import Committed
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]


@pytest.fixture(params=[18, *(pytest.param(version, marks=pytest.mark.soak) for version in (15, 14))])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


def _there_and_back(table: Table, *, rate: float, seconds: float) -> Committed:
    with Writers(table.load(rate)) as writers:
        done = table.migrate(ALTER, "--keep-revertible")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        assert table.schemas == {OLD, LEDGER}
        table.do(f"CREATE TABLE snapshot AS SELECT aid, note, seen FROM {OLD}.t")
        time.sleep(seconds)

        planned = table.revert()
        assert planned.status == 0, planned.errors
        assert "note keeps its values in rows that stay" in " ".join(planned.output.split())
        assert "does not bring back what was written to extra" in " ".join(planned.output.split())
        assert "extra" in table.columns

        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        assert table.columns == ["aid", "bid", "abalance", "filler", "note", "seen"]
        assert table.schemas == {NEW, LEDGER}
        time.sleep(seconds / 4)

        table.do(f"CREATE TABLE second AS SELECT aid, extra FROM {NEW}.t")
        done = table.revert("--execute", f"--old-table={NEW}")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        assert "extra" in table.columns
        time.sleep(seconds / 4)
        table.keeps("extra", "second")
        assert table.revert("--execute", f"--old-table={NEW}").status == 17

        done = table.revert("--execute", f"--old-table={OLD}.t")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    table.keeps("note", "snapshot")
    assert table.slots == 2
    return committed


@pytest.mark.parametrize("server", [18, 15], indirect=True)
def test_there_and_back_and_there_again(server: sandbox.Server, new_database: NewDatabase) -> None:
    table = Table(server, new_database(server), 3_000)
    committed = _there_and_back(table, rate=400, seconds=2.0)
    assert len(committed.statements) > 1_000


@pytest.fixture
def mortal(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    """A server that may be killed."""
    return postgres_with(request.param, {"max-connections": "90"})


_SOAK = pytest.mark.soak


@pytest.mark.parametrize(
    ("mortal", "rate", "seconds"),
    [(18, 300, 2.0), *(pytest.param(version, 0, 60.0, marks=_SOAK) for version in (18, 15, 14))],
    indirect=["mortal"],
)
def test_an_hours_worth_of_writes(
    mortal: sandbox.PostgresServer, new_database: NewDatabase, rate: float, seconds: float
) -> None:
    """As many as an application with 20 of them a second makes in an hour, as fast as they go, while the server dies twice; and a few.

    Nothing of it may be found by the comparison: that would be lost where nobody compares.
    """
    table = Table(mortal, new_database(mortal), int(seconds * 1_000))
    with Writers(table.load(rate, stubborn=True)) as writers:
        done = table.migrate(ALTER, "--keep-revertible")
        assert done.status == 0, done.errors
        table.do(f"CREATE TABLE snapshot AS SELECT aid, note, seen FROM {OLD}.t")
        time.sleep(seconds / 2)
        mortal.kill()
        mortal.start()
        time.sleep(seconds / 2)

        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        assert "note" in table.columns
        assert table.schemas == {NEW, LEDGER}
        time.sleep(seconds / 8)
        mortal.kill()
        mortal.start()
        table.do(f"CREATE TABLE second AS SELECT aid, extra FROM {NEW}.t")
        time.sleep(seconds / 8)

        done = table.revert("--execute", f"--old-table={NEW}")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        assert "extra" in table.columns
        table.keeps("extra", "second")
        time.sleep(seconds / 4)

        done = table.revert("--execute", f"--old-table={OLD}.t")
        assert done.status == 0, done.errors
        assert as_the_stream_told(done)
        time.sleep(0.5)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    table.keeps("note", "snapshot")
    assert table.slots == 2
    print(f"PostgreSQL: {len(committed.statements)} statements")
    assert len(committed.statements) > (300 if rate else 72_000)


_SMALL = (
    "CREATE TABLE t (id int PRIMARY KEY, u varchar(10) UNIQUE, v smallint NOT NULL, kept int NOT NULL DEFAULT 5, "
    "seen timestamptz, bare char(3) NOT NULL DEFAULT '', s text)",
    "INSERT INTO t SELECT id, 'u' || id, id, id * 10, '2020-01-01', 'abc', id::text FROM generate_series(1, 6) AS id",
)
_SMALL_ALTER = (
    "DROP COLUMN kept, DROP COLUMN seen, DROP COLUMN bare, ALTER COLUMN v TYPE int, ALTER COLUMN v DROP NOT NULL, "
    "ADD COLUMN n int; ALTER TABLE t RENAME COLUMN u TO w"
)


@pytest.fixture
def small(server: sandbox.PostgresServer, new_database: NewDatabase) -> Place:
    """A table of six rows that was changed in a way that can be taken back."""
    return _small(server, new_database(server))


@pytest.fixture
def small_on_18(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Place:
    return _small(postgres, new_database(postgres))


def _small(server: sandbox.Server, database: str) -> Place:
    place = Place(server, database)
    place.do(*_SMALL)
    done = place.migrate(_SMALL_ALTER, "--keep-revertible")
    assert done.status == 0, done.errors
    told = " ".join(done.errors.split())
    for words in (
        "kept keeps its values in rows that stay; rows inserted since get its default",
        "a revert stores v (integer) as smallint again",
        "a revert stops at the first NULL in v",
        "does not bring back what was written to n",
        "holds the server's WAL",
    ):
        assert words in told, told
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
    assert small.ask("SELECT id, u, v, kept, seen = '2020-01-01', bare, s FROM t ORDER BY id") == [
        (1, "u2", 1, 10, True, "abc", "1"),
        (2, "u1", 99, 20, True, "abc", "2"),
        (3, "u4", 3, 30, True, "abc", "3"),
        (4, "u3", 4, 40, True, "abc", "4"),
        (6, "u6", 6, 60, True, "abc", "6"),
        (7, "u5", 7, 5, None, "   ", None),
    ]
    small.do("INSERT INTO t (id, u, v) VALUES (8, 'u8', 8)")
    done = small.revert("--execute")
    assert done.status == 0, done.errors
    assert small.ask("SELECT id, w, v, n FROM t WHERE id IN (3, 7, 8) ORDER BY id") == [
        (3, "u4", 3, 5),
        (7, "u5", 7, 8),
        (8, "u8", 8, None),
    ]


def test_a_row_that_does_not_fit_is_named(small_on_18: Place) -> None:
    small = small_on_18
    small.do("INSERT INTO t (id, w, v) VALUES (8, 'u8', 70000), (9, 'u9', 9)")
    done = small.revert("--execute")
    assert done.status == 7, done.errors
    assert "id = 8" in done.errors
    assert "w" in small.columns
    small.do("UPDATE t SET v = 8 WHERE id = 8")
    done = small.revert("--execute")
    assert done.status == 0, done.errors
    assert small.ask("SELECT id, v FROM t WHERE id > 7 ORDER BY id") == [(8, 8), (9, 9)]


def test_rows_that_collide_are_named(small_on_18: Place) -> None:
    small = small_on_18
    assert small.revert("--execute").status == 0
    small.do("DROP SCHEMA _public_t_gho CASCADE", "DROP SCHEMA _public_t_rev_del CASCADE")
    done = small.migrate("DROP CONSTRAINT t_u_key", "--keep-revertible")
    assert done.status == 0, done.errors
    assert "a revert stops at rows that collide on t_u_key (u)" in " ".join(done.errors.split())
    small.do("UPDATE t SET u = 'u1' WHERE id = 4")
    done = small.revert("--execute")
    assert done.status == 7, done.errors
    assert "('u1')" in done.errors or "(u1)" in done.errors, done.errors
    small.do("UPDATE t SET u = 'else' WHERE id = 1")
    done = small.revert("--execute")
    assert done.status == 0, done.errors
    assert small.ask("SELECT id, u, kept FROM t WHERE id IN (1, 4) ORDER BY id") == [(1, "else", 10), (4, "u1", 40)]


@pytest.mark.parametrize(
    ("statement", "status", "words"),
    [
        ("TRUNCATE TABLE t", 6, "was altered or truncated since the exchange"),
        ("ALTER TABLE t ADD COLUMN later int", 6, "was altered or truncated since the exchange"),
        ("CREATE INDEX ON t (v)", 6, "was altered or truncated since the exchange"),
        ("ALTER TABLE t DROP COLUMN w", 17, "was altered since the exchange"),
        ("DROP TABLE _public_t_del.t", 17, "no change of"),
        ("ALTER TABLE _public_t_del.t DROP COLUMN u", 17, "was altered since the exchange"),
        ("CREATE SEQUENCE t_u_key", 3, "an index or a sequence t_u_key"),
        ("CREATE VIEW seen AS SELECT id, n FROM t", 3, "view public.seen"),
    ],
)
def test_refused_where_it_is_another(small_on_18: Place, statement: str, status: int, words: str) -> None:
    small = small_on_18
    if "t_u_key" in statement:
        small.do("ALTER INDEX t_u_key RENAME TO t_w_key")  # that of the new table, which would move away
        status, words = 6, "was altered"
    small.do(statement)
    before = small.columns, small.ask("SELECT * FROM t ORDER BY id")
    done = small.revert("--execute")
    assert done.status == status, done.errors
    assert words in " ".join(done.errors.split())
    assert (small.columns, small.ask("SELECT * FROM t ORDER BY id")) == before
    done = ghostpy("cleanup", small.at[0], "--execute")
    assert done.status == 0, done.errors
    assert small.slots == 0


def test_refused_where_the_slot_is_gone(small: Place) -> None:
    small.do("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()")
    done = small.revert("--execute")
    assert done.status == 17, done.errors
    assert "does not reach back" in done.errors
    assert "w" in small.columns


@pytest.fixture
def empty(server: sandbox.PostgresServer, new_database: NewDatabase) -> Place:
    return Place(server, new_database(server))


@pytest.fixture
def empty_on_18(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Place:
    return Place(postgres, new_database(postgres))


def test_transactions_that_were_under_way_at_the_exchange(empty: Place, tmp_path: Path) -> None:
    """They are decoded by catalogs from before the exchange, and touch the new table after it. Nothing is compared, so nothing is mended."""
    empty.do(
        *_SMALL, "CREATE TABLE x (i int)", "INSERT INTO t SELECT i, 'u' || i, 1 FROM generate_series(11, 20000) AS i"
    )
    flag = tmp_path / "postponed"
    with cursor_of(empty.server, empty.database) as first, cursor_of(empty.server, empty.database) as second:
        flags = ("--keep-revertible", f"--postpone-cut-over-flag-file={flag}")
        with empty.started(tmp_path, "migrate", f"--alter={_SMALL_ALTER}", *flags) as process:
            until(lambda: told(tmp_path, "cut-over postponed"), "the postponed cut-over")
            first.execute("BEGIN")
            first.execute("INSERT INTO x VALUES (1)")
            second.execute("BEGIN")
            second.execute("SAVEPOINT a")
            second.execute("INSERT INTO x VALUES (2)")
            flag.unlink()
            assert process.wait(WITHIN) == 0, (tmp_path / "errors").read_text()
        empty.do("UPDATE t SET v = 66 WHERE id = 6")
        for cursor, start in ((first, 1), (second, 4)):
            cursor.execute(f"UPDATE t SET v = 77, n = 1 WHERE id = {start}")
            cursor.execute("SAVEPOINT s")
            cursor.execute(f"INSERT INTO t (id, w, v) VALUES ({start + 6}, 'i{start}', 9)")
            cursor.execute(f"DELETE FROM t WHERE id = {start + 1}")
            cursor.execute("COMMIT")
    done = empty.revert("--execute", "--verify=off")
    assert done.status == 0, done.errors
    assert empty.ask("SELECT id, v, kept FROM t WHERE id < 11 ORDER BY id") == [
        (1, 77, 10),
        (3, 3, 30),
        (4, 77, 40),
        (6, 66, 60),
        (7, 9, 5),
        (10, 9, 5),
    ]


def test_keys_of_text_and_values_that_move(empty: Place) -> None:
    """A key of two columns; values of partial unique indexes and of an exclusion constraint change hands."""
    empty.do(
        "CREATE TABLE t (a text, b numeric, u int, span int4range, kept text, "
        "PRIMARY KEY (a, b), EXCLUDE USING gist (span WITH &&))",
        "CREATE UNIQUE INDEX ON t ((u % 1000)) WHERE u > 0",
        "INSERT INTO t SELECT 'key ''' || i || ' é', i + 0.5, i, int4range(i * 10, i * 10 + 5), 'kept ' || i "
        "FROM generate_series(1, 200) AS i",
    )
    done = empty.migrate(
        "DROP COLUMN kept, ALTER COLUMN u TYPE bigint, ADD COLUMN more int DEFAULT 1", "--keep-revertible"
    )
    assert done.status == 0, done.errors
    empty.do(
        # A ring of a hundred rows, by way of values that nobody has.
        "UPDATE t SET u = -u, span = int4range(lower(span) + 100000, upper(span) + 100000) WHERE b < 101",
        "UPDATE t SET u = -u % 100 + 1, span = int4range((-u::int % 100 + 1) * 10, (-u::int % 100 + 1) * 10 + 5) WHERE b < 101",
        # The same key, written otherwise.
        "UPDATE t SET b = 150.50 WHERE b = 150.5",
        "UPDATE t SET b = b + 1000 WHERE b = 151.5",
        "DELETE FROM t WHERE b = 152.5",
        "INSERT INTO t VALUES ('new', 1, 152, int4range(1520, 1525))",
    )
    wanted = empty.ask("SELECT a, b::text, u, span::text FROM t ORDER BY b, a")
    done = empty.revert("--execute", "--verify=off")
    assert done.status == 0, done.errors
    assert empty.ask("SELECT a, b::text, u, span::text FROM t ORDER BY b, a") == wanted
    assert empty.ask("SELECT count(*) FROM t WHERE kept = 'kept ' || trunc(b)") == [(198,)]
    assert empty.ask("SELECT b::text FROM t WHERE kept IS NULL ORDER BY b") == [("1",), ("1151.5",)]
    done = empty.revert("--execute")
    assert done.status == 0, done.errors
    assert empty.ask("SELECT a, b::text, u, span::text FROM t ORDER BY b, a") == wanted


def test_types_that_only_a_cast_leads_back_from(empty_on_18: Place) -> None:
    place = empty_on_18
    place.do(
        "CREATE TABLE t (id int PRIMARY KEY, n int, short varchar(3), amount numeric(10, 2), at date)",
        "INSERT INTO t SELECT i, i, 'abc', i + 0.25, '2020-01-01' FROM generate_series(1, 9) AS i",
    )
    done = place.migrate(
        "ALTER COLUMN n TYPE text, ALTER COLUMN short TYPE text, ALTER COLUMN amount TYPE numeric(12, 4), ALTER COLUMN at TYPE timestamp",
        "--keep-revertible",
    )
    assert done.status == 0, done.errors
    told = " ".join(done.errors.split())
    assert "a revert stores amount (numeric(12,4)) as numeric(10,2) again: what that cannot hold is rounded" in told
    assert "a revert stores short (text) as character varying(3) again: it stops at the first value" in told
    place.do(
        "UPDATE t SET n = '77', short = 'xyz', amount = 1.2345 WHERE id = 1",
        "UPDATE t SET short = 'abcd' WHERE id = 2",
    )
    done = place.revert("--execute")
    assert done.status == 7, done.errors
    assert "id = 2" in done.errors
    place.do("UPDATE t SET short = 'abd', n = 'none' WHERE id = 2")
    done = place.revert("--execute")
    assert done.status == 7, done.errors
    assert "id = 2" in done.errors
    place.do("UPDATE t SET n = NULL WHERE id = 2")
    done = place.revert("--execute")
    assert done.status == 0, done.errors
    assert place.ask("SELECT n, short, amount::text FROM t WHERE id < 4 ORDER BY id") == [
        (77, "xyz", "1.23"),
        (None, "abd", "2.25"),
        (3, "abc", "3.25"),
    ]


_TWO = "id int PRIMARY KEY, n int NOT NULL"


@pytest.mark.parametrize(
    ("alter", "flags", "words"),
    [
        ("ADD COLUMN x int", ("--keep-revertible", "--where=id > 5"), "could not be reverted"),
        ("ADD COLUMN x int", ("--keep-revertible", "--strategy=online"), "leaves the old one"),
        (
            "DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (n), ADD UNIQUE (id)",
            ("--keep-revertible",),
            "this change could not be reverted",
        ),
        (
            "ALTER COLUMN n TYPE date USING '2020-01-01'::date, ALTER COLUMN n TYPE box USING NULL",
            ("--keep-revertible",),
            "refused",
        ),
        ("ADD COLUMN x int", ("--keep-revertible", "--ok-to-drop-table"), "exclude each other"),
        ("ADD COLUMN x int", ("--revert-window=soon",), "must be a duration"),
    ],
)
def test_refused_beforehand(empty_on_18: Place, alter: str, flags: tuple[str, ...], words: str) -> None:
    empty_on_18.do(f"CREATE TABLE t ({_TWO})", "INSERT INTO t SELECT i, i FROM generate_series(1, 9) AS i")
    done = empty_on_18.migrate(alter, *flags)
    assert done.status in (2, 3), done.errors
    assert words in " ".join(done.errors.split())
    assert empty_on_18.schemas == set()
    assert empty_on_18.slots == 0


def test_nothing_to_revert(empty_on_18: Place) -> None:
    empty_on_18.do(*_SMALL)
    done = empty_on_18.revert("--execute")
    assert done.status == 17, done.errors
    assert "no change of" in done.errors
    assert empty_on_18.migrate(_SMALL_ALTER).status == 0
    assert empty_on_18.revert("--execute").status == 17
    done = ghostpy("revert", empty_on_18.at[0], "--table=no_such", "--execute")
    assert done.status == 17, done.errors
    done = empty_on_18.revert("--execute", "--old-table=_other")
    assert done.status == 17, done.errors


def test_the_next_change_gives_the_one_before_up(empty_on_18: Place) -> None:
    place = empty_on_18
    place.do(*_SMALL)
    # Cheap as it is, it goes by a new table, or there would be no old one.
    assert place.migrate("ADD COLUMN n int", "--keep-revertible").status == 0
    assert place.slots == 2
    first = place.ask("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
    done = place.migrate("ALTER COLUMN v TYPE bigint", "--keep-revertible", "--timestamp-old-table")
    assert done.status == 0, done.errors
    assert "cannot be taken back any more" in " ".join(done.errors.split())
    assert place.slots == 2
    assert place.ask("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()") != first
    place.do("INSERT INTO t (id, v) VALUES (9, 9)")
    done = place.revert("--execute")
    assert done.status == 0, done.errors
    assert place.columns == ["id", "u", "v", "kept", "seen", "bare", "s", "n"]
    assert place.ask("SELECT count(*) FROM t") == [(7,)]


def test_by_the_tables_owner(empty: Place) -> None:
    """No superuser: all of it is done by who owns the table."""
    empty.do(*_SMALL)
    role = f"own_{empty.database}"
    empty.do(f"CREATE ROLE {role} LOGIN REPLICATION", f"GRANT CREATE ON DATABASE {empty.database} TO {role}")
    empty.do(f"ALTER TABLE t OWNER TO {role}", f"GRANT CREATE ON SCHEMA public TO {role}")
    owned = Place(empty.server, empty.database)
    url = empty.at[0].replace(f"{empty.server.user}@", f"{role}@")
    try:
        done = ghostpy("migrate", url, "--table=t", f"--alter={_SMALL_ALTER}", "--keep-revertible", "--execute")
        assert done.status == 0, done.errors
        owned.do("UPDATE t SET v = 50 WHERE id = 5")
        for _ in range(2):
            done = ghostpy("revert", url, "--table=t", "--execute")
            assert done.status == 0, done.errors
        assert owned.ask("SELECT v FROM t WHERE id = 5") == [(50,)]
        # A superuser does not go by what somebody else has written down.
        done = owned.revert("--execute")
        assert done.status == 17, done.errors
    finally:
        owned.do(f"REASSIGN OWNED BY {role} TO {empty.server.user}", f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_read_by_queries(empty: Place) -> None:
    """Where there is no walsender, the slot must not run ahead of what is noted."""
    empty.do(*_SMALL)
    assert empty.migrate(_SMALL_ALTER, "--keep-revertible", "--stream-reader=peek").status == 0
    empty.do("UPDATE t SET v = 5 WHERE id = 1", "DELETE FROM t WHERE id = 2")
    done = empty.revert("--execute", "--stream-reader=peek", "--verify=off")
    assert done.status == 0, done.errors
    empty.do("UPDATE t SET v = 6 WHERE id = 3")
    done = empty.revert("--execute", "--stream-reader=peek", "--verify=off")
    assert done.status == 0, done.errors
    assert empty.ask("SELECT id, v FROM t WHERE id < 4 ORDER BY id") == [(1, 5), (3, 6)]


@pytest.mark.parametrize("identity", ["FULL", "USING INDEX by_k"])
def test_another_replica_identity(empty: Place, identity: str) -> None:
    empty.do(
        "CREATE TABLE t (id int PRIMARY KEY, k varchar(20) NOT NULL, v int, kept int, twice int GENERATED ALWAYS AS (v * 2) STORED)",
        "CREATE UNIQUE INDEX by_k ON t (k)",
        f"ALTER TABLE t REPLICA IDENTITY {identity}",
        "INSERT INTO t SELECT i, 'k' || i, i, i * 10 FROM generate_series(1, 20) AS i",
    )
    done = empty.migrate("DROP COLUMN kept, ALTER COLUMN v TYPE bigint, ADD COLUMN w int", "--keep-revertible")
    if done.status == 3:
        # A generated column may be what stands against the change of its own source.
        assert "twice" in done.errors, done.errors
        empty.do("ALTER TABLE t DROP COLUMN twice")
        done = empty.migrate("DROP COLUMN kept, ALTER COLUMN v TYPE bigint, ADD COLUMN w int", "--keep-revertible")
    assert done.status == 0, done.errors
    empty.do(
        "UPDATE t SET v = 100 WHERE id = 1",
        "UPDATE t SET k = 'other' WHERE id = 2",
        "UPDATE t SET id = 300 WHERE id = 3",
        "DELETE FROM t WHERE id = 4",
        "INSERT INTO t (id, k, v) VALUES (5000, 'k5000', 5)",
    )
    wanted = empty.ask("SELECT id, k, v FROM t ORDER BY id")
    for _ in range(2):
        done = empty.revert("--execute", "--verify=off")
        assert done.status == 0, done.errors
        assert empty.ask("SELECT id, k, v FROM t ORDER BY id") == wanted
    assert empty.revert("--execute", "--verify=off").status == 0
    # A row is the same as long as its key is, by which it is followed.
    expected = [(1, 10), (2, 20 if identity == "FULL" else None), (300, None if identity == "FULL" else 30), (5, 50)]
    assert sorted(empty.ask("SELECT id, kept FROM t WHERE id IN (1, 2, 300, 5)")) == sorted(expected)
