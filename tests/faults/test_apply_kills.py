"""A script whose runs are killed at any moment, and applied again by the same command: each statement exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from migrating import cursor_of
from scripts import NewDatabase, Scripted, make_scripted
from waiting import until

KINDS = ["mysql", "mariadb", "postgres"]
_SCRIPT = """
CREATE TABLE made (id INT PRIMARY KEY, v INT);
INSERT INTO made VALUES (1, 0);
UPDATE counted SET n = n + 1 WHERE id = 1;
ALTER TABLE made ADD COLUMN w INT;
UPDATE counted SET n = n + 10 WHERE id = 1;
ALTER TABLE t {grow};
UPDATE counted SET n = n + 100 WHERE id = 1;
CREATE INDEX t_n ON t (n);
ALTER TABLE t ADD COLUMN extra INT;
INSERT INTO made (id, v) SELECT COUNT(*) + 1, 7 FROM made;
CREATE VIEW seen AS SELECT id, w FROM made;
ALTER TABLE made DROP COLUMN v;
DROP TABLE doomed;
UPDATE counted SET n = n + 1000 WHERE id = 1;
"""


class Writer:
    """Adds one to rows of `t`, one after the other, for the length of a block."""

    def __init__(self, place: Scripted) -> None:
        self._place = place
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.written = 0
        self.failed: list[str] = []

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        with cursor_of(self._place.server, self._place.database) as cursor:
            while not self._over.wait(0.005):
                try:
                    cursor.execute(f"UPDATE t SET n = n + 1 WHERE id = {self.written % 3000}")
                except Exception as error:
                    self.failed.append(str(error))
                    return
                self.written += 1


def _killed(place: Scripted, *, kills: int, longest: float, seed: int) -> int:
    """Kill so many runs at random moments, then let one come to its end; how many were killed in the middle."""
    choose, killed = random.Random(seed), 0
    grow = "ALTER COLUMN c TYPE varchar(40)" if place.postgres else "MODIFY c VARCHAR(61) CHARACTER SET latin1"
    place.do("CREATE TABLE doomed (id INT)")
    call = [sys.executable, "-m", "ghostpy", *place.call(_SCRIPT.format(grow=grow), "--execute", "--ok-to-drop-table")]
    for number in range(kills + 1):
        with subprocess.Popen(
            call, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as run:
            if number < kills:
                killed += _kill(place, run, choose, longest if number % 2 else None)
            told = run.communicate(timeout=120)[0]
            assert run.returncode in ((0, -9) if number < kills else (0,)), f"seed {seed}: {told}"
    return killed


def _kill(place: Scripted, run: subprocess.Popen[str], choose: random.Random, longest: float | None) -> bool:
    """At any moment up to `longest` seconds; without it soon after the run has written to the ledger. Whether it was in the middle."""
    if longest is None:
        before, more = _noted(place), choose.randrange(1, 4)
        until(lambda: run.poll() is not None or _noted(place) >= before + more, "notes")
    try:
        run.wait(choose.uniform(0.0, longest or 0.03))
    except subprocess.TimeoutExpired:
        run.kill()
        return True
    return False


def _noted(place: Scripted) -> int:
    """How much the ledger says."""
    if not any("ghostpy_scripts" in name for name in place.relations()):
        return 0
    return sum(1 + done for _, done in place.ledger())


def _assert_once(place: Scripted, writer: Writer) -> None:
    assert writer.failed == []
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 1111
    assert [(int(one), two) for one, two in place.ask("SELECT id, w FROM seen ORDER BY id")] == [(1, None), (2, None)]
    assert place.columns("made") == {"id", "w"}
    assert place.columns("t") == {"id", "n", "c", "extra"}
    assert int(place.ask("SELECT SUM(n) FROM t")[0][0]) == writer.written
    assert place.ledger() == [(number, 1) for number in range(1, 15)]
    left = {"_ghostpy_scripts", "counted", "made", "seen", "t"}
    if place.postgres:
        left = {"_ghostpy_scripts", "_ghostpy_scripts.statements", "public.counted", "public.made", "public.t"}
    assert place.relations() == left
    again = place.apply((place.folder / "script.sql").read_text(), "--execute", "--ok-to-drop-table")
    assert (again.status, "nothing to do" in again.output) == (0, True), again.errors
    assert int(place.ask("SELECT n FROM counted")[0][0]) == 1111


def _run(server: str, request: pytest.FixtureRequest, new_database: NewDatabase, folder: Path, **how: object) -> None:
    place = make_scripted(request.getfixturevalue(server), new_database, folder)
    with Writer(place) as writer:
        killed = _killed(place, **how)  # type: ignore[arg-type]
    print(f"{server}: {killed} runs killed beside {writer.written} writes")
    assert killed
    _assert_once(place, writer)


@pytest.mark.parametrize("kind", KINDS)
def test_killed_again_and_again(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    _run(kind, request, new_database, tmp_path, kills=6, longest=0.9, seed=1)


@pytest.mark.soak
@pytest.mark.limit(600)
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("kind", KINDS)
def test_killed_many_times(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str, seed: int
) -> None:
    _run(kind, request, new_database, tmp_path, kills=15, longest=0.9, seed=100 + seed)
