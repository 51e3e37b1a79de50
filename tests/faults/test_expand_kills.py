"""Expand, contract and roll back, each killed at random moments and said again, beside the versions that write then: nothing is lost, nothing left."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from expanding import Log, Names, Version, assert_as_logged, make_names
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
_ROWS = 3000
_UNPROVEN = ("--watch-seconds=0", "--allow-unproven")
_SLOWLY = ("--chunk-size=20", "--nice-ratio=2")


@pytest.fixture(params=["mysql", "mariadb", "postgres"])
def server(request: pytest.FixtureRequest) -> sandbox.Server:
    found: sandbox.Server = request.getfixturevalue(request.param)
    return found


def _killed(place: Names, folder: Path, choose: random.Random, command: str, *flags: str, kills: int) -> None:
    """Run it so often, killed at random moments but for the last time."""
    number = 0
    for _ in range(3 * kills + 10):
        last = number >= kills
        run = place.start(folder, command, *flags, *(() if last else _SLOWLY))
        try:
            # Half of a second goes before it does anything.
            run.wait(120 if last else choose.uniform(0.4, 1.8))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
        if run.returncode == 75:  # the server has not ended the sessions of the one before yet
            continue
        number += 1
        assert run.returncode in (0, -9, *((17,) if command == "rollback" else ())), (folder / "told").read_text()
        if run.returncode == 17:
            assert "is not being expanded" in (folder / "told").read_text()
        if run.returncode != -9:
            return
    raise AssertionError(f"{command} has not come to its end")


def _beside(place: Names, log: Log, which: str, seed: int) -> Version:
    return Version(place, log, which, _ROWS, seed=seed)


def _expanded(place: Names, folder: Path, log: Log, seed: int, kills: int) -> None:
    """Both versions write, the new one from the moment on at which the triggers are there."""
    choose = random.Random(seed)
    with _beside(place, log, "old", seed):
        first = place.start(folder, "expand", *_SLOWLY)
        until(lambda: first.poll() is not None or place.linked(), "the triggers")
        assert place.linked(), (folder / "told").read_text()
        with _beside(place, log, "new", seed):
            first.kill()
            first.wait()
            _killed(place, folder, choose, "expand", kills=kills)


def _contracted(server: sandbox.Server, new_database: NewDatabase, folder: Path, *, seed: int, kills: int) -> None:
    place, log, choose = make_names(server, new_database, _ROWS), Log(), random.Random(seed)
    _expanded(place, folder, log, seed, kills)
    assert_as_logged(place, log, _ROWS)
    with _beside(place, log, "new", seed + 1):
        _killed(place, folder, choose, "contract", *_UNPROVEN, kills=kills)
    _assert_logged(place, log)
    assert place.columns() == ["first_name", "id", "last_name", "n"]
    assert not place.linked()


def _rolled_back(server: sandbox.Server, new_database: NewDatabase, folder: Path, *, seed: int, kills: int) -> None:
    place, log, choose = make_names(server, new_database, _ROWS), Log(), random.Random(seed)
    _expanded(place, folder, log, seed, kills)
    with _beside(place, log, "old", seed + 1):
        _killed(place, folder, choose, "rollback", kills=kills)
    _assert_logged(place, log)
    assert place.columns() == ["id", "n", "name"]
    assert place.left() == []


def _returned(server: sandbox.Server, new_database: NewDatabase, folder: Path, *, seed: int, kills: int) -> None:
    """The same command goes on, and once it is through, does nothing: it never takes back what it has made itself."""
    place, log, choose = make_names(server, new_database, _ROWS), Log(), random.Random(seed)
    place.done("expand")
    with _beside(place, log, "new", seed):
        place.done("contract", *_UNPROVEN)
        _killed(place, folder, choose, "rollback", kills=kills)
        assert "is rolled back already" in place.done("rollback").output
    assert_as_logged(place, log, _ROWS, rebuilt=True)
    assert place.linked()
    assert len(place.columns()) == 5
    place.done("rollback", "--undo")
    assert place.columns() == ["first_name", "id", "last_name", "n"]
    assert [name for name in place.left() if not name.endswith("_del")] == []


def _assert_logged(place: Names, log: Log) -> None:
    print(f"{place.server.kind}: {log.count['old']} writes of the old version, {log.count['new']} of the new one")
    assert min(log.count.values()) > 20
    assert_as_logged(place, log, _ROWS)


@pytest.mark.parametrize(
    "kind", ["mysql", *(pytest.param(each, marks=pytest.mark.soak) for each in ("mariadb", "postgres"))]
)
def test_killed_up_to_the_contraction(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    _contracted(request.getfixturevalue(kind), new_database, tmp_path, seed=1, kills=1)


@pytest.mark.parametrize(
    "kind", ["postgres", *(pytest.param(each, marks=pytest.mark.soak) for each in ("mysql", "mariadb"))]
)
def test_killed_while_it_is_rolled_back(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, kind: str
) -> None:
    _rolled_back(request.getfixturevalue(kind), new_database, tmp_path, seed=2, kills=1)


@pytest.mark.soak
@pytest.mark.limit(600)
@pytest.mark.parametrize("seed", range(8))
def test_killed_many_times(server: sandbox.Server, new_database: NewDatabase, tmp_path: Path, seed: int) -> None:
    _contracted(server, new_database, tmp_path, seed=100 + seed, kills=8)
    _rolled_back(server, new_database, tmp_path, seed=200 + seed, kills=8)
    _returned(server, new_database, tmp_path, seed=300 + seed, kills=8)
