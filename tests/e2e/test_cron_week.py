"""A week of cron in fast motion: nights of seconds, a killed run, an overlapping one; the change is made exactly once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import Finished, cursor_of, url_of
from watched import Place, started

from ghostpy import sandbox
from ghostpy.sandbox.checking import differences
from ghostpy.sandbox.filling import fill
from ghostpy.sandbox.load import Load
from ghostpy.sandbox.shapes import PgbenchRows, Shape, SysbenchRows
from ghostpy.sandbox.writers import Writers

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 30_000
_NIGHT = ("--execute", "--quiet", "--deadline=5s", "--checkpoint-seconds=1", "--chunk-size=10", "--workers=1")
_SLOWLY = "--nice-ratio=30"


class _Crontab(Place):
    """The one line of it."""

    @property
    def flags(self) -> list[str]:
        alter = (
            "ALTER COLUMN abalance TYPE bigint, ADD COLUMN extra int"
            if self._postgres
            else "MODIFY k BIGINT NOT NULL, ADD extra INT"
        )
        return ["migrate", f"--url={url_of(self.server, self.database)}", "--table=t", f"--alter={alter}"]

    @property
    def shape(self) -> Shape:
        return PgbenchRows() if self._postgres else SysbenchRows()

    @property
    def old(self) -> str:
        return '"_public_t_del".t' if self._postgres else "_t_del"

    @property
    def _postgres(self) -> bool:
        return self.server.kind == "postgres"

    def columns(self) -> list[str]:
        with cursor_of(self.server, self.database) as cursor:
            cursor.execute("SELECT * FROM t LIMIT 1")
            return [each[0] for each in cursor.description]


def _one_line(done: Finished, *words: str) -> None:
    lines = done.output.strip().splitlines()
    assert len(lines) == 1, done.output
    for word in words:
        assert word in lines[0], lines[0]


@pytest.mark.limit(600)
@pytest.mark.parametrize("kind", ["mysql", pytest.param("postgres", marks=pytest.mark.soak)])
def test_a_week(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str) -> None:
    server = request.getfixturevalue(kind)
    place = _Crontab(server, new_database(server))
    with cursor_of(server, place.database) as cursor:
        fill(cursor, place.shape, "t", _ROWS)
    load = Load(
        server.host, server.port, place.database, "t", _ROWS, user=server.user, rate=150, seed=7, shape=place.shape
    )
    nights: list[int] = []
    with Writers(load) as writers:
        with started(place, tmp_path, *_NIGHT, _SLOWLY) as monday:
            time.sleep(2.5)
            overlapping = place.run(*_NIGHT, _SLOWLY)
            assert overlapping.status == 75, overlapping.errors
            _one_line(overlapping, "t")
            nights.append(monday.wait(60))
        with started(place, tmp_path, *_NIGHT, _SLOWLY) as tuesday:
            time.sleep(3.0)
            tuesday.send_signal(signal.SIGKILL)
            nights.append(tuesday.wait(60))
        while len(nights) < 5:
            done = place.run(*_NIGHT, _SLOWLY)
            nights.append(done.status)
            _one_line(done, "t")
            assert "extra" not in place.columns()
        for _ in range(20):
            done = place.run(*_NIGHT)
            nights.append(done.status)
            if done.status == 0:
                break
        assert "extra" in place.columns()
        after = place.run(*_NIGHT, _SLOWLY)
        committed = writers.stop()
    assert nights[:5] == [14, -9, 14, 14, 14]
    assert nights[5:-1] == [14] * len(nights[5:-1])
    assert nights[-1] == 0
    _one_line(done, "t")
    # Saturday: there is nothing left to do.
    assert after.status == 0, after.errors
    _one_line(after, "nothing to do")
    assert place.columns().count("extra") == 1
    assert committed.errors == []
    with cursor_of(server, place.database) as cursor:
        assert differences(cursor, "t", committed, key=place.shape.key) == []
        # One exchange: the old table has the old shape.
        cursor.execute(f"SELECT * FROM {place.old} LIMIT 1")
        assert "extra" not in [each[0] for each in cursor.description]
        if server.kind == "postgres":
            cursor.execute("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()")
            assert cursor.fetchall() == []
