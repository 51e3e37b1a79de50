"""`import ghostpy`: planned, carried out under writers, watched, taken back, broken off and gone on with, from Python."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from going_back import Place
from migrating import Finished, cursor_of, url_of
from under_load import PGBENCH, SYSBENCH, Change, assert_followed

import ghostpy
from ghostpy import errors, sandbox
from ghostpy.cli.plan_schema import schema
from ghostpy.dialects.mysql import session as mysql_session
from ghostpy.dialects.postgres import session as postgres_session
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]

_ALTER = {
    "mysql": "MODIFY v BIGINT NOT NULL, ADD COLUMN extra INT NOT NULL DEFAULT 7",
    "postgres": "ALTER v TYPE bigint, ADD extra int NOT NULL DEFAULT 7",
}
_OLD = {"mysql": "_t_del", "postgres": '"_public_t_del".t'}


@pytest.fixture(params=["mysql", "postgres"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Place:
    """A database with a table `t` of 200 rows."""
    server: sandbox.Server = request.getfixturevalue(request.param)
    place = Place(server, new_database(server))
    place.do(
        "CREATE TABLE t (id INT PRIMARY KEY, v INT NOT NULL)",
        f"INSERT INTO t (id, v) VALUES {', '.join(f'({number}, {number * 3})' for number in range(200))}",
    )
    return place


def _url(place: Place) -> str:
    return url_of(place.server, place.database)


def _tables(place: Place) -> set[str]:
    if place.server.kind == "postgres":
        own = "schemaname NOT IN ('pg_catalog', 'information_schema')"
        return {".".join(row) for row in place.ask(f"SELECT schemaname, tablename FROM pg_tables WHERE {own}")}
    return {row[0] for row in place.ask("SHOW TABLES")}


_SLOWLY: dict[str, Any] = {"chunk_size": 10, "workers": 1, "nice_ratio": 20, "checkpoint_seconds": 1}
"""Settings by which a run rests for seconds after each third of a second."""


def _add_rows(place: Place, until: int) -> None:
    for first in range(200, until, 1000):
        rows = ", ".join(f"({number}, {number * 3})" for number in range(first, min(until, first + 1000)))
        place.do(f"INSERT INTO t (id, v) VALUES {rows}")


class _Held:
    """Runs that rest in their copy until they are let go."""

    def __init__(self, flag: Path) -> None:
        self.flag = flag
        self.flag.touch()
        self.resting = threading.Semaphore(0)

    @property
    def settings(self) -> dict[str, Any]:
        told = False

        def watch(progress: ghostpy.Progress) -> None:
            nonlocal told
            if progress.throttle_reason and progress.phase is ghostpy.Phase.COPY and not told:
                told = True
                self.resting.release()

        return {"throttle_flag_file": self.flag, "on_progress": watch}


def test_a_plan_says_what_the_document_says(place: Place) -> None:
    before = _tables(place)
    plan = ghostpy.plan(_url(place), "t", _ALTER[place.server.kind], chunk_size=50)
    assert plan.strategy is ghostpy.Strategy.SHADOW
    assert plan.table.endswith(".t")
    assert plan.dialect == place.server.kind
    assert "chunks 50 rows" in plan.steps[0].does
    assert any(step.blocks is ghostpy.Blocks.ALL for step in plan.steps)
    assert plan.estimate is not None
    assert plan.estimate.seconds is not None
    assert plan.way_back
    assert plan.checks_before
    assert plan.checks_after
    assert plan.alternatives
    document = json.loads(json.dumps(plan.document))
    jsonschema.validate(document, schema())
    assert document["strategy"] == plan.strategy.value
    assert [each["does"] for each in document["steps"]] == [each.does for each in plan.steps]
    assert [each["code"] for each in document["findings"]] == [each.code for each in plan.findings]
    assert _tables(place) == before


def test_a_refusal_has_its_findings(place: Place) -> None:
    with pytest.raises(errors.PlanRefused) as refused:
        ghostpy.plan(_url(place), "t", _ALTER[place.server.kind], strategy="online")
    assert ghostpy.Severity.REFUSE in {each.severity for each in refused.value.findings}
    assert isinstance(refused.value, ghostpy.GhostpyError)
    assert refused.value.exit_code == 3


@pytest.mark.parametrize(("kind", "change"), [("mysql", SYSBENCH), ("postgres", PGBENCH)], ids=["mysql", "postgres"])
def test_nothing_is_lost_under_writers(
    request: pytest.FixtureRequest,
    new_database: NewDatabase,
    kind: str,
    change: Change,
    capfd: pytest.CaptureFixture[str],
) -> None:
    server: sandbox.Server = request.getfixturevalue(kind)
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        fill(cursor, change.shape, change.table, 40_000)
    load = Load(
        server.host, server.port, database, change.table, 40_000, user=server.user, rate=300, shape=change.shape
    )
    seen: list[ghostpy.Progress] = []
    capfd.readouterr()
    with Writers(load) as writers:
        time.sleep(0.3)
        began = time.monotonic()
        result = ghostpy.migrate(url_of(server, database), change.table, change.alter, on_progress=seen.append)
        ended = time.monotonic()
        time.sleep(0.5)
        committed = writers.stop()
    assert capfd.readouterr() == ("", "")
    with cursor_of(server, database) as cursor:
        assert_followed(cursor, change, committed, Finished(0, "", "", began, ended))
        cursor.execute(f"SELECT MIN(extra), MAX(extra) FROM {change.table}")
        assert cursor.fetchone() == (7, 7)
    assert result.strategy is ghostpy.Strategy.SHADOW
    assert result.changed
    assert result.verified
    assert result.rows_copied >= 40_000 * 0.9
    assert result.changes_seen > 0
    assert 0 < result.writers_held_seconds < result.seconds <= ended - began
    assert result.old_table is not None
    assert change.old.replace('"', "").split(".")[0] in result.old_table
    assert result.drop_old.startswith("DROP TABLE")
    assert "extra" in result.definition
    _assert_in_order(seen)
    assert {ghostpy.Phase.COPY, ghostpy.Phase.CUT_OVER} & {each.phase for each in seen}


def _assert_in_order(seen: list[ghostpy.Progress]) -> None:
    assert len(seen) > 2
    for figure in ("elapsed", "rows_copied", "rows_verified", "changes_applied", "copy_complete"):
        figures = [getattr(each, figure) for each in seen]
        assert figures == sorted(figures), figure
    with pytest.raises(AttributeError):
        seen[0].elapsed = 0.0  # type: ignore[misc]


@pytest.mark.parametrize("place", ["mysql", "mariadb", "postgres"], indirect=True)
def test_one_right_after_the_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has given its lock up when it returns, however long the server takes to end the session that had it."""
    kind = mysql_session if place.server.kind != "postgres" else postgres_session
    kept: list[Any] = []
    end = kind.Session.close

    async def later(session: Any) -> None:
        if "heartbeat" in (getattr(session, name, "") for name in ("purpose", "_purpose")) and session.is_open:
            kept.append(session._connection)
            session._connection = None
        await end(session)

    monkeypatch.setattr(kind.Session, "close", later)
    for number in range(2):
        done = ghostpy.migrate(_url(place), "t", f"ADD COLUMN c{number} INT", strategy="auto")
        assert done.strategy is ghostpy.Strategy.INSTANT
    assert kept
    for connection in kept:
        connection.pgconn.finish() if place.server.kind == "postgres" else connection.close()


def test_a_change_that_is_there_already_is_no_change(place: Place) -> None:
    alter = "ADD COLUMN extra INT NOT NULL DEFAULT 7"
    first = ghostpy.migrate(_url(place), "t", alter)
    assert first.changed
    second = ghostpy.migrate(_url(place), "t", alter)
    assert second.strategy is ghostpy.Strategy.NOTHING
    assert not second.changed


@pytest.mark.parametrize("place", ["mysql", "mariadb", "postgres"], indirect=True)
def test_a_change_is_taken_back_with_what_was_written_since(place: Place) -> None:
    result = ghostpy.migrate(
        _url(place), "t", _ALTER["postgres" if place.server.kind == "postgres" else "mysql"], keep_revertible=True
    )
    assert result.revertible
    place.do("INSERT INTO t (id, v) VALUES (1000, 1)", "UPDATE t SET v = -1 WHERE id = 5", "DELETE FROM t WHERE id = 6")
    tables = _tables(place)
    plan = ghostpy.plan_revert(_url(place), "t")
    assert plan.strategy is ghostpy.Strategy.REVERT
    assert any(step.blocks is ghostpy.Blocks.ALL for step in plan.steps)
    assert _tables(place) == tables
    assert place.ask("SELECT COUNT(extra) FROM t") == [(200,)]  # one more, one fewer
    back = ghostpy.revert(_url(place), "t")
    assert back.strategy is ghostpy.Strategy.REVERT
    rows = place.ask("SELECT * FROM t ORDER BY id")
    expected = {number: number * 3 for number in range(200) if number != 6} | {5: -1, 1000: 1}
    assert rows == sorted(expected.items())


def test_what_cannot_be_taken_back_is_said_so(place: Place) -> None:
    for call in (ghostpy.revert, ghostpy.plan_revert):
        with pytest.raises(errors.CannotResume, match="nothing was changed"):
            call(_url(place), "t")


def test_a_server_that_is_not_there(place: Place) -> None:
    url = f"{_url(place).partition(':')[0]}://app:s3cretpassword@127.0.0.1:1/shop"
    with pytest.raises(errors.ConnectionFailed) as failed:
        ghostpy.migrate(url, "t", "ADD COLUMN x INT")
    told = (
        "".join(traceback.format_exception(failed.value))
        + repr(failed.value)
        + failed.value.message
        + failed.value.hint
    )
    assert "s3cretpassword" not in told
    assert "not changed" in told


def test_a_loop_is_not_held_up(place: Place) -> None:
    async def held() -> None:
        ghostpy.plan(_url(place), "t", "ADD COLUMN x INT")

    with pytest.raises(errors.UsageError, match=r"event loop.*nothing was changed") as refused:
        asyncio.run(held())
    assert refused.value.hint == "Await ghostpy.aplan there."

    async def awaited() -> ghostpy.Plan:
        return await ghostpy.aplan(_url(place), "t", "ADD COLUMN x INT")

    assert asyncio.run(awaited()).table.endswith("t")


def test_a_task_that_is_cancelled_is_gone_on_with(place: Place) -> None:
    _add_rows(place, 20_000)

    async def broken_off() -> list[str]:
        loop, begun = asyncio.get_running_loop(), asyncio.Event()

        def watch(progress: ghostpy.Progress) -> None:
            # Behind the first checkpoint: less is not worth keeping.
            if progress.phase is ghostpy.Phase.COPY and progress.rows_copied and progress.elapsed > 3:
                loop.call_soon_threadsafe(begun.set)

        run = ghostpy.amigrate(_url(place), "t", _ALTER[place.server.kind], on_progress=watch, **_SLOWLY)
        task = asyncio.create_task(run)
        await asyncio.wait_for(begun.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError) as ended:
            await task
        return list(ended.value.__notes__)

    [note] = asyncio.run(broken_off())
    assert "was not changed" in note
    before = place.ask("SELECT id, v FROM t ORDER BY id")
    assert len(before) == 20_000
    result = ghostpy.migrate(_url(place), "t", _ALTER[place.server.kind], resume=True)
    # A chunk that was under way is copied again.
    assert 20_000 <= result.rows_copied < 2 * 20_000
    assert place.ask("SELECT id, v, extra FROM t ORDER BY id") == [(*row, 7) for row in before]
    assert place.ask(f"SELECT id, v FROM {_OLD[place.server.kind]} ORDER BY id") == before


_INTERRUPTED = """
import os, signal, sys
import ghostpy

def watch(progress):
    if progress.phase is ghostpy.Phase.COPY and progress.throttle_reason and not seen:
        seen.append(progress)
        os.kill(os.getpid(), signal.SIGINT)

seen = []
arguments = ({url!r}, "t", {alter!r})
settings = dict(on_progress=watch, throttle_flag_file={flag!r})
try:
    {call}
except KeyboardInterrupt as interrupt:
    print(*getattr(interrupt, "__notes__", ()))
    sys.exit(3)
"""
_WAITING = "ghostpy.migrate(*arguments, **settings)"
_IN_A_LOOP = """
    import asyncio
    from functools import partial
    from ghostpy.api.running import to_end_beside_a_loop

    async def main():
        to_end_beside_a_loop(partial(ghostpy.amigrate, *arguments, **settings))

    asyncio.run(main())
"""


@pytest.mark.parametrize("call", [_WAITING, _IN_A_LOOP], ids=["waiting", "in-a-loop"])
def test_ctrl_c_ends_a_run_cleanly(place: Place, tmp_path: Path, call: str) -> None:
    before = _tables(place)
    held = _Held(tmp_path / "rest")
    script = _INTERRUPTED.format(url=_url(place), alter=_ALTER[place.server.kind], flag=str(held.flag), call=call)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 3, ended.stderr
    if call == _WAITING:
        assert "t was not changed" in ended.stdout
    assert ended.stderr == ""
    assert _tables(place) == before


def test_two_at_once_in_threads(place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    place.do("CREATE TABLE u (id INT PRIMARY KEY, v INT NOT NULL)", "INSERT INTO u SELECT id, v FROM t")
    held = _Held(tmp_path / "rest")

    def change(table: str, number: int) -> ghostpy.Result:
        # MySQL: each run follows the binary log under a number of its own.
        own = {"replica_server_id": number, **held.settings}
        return ghostpy.migrate(_url(place), table, _ALTER[place.server.kind], **own)

    with caplog.at_level(logging.INFO, "ghostpy"), ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(change, "t", 99_101), threads.submit(change, "u", 99_102)]
        try:
            assert all(held.resting.acquire(timeout=60) for _ in runs)
        finally:
            held.flag.unlink()
        assert [run.result(120).table.rpartition(".")[2] for run in runs] == ["t", "u"]
    for table in ("t", "u"):
        assert place.ask(f"SELECT id, v, extra FROM {table} ORDER BY id") == [(n, n * 3, 7) for n in range(200)]
        # The lines of the two can be told apart.
        lines = [record for record in caplog.records if getattr(record, "table", "").endswith(f".{table}")]
        assert any(line.getMessage().endswith(": done") for line in lines)


def test_a_watcher_that_fails_ends_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def fail(progress: ghostpy.Progress) -> None:
        calls.append(progress)
        raise ValueError("no room on the screen")

    assert ghostpy.migrate(_url(place), "t", _ALTER[place.server.kind], on_progress=fail).changed
    assert len(calls) == 1
    assert [record.levelname for record in caplog.records if "on_progress failed" in record.getMessage()] == ["ERROR"]


def test_a_second_run_on_the_table_is_refused(place: Place, tmp_path: Path) -> None:
    held = _Held(tmp_path / "rest")
    with ThreadPoolExecutor(1) as thread:
        run = thread.submit(partial(ghostpy.migrate, _url(place), "t", _ALTER[place.server.kind], **held.settings))
        try:
            assert held.resting.acquire(timeout=60)
            with pytest.raises(errors.AlreadyRunning):
                ghostpy.migrate(_url(place), "t", _ALTER[place.server.kind])
        finally:
            held.flag.unlink()
        assert run.result(120).changed


def test_a_desired_table_instead_of_a_change(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "t.sql"
    path.write_text("CREATE TABLE t (id INT NOT NULL, v INT NOT NULL, note TEXT, PRIMARY KEY (id));\n")
    assert ghostpy.migrate(_url(place), "t", desired=path).changed
    assert not ghostpy.migrate(_url(place), "t", desired=path).changed
    assert place.ask("SELECT COUNT(*) FROM t WHERE note IS NULL") == [(200,)]


def _examples() -> list[str]:
    """Of the page, those before the first for another tool."""
    page = (Path(__file__).parents[2] / "docs" / "library.md").read_text()
    return re.findall(r"^```python\n(.*?)^```", page.partition("## Alembic")[0], re.MULTILINE | re.DOTALL)


def test_the_examples_of_the_page(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.do("CREATE TABLE orders (id INT PRIMARY KEY)", "INSERT INTO orders VALUES (1), (2)")
    names: dict[str, Any] = {}
    examples = _examples()
    assert len(examples) == 4
    for example in examples:
        exec(example.replace("mysql://app@db.example/shop", _url(place)), names)
        if example.rstrip().endswith("timestamp_old_table=True, keep_revertible=True)"):
            assert place.ask("SELECT id, weight FROM orders ORDER BY id") == [(1, None), (2, None)]
    told = capsys.readouterr().out
    assert "copying: " in told
    assert "revert" in told
    assert place.ask("SELECT * FROM orders ORDER BY id") == [(1, None), (2, None)]
