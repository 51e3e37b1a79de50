"""Expand, switch, contract, and the ways back, beside an old and a new version of an application; checked row by row against what they committed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from expanding import Log, Names, Version, assert_as_logged, make_names
from waiting import until

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]
ROWS = 1000
OLD, BOTH, NEW = (
    ["id", "n", "name"],
    ["first_name", "id", "last_name", "n", "name"],
    ["first_name", "id", "last_name", "n"],
)
_SLOWLY = ("--chunk-size=50", "--nice-ratio=1")


@pytest.fixture(
    params=[
        "mysql",
        "postgres",
        *(pytest.param(each, marks=pytest.mark.soak) for each in ("mariadb", "mariadb_11", 14, 15, 16, 17)),
    ]
)
def place(request: pytest.FixtureRequest, new_database: NewDatabase) -> Names:
    """Numbers are versions of PostgreSQL."""
    wanted = request.param
    older = isinstance(wanted, int)
    server = request.getfixturevalue("postgres_with")(wanted, {}) if older else request.getfixturevalue(wanted)
    return make_names(server, new_database, ROWS)


@pytest.fixture(params=["postgres", pytest.param("mysql", marks=pytest.mark.soak)])
def one_of_each(request: pytest.FixtureRequest, new_database: NewDatabase) -> Names:
    return make_names(request.getfixturevalue(request.param), new_database, ROWS)


def _more(log: Log, which: str, writes: int = 60) -> None:
    """Wait for so many more writes of a version."""
    before = log.count[which]
    until(lambda: log.errors or log.count[which] >= before + writes, f"writes of the {which} version")
    assert log.errors == []


def test_expanded_switched_and_contracted(place: Names, tmp_path: Path) -> None:
    """Triggers come while the old version writes; the new one begins at once, in the middle of the backfill."""
    log = Log()
    old, new = Version(place, log, "old", ROWS), Version(place, log, "new", ROWS)
    with old:
        _more(log, "old")
        run = place.start(tmp_path, "expand", *_SLOWLY)
        until(lambda: run.poll() is not None or place.linked(), "the triggers")
        with new:
            assert run.wait(120) == 0, (tmp_path / "told").read_text()
            _more(log, "new")
            _more(log, "old")
            assert place.columns() == BOTH
            assert "in step" in place.done("expand").output
            writing = place.run("contract")
            assert writing.status == 3
            assert "somebody wrote name" in writing.errors
            old.stop()
            time.sleep(1.1)  # MySQL's triggers note the second in which they see a write
            assert_contracted_only_when_proven(place)
            _more(log, "new")
    assert_as_logged(place, log, ROWS)
    assert place.columns() == NEW
    assert not place.linked()


def assert_contracted_only_when_proven(place: Names) -> None:
    if place.server.kind != "mysql":
        refused = place.run("contract", "--execute")
        assert refused.status == 3
        assert "--allow-unproven" in refused.errors
        assert place.columns() == BOTH
    place.done("contract", *(() if place.server.kind == "mysql" else ("--allow-unproven",)))


@pytest.mark.parametrize(
    "kind", ["mariadb", *(pytest.param(kind, marks=pytest.mark.soak) for kind in ("mysql", "postgres"))]
)
def test_rolled_back_from_expanded(request: pytest.FixtureRequest, new_database: NewDatabase, kind: str) -> None:
    place, log = make_names(request.getfixturevalue(kind), new_database, ROWS), Log()
    old, new = Version(place, log, "old", ROWS), Version(place, log, "new", ROWS)
    with old:
        place.done("expand")
        with new:
            _more(log, "new")
        place.done("rollback")
        _more(log, "old")
    assert_as_logged(place, log, ROWS)
    assert (place.columns(), place.left()) == (OLD, [])


def test_rolled_back_after_the_contraction(one_of_each: Names) -> None:
    """The old column comes back, both versions write again, and at last only the old one."""
    place, log = one_of_each, Log()
    place.done("expand")
    with Version(place, log, "new", ROWS) as new:
        place.done("contract", "--allow-unproven")
        plan = place.run("rollback")
        assert (plan.status, place.columns()) == (0, NEW)
        place.done("rollback")
        _more(log, "new")
        with Version(place, log, "old", ROWS):
            _more(log, "old")
            new.stop()
            time.sleep(1.1)
            place.done("contract", "--allow-unproven")
            _more(log, "old")
    assert log.errors == []
    assert place.columns() == OLD
    assert_as_logged(place, log, ROWS, rebuilt=True)
