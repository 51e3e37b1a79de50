"""`ghostpy plan` on real servers: the same plan as text, Markdown and data, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable

import jsonschema
import pytest
from migrating import cursor_of, ghostpy, url_of

from ghostpy import sandbox
from ghostpy.cli.plan_schema import schema

NewDatabase = Callable[[sandbox.Server], str]


@pytest.fixture(params=["mysql", "postgres"])
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def place(server: sandbox.Server, new_database: NewDatabase) -> tuple[str, ...]:
    """The flags that say where the table is."""
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute(
            "CREATE TABLE t (id INT PRIMARY KEY, `a|b` INT, gone INT)"
            if server.kind == "mysql"
            else 'CREATE TABLE t (id int PRIMARY KEY, "a|b" int, gone int)'
        )
        cursor.execute("INSERT INTO t VALUES (1, 1, 1), (2, NULL, 2)")
        cursor.execute("COMMIT")
    return (f"--url={url_of(server, database)}", "--table=t")


def _tables(server: sandbox.Server, place: tuple[str, ...]) -> list[tuple[str, str]]:
    with cursor_of(server, place[0].rpartition("/")[2]) as cursor:
        cursor.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN "
            "('mysql', 'sys', 'performance_schema', 'information_schema', 'pg_catalog') ORDER BY 1, 2"
        )
        return [(str(schema), str(table)) for schema, table in cursor.fetchall()]


def test_as_data(server: sandbox.Server, place: tuple[str, ...]) -> None:
    before = _tables(server, place)
    wide = "MODIFY id BIGINT NOT NULL" if server.kind == "mysql" else "ALTER id TYPE bigint"
    done = ghostpy("plan", *place, f"--alter={wide}, DROP COLUMN gone, ADD COLUMN c INT", "--format=json")
    assert done.status == 0, done.errors
    plan = json.loads(done.output)
    jsonschema.validate(plan, schema())
    assert plan["possible"] is True
    assert plan["strategy"] == "shadow"
    assert plan["dialect"] == server.kind
    assert plan["copy_key"] == ["id"]
    fed = {each["to"]["name"]: each for each in plan["columns"]["fed"]}
    assert list(fed) == ["id", "a|b"]
    assert (fed["id"]["from"]["type"], fed["id"]["to"]["type"]) == (
        "int" if server.kind == "mysql" else "integer",
        "bigint",
    )
    assert [column["name"] for column in plan["columns"]["added"]] == ["c"]
    assert [column["name"] for column in plan["columns"]["dropped"]] == ["gone"]
    assert len(plan["made"]) == 2
    assert len(plan["kept"]) == 1
    assert [each["code"] for each in plan["findings"] if each["code"] != "sessions"] == ["drops-column"]
    assert [each["loses"] for each in plan["way_back"]][1] == "every write made since the exchange"
    assert [each["possible"] for each in plan["alternatives"] if each["strategy"] == "instant"] == (
        [False] if server.kind == "mysql" else []
    )
    assert _tables(server, place) == before


def test_what_stands_against_it_as_data(server: sandbox.Server, place: tuple[str, ...]) -> None:
    done = ghostpy("plan", *place, "--alter=ADD COLUMN id INT", "--format=json")
    assert done.status == 3, done.output + done.errors
    plan = json.loads(done.output)
    jsonschema.validate(plan, schema())
    assert plan["possible"] is False
    assert "strategy" not in plan
    assert plan["message"]
    assert all({"code", "severity", "text", "way_out", "page"} == set(each) for each in plan["findings"])
    if server.kind == "mysql":
        assert [each["code"] for each in plan["findings"] if each["severity"] == "refuse"] == ["alter-refused"]


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_for_people(server: sandbox.Server, place: tuple[str, ...], form: str) -> None:
    wide = "MODIFY `a|b` BIGINT" if server.kind == "mysql" else 'ALTER "a|b" TYPE bigint'
    done = ghostpy("plan", *place, f"--alter={wide}", f"--format={form}")
    assert done.status == 0, done.errors
    assert "shadow" in done.output
    assert "nothing was changed" in done.output
    if form == "markdown":
        rows = [line for line in done.output.splitlines() if line.startswith("|")]
        # Two cells a row, whatever a column is called.
        assert all(line.replace("\\|", "").count("|") == 3 for line in rows)
        assert any("a\\|b" in line for line in rows)


def test_nothing_to_do_and_no_execution(server: sandbox.Server, place: tuple[str, ...]) -> None:
    done = ghostpy("plan", *place, "--alter=ADD COLUMN c INT", "--execute")
    assert done.status == 2
    assert "--execute means nothing to plan" in done.errors
    assert ghostpy("migrate", *place, "--alter=ADD COLUMN c INT", "--execute").status == 0
    again = ghostpy("plan", *place, "--alter=ADD COLUMN c INT", "--format=json")
    assert again.status == 0, again.errors
    assert json.loads(again.output)["strategy"] == "nothing to do"


def test_as_a_page(server: sandbox.Server, new_database: NewDatabase) -> None:
    """Names and defaults that look like HTML stay texts."""
    database, nasty = new_database(server), "<script>alert(1)</script>"
    quote = "`" if server.kind == "mysql" else '"'
    column = f"{quote}{nasty}{quote}"
    with cursor_of(server, database) as cursor:
        cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {column} varchar(99) DEFAULT '{nasty}')")
        cursor.execute("COMMIT")
    place = (f"--url={url_of(server, database)}", "--table=t")
    narrow = f"MODIFY {column} varchar(50)" if server.kind == "mysql" else f"ALTER {column} TYPE varchar(50)"
    before = _tables(server, place)
    for alter, status in ((narrow, 0), (f"ADD COLUMN id varchar(40) DEFAULT '{nasty}'", 3)):
        done = ghostpy("plan", *place, f"--alter={alter}", "--format=html")
        assert done.status == status, done.output + done.errors
        assert "&lt;script&gt;" in done.output
        assert "<script" not in done.output
    assert _tables(server, place) == before
