"""Bad input to --desired, of many kinds: each a clear paragraph, the exit code of its kind, and nothing changed, sent or left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from migrating import cursor_of, url_of

from ghostpy import sandbox
from ghostpy.cli.main import main

NewDatabase = Callable[[sandbox.Server], str]
_T = "CREATE TABLE t (id INT PRIMARY KEY, a INT)"

Kind = tuple[str, int, str, tuple[str, ...]]
"""The file, the exit code, what the message says, and flags."""

BOTH: list[Kind] = [
    ("", 2, "no", ()),
    ("-- nothing but a comment", 2, "no", ()),
    ("DROP TABLE t", 2, "drop table", ()),
    (f"{_T}; DROP TABLE t", 2, "", ()),
    (f"{_T}; {_T}", 2, "", ()),
    ("CREATE TEMPORARY TABLE t (id INT)", 2, "temporary", ()),
    ("CREATE TABLE t AS SELECT 1 AS id", 2, "", ()),
    ("CREATE TABLE t (id INT) AS SELECT 1 AS id", 2, "query", ()),
    ("CREATE TABLE t (LIKE other)", 2, "like", ()),
    ("CREATE TABLE t (id INT", 2, "not closed", ()),
    ("CREATE TABLE t (id INT DEFAULT 'x)", 2, "not closed", ()),
    ("CREATE TABLE other (id INT)", 2, "--table says t", ("--table=t",)),
    ("CREATE TABLE a.b.c (id INT)", 2, "name", ()),
    ("CREATE TABLE nowhere (id INT)", 3, "no such table", ()),
    ("CREATE TABLE t (id NOSUCHTYPE)", 3, "refuses the desired", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY, a INT, a INT)", 3, "refuses the desired", ()),
    ("CREATE TABLE v (id INT)", 3, "not a table of rows", ()),
    (_T, 2, "old=new", ("--rename-column=a",)),
    (_T, 2, "no column b", ("--rename-column=a=b",)),
    ("CREATE TABLE t (id INT PRIMARY KEY, z INT)", 2, "no column q", ("--rename-column=q=z",)),
    (_T, 2, "still", ("--rename-column=id=a",)),
    (_T, 2, "exclude each other", ("--alter=ADD c INT",)),
]
MYSQL: list[Kind] = [
    ("CREATE OR REPLACE TABLE t (id INT)", 2, "or replace", ()),
    ("CREATE TABLE t LIKE other", 2, "like", ()),
    ("CREATE TABLE t (id INT) SELECT 1 AS id", 2, "query", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY) /*!99999 SELECT 1 */", 2, "query", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY) /*! COMMENT='x' */", 2, "without a version", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=MyISAM", 2, "myisam", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=FEDERATED CONNECTION='mysql://x/y'", 2, "federated", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY) DATA DIRECTORY='/tmp/x'", 2, "directory", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES t (id))", 2, "foreign key", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY, a INT) UNION=(other)", 2, "union", ()),
    ("/*!40101 SET NAMES utf8 */; CREATE TABLE t (id INT)", 2, "more than one statement", ()),
]
POSTGRES: list[Kind] = [
    (f"{_T}; SELECT pg_sleep(1)", 2, "select pg_sleep", ()),
    (f"{_T}; GRANT ALL ON t TO PUBLIC", 2, "grant", ()),
    (f"{_T}; ALTER TABLE t OWNER TO postgres", 2, "add constraint", ()),
    (f"{_T}; ALTER TABLE t DROP COLUMN a", 2, "add constraint", ()),
    (f"{_T}; CREATE INDEX ON other (id)", 2, "about other", ()),
    (f"{_T}; COMMENT ON TABLE other IS 'x'", 2, "about other", ()),
    (f"{_T}; COMMENT ON DATABASE postgres IS 'x'", 2, "comment on database", ()),
    (f"{_T}; CREATE SEQUENCE s", 2, "create sequence", ()),
    ("CREATE INDEX i ON t (a)", 2, "no create table", ()),
    ("CREATE TABLE t (id INT) INHERITS (other)", 2, "inherits", ()),
    ("CREATE TABLE t (id INT) PARTITION BY RANGE (id)", 2, "partitions", ()),
    ("CREATE TABLE t PARTITION OF other DEFAULT", 2, "partition", ()),
    ("CREATE TABLE t (id INT) TABLESPACE pg_default", 2, "tablespace", ()),
    ("CREATE TABLE t (id INT, a INT REFERENCES nowhere)", 3, "refuses the desired", ()),
    ("CREATE TABLE t (id serial PRIMARY KEY, a INT)", 3, "serial", ()),
    ("CREATE TABLE t (id INT PRIMARY KEY, a boolean[])", 3, "no single alter", ()),
]


def _things(server: sandbox.Server, database: str) -> list[object]:
    with cursor_of(server, database) as cursor:
        cursor.execute("SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2")
        found = list(cursor.fetchall())
        if server.kind == "postgres":
            cursor.execute("SELECT nspname FROM pg_namespace ORDER BY 1")
            return [*found, *cursor.fetchall()]
        cursor.execute("SHOW CREATE TABLE t")
        return [*found, *cursor.fetchall()]


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgres"])
def test_each_is_refused_in_its_own_words(
    kind: str,
    request: pytest.FixtureRequest,
    new_database: NewDatabase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server: sandbox.Server = request.getfixturevalue(kind)
    database = new_database(server)
    with cursor_of(server, database) as cursor:
        for statement in (_T, "CREATE TABLE other (id INT)", "CREATE VIEW v AS SELECT id FROM t", "COMMIT"):
            cursor.execute(statement)
    before, wrong = _things(server, database), []
    for number, (text, status, says, flags) in enumerate([*BOTH, *(POSTGRES if kind == "postgres" else MYSQL)]):
        path = tmp_path / f"{number}.sql"
        path.write_text(text)
        command = "diff" if "--alter" not in " ".join(flags) else "plan"
        # In this process: a start takes longer than all that is looked at here.
        code = main([command, f"--url={url_of(server, database)}", f"--desired={path}", *flags])
        told = " ".join(capsys.readouterr().err.lower().split())
        if (
            code != status
            or says not in told
            or "traceback" in told
            or "nothing was" not in told + "nothing was" * (status == 2)
        ):
            wrong.append((text, flags, status, says, code, told))
    assert wrong == []
    assert _things(server, database) == before


@pytest.mark.parametrize("command", ["diff", "plan", "migrate"])
def test_a_file_that_cannot_be_read(command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    binary = tmp_path / "binary.sql"
    binary.write_bytes(b"\xff\xfe\x00")
    for path, says in (
        (tmp_path / "none.sql", "cannot be read"),
        (tmp_path, "cannot be read"),
        (binary, "not a text file"),
    ):
        assert main([command, "--url=mysql://127.0.0.1:1/x", f"--desired={path}"]) == 2
        assert says in capsys.readouterr().err


def test_a_large_file_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "large.sql"
    path.write_text(f"CREATE TABLE t (id INT) -- {'x' * (1 << 20)}")
    for url in ("mysql://127.0.0.1:1/x", "postgresql://127.0.0.1:1/x"):
        assert main(["diff", f"--url={url}", f"--desired={path}"]) == 2
        assert "characters" in capsys.readouterr().err
