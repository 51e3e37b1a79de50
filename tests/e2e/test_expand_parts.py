"""What an expansion does with single writes, whom a contraction finds, and what others see of an expanded table."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from expanding import Names, here, make_names
from migrating import cursor_of
from waiting import until

from ghostpy import sandbox
from ghostpy.sandbox.drivers import DRIVERS

NewDatabase = Callable[[sandbox.Server], str]
_QUICK = ("--watch-seconds=0", "--allow-unproven")


@pytest.fixture(params=["mysql", pytest.param("mariadb", marks=pytest.mark.soak), "postgres"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Names:
    return make_names(request.getfixturevalue(request.param), new_database, 30)


@pytest.fixture(params=["mysql", "postgres"])
def one_of_each(request: pytest.FixtureRequest, new_database: NewDatabase) -> Names:
    return make_names(request.getfixturevalue(request.param), new_database, 30)


def _row(place: Names, row: int) -> tuple[object, ...]:
    return tuple(place.ask(f"SELECT name, first_name, last_name FROM users WHERE id = {row}")[0])


def test_writes_before_a_row_is_filled(place: Names, tmp_path: Path) -> None:
    """The backfill waits; each row is written as one of the versions may write it."""
    flag = tmp_path / "wait"
    flag.touch()
    run = place.start(tmp_path, "expand", f"--throttle-flag-file={flag}", "--display=lines")
    until(lambda: run.poll() is not None or place.linked(), "the triggers")
    place.do(
        "UPDATE users SET last_name = 'Brown' WHERE id = 1",
        "UPDATE users SET first_name = 'Ann', last_name = 'Lee' WHERE id = 2",
        "UPDATE users SET name = 'Mary Ann Smith' WHERE id = 3",
        "UPDATE users SET n = 1 WHERE id = 4",
        "UPDATE users SET name = 'first5 Last5' WHERE id = 5",
        "INSERT INTO users (id, name) VALUES (101, 'Plato')",
        "INSERT INTO users (id, first_name, last_name) VALUES (102, 'Mary Ann', 'Smith')",
        "UPDATE users SET first_name = 'Mary' WHERE id = 102",
        "UPDATE users SET last_name = '' WHERE id = 7",
        "UPDATE users SET name = 'A B', first_name = 'C', last_name = 'D' WHERE id = 6",
    )
    assert _row(place, 4) == ("First4 Last4", None, None)
    flag.unlink()
    assert run.wait(60) == 8, (tmp_path / "told").read_text()
    assert "such as those with id = 6" in (tmp_path / "told").read_text()
    assert [_row(place, row) for row in (1, 2, 3, 4, 5, 7, 101, 102, 6)] == [
        ("First1 Brown", "First1", "Brown"),
        ("Ann Lee", "Ann", "Lee"),
        ("Mary Ann Smith", "Mary", "Ann Smith"),
        ("First4 Last4", "First4", "Last4"),
        ("first5 Last5", "first5", "Last5"),
        ("Plato7", "Plato7", ""),
        ("Plato", "Plato", ""),
        ("Mary Smith", "Mary", "Smith"),
        ("A B", "C", "D"),
    ]
    for command in ("contract", "rollback"):
        own = _QUICK if command == "contract" else ()
        refused = place.run(command, "--execute", *own[:1])
        assert refused.status == 3, refused.errors
    place.do("UPDATE users SET first_name = 'E', last_name = 'F' WHERE id = 6")
    place.done("expand")
    assert _row(place, 6) == ("E F", "E", "F")


def test_what_others_see(place: Names) -> None:
    """Other commands, another expansion, cleanup, and accounts that have no right but on the table."""
    place.done("expand")
    other = here(
        "expand", f"--url={place.url}", "--table=users", "--add=x int", "--up=x = 1", "--down=name = x", "--execute"
    )
    assert (other.status, "is being expanded in another way" in other.errors) == (17, True), other.errors
    refused = here("migrate", f"--url={place.url}", "--table=users", "--alter=ADD COLUMN z INT", "--execute")
    assert (refused.status, "is being expanded" in refused.errors) == (3, True), refused.errors
    listed = here("cleanup", f"--url={place.url}", "--execute")
    assert "stands until" in " ".join(listed.output.replace("│", " ").split()), listed.output
    assert place.linked()
    _write_as_application(place)
    assert _row(place, 201) == ("Ada King", "Ada", "King")
    assert _row(place, 202) == ("Grace Hopper", "Grace", "Hopper")
    place.done("contract", *_QUICK)
    assert "note of a contraction" in here("cleanup", f"--url={place.url}").output.replace("\n", "")
    here("cleanup", f"--url={place.url}", "--execute")
    assert "is not being expanded" in place.run("rollback").errors


def _write_as_application(place: Names) -> None:
    name, server = f"app_{place.database}", place.server
    if server.kind == "postgres":
        place.do(f"CREATE ROLE {name} LOGIN", f"GRANT SELECT, INSERT, UPDATE ON users TO {name}")
        gone = [f"DROP OWNED BY {name}", f"DROP ROLE {name}"]
    else:
        place.do(f"CREATE USER {name}@'%'", f"GRANT SELECT, INSERT, UPDATE ON {place.database}.users TO {name}@'%'")
        gone = [f"DROP USER {name}@'%'"]
    try:
        connection = DRIVERS[server.kind].connect(
            host=server.host, port=server.port, user=name, password="", database=place.database
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute("INSERT INTO users (id, name) VALUES (201, 'Ada King')")
            cursor.execute("INSERT INTO users (id, first_name, last_name) VALUES (202, 'Grace', 'Murray')")
            cursor.execute("UPDATE users SET last_name = 'Hopper' WHERE id = 202")
    finally:
        place.do(*gone)


USERS = {
    "mysql": {
        "view": ("CREATE VIEW v AS SELECT name FROM users", "DROP VIEW v"),
        "routine": ("CREATE FUNCTION f() RETURNS INT READS SQL DATA RETURN (SELECT COUNT(name) FROM users)", "DROP FUNCTION f"),
        "trigger": ("CREATE TRIGGER tr AFTER INSERT ON users FOR EACH ROW SET @x = NEW.name", "DROP TRIGGER tr"),
        "index": ("CREATE INDEX both_of ON users (n, name)", "DROP INDEX both_of ON users"),
        "constraint": ("ALTER TABLE users ADD CONSTRAINT k CHECK (name <> '?')", "ALTER TABLE users DROP CHECK k"),
        "generated column": ("ALTER TABLE users ADD g INT AS (LENGTH(name))", "ALTER TABLE users DROP g"),
    },
    "postgres": {
        "view": ("CREATE VIEW v AS SELECT name FROM users", "DROP VIEW v"),
        "function": ("CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(name) FROM users'", "DROP FUNCTION f"),
        "index": ("CREATE INDEX both_of ON users (n, name)", "DROP INDEX both_of"),
        "constraint": ("ALTER TABLE users ADD CONSTRAINT k CHECK (name <> '?')", "ALTER TABLE users DROP CONSTRAINT k"),
        "column": ("ALTER TABLE users ADD g INT GENERATED ALWAYS AS (length(name)) STORED", "ALTER TABLE users DROP g"),
    },
}  # fmt: skip


def test_definitions_that_use_the_old_column(one_of_each: Names) -> None:
    """All are named at once, and it is contracted when they are gone; an index of the column alone goes with it."""
    place, users = one_of_each, USERS[one_of_each.server.kind]
    place.done("expand")
    place.do("CREATE INDEX alone ON users (name)", *(make for make, _ in users.values()))
    refused = place.run("contract", "--execute", *_QUICK)
    assert refused.status == 3, refused.output
    found = " ".join(refused.errors.split())
    for what in users:
        assert f"the {what}" in found or f"{what} " in found, f"{what}: {found}"
    assert found.count("uses name of") >= len(users)
    place.do(*(drop for _, drop in users.values()))
    place.done("contract", *_QUICK)
    assert "name" not in place.columns()


def test_no_room_for_statements(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer], new_database: NewDatabase
) -> None:
    """What was thrown out begins to count anew: nobody knows then what has run."""
    options = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "100"}
    place = make_names(postgres_with(18, options), new_database, 30)
    place.do("CREATE EXTENSION pg_stat_statements")
    place.done("expand")
    over = threading.Event()

    def crowd() -> None:
        number = 0
        while not over.is_set():
            number = number % 500 + 1
            place.ask(f"SELECT {', '.join(['1'] * number)}")

    crowding = threading.Thread(target=crowd)
    crowding.start()
    try:
        seen = place.run("contract", "--watch-seconds=2", "--execute")
    finally:
        over.set()
        crowding.join()
    assert seen.status == 3, seen.output + seen.errors
    assert "pg_stat_statements has thrown statements out" in seen.errors
    assert "name" in place.columns()


def test_no_room_for_digests(
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase
) -> None:
    """Nobody knows then what has run."""
    place = make_names(mysql_with({"performance_schema_digests_size": "5"}), new_database, 30)
    place.done("expand")
    seen = place.run("contract", "--watch-seconds=1", "--execute")
    assert seen.status == 3, seen.output + seen.errors
    assert "the table of digests is full" in seen.errors
    assert "name" in place.columns()


def test_statements_that_name_the_old_column(
    mysql: sandbox.MySQLServer,
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
    new_database: NewDatabase,
) -> None:
    """A reader is seen while it reads, and only then."""
    library = {"shared_preload_libraries": "pg_stat_statements"}
    for server in (mysql, postgres_with(18, library)):
        place = make_names(server, new_database, 30)
        if server.kind == "postgres":
            place.do("CREATE EXTENSION pg_stat_statements")
        else:
            # Other tests have filled it.
            place.do("TRUNCATE performance_schema.events_statements_summary_by_digest")
        place.done("expand")
        over = threading.Event()

        def read(place: Names = place, over: threading.Event = over) -> None:
            while not over.wait(0.05):
                place.ask("SELECT u.name FROM users u WHERE u.id = 7")

        reader = threading.Thread(target=read)
        reader.start()
        try:
            seen = place.run("contract", "--execute")
        finally:
            over.set()
            reader.join()
        assert seen.status == 3, seen.output + seen.errors
        assert "a statement that ran just now names name" in seen.errors
        place.done("contract")


@pytest.mark.parametrize("kind", ["postgres", pytest.param("mysql", marks=pytest.mark.soak)])
def test_a_table_that_is_held(request: pytest.FixtureRequest, new_database: NewDatabase, kind: str) -> None:
    """The lock is waited for shortly, and given up in the end; nothing is changed, and then the same command goes on."""
    place = make_names(request.getfixturevalue(kind), new_database, 30)
    with cursor_of(place.server, place.database) as holder:
        holder.execute("BEGIN")
        holder.execute("UPDATE users SET n = 5 WHERE id = 1")
        held = place.run("expand", "--execute", "--default-retries=2", "--cut-over-lock-timeout-seconds=1")
        assert held.status == 9, held.errors
        assert (place.columns(), place.linked()) == (["id", "n", "name"], False)
        holder.execute("COMMIT")
    place.done("expand")


def test_other_triggers_come_first(one_of_each: Names) -> None:
    place = one_of_each
    if place.server.kind == "postgres":
        place.do(
            "CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := trim(NEW.name); RETURN NEW; END $$",
            "CREATE TRIGGER zz_tidy BEFORE INSERT OR UPDATE ON users FOR EACH ROW EXECUTE FUNCTION tidy()",
        )
    else:
        place.do("CREATE TRIGGER zz_tidy BEFORE UPDATE ON users FOR EACH ROW SET NEW.name = TRIM(NEW.name)")
    place.done("expand")
    place.do("UPDATE users SET name = '  Ada King ' WHERE id = 1")
    assert _row(place, 1) == ("Ada King", "Ada", "King")
    place.done("rollback")
    assert place.left() == ["zz_tidy"]


def test_the_plan(one_of_each: Names) -> None:
    """Nothing is changed for it; rows that do not come back as they were are told of."""
    place = one_of_each
    planned = place.run("expand")
    assert planned.status == 0, planned.errors
    assert "This was a dry run" in planned.output
    assert "for 4 of 30 rows --down does not give back" in " ".join(planned.output.split())
    assert "id = 7; id = 14" in planned.output
    document = json.loads(place.run("expand", "--format=json").output)
    assert [finding["code"] for finding in document["findings"]] == ["not-given-back"]
    assert document["expansion"]["new"][0] == {"name": "first_name", "definition": "varchar(80)", "required": True}
    assert (place.columns(), place.left()) == (["id", "n", "name"], [])


def test_odd_names(one_of_each: Names) -> None:
    """Of a table as long as they may be, with a quote, and columns whose names are words of the triggers."""
    place = one_of_each
    postgres = place.server.kind == "postgres"
    quoted = (lambda name: f'"{name}"') if postgres else (lambda name: f"`{name}`")
    name = "It's " + "x" * (58 if postgres else 59)
    table, old, new = quoted(name), quoted("slot"), quoted("New 'note")
    place.do(f"CREATE TABLE {table} (id INT PRIMARY KEY, {old} INT)", f"INSERT INTO {table} VALUES (1, 10), (2, NULL)")
    flag = f'--table="{name}"' if postgres else f"--table={name}"
    wish = [f"--add={new} INT", f"--up={new} = {old} + 1", f"--down=slot = {new} - 1"]
    for command, own in (("expand", wish), ("contract", _QUICK)):
        done = here(command, f"--url={place.url}", flag, *own, "--execute")
        assert done.status == 0, done.errors
        if command == "expand":
            place.do(f"UPDATE {table} SET {old} = 20 WHERE id = 2", f"INSERT INTO {table} (id, {new}) VALUES (3, 31)")
            assert place.ask(f"SELECT id, {old}, {new} FROM {table} ORDER BY id") == [
                (1, 10, 11),
                (2, 20, 21),
                (3, 30, 31),
            ]
    assert place.ask(f"SELECT id, {new} FROM {table} ORDER BY id") == [(1, 11), (2, 21), (3, 31)]


def test_settings_of_whoever_writes(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    """They mean nothing to the triggers: else rows would be out of step with those that are filled."""
    place = Names(postgres, new_database(postgres))
    place.do("CREATE TABLE days (id INT PRIMARY KEY, d DATE)", "INSERT INTO days VALUES (1, '2026-02-01')")
    wish = ("--add=label TEXT", "--up=label = d::text", "--down=d = label::date", "--execute")
    done = here("expand", f"--url={place.url}", "--table=days", *wish)
    assert done.status == 0, done.errors
    place.do(
        "SET datestyle = 'German'; SET search_path = pg_temp; SET timezone = 'Asia/Tokyo'; "
        "UPDATE public.days SET d = '2026-03-02'; INSERT INTO public.days (id, label) VALUES (2, '2026-04-03')"
    )
    assert place.ask("SELECT id, d::text, label FROM days ORDER BY id") == [
        (1, "2026-03-02", "2026-03-02"),
        (2, "2026-04-03", "2026-04-03"),
    ]
