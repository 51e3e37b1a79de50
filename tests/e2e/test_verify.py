"""`ghostpy verify` on real servers: every planted difference is found, nothing else, and nothing is left behind."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from migrating import Finished, cursor_of, ghostpy, url_of
from watched import Place

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 700

# A column, its value, and a value that is another one, however alike they look.
_ON_MYSQL = {
    "zero DOUBLE": ("0e0", "-0e0"),
    "moment DATETIME(6)": ("'2020-01-01 00:00:00.000001'", "'2020-01-01 00:00:00.000002'"),
    "name VARCHAR(9) COLLATE utf8mb4_general_ci": ("'a'", "'A'"),
    "trail VARCHAR(9) COLLATE utf8mb4_general_ci": ("'a'", "'a '"),
    "blank VARCHAR(9)": ("''", "NULL"),
    "raw VARBINARY(9)": ("X'6100'", "X'61'"),
    "price DECIMAL(30,20)": ("1e-20", "2e-20"),
}
_ON_POSTGRES = {
    "zero double precision": ("0", "'-0'"),
    "moment timestamp(6)": ("'2020-01-01 00:00:00.000001'", "'2020-01-01 00:00:00.000002'"),
    'name text COLLATE "C"': ("'a'", "'A'"),
    "trail text": ("'a'", "'a '"),
    "blank text": ("''", "NULL"),
    "raw bytea": ("'\\x6100'", "'\\x61'"),
    "price numeric": ("1.0", "1.00"),
    "doc json": ("""'{"a": 1}'""", """'{"a":1}'"""),
}


@pytest.fixture(params=["mysql", "postgres", pytest.param("mariadb", marks=pytest.mark.soak)])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    server: sandbox.Server = request.getfixturevalue(request.param)
    return Place(server, new_database(server))


def _execute(place: Place, *statements: str) -> list[tuple[Any, ...]]:
    with cursor_of(place.server, place.database) as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall()) if cursor.description else []


def _tables(place: Place) -> list[str]:
    schema = (
        "table_schema = DATABASE()"
        if place.server.kind != "postgres"
        else "table_schema NOT IN ('pg_catalog', 'information_schema')"
    )
    return sorted(
        str(row[0]) for row in _execute(place, f"SELECT table_name FROM information_schema.tables WHERE {schema}")
    )


def _verify(place: Place, *flags: str) -> Finished:
    return ghostpy(
        "verify",
        f"--url={url_of(place.server, place.database)}",
        "--table=a",
        "--again-after=0.2",
        "--chunk-size=100",
        *flags,
    )


def _told(done: Finished, status: int) -> dict[str, Any]:
    assert done.status == status, done.output + done.errors
    told: dict[str, Any] = json.loads(done.output)
    return told


def _ids(place: Place, keys: Sequence[int]) -> list[str]:
    quoted = '"id"' if place.server.kind == "postgres" else "`id`"
    return [f"{quoted} = {key}" for key in keys]


def _columns(place: Place) -> dict[str, tuple[str, str]]:
    columns = dict(_ON_POSTGRES if place.server.kind == "postgres" else _ON_MYSQL)
    if place.server.kind == "mariadb":
        del columns["zero DOUBLE"]  # nothing there shows the sign of a zero
    return columns


def _two_equal(place: Place) -> list[str]:
    """Tables `a` and `b` with the same rows; the names of their columns."""
    columns = _columns(place)
    described = ", ".join(["id INT PRIMARY KEY", *columns])
    values = ", ".join(value for value, _ in columns.values())
    rows = ", ".join(f"({number}, {values})" for number in range(1, _ROWS + 1))
    for table in "ab":
        _execute(place, f"CREATE TABLE {table} ({described})", f"INSERT INTO {table} VALUES {rows}")
    return [column.split()[0] for column in columns]


def test_equal_tables_are_equal_and_nothing_is_left(place: Place) -> None:
    _two_equal(place)
    done = _verify(place, "--other=b")
    assert done.status == 0, done.errors
    assert f"{_ROWS} rows of" in done.output
    assert _tables(place) == ["a", "b"]


def test_each_difference_is_found_wherever_it_stands(place: Place) -> None:
    names = _two_equal(place)
    others = [other for _, other in _columns(place).values()]
    changed = {100 + 3 * number: (name, other) for number, (name, other) in enumerate(zip(names, others, strict=True))}
    _execute(
        place,
        *(f"UPDATE b SET {name} = {other} WHERE id = {key}" for key, (name, other) in changed.items()),
        f"DELETE FROM b WHERE id IN (1, 500, {_ROWS})",
        "DELETE FROM a WHERE id IN (2, 600)",
        f"INSERT INTO b (id) VALUES (-5), ({_ROWS + 5})",
    )
    told = _told(_verify(place, "--other=b", "--json"), 19)
    assert told["changed"] == {"count": len(changed), "examples": _ids(place, list(changed))}
    assert sorted(told["missing"]["examples"]) == sorted(_ids(place, [1, 500, _ROWS]))
    assert sorted(told["surplus"]["examples"]) == sorted(_ids(place, [-5, 2, 600, _ROWS + 5]))
    assert (told["moving"]["count"], told["complete"], told["rows"]) == (0, True, _ROWS - 2)
    done = _verify(place, "--other=b")
    assert f"{len(changed)} rows differ" in done.output
    assert "3 rows only in" in done.output
    assert "Nothing was changed." in done.errors


def test_rows_that_are_being_written_are_named_as_such(place: Place) -> None:
    _execute(place, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "CREATE TABLE b (id INT PRIMARY KEY, v INT)")
    for table in "ab":
        _execute(place, f"INSERT INTO {table} VALUES (1, 0), (2, 0), (3, 0)")
    _execute(place, "UPDATE b SET v = 7 WHERE id = 3")
    over = threading.Event()

    def write() -> None:
        with cursor_of(place.server, place.database) as cursor:
            while not over.is_set():
                cursor.execute("UPDATE a SET v = v + 1 WHERE id = 2")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        told = _told(_verify(place, "--other=b", "--json"), 19)
    finally:
        over.set()
        writer.join()
    assert told["moving"]["examples"] == _ids(place, [2])
    assert told["changed"]["examples"] == _ids(place, [3])


def test_what_differs_only_for_a_moment_is_no_difference(place: Place) -> None:
    _execute(place, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "CREATE TABLE b (id INT PRIMARY KEY, v INT)")
    _execute(place, "INSERT INTO a VALUES (1, 1)", "INSERT INTO b VALUES (1, 2)")
    # How long it takes to its first look depends on the machine.
    for patience in (2, 5, 15, 45):
        _execute(place, "UPDATE b SET v = 2")
        with ThreadPoolExecutor() as pool:
            checking = pool.submit(_verify, place, "--other=b", "--json", f"--again-after={2 * patience}")
            wait([checking], patience)
            _execute(place, "UPDATE b SET v = 1")
            if _told(checking.result(), 0)["settled"] == 1:
                return
    raise AssertionError("the difference was never seen")


def test_columns_and_rows_that_a_change_has_made(place: Place) -> None:
    _execute(
        place,
        "CREATE TABLE a (id INT PRIMARY KEY, kind INT NOT NULL, note VARCHAR(20), gone INT)",
        "CREATE TABLE b (id BIGINT PRIMARY KEY, remark VARCHAR(20), double_kind INT, more INT)",
        "INSERT INTO a VALUES (1, 10, 'x', 5), (2, 20, 'y', 6), (3, -1, 'z', 7)",
        "INSERT INTO b VALUES (1, 'x', 20, 1), (2, 'y', 40, NULL)",
    )
    flags = ("--other=b", "--json", "--renamed=note=remark", "--transform=double_kind=kind * 2", "--where=kind > 0")
    told = _told(_verify(place, *flags), 0)
    assert told["columns"] == ["id", "remark", "double_kind"]
    assert [each.rpartition(".")[2] for each in told["left_out"]] == ["kind", "gone", "more"]
    _execute(place, "UPDATE b SET double_kind = 41 WHERE id = 2")
    assert _told(_verify(place, *flags), 19)["changed"]["examples"] == _ids(place, [2])


def test_it_gives_up_where_all_is_different(place: Place) -> None:
    _two_equal(place)
    _execute(place, "DELETE FROM b WHERE id <> 3")
    told = _told(_verify(place, "--other=b", "--json", "--max-differences=50", "--workers=1"), 19)
    assert not told["complete"]
    assert 50 < told["missing"]["count"] < 200


def test_figures_of_what_piles_up(place: Place) -> None:
    _execute(place, "CREATE TABLE a (id INT PRIMARY KEY)", "CREATE TABLE b (id INT PRIMARY KEY)")
    figures = ["oldest_transaction", "xmin_age"] if place.server.kind == "postgres" else ["innodb_history_list_length"]
    for figure in figures:
        done = _verify(place, "--other=b", f"--critical-load={figure}=0")
        assert done.status == 12, done.output + done.errors
        assert f"critical-load met: {figure}=" in done.errors


def test_keys_of_text_that_the_tables_order_otherwise(place: Place) -> None:
    postgres = place.server.kind == "postgres"
    one, other = ('"ucs_basic"', '"C"') if postgres else ("utf8mb4_general_ci", "utf8mb4_bin")
    _execute(
        place,
        f"CREATE TABLE a (k VARCHAR(9) COLLATE {one} NOT NULL, n INT, PRIMARY KEY (k))",
        f"CREATE TABLE b (k VARCHAR(9) COLLATE {other} NOT NULL, n INT, PRIMARY KEY (k))",
        "INSERT INTO a VALUES ('a', 1), ('B', 2), ('c', 3), ('é', 4)",
        "INSERT INTO b VALUES ('a', 1), ('B', 9), ('D', 3), ('é', 4)",
    )
    told = _told(_verify(place, "--other=b", "--json"), 19)
    assert [told[kind]["count"] for kind in ("changed", "missing", "surplus")] == [1, 1, 1]


def test_a_table_against_what_a_run_has_kept_of_it(place: Place) -> None:
    _execute(place, "CREATE TABLE a (id INT PRIMARY KEY, v INT)", "INSERT INTO a VALUES (1, 1), (2, 2)")
    nothing = _verify(place)
    assert nothing.status == 2
    assert "neither an old table nor a shadow" in nothing.errors
    done = ghostpy(
        "migrate", f"--url={url_of(place.server, place.database)}", "--table=a",
        "--alter=ADD COLUMN extra INT NOT NULL DEFAULT 3", "--execute", *(["--strategy=shadow"] if place.server.kind == "postgres" else []),
    )  # fmt: skip
    assert done.status == 0, done.errors
    told = _told(_verify(place, "--json"), 0)
    assert (told["rows"], told["first"].endswith(("_del", "_del.a")), told["second"].endswith(".a")) == (2, True, True)


def test_an_account_that_may_only_read(place: Place) -> None:
    _two_equal(place)
    name = f"reader_{place.database}"
    if place.server.kind == "postgres":
        _execute(place, f"CREATE ROLE {name} LOGIN", f"GRANT SELECT ON a, b TO {name}")
    else:
        _execute(place, f"CREATE USER {name}@'%'", f"GRANT SELECT ON {place.database}.* TO {name}@'%'")
    try:
        url = url_of(place.server, place.database).replace(f"//{place.server.user}@", f"//{name}@")
        done = ghostpy("verify", f"--url={url}", "--table=a", "--other=b", "--max-load=threads_running=1000")
        assert done.status == 0, done.errors
    finally:
        if place.server.kind == "postgres":
            _execute(place, f"DROP OWNED BY {name}", f"DROP ROLE {name}")
        else:
            _execute(place, f"DROP USER {name}@'%'")


@pytest.fixture(scope="module")
def bad_places(mysql: sandbox.MySQLServer, postgres: sandbox.PostgresServer) -> Iterator[dict[str, Place]]:
    places: dict[str, Place] = {}
    for server in (mysql, postgres):
        server.execute("CREATE DATABASE bad_verify")
        places[server.kind] = place = Place(server, "bad_verify")
        _execute(
            place,
            "CREATE TABLE a (id INT PRIMARY KEY, v INT)",
            "CREATE TABLE b (id INT PRIMARY KEY, v INT)",
            "CREATE TABLE keyless (id INT, v INT)",
            "CREATE VIEW v AS SELECT * FROM a",
        )
    yield places
    for server in (mysql, postgres):
        server.execute("DROP DATABASE bad_verify")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--other=nowhere"], "there is no table"),
        (["--other=v"], "not a table of rows"),
        (["--other=a.b.c.d"], "write it as"),
        (["--other=keyless"], "no unique not-null key in common"),
        (["--other=b", "--transform=nothing=1"], "does not have after the change"),
        (["--other=b", "--transform=v=(SELECT 1)"], "transform"),
        (["--other=b", "--renamed=v=nothing"], "no column 'nothing'"),
        (["--other=b", "--renamed=v"], "must be OLD=NEW"),
        (["--other=b", "--max-differences=-1"], "must not be negative"),
        (["--other=b", "--again-after=soon"], "invalid float value"),
        (["--other=b", "--max-load=x"], "cannot be read"),
        (["--other=b", "--where=("], ""),
        (["--other=b", "--execute"], "means nothing to verify"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("server_kind", ["mysql", "postgres"])
def test_bad_input(server_kind: str, flags: list[str], said: str, bad_places: dict[str, Place]) -> None:
    place = bad_places[server_kind]
    done = _verify(place, *flags)
    assert done.status == 2, done.output + done.errors
    assert said in done.errors
    assert "Traceback" not in done.errors
    assert _tables(place) == ["a", "b", "keyless", "v"]
