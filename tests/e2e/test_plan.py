"""`ghostpy plan` on real servers: the same plan as text, Markdown and data, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from migrating import cursor_of, ghostpy, url_of

from ghostpy import sandbox

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
    assert [step["blocks"] for step in plan["steps"]] == ["none", "none", "all", "none"]
    exchange = plan["steps"][2]
    assert set(exchange) == {"does", "lock", "blocks", "lasts"}
    assert (exchange["does"], exchange["lasts"]) == ("exchange the names", "moment")
    assert "for a moment; waiting at most 3 s" in exchange["lock"]
    assert len(plan["made"]) == 2
    assert len(plan["kept"]) == 1
    assert _tables(server, place) == before


def test_locks_of_the_steps(server: sandbox.Server, place: tuple[str, ...]) -> None:
    index = (
        "ADD INDEX i (gone)"
        if server.kind == "mysql"
        else "CREATE INDEX i ON t (gone); ADD FOREIGN KEY (gone) REFERENCES t"
    )
    done = ghostpy("plan", *place, f"--alter={index}", "--strategy=auto", "--format=json")
    assert done.status == 0, done.errors
    plan = json.loads(done.output)
    assert plan["strategy"] == "online, in steps"
    told = [(step["blocks"], step["lasts"]) for step in plan["steps"]]
    # Whatever grows with the table keeps nobody waiting.
    assert ("none", "grows with the table") in told
    assert all(blocks == "none" for blocks, lasts in told if lasts != "moment")
    assert ("LOCK=NONE" if server.kind == "mysql" else "SHARE UPDATE EXCLUSIVE on public.t") in done.output


def test_what_stands_against_it_as_data(server: sandbox.Server, place: tuple[str, ...]) -> None:
    done = ghostpy("plan", *place, "--alter=ADD COLUMN id INT", "--format=json")
    assert done.status == 3, done.output + done.errors
    plan = json.loads(done.output)
    assert plan["possible"] is False
    assert "strategy" not in plan
    assert plan["message"]
    assert all({"code", "severity", "text", "way_out"} == set(each) for each in plan["findings"])
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
