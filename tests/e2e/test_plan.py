"""`ghostpy plan` on real servers: the same plan as text, Markdown and data, and nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from browser import assert_well_shown
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
    assert [step["blocks"] for step in plan["steps"]] == ["none", "none", "all", "none"]
    exchange = plan["steps"][2]
    assert set(exchange) == {"does", "lock", "blocks", "lasts"}
    assert (exchange["does"], exchange["lasts"]) == ("exchange the names", "moment")
    assert "for a moment; waiting at most 3 s" in exchange["lock"]
    assert len(plan["made"]) == 2
    assert len(plan["kept"]) == 1
    assert [each["code"] for each in plan["findings"] if each["code"] != "sessions"] == ["drops-column"]
    assert plan["reason"]
    estimate = plan["estimate"]
    assert estimate["sample_rows"] == 2
    assert estimate["seconds"] > 0
    assert estimate["disk_bytes"] > 0
    assert estimate["log_bytes"] > 0
    assert [each["loses"] for each in plan["way_back"]][1] == "every write made since the exchange"
    assert [each["possible"] for each in plan["alternatives"] if each["strategy"] == "instant"] == (
        [False] if server.kind == "mysql" else []
    )
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


@pytest.mark.soak
def test_the_page_in_a_browser(server: sandbox.Server, place: tuple[str, ...], tmp_path: Path) -> None:
    """Of a change by a shadow with an index, and of one that is refused."""
    change = "MODIFY id BIGINT, ADD INDEX (id)" if server.kind == "mysql" else "ALTER id TYPE bigint"
    for name, alter, status in (("shadow", change, 0), ("refused", "ADD COLUMN id INT", 3)):
        done = ghostpy("plan", *place, f"--alter={alter}", "--format=html")
        assert done.status == status, done.errors
        (folder := tmp_path / name).mkdir()
        (folder / "plan.html").write_text(done.output)
        assert_well_shown(folder / "plan.html", folder)


def test_an_estimate_by_a_part_of_the_table(server: sandbox.Server, new_database: NewDatabase) -> None:
    """With an index that is built afterwards, and a key of text."""
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (k VARCHAR(40) NOT NULL, n INT NOT NULL, body VARCHAR(400), PRIMARY KEY (k, n))")
        cursor.execute("CREATE INDEX by_n ON t (n)")
        if server.kind == "mysql":
            cursor.execute("SET SESSION cte_max_recursion_depth = 30000")
            numbers = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 30000) SELECT"
            cursor.execute(f"INSERT INTO t {numbers} LEFT(SHA2(i, 256), 32), i, REPEAT('x', 400) FROM s")
            cursor.execute("ANALYZE TABLE t")
        else:
            cursor.execute(
                "INSERT INTO t SELECT md5(i::text), i, repeat(md5(i::text), 12) FROM generate_series(1, 30000) AS i"
            )
            cursor.execute("ANALYZE t")
    place = (
        f"--url={url_of(server, database)}",
        "--table=t",
        *(["--strategy=shadow"] if server.kind == "postgres" else []),
    )
    before = _tables(server, place)
    done = ghostpy("plan", *place, "--alter=ADD COLUMN c INT", "--format=json")
    assert done.status == 0, done.errors
    plan = json.loads(done.output)
    jsonschema.validate(plan, schema())
    estimate = plan["estimate"]
    assert 0 < estimate["sample_rows"] <= 30_000
    assert {"copy", "indexes", "comparison"} < estimate["parts"].keys()
    assert estimate["seconds"] > estimate["sample_seconds"]
    assert estimate["log_bytes"] > 5 << 20
    assert _tables(server, place) == before


def test_a_row_that_does_not_fit(server: sandbox.Server, new_database: NewDatabase) -> None:
    """One that only storing it tells of: found by the sample, which is gone."""
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
        cursor.execute("INSERT INTO t VALUES (1, '1'), (2, '2'), (37, 'no number'), (38, '38')")
        cursor.execute("COMMIT")
    place = (f"--url={url_of(server, database)}", "--table=t")
    before = _tables(server, place)
    number = "MODIFY v INT" if server.kind == "mysql" else "ALTER v TYPE int USING v::int"
    done = ghostpy("plan", *place, f"--alter={number}", "--format=json")
    assert done.status == 3, done.output + done.errors
    [found] = [each for each in json.loads(done.output)["findings"] if each["severity"] == "refuse"]
    assert found["code"] == "data-does-not-fit"
    assert "id = 37" in found["text"]
    assert _tables(server, place) == before


def test_at_once(server: sandbox.Server, place: tuple[str, ...]) -> None:
    flags = ["--attempt-instant-ddl"] if server.kind == "mysql" else []
    done = ghostpy("plan", *place, *flags, "--alter=ADD COLUMN c INT", "--format=json")
    assert done.status == 0, done.errors
    plan = json.loads(done.output)
    assert (plan["strategy"], plan["estimate"]["seconds"]) == ("instant", 0)
    assert [(each["how"], each["loses"]) for each in plan["way_back"]] == [
        ("DROP COLUMN", "what was written to it since")
    ]
    if server.kind == "mysql":
        shadow = json.loads(ghostpy("plan", *place, "--alter=ADD COLUMN c INT", "--format=json").output)
        assert [each["possible"] for each in shadow["alternatives"] if each["strategy"] == "instant"] == [True]


@pytest.mark.parametrize("server", ["postgres"], indirect=True)
def test_in_steps(server: sandbox.Server, place: tuple[str, ...]) -> None:
    """Each step that looks at rows has its time."""
    done = ghostpy("plan", *place, "--alter=ALTER gone SET NOT NULL", "--format=json")
    assert done.status == 0, done.errors
    plan = json.loads(done.output)
    assert plan["strategy"] == "online, in steps"
    assert plan["estimate"]["seconds"] > 0
    assert any("checking the rows" in part for part in plan["estimate"]["parts"])
    assert [each["how"] for each in plan["way_back"]] == ["DROP NOT NULL"]
    with cursor_of(server, place[0].rpartition("/")[2]) as cursor:
        cursor.execute("INSERT INTO t VALUES (77, 1, NULL)")
        cursor.execute("COMMIT")
    refused = ghostpy("plan", *place, "--alter=ALTER gone SET NOT NULL", "--format=json")
    assert refused.status == 3, refused.output + refused.errors
    [found] = json.loads(refused.output)["findings"]
    assert found["code"] == "data-does-not-fit"
    assert "77" in found["text"]


_MISFITS = {
    "mysql": (
        "CREATE TABLE m (id INT PRIMARY KEY, n INT, t VARCHAR(30), big BIGINT, d DECIMAL(12, 4), at DATETIME(6), u INT)",
        "MODIFY n INT NOT NULL, MODIFY t VARCHAR(5), MODIFY big INT, MODIFY d DECIMAL(12, 2), MODIFY at DATETIME(3), ADD UNIQUE KEY only_u (u)",
    ),
    "postgres": (
        "CREATE TABLE m (id int PRIMARY KEY, n int, t varchar(30), big bigint, d numeric(12, 4), at timestamp(6), u int)",
        "ALTER n SET NOT NULL, ALTER t TYPE varchar(5), ALTER big TYPE int, ALTER d TYPE numeric(12, 2), ALTER at TYPE timestamp(3), "
        "ADD CONSTRAINT only_u UNIQUE (u)",
    ),
}


def test_values_that_do_not_fit_are_found_before_anything_is_run(
    server: sandbox.Server, new_database: NewDatabase
) -> None:
    """All of them, wherever they stand, each with a key; what is rounded is a warning."""
    database = new_database(server)
    created, alter = _MISFITS[server.kind]
    # Blanks that are too many are cut off by PostgreSQL alone.
    fits = "fine" if server.kind == "mysql" else "fine   "
    good = f"'{fits}', 2147483647, 1.2300, '2026-01-01 10:00:00.123000'"
    with cursor_of(server, database) as cursor:
        cursor.execute(created)
        cursor.execute(
            f"INSERT INTO m VALUES (1, 1, {good}, 1), (2, NULL, {good}, 2), (3, 3, {good}, NULL), (4, 4, {good}, NULL)"
        )
        cursor.execute("INSERT INTO m VALUES (5, 5, 'longer', 1, 1, NULL, 5), (6, 6, 'a', -2147483649, 1, NULL, 6)")
        cursor.execute(
            "INSERT INTO m VALUES (7, 7, 'a', 1, 1.2345, NULL, 7), (8, 8, 'a', 1, 1, '2026-01-01 10:00:00.123456', 8)"
        )
        cursor.execute("INSERT INTO m VALUES (9, 9, 'a', 1, 1, NULL, 10), (10, 10, 'a', 1, 1, NULL, 10)")
        cursor.execute("COMMIT")
    place = (f"--url={url_of(server, database)}", "--table=m")
    before = _tables(server, place)
    done = ghostpy("plan", *place, f"--alter={alter}", "--format=json")
    assert done.status == 3, done.output + done.errors
    found = {(each["code"], each["severity"]): each["text"] for each in json.loads(done.output)["findings"]}
    for code, severity, key in (
        ("null-values", "refuse", "id = 2"),
        ("too-long", "refuse", "id = 5"),
        ("out-of-range", "refuse", "id = 6"),
        ("duplicate-rows", "refuse", "10 and 9" if server.kind == "mysql" else "9"),
    ):
        assert key in found.get((code, severity), ""), (code, found)
    rounded = [each["text"] for each in json.loads(done.output)["findings"] if each["code"] == "rounded-values"]
    assert [text.rpartition("id = ")[2] for text in rounded] == ["7", "8"]
    assert _tables(server, place) == before
    with cursor_of(server, database) as cursor:
        cursor.execute("DELETE FROM m WHERE id IN (2, 5, 6, 10)")
        cursor.execute("COMMIT")
    again = ghostpy("plan", *place, f"--alter={alter}", "--format=json")
    assert again.status == 0, again.output + again.errors
    left = {each["code"] for each in json.loads(again.output)["findings"]}
    assert "rounded-values" in left
    assert not left & {"null-values", "too-long", "out-of-range", "duplicate-rows", "not-looked-at-wholly"}
