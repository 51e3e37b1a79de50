"""Bad input to `ghostpy apply`: each a clear paragraph, the exit code of its kind, and nothing created or changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from migrating import url_of
from scripts import NewDatabase, Scripted, make_scripted
from witness import assert_failed

from ghostpy import sandbox
from ghostpy.cli.main import main

Capture = pytest.CaptureFixture[str]
GOOD = "INSERT INTO counted VALUES (2, 2);\n"
COMMON = [
    ("unknown", 3, f"{GOOD}FROBNICATE t;", (), ("line 2", "FROBNICATE", "[statement-unknown]")),
    ("several", 3, f"{GOOD}ROLLBACK;\nLOCK TABLES t WRITE;", (), ("line 2", "line 3", "[transaction-control]")),
    ("transaction", 3, f"BEGIN;\n{GOOD}", (), ("line 1", "does not end")),
    ("opaque", 3, f"{GOOD}CALL p();", (), ("[opaque-statement]", "--allow")),
    ("temporary", 3, f"{GOOD}CREATE TEMPORARY TABLE x (i INT);", (), ("[temporary-table]",)),
    ("database", 3, f"{GOOD}CREATE DATABASE x;", (), ("[server-wide]",)),
    ("quote", 2, f"{GOOD}INSERT INTO t VALUES ('a);", (), ("is not closed", "of line 2")),
    ("parenthesis", 2, f"{GOOD}SELECT (1;", (), ("parenthesis is not closed",)),
    ("empty", 2, "-- nothing\n", (), ("holds no statement",)),
    ("null", 2, "SELECT\0 1;", (), ("null character",)),
    ("another code", 2, GOOD, ("--allow=client-command",), ("--allow",)),
    ("rows", 2, GOOD, ("--small-rows=many",), ("--small-rows",)),
    ("too many rows", 2, GOOD, ("--small-rows=9999999",), ("--small-rows",)),
    ("doubt", 2, GOOD, ("--in-doubt=maybe",), ("--in-doubt",)),
    ("name", 2, GOOD, ("--name=" + "x" * 151,), ("--name",)),
    ("flag of migrate", 2, GOOD, ("--alter=ADD a INT",), ("--alter", "nothing to apply")),
    ("unknown flag", 2, GOOD, ("--frobnicate",), ("--frobnicate",)),
    ("strategy", 2, GOOD, ("--strategy=fast",), ("--strategy",)),
]
OF_ONE = [
    ("mysql", "delimiter", 3, f"{GOOD}DELIMITER //\nSELECT 1; SELECT 2//", ("[statement-unknown]", "line 3", "DELIMITER has set")),
    ("mysql", "use", 3, f"{GOOD}USE mysql;", ("[other-database]",)),
    ("mysql", "other database", 3, f"{GOOD}DROP TABLE mysql.user;", ("[other-database]",)),
    ("mysql", "global", 3, f"{GOOD}SET GLOBAL read_only = 1;", ("[server-wide]",)),
    ("mysql", "engine", 3, "INSERT INTO old VALUES (1);", ("[not-transactional]",)),
    ("postgres", "psql", 3, f"{GOOD}\\c other\nSELECT 1;", ("[client-command]", "line 2")),
    ("postgres", "copy", 3, f"{GOOD}COPY t FROM stdin;", ("[server-wide]",)),
    ("postgres", "atomic", 3, f"{GOOD}CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;", ("[compound-statement]",)),
]  # fmt: skip


@pytest.fixture(params=["mysql", "postgres"])
def place(request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path) -> Scripted:
    return make_scripted(request.getfixturevalue(request.param), new_database, tmp_path, rows=0)


def _refused(place: Scripted, capsys: Capture, status: int, script: str, flags: tuple[str, ...], says: tuple[str, ...]) -> None:  # fmt: skip
    from migrating import Finished

    before = place.relations()
    code = main(place.call(script, "--execute", *flags))
    shown = capsys.readouterr()
    assert_failed(Finished(code, shown.out, shown.err, 0.0, 0.0), status, *says)
    left = {name for name in place.relations() - before if "ghostpy" not in name}
    assert left == set()
    assert len(place.ask("SELECT id FROM counted")) == 1


@pytest.mark.parametrize(("status", "script", "flags", "says"), [case[1:] for case in COMMON], ids=[case[0] for case in COMMON])  # fmt: skip
def test_refused(place: Scripted, capsys: Capture, status: int, script: str, flags: tuple[str, ...], says: tuple[str, ...]) -> None:  # fmt: skip
    _refused(place, capsys, status, script, flags, says)


@pytest.mark.parametrize(("kind", "status", "script", "says"), [(case[0], *case[2:]) for case in OF_ONE], ids=[case[1] for case in OF_ONE])  # fmt: skip
def test_refused_by_one(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, capsys: Capture,
    kind: str, status: int, script: str, says: tuple[str, ...],
) -> None:  # fmt: skip
    place = make_scripted(request.getfixturevalue(kind), new_database, tmp_path, rows=0)
    if kind == "mysql":
        place.do("CREATE TABLE old (id INT) ENGINE=MyISAM")
    _refused(place, capsys, status, script, (), says)


def test_files_that_cannot_be_read(mysql: sandbox.MySQLServer, database: str, tmp_path: Path, capsys: Capture) -> None:
    url = f"--url={url_of(mysql, database)}"
    latin = tmp_path / "latin.sql"
    latin.write_bytes("SELECT 'é';".encode("latin-1"))
    for path, says in ((tmp_path / "none.sql", "is not there"), (tmp_path, "no file"), (latin, "not written in UTF-8")):
        assert main(["apply", str(path), url]) == 2
        assert says in capsys.readouterr().err
    assert main(["apply", url]) == 2
    assert "must stand first" in capsys.readouterr().err
    assert main(["apply", str(latin), "--url=mysql://root@127.0.0.1:3306"]) == 2
    assert "--database" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["mysql", "postgres"])
def test_the_ledgers_name_is_taken(
    request: pytest.FixtureRequest, new_database: NewDatabase, tmp_path: Path, capsys: Capture, kind: str
) -> None:
    place = make_scripted(request.getfixturevalue(kind), new_database, tmp_path, rows=0)
    place.do("CREATE SCHEMA _ghostpy_scripts" if place.postgres else "CREATE TABLE _ghostpy_scripts (id INT)")
    _refused(place, capsys, 3, GOOD, (), ("[name-taken]", "_ghostpy_scripts"))
