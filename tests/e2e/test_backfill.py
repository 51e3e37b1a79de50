"""`ghostpy backfill` on real servers: each row exactly once, beside an application that writes; stopped, throttled, and gone on with."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from backfilling import ALONE, STEP, Application, Backfilled, Run, assert_each_once, make_backfilled, running
from migrating import Finished, cursor_of, ghostpy, url_of
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
KINDS = ["mysql", "mariadb", "postgres"]
SLOWLY = ("--chunk-size=10", "--nice-ratio=3", "--display=lines")
_MANY = 30_000


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Backfilled:
    return make_backfilled(request.getfixturevalue(request.param), new_database)


@pytest.fixture(params=["mysql", "postgres"])
def one_of_each(request: pytest.FixtureRequest, new_database: NewDatabase) -> Backfilled:
    return make_backfilled(request.getfixturevalue(request.param), new_database)


def assert_done(place: Backfilled, finished: Finished) -> None:
    """It ended well, and left nothing."""
    assert finished.status == 0, finished.output + finished.errors
    assert place.tables() == ALONE[place.server.kind]


def test_each_row_once_beside_writers(place: Backfilled, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with Application(place) as application:
        until(lambda: application.wrote.transactions > 20, "transactions of the application")
        finished = place.run("--execute", "--chunk-size=100", "--nice-ratio=1", f"--report={report}")
        seen = application.wrote.transactions
        until(lambda: application.wrote.transactions > seen + 20, "more of them")
    assert_done(place, finished)
    assert_each_once(place, application.wrote)
    assert f"{place.table} is updated." in finished.output
    told = json.loads(report.read_text())
    assert told["outcome"]["result"] == "updated"
    assert told["change"]["assignments"] == {"n": "n + 1"}
    assert told["figures"]["rows_updated"] >= 4000


def test_a_dry_run_changes_nothing(one_of_each: Backfilled) -> None:
    place = one_of_each
    planned = place.run()
    assert planned.status == 0, planned.errors
    assert "This was a dry run: nothing was changed" in planned.output
    assert "n = n + 1" in planned.output
    assert "wanted = 1" in planned.output
    assert place.tables() == ALONE[place.server.kind]
    assert place.updated() == 0


def test_several_columns_along_a_key_of_several(one_of_each: Backfilled) -> None:
    """Odd names, a key of text and numbers, no filter, a column that takes its default, and one that is computed from another."""
    server, database = one_of_each.server, one_of_each.database
    postgres = server.kind == "postgres"
    quoted = (lambda name: f'"{name}"') if postgres else (lambda name: f"`{name}`")
    table, kind, of, value = (
        quoted(name) for name in ("Odd 't", "kind of", "select", "va`lue" if postgres else 'va"lue')
    )
    one_of_each.do(
        f"CREATE TABLE {table} ({kind} VARCHAR(20) NOT NULL, {of} INT NOT NULL, {value} INT DEFAULT 7, doubled INT, "
        f"PRIMARY KEY ({of}, {kind}))",
        *(
            f"INSERT INTO {table} VALUES "
            + ", ".join(f"('k''{n % 7} é', {n - 60}, 0, NULL)" for n in range(start, start + 300))
            for start in (0, 300)
        ),
    )
    name = '"Odd \'t"' if postgres else "Odd 't"
    finished = ghostpy(
        "backfill", f"--url={url_of(server, database)}", f"--table={name}", "--execute", "--chunk-size=20",
        f"--set={value}=DEFAULT", f"--set=doubled = {of} * 2",
    )  # fmt: skip
    assert finished.status == 0, finished.output + finished.errors
    wrong = f"SELECT COUNT(*), SUM(CASE WHEN {value} = 7 AND doubled = {of} * 2 THEN 1 ELSE 0 END) FROM {table}"
    assert one_of_each.ask(wrong) == [(600, 600)]
    assert len(one_of_each.tables()) == 2


def test_a_partitioned_table(postgres: sandbox.PostgresServer, new_database: NewDatabase) -> None:
    place = Backfilled(postgres, new_database(postgres))
    place.do(
        "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, wanted INT NOT NULL) PARTITION BY HASH (id)",
        *(f"CREATE TABLE t_{i} PARTITION OF t FOR VALUES WITH (MODULUS 3, REMAINDER {i})" for i in range(3)),
        "INSERT INTO t VALUES " + ", ".join(f"({2 * n}, 0, {n % 2})" for n in range(1000)),
    )
    finished = place.run("--execute", "--chunk-size=70")
    assert finished.status == 0, finished.errors
    assert_each_once(place, rows=1000)


def test_an_empty_table(one_of_each: Backfilled) -> None:
    one_of_each.do("DELETE FROM t")
    assert_done(one_of_each, one_of_each.run("--execute"))


def test_what_comes_with_any_update(one_of_each: Backfilled) -> None:
    """Triggers run, and MySQL's ON UPDATE columns move, unless they are set: it is said beforehand."""
    place = one_of_each
    if place.server.kind == "postgres":
        place.do(
            "CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.c := 'marked'; RETURN NEW; END $$",
            "CREATE TRIGGER marks BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION mark()",
        )
    else:
        place.do(
            "ALTER TABLE t ADD moved TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP, ADD kept TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP",
            "CREATE TRIGGER marks BEFORE UPDATE ON t FOR EACH ROW SET NEW.c = 'marked'",
        )
        place = replace(place, sets=(*place.sets, "kept = kept"))
    finished = place.run("--execute")
    assert finished.status == 0, finished.errors
    assert_each_once(place)
    assert "triggers of" in finished.errors
    assert place.ask("SELECT COUNT(*) FROM t WHERE c = 'marked'") == [(5000,)]
    if place.server.kind != "postgres":
        assert "moved becomes the time of the backfill" in finished.errors
        assert place.ask("SELECT COUNT(moved), COUNT(kept) FROM t") == [(5000, 0)]


def test_a_row_that_does_not_fit_is_named(place: Backfilled) -> None:
    """What comes before it is done; once it is corrected, the same command does the rest."""
    place.do("UPDATE t SET n = 2147483647 WHERE id = 14002", "UPDATE t SET n = 2147483647 WHERE id = 14000")
    refused = place.run("--execute", "--chunk-size=300")
    assert refused.status == 7, refused.output + refused.errors
    assert "the row is the one with id = 14002" in refused.errors
    assert re.search(r"is updated in part: 3,500 rows so far, each of them once", refused.errors)
    assert place.ask("SELECT COUNT(*), MAX(id) FROM t WHERE n = 1") == [(3500, 13998)]
    place.do("UPDATE t SET n = 0 WHERE id IN (14000, 14002)")
    assert_done(place, place.run("--execute", "--resume"))
    assert_each_once(place)


def test_somebody_holds_a_row_for_long(place: Backfilled, tmp_path: Path) -> None:
    """The backfill gives way, and is in nobody's way; whoever waits for other rows of the chunk is not held up."""
    with cursor_of(place.server, place.database) as holder, cursor_of(place.server, place.database) as other:
        holder.execute("BEGIN")
        holder.execute(f"UPDATE t SET n = n + {STEP} WHERE id = 10002")
        with running(place, tmp_path, "--chunk-size=500", "--default-retries=1000", "--verbose") as run:
            run.until(lambda: "a chunk gave way" in run.told(), "the run to give way")
            run.until(lambda: place.updated() >= 2490, "all rows up to the one that is held")
            for _ in range(20):
                other.execute(f"UPDATE t SET n = n + {STEP} WHERE id = 10010")
            holder.execute("COMMIT")
            finished = run.ended()
    assert_done(place, finished)
    place.do(f"UPDATE t SET n = n - {STEP} WHERE id = 10002", f"UPDATE t SET n = n - 20 * {STEP} WHERE id = 10010")
    assert_each_once(place)


# --- steered, stopped and gone on with --------------------------------------------------------------------------------

_STATUS = r"Rows: \d+/\d+ .*; Updated: \d+; .*State: "
_HINTS = r"# Updating .*\n(#.*\n)*" + _STATUS
SESSION = [
    ("help", r"status.*\n(.*\n)*.*chunk-size"),
    ("status", _HINTS),
    ("sup", "^" + _STATUS),
    ("eta", r"^(N/A|due|\d)"),
    ("explain", r"^[A-Z].*\.$"),
    ("chunk-size=?", "^10$"),
    ("chunk-size=15", _HINTS),
    ("chunk-size=?", "^15$"),
    ("nice-ratio=15", _HINTS),
    ("nice-ratio=?", r"^15"),
    ("max-load=", _HINTS),
    ("throttle-query=SELECT 0 = 1", "# Note"),
    ("throttle-query=", "# Note"),
    ("window=?", "^$"),
    ("coordinates", "^coordinates means nothing to a backfill: it follows no changes$"),
    ("dml-batch-size=?", "means nothing to a backfill"),
    ("workers=4", "means nothing to a backfill: its chunks go one after the other"),
    ("unpostpone", "means nothing to a backfill: it exchanges no tables"),
    ("cut-over", "means nothing to a backfill"),
    ("revert", "means nothing to a backfill"),
    ("abort", "means nothing to a backfill: .*say `stop`"),
    ("throttle=another_table", "but migrated table is"),
    ("make-me-a-sandwich", "^unknown command"),
]


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_steered_and_stopped(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    place = make_backfilled(request.getfixturevalue(kind), new_database, _MANY)
    with Application(place, _MANY) as application:
        with running(place, tmp_path, *SLOWLY, "--verbose") as run:
            run.until_served()
            run.until(lambda: run.figures()["rows_copied"], "rows")
            for line, pattern in SESSION:
                answer = run.say(line).removesuffix("\n")
                assert re.search(pattern, answer), f"{line!r} was answered {answer!r}"
            second = place.run("--execute")
            assert second.status == 75, second.errors
            run.say("throttle")
            run.until(lambda: "throttled, commanded by user" in run.say("sup"), "the rest")
            assert "It rests: commanded by user" in run.say("explain")
            # A chunk under way is finished.
            run.until(lambda: _stands_still(place), "nothing more to be updated")
            before = run.figures()["rows_copied"]
            run.say("no-throttle")
            run.until(lambda: run.figures()["rows_copied"] > before, "more rows")
            assert run.say("stop").startswith("Stopping"), run.told()
            stopped = run.ended()
        assert stopped.status == 14, stopped.errors
        assert "is updated in part" in stopped.errors
        assert "the same command goes on from there" in stopped.errors
        assert not run.socket.exists()
        assert 0 < place.updated() < _MANY // 2
        finished = place.run("--execute", "--verbose")
    assert "going on with the work of an earlier run" in finished.errors
    assert_done(place, finished)
    assert_each_once(place, application.wrote, _MANY)


def _stands_still(place: Backfilled) -> bool:
    before = place.updated()
    time.sleep(0.4)
    return place.updated() == before


ENDS: dict[str, tuple[int, Callable[[Run], object]]] = {
    "mysql": (143, lambda run: run.process.send_signal(signal.SIGTERM)),
    "postgres": (13, lambda run: run.say("panic")),
}


def test_ended_at_once_and_gone_on_with(one_of_each: Backfilled, tmp_path: Path) -> None:
    """By a signal, or by an operator's `panic`: the same command goes on."""
    place = one_of_each
    status, end = ENDS[place.server.kind]
    with Application(place) as application:
        with running(place, tmp_path, *SLOWLY) as run:
            run.until_served()
            run.until(place.updated, "rows")
            end(run)
            ended = run.ended()
        assert ended.status == status, ended.errors
        assert "The ledger says which: the same command goes on from there" in ended.errors
        assert place.is_begun()
        finished = place.run("--execute")
    assert_done(place, finished)
    assert_each_once(place, application.wrote)


def test_throttled_from_the_beginning(one_of_each: Backfilled, tmp_path: Path) -> None:
    """By a flag file, then by a load: nothing is updated before either is over."""
    place, flag = one_of_each, tmp_path / "rest"
    flag.touch()
    busy = "active_sessions=0" if place.server.kind == "postgres" else "Threads_connected=1"
    with running(place, tmp_path, f"--throttle-flag-file={flag}") as run:
        run.until_served()
        run.until(lambda: "throttled, flag-file" in run.say("sup"), "the rest")
        run.say(f"max-load={busy}")
        flag.unlink()
        run.until(
            lambda: re.search(f"throttled, (max-load )?{busy.partition('=')[0]}", run.say("sup")), "the other rest"
        )
        assert place.updated() == 0
        run.say("max-load=")
        finished = run.ended()
    assert_done(place, finished)
    assert_each_once(place)


def test_a_hook_that_fails_at_the_end(mysql: sandbox.MySQLServer, new_database: NewDatabase, tmp_path: Path) -> None:
    """The exit code says that something is amiss, so people run the command again: that must not update anything again."""
    place = make_backfilled(mysql, new_database)
    hook = tmp_path / "gh-ost-on-success"
    hook.write_text("#!/bin/sh\nexit 7\n")
    hook.chmod(0o755)
    failed = place.run("--execute", f"--hooks-path={tmp_path}")
    assert failed.status == 16, failed.errors
    assert "is updated, all of it: 5,000 rows" in failed.errors
    hook.unlink()
    assert_done(place, place.run("--execute", f"--hooks-path={tmp_path}"))
    assert_each_once(place)


@pytest.mark.soak
def test_a_change_of_the_table_in_between(one_of_each: Backfilled, tmp_path: Path) -> None:
    """Beside a backfill there is no change of the table; one that was stopped goes on in the table's new form."""
    place = one_of_each
    alter = "ALTER COLUMN wanted TYPE bigint" if place.server.kind == "postgres" else "MODIFY wanted BIGINT NOT NULL"
    change = (
        *("migrate", f"--url={url_of(place.server, place.database)}", "--table=t", f"--alter={alter}", "--execute"),
        "--ok-to-drop-table",
    )
    with running(place, tmp_path, *SLOWLY, "--nice-ratio=10") as run:
        run.until_served()
        run.until(place.updated, "rows")
        beside = ghostpy(*change)
        assert beside.status == 75, beside.errors
        run.say("stop")
        assert run.ended().status == 14
    changed = ghostpy(*change)
    assert changed.status == 0, changed.errors
    assert place.is_begun()
    assert_done(place, place.run("--execute", "--resume"))
    assert_each_once(place)
