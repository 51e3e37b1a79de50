"""PostgreSQL: an exchange is taken back, with every write made since and all that hangs on the table; and so is that."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import going_back
import pytest
from going_back import WITHIN, told, until
from migrating import Finished, cursor_of, ghostpy

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Committed, Load
from ghostpy.sandbox.shapes import PgbenchRows
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ALTER = "ADD COLUMN extra bigint NOT NULL DEFAULT 7, ALTER COLUMN bid TYPE bigint, DROP COLUMN note, DROP COLUMN seen"
_OLD, _NEW, _LEDGER = "_public_t_del", "_public_t_rev_del", "_public_t_gho"


@pytest.fixture(params=[18, 15, pytest.param(14, marks=pytest.mark.soak)])
def server(
    request: pytest.FixtureRequest, postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer]
) -> sandbox.PostgresServer:
    return postgres_with(request.param, {})


class Place(going_back.Place):
    """With what there is of a run on this kind of server."""

    @property
    def columns(self) -> list[str]:
        return [
            row[0]
            for row in self.ask(
                "SELECT attname FROM pg_attribute WHERE attrelid = 'public.t'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            )
        ]

    @property
    def schemas(self) -> set[str]:
        """Those that runs have made."""
        return {row[0] for row in self.ask(r"SELECT nspname FROM pg_namespace WHERE nspname LIKE '\_public%'")}

    @property
    def slots(self) -> int:
        return int(
            self.ask("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")[0][0]
            + self.ask("SELECT count(*) FROM pg_publication WHERE pubname LIKE 'ghostpy%'")[0][0]
        )


class Table(Place):
    """A table with two columns that its writers do not know, and that the change drops."""

    def __init__(self, server: sandbox.Server, database: str, rows: int) -> None:
        super().__init__(server, database)
        self.rows = rows
        with cursor_of(server, database) as cursor:
            fill(cursor, PgbenchRows(), "t", rows)
            cursor.execute("ALTER TABLE t ADD note varchar(20) NOT NULL DEFAULT 'none', ADD seen timestamptz")
            cursor.execute("UPDATE t SET note = 'n' || aid, seen = '2020-01-01'")
            cursor.execute("COMMIT")

    def load(self, rate: float, seed: int = 1) -> Load:
        server = self.server
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
            shape=PgbenchRows(),
        )

    def window(self, folder: Path, *flags: str) -> Any:
        return self.started(folder, "migrate", f"--alter={_ALTER}", "--revert-window=1h", *flags)

    def is_what_was_committed(self, committed: Committed) -> None:
        assert committed.errors == []
        with cursor_of(self.server, self.database) as cursor:
            assert differences(cursor, "t", committed, key="aid") == []
        touched = ",".join(map(str, committed.touched)) or "0"
        # Rows that no writer touched are as they were filled.
        assert self.ask(f"SELECT COUNT(*) FROM t WHERE aid NOT IN ({touched})") == [
            (self.rows - sum(1 for row in committed.touched if row <= self.rows),)
        ]

    def keeps(self, column: str, snapshot: str) -> None:
        """Rows that stayed have the values of `column` that they had."""
        same = f"FROM t JOIN {snapshot} s ON s.aid = t.aid"
        assert self.ask(f"SELECT COUNT(*) {same} WHERE t.{column} IS DISTINCT FROM s.{column}") == [(0,)]
        # Writers delete rows for as long as it all takes.
        assert self.ask(f"SELECT COUNT(*) {same}")[0][0] > 100


def _as_the_stream_told(done: Finished) -> bool:
    """Whether the comparison had nothing to mend."""
    return " rows, no differences" in " ".join(done.output.split())


def _there_and_back(table: Table, *, rate: float, seconds: float) -> Committed:
    with Writers(table.load(rate)) as writers:
        done = table.migrate(_ALTER, "--keep-revertible")
        assert done.status == 0, done.errors
        assert "extra" in table.columns
        assert table.schemas == {_OLD, _LEDGER}
        table.do(f"CREATE TABLE snapshot AS SELECT aid, note, seen FROM {_OLD}.t")
        time.sleep(seconds)

        planned = table.revert()
        assert planned.status == 0, planned.errors
        assert "note keeps its values in rows that stay" in " ".join(planned.output.split())
        assert "does not bring back what was written to extra" in " ".join(planned.output.split())
        assert "extra" in table.columns

        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert _as_the_stream_told(done)
        assert table.columns == ["aid", "bid", "abalance", "filler", "note", "seen"]
        assert table.schemas == {_NEW, _LEDGER}
        time.sleep(seconds / 4)

        table.do(f"CREATE TABLE second AS SELECT aid, extra FROM {_NEW}.t")
        done = table.revert("--execute", f"--old-table={_NEW}")
        assert done.status == 0, done.errors
        assert _as_the_stream_told(done)
        assert "extra" in table.columns
        time.sleep(seconds / 4)
        table.keeps("extra", "second")
        assert table.revert("--execute", f"--old-table={_NEW}").status == 17

        done = table.revert("--execute", f"--old-table={_OLD}.t")
        assert done.status == 0, done.errors
        time.sleep(0.5)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    table.keeps("note", "snapshot")
    assert table.slots == 2
    return committed


def test_there_and_back_and_there_again(server: sandbox.Server, new_database: NewDatabase) -> None:
    table = Table(server, new_database(server), 3_000)
    committed = _there_and_back(table, rate=400, seconds=2.0)
    assert len(committed.statements) > 1_000


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
def table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> Table:
    return Table(postgres, new_database(postgres), 3_000)


def _in_step(folder: Path) -> None:
    """Return once the old table is kept in step."""
    until(lambda: told(folder, "the old table is kept in step"), "the window")


def test_a_window_and_a_second_process(
    server: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    table = Table(server, new_database(server), 3_000)
    with Writers(table.load(200)) as writers, table.window(tmp_path) as process:
        _in_step(tmp_path)
        assert process.poll() is None
        assert table.schemas == {_OLD, _LEDGER}
        planned = table.revert()
        assert planned.status == 0, planned.errors
        time.sleep(1.0)
        # Nothing that is carried along ends the window.
        table.do("CREATE VIEW v AS SELECT aid, bid FROM t", "GRANT SELECT ON t TO PUBLIC")
        found = ghostpy("cleanup", table.at[0], "--execute")
        assert "in use by a run" in " ".join(found.output.split()), found.output
        time.sleep(1.0)
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert "is reverted" in done.output
        assert process.wait(WITHIN) == 0, (tmp_path / "errors").read_text()
        time.sleep(0.5)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE aid <= 3000 AND note <> 'n' || aid") == [(0,)]
    assert table.ask("SELECT COUNT(*) FROM v") == table.ask("SELECT COUNT(*) FROM t")
    assert table.ask("SELECT relacl::text LIKE '%,=r/%' FROM pg_class WHERE oid = 'public.t'::regclass") == [(True,)]


def test_a_window_ends(table: Table) -> None:
    done = table.migrate(_ALTER, "--revert-window=2s")
    assert done.status == 0, done.errors
    assert table.schemas == {_OLD}
    assert table.slots == 0
    done = table.revert("--execute")
    assert done.status == 17, done.errors


_CONFIRMED = "SELECT pg_wal_lsn_diff(confirmed_flush_lsn, '0/0')::bigint FROM pg_replication_slots WHERE database = current_database()"


@pytest.mark.parametrize("again", ["migrate", "revert"])
def test_killed_in_the_window(table: Table, tmp_path: Path, again: str) -> None:
    with Writers(table.load(200)) as writers:
        with table.window(tmp_path, "--checkpoint-seconds=1") as process:
            _in_step(tmp_path)
            first = table.ask(_CONFIRMED)
            time.sleep(2.5)
            assert table.ask(_CONFIRMED) > first, "the slot holds all WAL since the exchange"
            process.kill()
            process.wait()
        time.sleep(0.5)
        if again == "migrate":
            with table.window(tmp_path) as process:
                _in_step(tmp_path)
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
        _in_step(tmp_path)
        said = ghostpy("control", "--table=public.t", "stop")
        assert said.status == 0, said.errors
        assert process.wait(WITHIN) == 14
    assert table.schemas == {_OLD, _LEDGER}
    assert table.slots == 2
    found = ghostpy("cleanup", table.at[0])
    output = " ".join(found.output.split())
    assert "for a revert" in output, found.output
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
        assert done.status == 0 or (done.status == 17 and f"left {_NEW}.t" in done.errors), done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.schemas == {_NEW, _LEDGER}


_VALIDATING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE % VALIDATE CONSTRAINT %' AND state = 'active' AND wait_event = 'PgSleep'"


@pytest.mark.parametrize("again", ["revert", "migrate"])
def test_killed_right_after_the_exchange_back(table: Table, tmp_path: Path, again: str) -> None:
    """What was left to do is done by whoever comes next."""
    table.do(
        "CREATE TABLE parent (bid int PRIMARY KEY)",
        "INSERT INTO parent SELECT generate_series(0, 999)",
        "ALTER TABLE t ADD CONSTRAINT t_bid FOREIGN KEY (bid) REFERENCES parent",
    )
    with Writers(table.load(200)) as writers:
        assert table.migrate(_ALTER, "--keep-revertible").status == 0
        table.do(
            "CREATE FUNCTION wait_there() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF current_query() LIKE 'ALTER TABLE % VALIDATE CONSTRAINT %' THEN PERFORM pg_sleep(60); END IF; END $$",
            "CREATE EVENT TRIGGER slow ON ddl_command_start EXECUTE FUNCTION wait_there()",
        )
        with table.started(tmp_path, "revert") as process:
            until(lambda: table.ask(_VALIDATING), "what follows the exchange")
            process.kill()
            process.wait()
        table.do("DROP EVENT TRIGGER slow")
        if again == "revert":
            assert "extra" not in table.columns
            assert table.ask(
                "SELECT convalidated FROM pg_constraint WHERE conrelid = 'public.t'::regclass AND contype = 'f'"
            ) == [(False,)]
            done = table.revert("--execute")
            assert done.status == 0, done.errors
            assert "is reverted; what is left of that run is cleaned up" in " ".join(done.errors.split())
        else:
            # Another change is in nobody's way, and finishes what it finds.
            done = table.migrate("ADD COLUMN other int")
            assert done.status == 0, done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.ask(
        "SELECT convalidated FROM pg_constraint WHERE conname = 't_bid' AND conrelid = 'public.t'::regclass"
    ) == [(True,)]
    if again == "revert":
        assert table.schemas == {_NEW, _LEDGER}
        assert table.slots == 2
    else:
        assert table.schemas == {_NEW}
        assert table.slots == 0


_HUNG = (
    "CREATE ROLE {role}",
    "CREATE TABLE parent (id int PRIMARY KEY)",
    "INSERT INTO parent SELECT generate_series(1, 100)",
    "CREATE TABLE log (id int, what text)",
    "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (NEW.id, TG_NAME); RETURN NEW; END $$",
    "CREATE TABLE t (id serial PRIMARY KEY, number int GENERATED ALWAYS AS IDENTITY, parent int REFERENCES parent, "
    "up int CONSTRAINT upwards REFERENCES t, v int NOT NULL CHECK (v > 0), gone text DEFAULT 'fresh', other text, "
    "twice int GENERATED ALWAYS AS (v * 2) STORED)",
    "INSERT INTO t (parent, up, v, gone, other) SELECT i, CASE WHEN i > 1 THEN i - 1 END, i, 'gone ' || i, 'other' FROM generate_series(1, 50) AS i",
    "CREATE INDEX by_v ON t (v DESC) WHERE v > 3",
    "CREATE STATISTICS both_of_t ON v, parent FROM t",
    "CREATE TRIGGER first_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "CREATE TRIGGER second_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "ALTER TABLE t ENABLE ALWAYS TRIGGER second_one",
    "CREATE TRIGGER third_one AFTER INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION logged()",
    "ALTER TABLE t DISABLE TRIGGER third_one",
    "CREATE RULE noted AS ON DELETE TO t DO ALSO INSERT INTO log VALUES (OLD.id, 'deleted')",
    "CREATE TABLE child (id int PRIMARY KEY, t int CONSTRAINT to_t REFERENCES t ON DELETE CASCADE)",
    "INSERT INTO child VALUES (1, 1)",
    "CREATE VIEW seen AS SELECT id, v FROM t",
    "CREATE VIEW above AS SELECT id FROM seen WHERE v > 10",
    "GRANT SELECT, INSERT ON t TO {role}",
    "GRANT UPDATE (v) ON t TO {role}",
    "CREATE TABLE guarded (id int)",
    "ALTER TABLE guarded ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY by_t ON guarded USING (EXISTS (SELECT FROM t WHERE t.id = guarded.id))",
    "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY mine ON t TO {role} USING (v < 30)",
    "CREATE PUBLICATION everything FOR TABLE t",
    "COMMENT ON TABLE t IS 'a table'",
)
_SINCE = (
    "CREATE VIEW later AS SELECT id, v FROM above JOIN t USING (id)",
    "CREATE TABLE second_child (t int CONSTRAINT second_to_t REFERENCES t)",
    "GRANT DELETE ON t TO {role}",
    "REVOKE INSERT ON t FROM {role}",
    "GRANT UPDATE (parent) ON t TO {role} WITH GRANT OPTION",
    "ALTER TABLE t ENABLE TRIGGER third_one",
    "ALTER TABLE t DISABLE TRIGGER first_one",
    "CREATE PUBLICATION newer FOR TABLE t",
    "UPDATE t SET v = v + 100 WHERE id <= 10",
    "UPDATE t SET up = NULL WHERE up = 20",
    "DELETE FROM t WHERE id = 20",
    "INSERT INTO t (parent, up, v) SELECT i, 2, i FROM generate_series(1, 20) AS i",
)
_DESCRIBED = """
SELECT 'constraint', conname, pg_get_constraintdef(oid), convalidated::text FROM pg_constraint
WHERE 't'::regclass IN (conrelid, confrelid) AND contype <> 'n' AND conparentid = 0
UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid), tgenabled::text FROM pg_trigger WHERE tgrelid = 't'::regclass AND NOT tgisinternal
UNION ALL SELECT 'rule', rulename, pg_get_ruledef(oid), ev_enabled::text FROM pg_rewrite WHERE ev_class = 't'::regclass
UNION ALL SELECT 'index', x.relname, pg_get_indexdef(indexrelid), '' FROM pg_index i JOIN pg_class x ON x.oid = indexrelid WHERE indrelid = 't'::regclass
UNION ALL SELECT 'statistics', stxname, pg_get_statisticsobjdef(oid), '' FROM pg_statistic_ext WHERE stxrelid = 't'::regclass
UNION ALL SELECT 'policy', polname, pg_get_expr(polqual, polrelid), polrelid::regclass::text FROM pg_policy
    WHERE polrelid::regclass::text IN ('t', 'guarded')
UNION ALL SELECT 'column', attname, format_type(atttypid, atttypmod), concat(attidentity, attgenerated, attnotnull) FROM pg_attribute
    WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped
UNION ALL SELECT 'published', pubname, '', '' FROM pg_publication_tables WHERE tablename = 't' AND pubname NOT LIKE 'ghostpy%'
UNION ALL SELECT 'view', viewname, definition, '' FROM pg_views WHERE schemaname = 'public'
UNION ALL SELECT 'owned', pg_get_serial_sequence('t', 'id'), pg_get_serial_sequence('t', 'number'), ''
UNION ALL SELECT 'table', obj_description('t'::regclass), relrowsecurity::text, '' FROM pg_class WHERE oid = 't'::regclass
UNION ALL SELECT 'grant', grantee, string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type), '' FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND table_name = 't' GROUP BY grantee
UNION ALL SELECT 'column grant', grantee, column_name, string_agg(privilege_type || is_grantable, ' ' ORDER BY privilege_type)
    FROM information_schema.role_column_grants WHERE table_schema = 'public' AND table_name = 't' AND privilege_type = 'UPDATE' GROUP BY 2, 3
ORDER BY 1, 2, 3, 4
"""


def test_what_hangs_on_the_table_comes_back(server: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    place = Place(server, new_database(server))
    role = f"role_of_{place.database}"
    place.do(*(statement.format(role=role) for statement in _HUNG))
    # Of what the table was, all but what is made since; the same statements tell on a twin that is never changed.
    twin = Place(server, new_database(server))
    twin.do(*(statement.format(role=role) for statement in _HUNG if "CREATE ROLE" not in statement))
    try:
        done = place.migrate(
            "DROP COLUMN gone, ALTER COLUMN id TYPE bigint, ADD COLUMN extra int DEFAULT 3, ALTER COLUMN other SET NOT NULL, "
            "ALTER COLUMN other SET DEFAULT 'x'",
            "--keep-revertible",
        )
        assert done.status == 0, done.errors
        kept = place.ask("SELECT id, gone FROM _public_t_del.t ORDER BY id")
        for each in (place, twin):
            each.do(*(statement.format(role=role) for statement in _SINCE))
        done = place.revert("--execute")
        assert done.status == 0, done.errors
        assert place.ask(_DESCRIBED) == twin.ask(_DESCRIBED)
        assert place.ask("SELECT id, number, parent, up, v, twice FROM t ORDER BY id") == twin.ask(
            "SELECT id, number, parent, up, v, twice FROM t ORDER BY id"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
        assert place.ask("SELECT id, gone FROM t WHERE id <= 50 ORDER BY id") == [row for row in kept if row[0] != 20]
        assert place.ask("SELECT DISTINCT gone FROM t WHERE id > 50") == [("fresh",)]
        for each in (place, twin):
            each.do(
                "INSERT INTO t (v, other) VALUES (1, 'y')",
                "UPDATE t SET up = NULL WHERE up = 1",
                "DELETE FROM t WHERE id = 1",
            )
        assert place.ask("SELECT id, number FROM t ORDER BY id DESC LIMIT 1") == twin.ask(
            "SELECT id, number FROM t ORDER BY id DESC LIMIT 1"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
        assert place.ask("SELECT count(*) FROM child") == [(0,)]
        assert place.ask("SELECT count(*), max(v) FROM seen") == twin.ask("SELECT count(*), max(v) FROM seen")
        with pytest.raises(Exception, match="second_to_t"):
            place.do("INSERT INTO second_child VALUES (100000)")

        # And forward again.
        before = place.ask("SELECT id, extra FROM _public_t_rev_del.t ORDER BY id")
        done = place.revert("--execute")
        assert done.status == 0, done.errors
        kinds = "'trigger', 'rule', 'statistics', 'policy', 'published', 'owned', 'grant', 'column grant', 'table'"
        same = (
            f"SELECT * FROM ({_DESCRIBED}) AS d (kind, a, b, c) WHERE kind IN ({kinds}) AND b NOT IN ('gone', 'extra')"
        )
        assert place.ask(same) == twin.ask(same)
        assert place.ask("SELECT id, extra FROM t WHERE extra IS NOT NULL ORDER BY id LIMIT 70") == [
            *(row for row in before if row[0] != 1),
            (71, 3),
        ]
        assert place.ask("SELECT conname FROM pg_constraint WHERE NOT convalidated") == []
        place.do("INSERT INTO t (v, up) VALUES (1, 71)")
        twin.do("INSERT INTO t (v, up) VALUES (1, 71)")
        assert place.ask("SELECT id, number FROM t ORDER BY id DESC LIMIT 1") == twin.ask(
            "SELECT id, number FROM t ORDER BY id DESC LIMIT 1"
        )
        assert place.ask("SELECT * FROM log ORDER BY 1, 2") == twin.ask("SELECT * FROM log ORDER BY 1, 2")
    finally:
        for each in (place, twin):
            each.do(f"DROP OWNED BY {role}")
        place.do(f"DROP ROLE {role}")


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


def test_a_window_bears_what_the_old_table_cannot_have_until_it_is_reverted(table: Table, tmp_path: Path) -> None:
    table.do("CREATE VIEW kept_in_mind AS SELECT aid, bid FROM t")
    with Writers(table.load(200)) as writers:
        with table.window(tmp_path) as process:
            _in_step(tmp_path)
            table.do("CREATE VIEW of_the_new AS SELECT aid, extra FROM t")
            refused = table.revert("--execute")
            assert refused.status != 0
            assert process.wait(WITHIN) == 3, (tmp_path / "errors").read_text()
            assert told(tmp_path, "view public.of_the_new uses")
        assert "extra" in table.columns
        assert table.slots == 2
        table.do("DROP VIEW of_the_new")
        done = table.revert("--execute")
        assert done.status == 0, done.errors
        assert _as_the_stream_told(done)
        time.sleep(0.3)
        committed = writers.stop()
    table.is_what_was_committed(committed)
    assert table.ask("SELECT count(*) FROM kept_in_mind") == table.ask("SELECT count(*) FROM t")


def test_after_a_restart_of_the_server(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer], new_database: NewDatabase
) -> None:
    server = postgres_with(18, {"max-connections": 90})
    table = Table(server, new_database(server), 2_000)
    with Writers(table.load(200)) as writers:
        assert table.migrate(_ALTER, "--keep-revertible").status == 0
        time.sleep(0.5)
        committed = writers.stop()
    server.kill()
    server.start()
    table.do("UPDATE t SET filler = 'later' WHERE aid % 2 = 0")
    done = table.revert("--execute", "--verify=off")
    assert done.status == 0, done.errors
    assert "note" in table.columns
    for row in committed.rows.values():
        if row is not None:
            row.pop("filler", None)
    table.is_what_was_committed(committed)
    assert table.ask("SELECT COUNT(*) FROM t WHERE (aid % 2 = 0) <> (filler = 'later')") == [(0,)]


_NOTING = "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%ALTER PUBLICATION%SET TABLE%' AND state = 'active' AND wait_event = 'PgSleep'"


@pytest.mark.parametrize("turn", [1, 2])
def test_killed_within_the_exchange(table: Table, tmp_path: Path, turn: int) -> None:
    """All of it is undone, and done again."""
    with Writers(table.load(100)) as writers:
        if turn == 2:
            assert table.migrate(_ALTER, "--keep-revertible").status == 0
        table.do(
            "CREATE FUNCTION wait_there() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF current_query() LIKE '%ALTER PUBLICATION%SET TABLE%' THEN PERFORM pg_sleep(1); END IF; END $$",
            "CREATE EVENT TRIGGER slow ON ddl_command_start WHEN TAG IN ('ALTER PUBLICATION') EXECUTE FUNCTION wait_there()",
        )
        call = ("migrate", f"--alter={_ALTER}", "--keep-revertible") if turn == 1 else ("revert",)
        with table.started(tmp_path, *call, "--checkpoint-seconds=1") as process:
            until(lambda: table.ask(_NOTING), "the exchange")
            process.kill()
            process.wait()
        table.do("DROP EVENT TRIGGER slow")
        assert ("extra" in table.columns) == (turn == 2)
        if turn == 1:
            done = table.migrate(_ALTER, "--keep-revertible")
            assert done.status == 0, done.errors
        done = table.revert("--execute", "--verify=off")
        assert done.status == 0, done.errors
        time.sleep(0.3)
        committed = writers.stop()
    assert "note" in table.columns
    table.is_what_was_committed(committed)
    assert table.schemas == {_NEW, _LEDGER}
    assert table.slots == 2


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
