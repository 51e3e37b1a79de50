"""A script whose session is lost, and one of which the server cannot tell whether its statement was carried out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from migrating import cursor_of
from scripts import NewDatabase, Scripted, make_scripted
from waiting import until

from ghostpy import sandbox
from ghostpy.dialects.mysql import script_ledger

_TRUNCATES = """
UPDATE counted SET n = n + 1;
TRUNCATE TABLE emptied;
UPDATE counted SET n = n + 10;
"""


def _session(place: Scripted) -> int | None:
    """The number of the session that holds the lock of all scripts."""
    if place.postgres:
        question = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ghostpy apply%'"
    else:
        question = f"SELECT IS_USED_LOCK('{script_ledger.lock_name(place.database, folds=False)}')"
    found = [number for (number,) in place.ask(question) if number is not None]
    return int(found[0]) if found else None


def _ledger(place: Scripted) -> list[tuple[int, int]]:
    return place.ledger() if any("ghostpy_scripts" in name for name in place.relations()) else []


def _end(place: Scripted, session: int) -> None:
    place.do(f"SELECT pg_terminate_backend({session})" if place.postgres else f"KILL {session}")


def _begun(place: Scripted, text: str, *flags: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-m", "ghostpy", *place.call(text, "--execute", "--ok-to-drop-table", *flags)]
    return subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgres"])
def test_its_session_is_lost_beside_a_migration(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    """It takes the lock again, sets again what the script has set, and goes on."""
    place = make_scripted(request.getfixturevalue(kind), new_database, tmp_path)
    grow = "ALTER COLUMN c TYPE varchar(40)" if place.postgres else "MODIFY c VARCHAR(61) CHARACTER SET latin1"
    sets, asks = ("SET timezone = 'Asia/Tokyo'", "current_setting('timezone')")
    if not place.postgres:
        sets, asks = ("SET @mine = 'Asia/Tokyo'", "@mine")
    place.do("CREATE TABLE zones (zone VARCHAR(40))")
    text = f"{sets};\nUPDATE counted SET n = n + 1;\nALTER TABLE t {grow};\nINSERT INTO zones SELECT {asks};\n"
    with cursor_of(place.server, place.database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM t")
        with _begun(place, text, "--default-retries=600") as run:
            until(lambda: _ledger(place) == [(1, 1), (2, 0)], "the migration's note")
            session = _session(place)
            assert session is not None
            _end(place, session)
            until(lambda: _session(place) != session, "the session's end")
            reader.execute("COMMIT")
            told = run.communicate(timeout=120)[0]
    assert run.returncode == 0, told
    assert [(str(zone),) for (zone,) in place.ask("SELECT zone FROM zones")] == [("Asia/Tokyo",)]
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 1
    assert place.ledger() == [(1, 1), (2, 1), (3, 1)]


@pytest.mark.parametrize("said", ["done", "again"])
@pytest.mark.parametrize("kind", ["mysql", "mariadb"])
def test_a_truncate_in_doubt(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str, said: str
) -> None:
    """Killed while it waits for its table: nobody can see whether the server has emptied that since."""
    place = make_scripted(request.getfixturevalue(kind), new_database, tmp_path)
    place.do("CREATE TABLE emptied (id INT)", "INSERT INTO emptied VALUES (1)")
    with cursor_of(place.server, place.database) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM emptied")
        with _begun(place, _TRUNCATES, "--cut-over-lock-timeout-seconds=1") as run:
            until(lambda: _waits(place), "the statement that waits")
            run.kill()
        reader.execute("COMMIT")
    until(lambda: _session(place) is None, "the session's end")
    emptied = not place.ask("SELECT id FROM emptied")
    place.do("DELETE FROM emptied", "INSERT INTO emptied VALUES (2)")
    script = place.folder / "script.sql"
    doubt = place.apply(script, "--execute")
    assert doubt.status == 20, (emptied, doubt.output, doubt.errors)
    assert "does not show whether it was carried out" in doubt.errors
    assert "--in-doubt done" in doubt.errors
    assert place.ledger() == [(1, 1), (2, 0)]
    assert [int(n) for (n,) in place.ask("SELECT n FROM counted")] == [1]
    done = place.apply(script, "--execute", f"--in-doubt={said}")
    assert done.status == 0, done.output + done.errors
    assert [int(one) for (one,) in place.ask("SELECT id FROM emptied")] == ([2] if said == "done" else [])
    assert place.ledger() == [(1, 1), (2, 1), (3, 1)]
    assert [int(n) for (n,) in place.ask("SELECT n FROM counted")] == [11]


def _waits(place: Scripted) -> bool:
    rows = place.ask(
        "SELECT info FROM information_schema.processlist WHERE state LIKE 'Waiting for table metadata lock'"
    )
    return any("TRUNCATE TABLE emptied" in str(info) for (info,) in rows)


def test_its_session_is_lost_between_two_statements(
    mysql: sandbox.MySQLServer, new_database: NewDatabase, tmp_path: Path
) -> None:
    """In the middle of a statement's work the run ends by itself, says how far it came, and the same command goes on."""
    place = make_scripted(mysql, new_database, tmp_path)
    with cursor_of(mysql, place.database) as holder:
        holder.execute("BEGIN")
        holder.execute("UPDATE counted SET n = 0")
        text = "CREATE TABLE made (id INT);\nUPDATE counted SET n = n + 1;\n"
        with _begun(place, text) as run:
            until(lambda: _ledger(place) == [(1, 1)], "the first statement")
            session = _session(place)
            assert session is not None
            _end(place, session)
            told = run.communicate(timeout=60)[0]
        holder.execute("ROLLBACK")
    assert run.returncode == 4, told
    assert "1 of 2 statements of script.sql are done" in told
    done = place.apply(place.folder / "script.sql", "--execute")
    assert done.status == 0, done.output + done.errors
    assert [int(n) for (n,) in place.ask("SELECT n FROM counted")] == [1]
