"""A run that ended before it was done is gone on with, by the same command: from any phase, after anything that left its work in place."""

from __future__ import annotations

import json
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import program
import pytest
from migrating import Finished, cursor_of
from watched import Place, make_place, started

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_SLOWLY = ("--chunk-size=20", "--workers=1", "--nice-ratio=15", "--checkpoint-seconds=1", "--execute")
_WITHIN = 60.0
_ON = "going on with the work of an earlier run"


@pytest.fixture(
    params=["mysql", "postgres", *(pytest.param(each, marks=pytest.mark.soak) for each in ("mariadb", "mariadb_11"))]
)
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    return make_place(request.getfixturevalue(request.param), new_database)


@pytest.fixture(params=["mysql", "postgres"])
def of_two(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    return make_place(request.getfixturevalue(request.param), new_database)


def _checkpoint(place: Place) -> dict[str, Any] | None:
    """What the ledger says, if there is any."""
    question = (
        "SELECT value FROM _public_t_gho._ghostpy_ledger WHERE id = 'checkpoint'"
        if place.server.kind == "postgres"
        else "SELECT text FROM _t_ghc WHERE id = 'checkpoint'"
    )
    try:
        with cursor_of(place.server, place.database) as cursor:
            cursor.execute(question)
            row = cursor.fetchone()
    except Exception:
        return None
    return None if row is None else dict(json.loads(row[0]))


def _until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not true():
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


def _course(place: Place) -> dict[str, Any]:
    found = _checkpoint(place)
    return {} if found is None else dict(found["course"])


def _ended(process: program.Program, number: signal.Signals) -> int:
    process.send_signal(number)
    return process.wait(_WITHIN)


def _write_a_little(place: Place) -> None:
    """Changes that nobody follows at the time, all over the table."""
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute("UPDATE t SET v = v + 100000 WHERE id % 7 = 0")
        cursor.execute("DELETE FROM t WHERE id % 11 = 0")
        cursor.execute("UPDATE t SET id = id + 1000000 WHERE id % 500 = 3")
        cursor.execute("INSERT INTO t VALUES (-5, 5), (3000000, 6)")
        cursor.execute("COMMIT")


def _same(place: Place) -> None:
    """The old table and the new one agree, and nothing else of ours is there."""
    old = '"_public_t_del".t' if place.server.kind == "postgres" else "_t_del"
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute(f"SELECT id, v FROM {old} ORDER BY id")
        before = list(cursor.fetchall())
        cursor.execute("SELECT id, v FROM t ORDER BY id")
        assert list(cursor.fetchall()) == before
        if place.server.kind == "postgres":
            cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%gho'")
            assert cursor.fetchall() == []
            cursor.execute("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
            assert cursor.fetchall() == []
        else:
            cursor.execute("SHOW TABLES")
            assert {row[0] for row in cursor.fetchall()} == {"t", "_t_del"}


def _goes_on(place: Place, *flags: str) -> Finished:
    done = place.run("--execute", *flags)
    assert done.status == 0, done.errors
    assert _ON in done.errors
    _same(place)
    return done


def _ended_in_the_copy(place: Place, folder: Path, number: signal.Signals, *flags: str) -> int:
    with started(place, folder, *_SLOWLY, *flags) as process:
        _until(lambda: _course(place).get("low"), "a checkpoint")
        _write_a_little(place)
        time.sleep(0.3)
        return _ended(process, number)


def test_killed_in_the_copy(place: Place, tmp_path: Path) -> None:
    _ended_in_the_copy(place, tmp_path, signal.SIGKILL)
    done_before = int(_course(place)["rows_copied"])
    assert 0 < done_before < 20_000
    _write_a_little_more(place)
    done = _goes_on(place)
    assert f"{done_before} rows are copied" in done.errors


def _write_a_little_more(place: Place) -> None:
    with cursor_of(place.server, place.database) as cursor:
        cursor.execute("UPDATE t SET v = v + 1 WHERE id % 13 = 0")
        cursor.execute("DELETE FROM t WHERE id % 17 = 0")
        cursor.execute("COMMIT")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ended_by_a_signal(of_two: Place, tmp_path: Path, number: signal.Signals) -> None:
    assert _ended_in_the_copy(of_two, tmp_path, number) == 128 + number
    told = (tmp_path / "errors").read_text()
    assert "the same command goes on from there" in told.replace("\n", " ")
    _write_a_little_more(of_two)
    _goes_on(of_two)


def test_what_is_not_worth_it_is_not_left(of_two: Place, tmp_path: Path) -> None:
    with started(of_two, tmp_path, *_SLOWLY[:-2], "--checkpoint-seconds=60", "--execute") as process:
        _until(lambda: "State: migrating" in (tmp_path / "output").read_text(), "a run under way")
        assert _ended(process, signal.SIGTERM) == 128 + signal.SIGTERM
    done = of_two.run("--execute")
    assert done.status == 0, done.errors
    assert _ON not in done.errors
    _same(of_two)


def test_stopped_at_its_deadline(of_two: Place) -> None:
    runs = 0
    while True:
        # On a busy machine a deadline may come before there is anything to be kept.
        left = bool(_course(of_two))
        done = of_two.run(*_SLOWLY, "--nice-ratio=5", "--deadline=2s")
        runs += 1
        assert (_ON in done.errors) == left, done.errors
        if done.status == 0:
            break
        assert done.status == 14, done.errors
        assert runs < 60
        _write_a_little_more(of_two)
    # How many it takes depends on the machine.
    assert runs > 1
    assert left
    _same(of_two)


def _hook(folder: Path, name: str, script: str) -> str:
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    path = hooks / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"--hooks-path={hooks}"


def test_killed_before_the_comparison(place: Place, tmp_path: Path) -> None:
    flag = tmp_path / "rest"
    hook = _hook(tmp_path, "gh-ost-on-row-copy-complete", f"touch {flag}; sleep 2")
    with started(
        place, tmp_path, "--execute", "--checkpoint-seconds=1", hook, f"--throttle-flag-file={flag}"
    ) as process:
        _until(lambda: _course(place).get("indexed"), "a checkpoint with indexes")
        _write_a_little(place)
        time.sleep(0.3)
        _ended(process, signal.SIGKILL)
    _goes_on(place)


def test_killed_while_the_cut_over_is_postponed(place: Place, tmp_path: Path) -> None:
    flag = tmp_path / "postponed"
    with started(
        place, tmp_path, "--execute", "--checkpoint-seconds=1", f"--postpone-cut-over-flag-file={flag}"
    ) as process:
        _until(lambda: _course(place).get("compared"), "a checkpoint after the comparison")
        _write_a_little(place)
        time.sleep(0.3)
        _ended(process, signal.SIGKILL)
    flag.unlink()
    done = _goes_on(place)
    assert "rows copied       20,000" in done.output


def test_the_position_moves_on_while_it_rests(of_two: Place, tmp_path: Path) -> None:
    """Dirty keys are in the checkpoint, so that the server may forget what they came from."""
    flag = tmp_path / "rest"
    with started(of_two, tmp_path, *_SLOWLY, f"--throttle-flag-file={flag}") as process:
        _until(lambda: _course(of_two).get("low"), "a checkpoint")
        flag.touch()
        time.sleep(1.5)
        before = _checkpoint(of_two)
        _write_a_little(of_two)
        _until(lambda: (_checkpoint(of_two) or {}).get("parts"), "keys in a checkpoint")
        after = _checkpoint(of_two)
        assert before is not None
        assert after is not None
        assert before["position"] != after["position"]
        _ended(process, signal.SIGKILL)
    _goes_on(of_two)


def _refused(place: Place, *flags: str) -> str:
    done = place.run("--execute", *flags)
    assert done.status == 17, done.errors
    assert "--restart" in done.errors
    assert "Traceback" not in done.errors
    assert _course(place).get("low"), "the earlier run's work is gone"
    return done.errors.replace("\n", " ")


def _anew(place: Place) -> None:
    done = place.run("--execute", "--restart")
    assert done.status == 0, done.errors
    assert _ON not in done.errors
    _same(place)


def test_refused_where_the_table_is_another(of_two: Place, tmp_path: Path) -> None:
    _ended_in_the_copy(of_two, tmp_path, signal.SIGKILL)
    with cursor_of(of_two.server, of_two.database) as cursor:
        cursor.execute("ALTER TABLE t ADD COLUMN n INT")
        cursor.execute("COMMIT")
    assert "the table's definition" in _refused(of_two)
    _anew(of_two)


def test_refused_where_the_stream_does_not_reach_back(place: Place, tmp_path: Path) -> None:
    _ended_in_the_copy(place, tmp_path, signal.SIGKILL)
    with cursor_of(place.server, place.database) as cursor:
        if place.server.kind == "postgres":
            _until(lambda: _slots_are_free(cursor), "the slot to be free")
            cursor.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
            )
            cursor.execute("COMMIT")
        else:
            cursor.execute("FLUSH BINARY LOGS")
            cursor.execute("FLUSH BINARY LOGS")
            cursor.execute("SHOW BINARY LOGS")
            last = cursor.fetchall()[-1][0]
            _until(lambda: _purged(cursor, last), "the binlog to be purged")
    assert "does not reach back" in _refused(place)
    _anew(place)


def _slots_are_free(cursor: Any) -> bool:
    cursor.execute("SELECT count(*) FROM pg_replication_slots WHERE active AND database = current_database()")
    return bool(cursor.fetchone()[0] == 0)


def _purged(cursor: Any, last: str) -> bool:
    cursor.execute(f"PURGE BINARY LOGS TO '{last}'")
    cursor.execute("SHOW BINARY LOGS")
    return bool(cursor.fetchall()[0][0] == last)


def test_refused_where_the_shadow_is_gone(of_two: Place, tmp_path: Path) -> None:
    _ended_in_the_copy(of_two, tmp_path, signal.SIGKILL)
    with cursor_of(of_two.server, of_two.database) as cursor:
        cursor.execute("DROP TABLE _public_t_gho.t" if of_two.server.kind == "postgres" else "DROP TABLE _t_gho")
        cursor.execute("COMMIT")
    done = of_two.run("--execute")
    assert done.status == 17, done.errors
    _anew(of_two)


def test_refused_where_there_is_nothing_to_go_on_with(of_two: Place) -> None:
    done = of_two.run("--execute", "--resume")
    assert done.status == 17, done.errors
    assert "--resume: no earlier run has left anything" in done.errors


def test_goes_on_after_a_failover(new_database: NewDatabase, tmp_path: Path) -> None:
    """By GTID: what was executed means the same on the replica that has become the primary."""
    with sandbox.mysql() as primary:
        replica = primary.replica()
        place = make_place(primary, new_database)
        _ended_in_the_copy(place, tmp_path, signal.SIGKILL)
        executed = str(primary.execute("SELECT @@GLOBAL.gtid_executed AS g")[0]["g"])
        waited = replica.execute(f"SELECT WAIT_FOR_EXECUTED_GTID_SET('{executed}', 60) AS w")[0]["w"]
        assert waited == 0
        primary.stop()
        replica.execute(
            "STOP REPLICA", "RESET REPLICA ALL", "SET GLOBAL super_read_only = 0", "SET GLOBAL read_only = 0"
        )
        there = Place(replica, place.database)
        _write_a_little_more(there)
        _goes_on(there)
