"""`ghostpy apply` on real servers: scripts that Alembic and Django write, planned, applied, applied again, refused, and changed since."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from migrating import cursor_of, ghostpy, url_of
from scripts import NewDatabase, Scripted, by_alembic, by_django, make_scripted
from waiting import until

from ghostpy import sandbox
from ghostpy.cli.plan_schema import schema

KINDS = ["mysql", "mariadb", "postgres"]


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Scripted:
    return make_scripted(request.getfixturevalue(request.param), new_database, tmp_path)


@pytest.fixture(params=["mysql", "postgres"])
def one_of_each(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Scripted:
    return make_scripted(request.getfixturevalue(request.param), new_database, tmp_path)


def _twice(place: Scripted, script: str) -> None:
    before = place.relations()
    planned = place.apply(script)
    assert planned.status == 0, planned.output + planned.errors
    assert "This was a dry run: nothing was changed" in planned.output
    assert place.relations() == before
    done = place.apply(script, "--execute", "--ok-to-drop-table")
    assert done.status == 0, done.output + done.errors
    assert "is applied" in done.output
    relations, ledger = place.relations(), place.ledger()
    again = place.apply(script, "--execute", "--ok-to-drop-table")
    assert (again.status, "nothing to do" in again.output) == (0, True), again.output + again.errors
    assert (place.relations(), place.ledger()) == (relations, ledger)
    assert "done already: there is nothing to do" in place.apply(script).output


def test_alembic(place: Scripted) -> None:
    _twice(place, by_alembic(place))
    assert place.ask("SELECT version_num FROM alembic_version") in ([("a2",)], [["a2"]])
    assert [tuple(row) for row in place.ask("SELECT id, text FROM notes")] == [(1, "it's; one")]
    assert "extra" in place.columns("t")
    assert int(place.ask("SELECT COUNT(*) FROM t WHERE extra = 'new'")[0][0]) == 3000
    kinds = place.ask("SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND column_name = 'n'")
    assert "bigint" in {str(kind) for (kind,) in kinds}


def test_django(place: Scripted) -> None:
    _twice(place, by_django(place))
    assert place.columns("shop_order") == {"id", "code", "note"}
    assert place.columns("shop_line") == {"id", "amount", "order_id"}
    assert "extra" in place.columns("t")


def test_prisma(postgres: sandbox.PostgresServer, new_database: NewDatabase, tmp_path: Path) -> None:
    """Two differences as Prisma's schema engine 8.1.0 (the npm package @prisma/schema-engine-wasm, which knows no MySQL) wrote them down."""
    place = make_scripted(postgres, new_database, tmp_path)
    scripts = Path(__file__).parent / "prisma"
    first = place.apply(scripts / "first.sql", "--execute")
    assert first.status == 0, first.errors
    place.do("INSERT INTO \"Author\" (name) SELECT 'author ' || i FROM generate_series(1, 3000) AS i")
    planned = place.apply(scripts / "second.sql", "--format=json")
    assert planned.status == 0, planned.errors
    ways = [(each["way"], each["strategy"]) for each in json.loads(planned.output)["statements"]]
    assert ways[:3] == [("transaction", ""), ("transaction", "instant"), ("transaction", "")]
    assert ways[3][0] == "later"  # the index is on a column that is not there yet
    done = place.apply(scripts / "second.sql", "--execute")
    assert done.status == 0, done.errors
    assert "in steps" in done.output
    again = place.apply(scripts / "second.sql", "--execute")
    assert (again.status, "nothing to do" in again.output) == (0, True), again.errors
    assert place.columns("Author") == {"id", "name", "email"}
    assert place.columns("Post") == {"id", "authorId", "kind"}
    assert (
        len(place.ask("SELECT 1 FROM pg_index WHERE indexrelid = '\"Author_email_key\"'::regclass AND indisvalid")) == 1
    )


def test_each_way_is_told(one_of_each: Scripted) -> None:
    place = one_of_each
    grow = "ALTER COLUMN n TYPE bigint" if place.postgres else "MODIFY n BIGINT NOT NULL"
    script = f"ALTER TABLE counted ADD x INT;\nALTER TABLE t {grow};\nUPDATE counted SET n = n + 1;\n"
    planned = place.apply(script, "--format=json")
    assert planned.status == 0, planned.errors
    told = json.loads(planned.output)["statements"]
    assert [(each["line"], each["way"]) for each in told] == [
        (1, "transaction" if place.postgres else "direct"), (2, "online"), (3, "transaction"),
    ]  # fmt: skip
    assert "counted" in told[0]["reason"]
    assert "counted" in told[0]["lock"]
    assert told[0]["way_back"]
    assert [each["plan"] is None for each in told] == [True, False, True]
    plan = told[1]["plan"]
    jsonschema.validate(plan, schema())
    assert told[1]["strategy"] == plan["strategy"] == "shadow"
    assert plan["rows"] > 2000
    assert plan["estimate"]["seconds"] is not None


def test_a_plan_in_each_form(one_of_each: Scripted) -> None:
    """By `ghostpy plan`, and by apply without --execute; what looks like Markdown or HTML stays text."""
    place = one_of_each
    grow = "ALTER COLUMN c TYPE varchar(40)" if place.postgres else "MODIFY c VARCHAR(61) CHARACTER SET latin1"
    script = f"INSERT INTO counted VALUES (7, 7 /* <script>|``` */);\nALTER TABLE t {grow};\nDROP TABLE counted;\n"
    before = place.relations()
    for form, marks in {
        "text": ("as by `ghostpy migrate`", "estimate", "way back"),
        "markdown": ("````sql\n", "## 2. ALTER TABLE, line 2", "| estimate |", "- way back: ", "**warn**: "),
        "html": ("<h2>2. ALTER TABLE, line 2</h2>", "time, about", "&lt;script&gt;", "drops-rows"),
    }.items():
        planned = ghostpy("plan", *place.call(script, f"--format={form}")[1:])
        assert planned.status == 0, planned.errors
        assert [mark for mark in marks if mark not in planned.output] == []
        assert "<script" not in planned.output or form != "html"
    assert place.relations() == before
    refused = ghostpy("plan", *place.call("ALTER TABLE t ADD COLUMN c INT;", "--format=html")[1:])
    assert (refused.status, "1 of 1 statements refused" in refused.output) == (3, True), refused.errors
    told = ghostpy("plan", *place.call(script, "--execute")[1:])
    assert (told.status, "--execute means nothing to plan" in told.errors) == (2, True)
    told = place.apply(script, "--execute", "--format=html")
    assert (told.status, "is for plans" in told.errors) == (2, True)
    assert place.relations() == before


def test_a_refusal_in_the_middle_is_got_past(one_of_each: Scripted) -> None:
    """What stands in front of it is done; once the script is mended, it goes on."""
    place = one_of_each
    bad = "UPDATE counted SET n = n + 1;\nALTER TABLE t ADD COLUMN somebody NO_SUCH_TYPE;\nUPDATE counted SET n = n + 10;\n"
    refused = place.apply(bad, "--execute")
    assert refused.status == 3, refused.output + refused.errors
    assert "1 of 3 statements of script.sql are done" in refused.errors
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 1
    mended = bad.replace("NO_SUCH_TYPE", "INT")
    done = place.apply(mended, "--execute")
    assert done.status == 0, done.output + done.errors
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 11
    other = place.apply(mended.replace("n + 1;", "n + 2;"), "--execute")
    assert (other.status, "was changed since it was applied" in other.errors) == (17, True), other.errors
    more = place.apply(mended + "UPDATE counted SET n = n + 100;", "--execute")
    assert more.status == 0, more.errors
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 111


def test_a_large_update(one_of_each: Scripted) -> None:
    place = one_of_each
    refused = place.apply("UPDATE t SET n = n + 1;", "--execute")
    assert (refused.status, "[large-update]" in refused.errors) == (3, True), refused.errors
    assert "ghostpy backfill" in refused.errors
    assert int(place.ask("SELECT SUM(n) FROM t")[0][0]) == 0
    done = place.apply("UPDATE t SET n = n + 1;", "--execute", "--allow", "large-update")
    assert done.status == 0, done.errors
    assert int(place.ask("SELECT SUM(n) FROM t")[0][0]) == 3000


def test_one_transaction_or_nothing(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> None:
    place = make_scripted(request.getfixturevalue("postgres"), new_database, tmp_path)
    before = place.relations()
    script = "BEGIN;\nCREATE TABLE a (id int);\nALTER TABLE t ADD x int;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1/0);\nCOMMIT;"
    failed = place.apply(script, "--execute")
    assert failed.status == 7, failed.errors
    assert place.relations() - before == {"_ghostpy_scripts", "_ghostpy_scripts.statements"}
    assert "x" not in place.columns("t")
    assert place.apply(script.replace("1/0", "1"), "--execute").status == 0
    assert len(place.ask("SELECT id FROM a")) == 2


def test_cleanup_keeps_the_ledger(one_of_each: Scripted) -> None:
    place = one_of_each
    assert place.apply("CREATE TABLE a (id INT);", "--execute").status == 0
    url = f"--url={url_of(place.server, place.database)}"
    listed = ghostpy("cleanup", url, "--execute")
    assert listed.status == 0, listed.errors
    assert "ledger of scripts" in listed.output
    assert place.ledger() == [(1, 1)]
    name = "_ghostpy_scripts" if place.postgres else f"{place.database}._ghostpy_scripts"
    removed = ghostpy("cleanup", url, "--execute", f"--old-tables={name}")
    assert removed.status == 0, removed.errors
    assert not {each for each in place.relations() if "ghostpy" in each}


def test_a_held_table_a_second_call_and_a_signal(one_of_each: Scripted) -> None:
    """It waits in turns for the table, is alone in its database, and ends by SIGTERM with what is done; the same command goes on."""
    place = one_of_each
    script = "UPDATE counted SET n = n + 1;\nCREATE TABLE made (id INT);\nALTER TABLE counted ADD held INT;\n"
    with cursor_of(place.server, place.database) as holder:
        holder.execute("BEGIN")
        holder.execute("SELECT * FROM counted")
        # PostgreSQL would do all of it at once.
        cut = script.replace("CREATE TABLE", "ANALYZE counted;\nCREATE TABLE") if place.postgres else script
        with subprocess.Popen(
            [sys.executable, "-m", "ghostpy", *place.call(cut, "--execute")], stderr=subprocess.PIPE, text=True
        ) as run:
            until(lambda: int(place.ask("SELECT n FROM counted")[0][0]) == 1, "the first statement")
            second = place.apply(place.folder / "script.sql", "--execute")
            assert (second.status, "another `ghostpy apply`" in second.errors) == (75, True), second.errors
            run.send_signal(signal.SIGTERM)
            told = run.communicate(timeout=60)[1]
        assert run.returncode == 143, told
        assert "statements of script.sql are done" in told
        holder.execute("COMMIT")
    done = place.apply(place.folder / "script.sql", "--execute")
    assert done.status == 0, done.errors
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 1
    assert "held" in place.columns("counted")
