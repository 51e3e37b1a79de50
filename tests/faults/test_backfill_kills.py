"""A backfill that is killed at any moment, or whose answers are lost, and begun again by the same command: each row exactly once."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from backfilling import ALONE, Application, Backfilled, assert_each_once, make_backfilled, running

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
KINDS = ["mysql", "mariadb", "postgres"]
SLOWLY = ("--chunk-size=10", "--nice-ratio=3")


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


def _killed_until_done(place: Backfilled, folder: Path, *, kills: int, longest: float, seed: int) -> int:
    """Kill so many runs at random moments, then let one come to its end; how many of them went on with the work of another.

    Once a ledger has been seen, --resume keeps a run that was killed behind the end of the work from beginning anew.
    """
    choose, resumed, begun = random.Random(seed), 0, False
    for number in range(kills + 1):
        again = ("--resume",) if begun else ()
        with running(place, folder, *SLOWLY, *again, *(("--nice-ratio=0",) if number == kills else ())) as run:
            try:
                run.process.wait(300.0 if number == kills else choose.uniform(0.3, longest))
            except subprocess.TimeoutExpired:
                run.kill()
            told = run.told()
        resumed += "going on with the work of an earlier run" in told
        begun = begun or place.is_begun()
        if run.process.returncode == 17:
            assert "never begun, or it is done" in told
            break
        if run.process.returncode == 0:
            break
        assert run.process.returncode == -9, f"seed {seed}:\n{told}"
    return resumed


def _killed(server: sandbox.Server, new_database: NewDatabase, folder: Path, *, kills: int, seed: int) -> None:
    place = make_backfilled(server, new_database)
    with Application(place, seed=seed) as application:
        resumed = _killed_until_done(place, folder, kills=kills, longest=2.5, seed=seed)
    print(f"{server.kind}: {resumed} runs resumed, {application.wrote.transactions} transactions beside them")
    assert resumed > 0
    assert place.tables() == ALONE[server.kind]
    assert_each_once(place, application.wrote)


def test_killed_again_and_again(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path) -> None:
    _killed(server, new_database, tmp_path, kills=4, seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_killed_many_times(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, seed: int) -> None:
    _killed(server, new_database, tmp_path, kills=20, seed=100 + seed)
