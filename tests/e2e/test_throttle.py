"""Each reason to rest, on real servers with two replicas: the run stops, says why, and goes on."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from migrating import cursor_of, ghostpy, url_of
from throttled import Site, SlowRun, slow_run
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_CROWD = 40


@pytest.fixture(scope="module")
def mysql_servers() -> Iterator[tuple[sandbox.Server, ...]]:
    with sandbox.mysql() as primary:
        yield primary, primary.replica(), primary.replica()


@pytest.fixture(scope="module")
def postgres_servers() -> Iterator[tuple[sandbox.Server, ...]]:
    with sandbox.postgres() as primary:
        yield primary, primary.replica({"hot_standby": "on"}), primary.replica({"hot_standby": "on"})


def _mysql(servers: tuple[sandbox.Server, ...], database: str) -> Site:
    primary, *replicas = servers
    return Site(
        primary,
        (replicas[0], replicas[1]),
        database,
        alter="ADD w INT",
        slowly="LENGTH(SHA2(REPEAT(v, 2000000), 256))",
        stop_replay="STOP REPLICA SQL_THREAD",
        start_replay="START REPLICA SQL_THREAD",
        shadow="_t_gho",
        busy=f"Threads_connected={_CROWD}",
    )


def _postgres(servers: tuple[sandbox.Server, ...], database: str) -> Site:
    primary, *replicas = servers
    return Site(
        primary,
        (replicas[0], replicas[1]),
        database,
        alter="ALTER COLUMN v TYPE bigint, ADD w int",
        slowly="length(sha256(convert_to(repeat(v::text, 2000000), 'UTF8'))::text)",
        stop_replay="SELECT pg_wal_replay_pause()",
        start_replay="SELECT pg_wal_replay_resume()",
        shadow="_public_t_gho.t",
        busy=f"active_sessions={_CROWD}",
    )


@pytest.fixture(params=["mysql", "postgres"])
def site(request: pytest.FixtureRequest, new_database: NewDatabase) -> Site:
    servers = request.getfixturevalue(f"{request.param}_servers")
    site = {"mysql": _mysql, "postgres": _postgres}[request.param](servers, new_database(servers[0]))
    site.make_tables()
    until(lambda: all(_has_rows(replica, site.database) for replica in site.replicas), "the rows on the replicas")
    return site


def _has_rows(replica: sandbox.Server, database: str) -> bool:
    try:
        with cursor_of(replica, database) as cursor:
            cursor.execute("SELECT COUNT(*) FROM knob")
            return cursor.fetchone() == (3,)
    except Exception:
        return False


class _Freno:
    """An address that answers HEAD requests by `status`; 0: not at all, for long."""

    def __init__(self) -> None:
        self.status = 200
        self._go_on = threading.Event()
        freno = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                if not freno.status:
                    freno._go_on.wait(30)
                    return
                self.send_response(freno.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/freno/check"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._go_on.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def freno() -> Iterator[_Freno]:
    freno = _Freno()
    yield freno
    freno.close()


@contextmanager
def _crowd(site: Site) -> Iterator[None]:
    """More sessions than the load list allows, all of them at work."""
    sleep = "SELECT pg_sleep(600)" if site.primary.kind == "postgres" else "DO SLEEP(600)"
    with ExitStack() as sessions:
        cursors = [sessions.enter_context(cursor_of(site.primary, site.database)) for _ in range(_CROWD)]
        threads = [threading.Thread(target=_until_ended, args=(cursor, sleep)) for cursor in cursors]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            _end(site, "pg_sleep" if site.primary.kind == "postgres" else "DO SLEEP")
            for thread in threads:
                thread.join()


def _until_ended(cursor: object, sql: str) -> None:
    try:
        cursor.execute(sql)  # type: ignore[attr-defined]
    except Exception:
        return


def _end(site: Site, statement: str) -> None:
    if site.primary.kind == "postgres":
        site.primary.execute(
            f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT {statement}(600)%'"
        )
        return
    for row in site.primary.execute("SHOW PROCESSLIST"):
        if str(row["Info"]).startswith(statement):
            site.primary.execute(f"KILL QUERY {row['Id']}")


def _rests_for(run: SlowRun, reason: str, begin: Callable[[], object], end: Callable[[], object]) -> None:
    begin()
    run.until_state(f"throttled, {reason}")
    run.rests()
    end()
    run.until_state("migrating")
    run.goes_on()


def test_it_rests_for_each_reason_and_goes_on(site: Site, freno: _Freno, tmp_path: Path) -> None:
    flag, shared, panic = tmp_path / "flag", tmp_path / "shared", tmp_path / "panic"
    flags = (
        f"--throttle-flag-file={flag}",
        f"--throttle-additional-flag-file={shared}",
        f"--panic-flag-file={panic}",
        f"--max-load={site.busy},queue=3",
        f"--throttle-signal=queue={site.of_knob('queue')}",
        f"--throttle-signal=sick={site.of_knob('sick')}",
        "--critical-load=sick=1",
        "--critical-load-hibernate-seconds=2",
        f"--throttle-query={site.of_knob('query')}",
        f"--throttle-http={freno.url}",
        "--throttle-http-timeout-millis=300",
        "--max-lag-millis=700",
    )
    with slow_run(site, tmp_path, *flags) as run:
        run.until_state("migrating")
        run.goes_on()
        _rests_for(run, "flag-file", flag.touch, flag.unlink)
        _rests_for(run, "flag-file", shared.touch, shared.unlink)
        _rests_for(run, "throttle-query", lambda: site.turn("query", 1), lambda: site.turn("query", 0))
        _rests_for(run, "max-load queue=4 >= 3", lambda: site.turn("queue", 4), lambda: site.turn("queue", 2))
        with _crowd(site):
            run.until_state(f"throttled, max-load {site.busy.partition('=')[0]}=")
            run.rests()
        run.until_state("migrating")
        for status, text in ((429, "freno: threshold exceeded (http=429)"), (0, "freno: connection error (http=-1)")):
            _rests_for(run, text, lambda status=status: _set(freno, status), lambda: _set(freno, 200))  # type: ignore[misc]
        with site.stopped(site.replicas[1]):
            run.until_state("replica-lag=")
            run.rests()
        run.until_state("migrating")
        run.goes_on()
        site.turn("sick", 1)
        run.until_state("throttled, critical-load-hibernate until ")
        site.turn("sick", 0)
        run.rests()
        run.until_state("migrating")
        # What cannot be asked any more is a reason, too.
        site.turn("query", 0)
        with cursor_of(site.primary, site.database) as cursor:
            cursor.execute("ALTER TABLE knob RENAME TO gone")
            cursor.execute("COMMIT")
        run.until_state("throttled, sick asking a query of the user's")
        run.rests()
        panic.touch()
        assert run.ended() == 13
        assert f"found panic-file {panic}" in run.said()


def _set(freno: _Freno, status: int) -> None:
    freno.status = status


def test_critical_load_ends_the_run(site: Site, tmp_path: Path) -> None:
    name = "active_sessions" if site.primary.kind == "postgres" else "Threads_connected"
    with (
        slow_run(site, tmp_path, f"--critical-load={name}={_CROWD}", "--critical-load-interval-millis=300") as run,
        _crowd(site),
    ):
        assert run.ended() == 12
    assert "critical-load met again after 300 millis: " in run.said()


def test_listed_replicas_must_answer(site: Site, tmp_path: Path) -> None:
    first, second = (f"{replica.host}:{replica.port}" for replica in site.replicas)
    with slow_run(site, tmp_path, f"--throttle-control-replicas={first},{second}", "--max-lag-millis=800") as run:
        run.until_state("migrating")
        with site.stopped(site.replicas[0]):
            run.until_state(f"throttled, {first} replica-lag=")
            run.rests()
        run.until_state("migrating")
        site.replicas[1].stop()
        try:
            run.until_state(f"throttled, {second} ")
            run.rests()
        finally:
            site.replicas[1].start()
        run.until_state("migrating")
        run.goes_on()


def test_outside_of_its_window_it_waits_and_at_the_deadline_it_stops(site: Site, tmp_path: Path) -> None:
    done = ghostpy(
        "migrate",
        f"--url={url_of(site.primary, site.database)}",
        "--table=t",
        f"--alter={site.alter}",
        "--execute",
        "--display=lines",
        f"--window={_not_now()}",
        "--deadline=3s",
    )
    assert done.status == 14, done.errors
    assert "State: throttled, outside window, opens at " in done.output
    assert "the deadline " in done.errors


def _not_now() -> str:
    """A window that is hours away."""
    begin = datetime.now(UTC) + timedelta(hours=6)
    return f"{begin:%H}:00-{begin:%H}:30 UTC"
