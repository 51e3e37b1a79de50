"""Bad input of many kinds: each a clear paragraph, the exit code of its kind, and nothing changed or left behind."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bad_input import SECRET, Case
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from migrating import Finished, cursor_of, ghostpy
from witness import Witness, assert_failed, assert_nothing_held, tables_of

from ghostpy import sandbox

NewDatabase = Callable[[sandbox.Server], str]

ROWS = (
    "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NULL, amount INT NOT NULL, "
    "born DATETIME NULL, KEY by_amount (amount))",
    "INSERT INTO t (name, amount, born) VALUES ('Ada Lovelace', 10, '1815-12-10'), ('Grace Hopper', 20, NULL), "
    "('Jean Bartik', 30, '1924-12-27'), (NULL, 40, NULL), ('Grace Hopper', 300, '1906-12-09')",
)


TABLES = [
    Case("unknown table", 3, ("there is no table {db}.nowhere", "{address}", "nothing was"), table="nowhere"),
    Case(
        "view",
        3,
        ("{db}.v is a view", "nothing was"),
        table="v",
        before=(*ROWS, "CREATE VIEW v AS SELECT id, name FROM t"),
    ),
    Case(
        "MyISAM",
        3,
        ("{db}.m", "MyISAM", "transactions"),
        table="m",
        before=("CREATE TABLE m (id INT PRIMARY KEY, a INT) ENGINE=MyISAM", "INSERT INTO m VALUES (1, 1)"),
    ),
    Case(
        "no key",
        3,
        ("no unique not-null key of {db}.k", "add a primary or unique key"),
        table="k",
        before=("CREATE TABLE k (id INT NOT NULL, KEY (id))", "INSERT INTO k VALUES (1)"),
    ),
    Case(
        "only a nullable key",
        3,
        ("id may be NULL",),
        table="k",
        before=("CREATE TABLE k (id INT NULL, UNIQUE KEY u (id))", "INSERT INTO k VALUES (1), (NULL)"),
    ),
    Case(
        "only a prefix key",
        3,
        ("part of a column",),
        table="k",
        before=("CREATE TABLE k (id VARCHAR(30) NOT NULL, UNIQUE KEY u (id(5)))", "INSERT INTO k VALUES ('a')"),
    ),
    Case(
        "a SET with an empty member as the only key",
        3,
        ("id is set('','x'), of which not every value can be told in a key",),
        table="k",
        before=("CREATE TABLE k (id SET('', 'x') PRIMARY KEY, v INT)", "INSERT INTO k VALUES (0, 1), (1, 1)"),
    ),
    Case(
        "a SET of 64 members as the only key",
        3,
        ("of which not every value can be told in a key",),
        table="k",
        before=(
            f"CREATE TABLE k (id SET({', '.join(repr(f'm{n}') for n in range(64))}) PRIMARY KEY, v INT)",
            "INSERT INTO k VALUES (1, 1)",
        ),
    ),
    Case(
        "foreign key out",
        3,
        ("foreign key", "{db}.parent"),
        table="child",
        before=(
            "CREATE TABLE parent (id INT PRIMARY KEY)",
            "CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parent (id))",
        ),
    ),
    Case(
        "foreign key in",
        3,
        ("{db}.child", "to_parent", "old table"),
        table="parent",
        before=(
            "CREATE TABLE parent (id INT PRIMARY KEY)",
            "CREATE TABLE child (id INT PRIMARY KEY, p INT, CONSTRAINT to_parent FOREIGN KEY (p) REFERENCES parent (id))",
        ),
    ),
    Case(
        "triggers",
        3,
        ("triggers", "loud"),
        before=(*ROWS, "CREATE TRIGGER loud BEFORE INSERT ON t FOR EACH ROW SET NEW.amount = NEW.amount + 1"),
    ),
    Case(
        "leftover shadow",
        3,
        ("{db}._t_gho exists", "--initially-drop-ghost-table"),
        before=(*ROWS, "CREATE TABLE _t_gho (id INT PRIMARY KEY)"),
    ),
    Case(
        "leftover old table",
        3,
        ("{db}._t_del exists", "--initially-drop-old-table", "--timestamp-old-table"),
        before=(*ROWS, "CREATE TABLE _t_del (id INT PRIMARY KEY)", "INSERT INTO _t_del VALUES (1)"),
    ),
    Case(
        "all findings at once",
        3,
        ("_t_gho exists", "_t_del exists", "triggers", "foreign key"),
        alter="ADD COLUMN p INT, ADD FOREIGN KEY (p) REFERENCES t (id)",
        before=(
            *ROWS,
            "CREATE TABLE _t_gho (id INT PRIMARY KEY)",
            "CREATE TABLE _t_del (id INT PRIMARY KEY)",
            "CREATE TRIGGER loud BEFORE INSERT ON t FOR EACH ROW SET NEW.amount = NEW.amount + 1",
        ),
    ),
]

ALTERS = [
    Case("syntax error", 3, ("refused the ALTER", "1064", "{db}.t", "nothing was"), alter="ADD COLUMN extra INT NOT"),
    Case("unknown column", 3, ("nobody",), alter="MODIFY nobody INT"),
    Case("dropping an unknown column", 3, ("nobody",), alter="DROP COLUMN nobody, ADD COLUMN extra INT"),
    Case("duplicate column", 3, ("duplicate column", "amount"), alter="ADD COLUMN amount INT"),
    Case("unknown type", 3, ("refused the ALTER",), alter="ADD COLUMN extra INTEGRAL"),
    Case("unknown collation", 3, ("nowhere_ci",), alter="MODIFY name VARCHAR(60) COLLATE nowhere_ci"),
    Case("bad default", 3, ("invalid default", "extra"), alter="ADD COLUMN extra INT NOT NULL DEFAULT 'x'"),
    Case("row too large", 3, ("row size",), alter="ADD COLUMN a VARCHAR(16000), MODIFY name VARCHAR(16000)"),
    Case("key too long", 3, ("key was too long",), alter="MODIFY name VARCHAR(2000), ADD KEY (name)"),
    Case("two statements", 2, ("more than one statement",), alter="ADD COLUMN a INT; DROP TABLE t"),
    Case("another statement", 2, ("ALTER",), alter="DROP TABLE t"),
    Case("empty ALTER", 2, ("--alter", "must be given"), alter="  "),
    Case("only a comment", 2, ("empty",), alter="/* nothing */"),
    Case("no ALTER", 2, ("--alter", "must be given"), alter=None),
    Case("unbalanced parentheses", 2, ("parenthes",), alter="ADD COLUMN a DECIMAL(10, 2"),
    Case("open quote", 2, ("quote",), alter="ADD COLUMN a CHAR(1) DEFAULT 'x"),
    Case("renames the table", 3, ("renames {db}.t", "u"), alter="RENAME TO u"),
    Case("names another table", 2, ("--table says t", "other"), alter="ALTER TABLE other ADD COLUMN a INT"),
    Case(
        "names another database",
        2,
        ("--database says here", "elsewhere"),
        alter="ALTER TABLE elsewhere.t ADD COLUMN a INT",
        flags=("--database=here",),
    ),
    Case(
        "unknown database", 3, ("no table elsewhere.t", "{address}"), alter="ALTER TABLE elsewhere.t ADD COLUMN a INT"
    ),
    Case(
        "adds a foreign key",
        3,
        ("adds a foreign key",),
        alter="ADD CONSTRAINT f FOREIGN KEY (amount) REFERENCES t (id)",
    ),
    Case(
        "drops a partition",
        3,
        ("DROP PARTITION", "{db}.t"),
        alter="DROP PARTITION p0",
        before=(
            "CREATE TABLE t (id INT PRIMARY KEY) PARTITION BY RANGE (id) "
            "(PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20))",
            "INSERT INTO t VALUES (1), (11)",
        ),
    ),
    Case("discards the tablespace", 3, ("tablespace",), alter="DISCARD TABLESPACE"),
    Case("drops the only key", 3, ("no unique not-null key", "id"), alter="MODIFY id INT NOT NULL, DROP PRIMARY KEY"),
    Case("drops the key column", 3, ("no unique not-null key",), alter="DROP COLUMN id"),
    Case("key type not carried", 3, ("id changes from int to varchar",), alter="MODIFY id VARCHAR(20) NOT NULL"),
    Case("another engine", 3, ("MyISAM",), alter="ENGINE=MyISAM"),
    Case(
        "not null without a value", 3, ("extra", "DEFAULT", "--transform"), alter="ADD COLUMN extra DATETIME NOT NULL"
    ),
]

EXPRESSIONS = [
    Case("transform: syntax", 3, ("--transform", "1064"), flags=("--transform=extra=amount +",)),
    Case("transform: unknown column", 3, ("--transform", "nobody"), flags=("--transform=extra=nobody + 1",)),
    Case(
        "transform: unknown function", 3, ("--transform", "{address}"), flags=("--transform=extra=nofunction(amount)",)
    ),
    Case("transform: aggregate", 3, ("aggregate",), flags=("--transform=extra=MAX(amount)",)),
    Case("transform: random", 3, ("RAND", "row's own"), flags=("--transform=extra=FLOOR(RAND() * 10)",)),
    Case("transform: now", 3, ("NOW", "row's own"), flags=("--transform=extra=YEAR(NOW())",)),
    Case("transform: variable", 3, ("variable",), flags=("--transform=extra=@x",)),
    Case("transform: subselect", 3, ("SELECT", "not followed"), flags=("--transform=extra=(SELECT MAX(id) FROM t)",)),
    Case("transform: unknown target", 3, ("'nobody'", "does not have"), flags=("--transform=nobody=amount",)),
    Case(
        "transform: generated target",
        3,
        ("generated column 'twice'",),
        alter="ADD COLUMN twice INT AS (amount * 2)",
        flags=("--transform=twice=amount",),
    ),
    Case("transform: parentheses", 2, ("--transform", "parenthes"), flags=("--transform=extra=(amount",)),
    Case("transform: breaks out", 2, ("--transform", "parenthes"), flags=("--transform=extra=amount) FROM t; --",)),
    Case("transform: two statements", 2, ("--transform", "statement"), flags=("--transform=extra=1; DROP TABLE t",)),
    Case("transform: no expression", 2, ("--transform",), flags=("--transform=extra=",)),
    Case("transform: no equals sign", 2, ("--transform", "column=expression"), flags=("--transform=extra",)),
    Case("transform: twice", 2, ("extra", "twice"), flags=("--transform=extra=1", "--transform=extra=2")),
    Case("where: syntax", 3, ("--where", "1064"), flags=("--where=amount >",)),
    Case("where: unknown column", 3, ("--where", "nobody"), flags=("--where=nobody = 1",)),
    Case("where: now", 3, ("--where", "NOW"), flags=("--where=born > NOW()",)),
    Case("where: parentheses", 2, ("--where", "parenthes"), flags=("--where=amount > (1",)),
    Case("where: subselect", 3, ("--where", "SELECT"), flags=("--where=id IN (SELECT 1)",)),
]

MISFITS = [
    Case("NULL in NOT NULL", 7, ("name", "{db}.t", "id = 4", "untouched"), alter="MODIFY name VARCHAR(60) NOT NULL"),
    Case("too long", 7, ("truncated", "name", "id = 1", "untouched"), alter="MODIFY name VARCHAR(11)"),
    Case("out of range", 7, ("out of range", "amount", "id = 5"), alter="MODIFY amount TINYINT NOT NULL"),
    Case("invalid JSON", 7, ("JSON", "id = 1"), alter="MODIFY name JSON"),
    Case("not a number", 7, ("integer value", "id = 1"), alter="MODIFY name INT"),
    Case("unknown ENUM label", 7, ("truncated", "name", "id = 3"), alter="MODIFY name ENUM('Ada Lovelace', 'Grace Hopper')"),
    Case("unknown character", 7, ("name", "id = 2"), alter="MODIFY name VARCHAR(60) CHARACTER SET latin1",
         before=(*ROWS, "UPDATE t SET name = '日本' WHERE id = 2")),
    Case("CHECK violated", 7, ("small_amount", "id = 5"), alter="ADD CONSTRAINT small_amount CHECK (amount < 100)"),
    Case("transform: no value", 7, ("extra", "id = 4"), alter="ADD COLUMN extra VARCHAR(60) NOT NULL", flags=("--transform=extra=name",)),
    Case("transform: bad sum", 7, ("out of range", "id = 1"), alter="ADD COLUMN extra BIGINT", flags=("--transform=extra=amount * 9223372036854775807",)),
    Case(
        "new UNIQUE with duplicates",
        7,
        ("collide", "u_name", "Grace Hopper", "2 rows", "id = 2", "and 5", "untouched"),
        alter="ADD UNIQUE KEY u_name (name)",
    ),
    Case(
        "UNIQUE in another collation",
        7,
        ("collide", "by_word", "untouched"),
        alter="MODIFY word VARCHAR(20) COLLATE utf8mb4_0900_ai_ci",
        table="w",
        before=(
            "CREATE TABLE w (id INT PRIMARY KEY, word VARCHAR(20) COLLATE utf8mb4_bin, UNIQUE KEY by_word (word))",
            "INSERT INTO w VALUES (1, 'a'), (2, 'b'), (3, 'A')",
        ),
    ),
]  # fmt: skip

FLAGS = [
    Case("unknown flag", 2, ("--chunksize", "did you mean --chunk-size?"), flags=("--chunksize=10",)),
    Case("not a number", 2, ("--chunk-size", "whole number", "'many'"), flags=("--chunk-size=many",)),
    Case("not a fraction", 2, ("--nice-ratio", "number"), flags=("--nice-ratio=very",)),
    Case("not a switch", 2, ("--ok-to-drop-table", "true or false"), flags=("--ok-to-drop-table=perhaps",)),
    Case("no value", 2, ("--chunk-size", "needs a value"), flags=("--chunk-size",)),
    Case("left over", 2, ("'column'", "belongs to no flag"), flags=("--where", "id", "column")),
    Case("bad port", 2, ("--port", "65535"), flags=("--port=70000",)),
    Case("bad verify", 2, ("--verify", "on, "), flags=("--verify=perhaps",)),
    Case("contradiction", 2, ("exclude each other",), flags=("--switch-to-rbr", "--assume-rbr")),
    Case("revert of what", 2, ("--revert", "--old-table"), flags=("--revert",)),
    Case("nothing to revert", 17, ("no change", "{db}.t"), flags=("--revert", "--old-table=_t_del")),
    Case("window of what", 2, ("--revert-window", "duration"), flags=("--revert-window=soon",)),
    Case("for later: triggers", 2, ("--include-triggers", "not available"), flags=("--include-triggers",)),
    Case("for later: foreign keys", 2, ("--discard-foreign-keys", "not available"), flags=("--discard-foreign-keys",)),
    Case("figure without a threshold", 2, ("--max-load", "Threads_running"), flags=("--max-load=Threads_running",)),
    Case("nothing to go on with", 17, ("--resume", "{db}.t"), flags=("--resume",)),
    Case("no replica to try it on", 3, ("--test-on-replica", "replica"), flags=("--test-on-replica",)),
    Case("refused: two-step", 2, ("--cut-over=two-step", "atomic"), flags=("--cut-over=two-step",)),
    Case("refused: not strict", 2, ("--skip-strict-mode", "strict"), flags=("--skip-strict-mode",)),
    Case("TLS file without TLS", 2, ("--ssl-ca", "--ssl"), flags=("--ssl-ca=/nowhere.pem",)),
    Case("TLS file missing", 2, ("--ssl-ca", "no file"), flags=("--ssl", "--ssl-ca=/nowhere.pem")),
    Case("conf file missing", 2, ("--conf", "no such file"), flags=("--conf=/nowhere.cnf",)),
    Case("password file missing", 2, ("--password-file", "no such file"), flags=("--password-file=/nowhere.txt",)),
    Case(
        "unwritable flag file",
        2,
        ("--postpone-cut-over-flag-file", "cannot be created", "not changed"),
        flags=("--postpone-cut-over-flag-file=/nowhere/at/all",),
    ),
    Case("URL: another kind", 2, ("--url must begin with",), flags=("--url=oracle://h/db",)),
    Case("for PostgreSQL: reader", 2, ("--stream-reader=peek", "postgresql://"), flags=("--stream-reader=peek",)),
    Case(
        "not to be had online",
        3,
        ("cannot make this change online", "ALGORITHM=COPY", "{db}.t", "nothing was"),
        alter="ADD extra INT, ADD CONSTRAINT positive CHECK (extra > 0)",
        flags=("--strategy=online",),
    ),
    Case("URL: bad port", 2, ("--url", "malformed"), flags=(f"--url=mysql://u:{SECRET}@h:port/db",)),
    Case("URL: parameter", 2, ("--url", "not known"), flags=(f"--url=mysql://u:{SECRET}@h/db?ssl=1",)),
    Case("URL: too deep", 2, ("--url",), flags=(f"--url=mysql://u:{SECRET}@h/db/t",)),
]


def run(server: sandbox.Server, database: str, case: Case) -> Finished:
    """Run the program on the case's table."""
    flags = [f"--url={server.url}/{database}", f"--table={case.table}"]
    flags += [] if case.alter is None else [f"--alter={case.alter}"]
    flags += ["--execute"] if case.execute else []
    return ghostpy("migrate", *flags, *case.flags, timeout=60)


@pytest.mark.parametrize("case", [*TABLES, *ALTERS, *EXPRESSIONS, *MISFITS, *FLAGS], ids=lambda case: case.id)
def test_refused(mysql: sandbox.MySQLServer, database: str, case: Case) -> None:
    with cursor_of(mysql, database) as cursor:
        for statement in ROWS if case.before is None else case.before:
            cursor.execute(statement)
    witness = Witness(mysql, database)
    finished = run(mysql, database, case)
    says = (phrase.format(db=database, address=f"{mysql.host}:{mysql.port}") for phrase in case.says)
    assert_failed(finished, case.status, *says, never=case.never)
    witness.assert_as_before()


# --- connections ------------------------------------------------------------------------------------------------------


@pytest.fixture
def table(mysql: sandbox.MySQLServer, database: str) -> Witness:
    """A database with the table `t`."""
    mysql.execute(f"USE {database}", *ROWS)
    return Witness(mysql, database)


@pytest.fixture
def account(mysql: sandbox.MySQLServer, database: str) -> Iterator[str]:
    """The name of an account whose password is SECRET."""
    name = f"{database}_user"
    mysql.execute(
        f"CREATE USER '{name}'@'%' IDENTIFIED BY '{SECRET}'",
        f"GRANT ALL ON {database}.* TO '{name}'@'%'",
        f"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '{name}'@'%'",
    )
    yield name
    mysql.execute(f"DROP USER '{name}'@'%'")


def connect(*flags: str, password: str = "", url: str = "") -> Finished:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GHOSTPY", "MYSQL"))}
    return ghostpy(
        "migrate",
        *([f"--url={url}"] if url else ["--database=d"]),
        "--table=t",
        "--alter=ADD COLUMN extra INT",
        "--execute",
        *flags,
        environment=environment | ({"GHOSTPY_PASSWORD": password} if password else {}),
        timeout=60,
    )


def test_wrong_password(table: Witness, account: str) -> None:
    server, url = table.server, f"mysql://{account}@127.0.0.1:{table.server.port}/{table.database}"
    assert_failed(connect(url=url, password=f"{SECRET}x"), 4, "access denied", account, never=(SECRET,))
    assert_failed(connect(url=url), 4, "access denied", "using password: NO", never=(SECRET,))
    in_url = url.replace("@", f":{SECRET}y@")
    assert_failed(connect(url=in_url), 4, "access denied", "not changed", str(server.port), never=(SECRET,))
    table.assert_as_before()


def test_unknown_user(table: Witness) -> None:
    url = f"mysql://nobody@127.0.0.1:{table.server.port}/{table.database}"
    assert_failed(connect(url=url, password=SECRET), 4, "access denied", "'nobody'", never=(SECRET,))
    table.assert_as_before()


def test_wrong_host() -> None:
    finished = connect("--host=nowhere.invalid", "--user=root", password=SECRET)
    assert_failed(finished, 4, "nowhere.invalid:3306", "not changed", "check host", never=(SECRET,))


def test_wrong_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    finished = connect("--host=127.0.0.1", f"--port={port}", "--user=root", password=SECRET)
    assert_failed(finished, 4, f"127.0.0.1:{port}", "refused", "not changed", never=(SECRET,))


def test_wrong_socket() -> None:
    finished = connect(url="mysql://root@/d?socket=/nowhere.sock")
    assert_failed(finished, 4, "/nowhere.sock", "not changed")


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"SSH-2.0-OpenSSH_9.2\r\n", b"", None])
def test_not_a_mysql(answer: bytes | None) -> None:
    """Another kind of server, which may also say nothing at all."""
    held: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = other.accept()
                held.append(client)
                if answer is not None:
                    client.sendall(answer)
                    client.shutdown(socket.SHUT_WR)

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        finished = connect("--host=127.0.0.1", f"--port={port}", "--user=root", "--mysql-timeout=1", password=SECRET)
        other.shutdown(socket.SHUT_RDWR)
        thread.join()
    for client in held:
        client.close()
    assert_failed(finished, 4, f"127.0.0.1:{port}", "check", never=(SECRET,))


def _self_signed(path: Path) -> Path:
    """A certificate that has nothing to do with the server's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody else")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path


def test_server_not_trusted(table: Witness, tmp_path: Path) -> None:
    url = f"{table.server.url}/{table.database}"
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for flags in (
        (),
        (f"--ssl-ca={_self_signed(tmp_path / 'other.pem')}",),
        (f"--ssl-ca={table.server.folder / 'data/ca.pem'}",),  # the right one, but the certificate names no host
        (f"--ssl-ca={broken}",),
    ):
        assert_failed(
            connect("--ssl", *flags, url=url), 4, f"127.0.0.1:{table.server.port}", "TLS settings", "not changed"
        )
    table.assert_as_before()
    assert connect("--ssl", "--ssl-allow-insecure", "--execute=false", url=url).status == 0


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_too_many_connections(table: Witness, account: str, most: int) -> None:
    """Refused at once, or in the middle of the run."""
    table.server.execute(f"ALTER USER '{account}'@'%' WITH MAX_USER_CONNECTIONS {most}")
    url = f"mysql://{account}@127.0.0.1:{table.server.port}/{table.database}"
    finished = connect(url=url, password=SECRET)
    assert_failed(finished, 4, "max_user_connections", "limit", never=(SECRET,))
    table.assert_as_before()


# --- servers ----------------------------------------------------------------------------------------------------------


def assert_refused(server: sandbox.Server, database: str, *phrases: str) -> None:
    witness = Witness(server, database)
    finished = connect(url=f"{server.url}/{database}")
    assert_failed(finished, 3, *phrases, f"{database}.t on {server.host}:{server.port}", "nothing was")
    witness.assert_as_before()


def test_binlog_off(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase) -> None:
    server = mysql_with({"skip-log-bin": None})
    database = new_database(server)
    server.execute(f"USE {database}", *ROWS)
    assert_refused(server, database, "no binary log", "--log-bin")


def test_binlog_filtered(
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase
) -> None:
    server = mysql_with({"binlog-ignore-db": "elsewhere"})
    database = new_database(server)
    server.execute(f"USE {database}", *ROWS)
    assert_refused(server, database, "filtered", "elsewhere")


@pytest.mark.parametrize(
    ("variable", "value", "phrase"),
    [
        ("binlog_format", "STATEMENT", "binlog_format=STATEMENT"),
        ("binlog_format", "MIXED", "binlog_format=MIXED"),
        ("read_only", "ON", "read-only"),
        ("super_read_only", "ON", "read-only"),
    ],
)
def test_server_setting(mysql: sandbox.MySQLServer, table: Witness, variable: str, value: str, phrase: str) -> None:
    before = mysql.execute(f"SELECT @@GLOBAL.{variable} AS value")[0]["value"]
    mysql.execute(f"SET GLOBAL {variable} = {value}")
    try:
        finished = connect(url=f"{mysql.url}/{table.database}")
    finally:
        mysql.execute(f"SET GLOBAL {variable} = {before!r}", "SET GLOBAL read_only = OFF")
    assert_failed(finished, 3, phrase, f"{table.database}.t on {mysql.host}:{mysql.port}", "nothing was")
    table.assert_as_before()


def test_disk_full(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase) -> None:
    """All tables in a file that must not grow: the server answers as it does when the disk is full."""
    server = mysql_with({"innodb-data-file-path": "ibdata1:24M", "innodb-file-per-table": 0})
    database = new_database(server)
    make = (
        "CREATE TABLE t (id INT PRIMARY KEY, c CHAR(250) NOT NULL) "
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
        "SELECT i AS id, REPEAT('x', 250) AS c FROM n"
    )
    server.execute(
        f"USE {database}", "SET SESSION cte_max_recursion_depth = 10000", make, "ALTER TABLE t TABLESPACE innodb_system"
    )
    witness = Witness(server, database)
    finished = connect(
        "--transform=more=REPEAT('y', 2000)", "--alter=ADD COLUMN more TEXT", url=f"{server.url}/{database}"
    )
    assert_failed(finished, 10, "full", "1114", f"{database}.t", f"{server.host}:{server.port}", "not changed")
    witness.assert_as_before()


def test_leftovers_dropped(table: Witness) -> None:
    server, database = table.server, table.database
    server.execute(f"CREATE TABLE {database}._t_gho (x INT)", f"CREATE TABLE {database}._t_del (x INT)")
    finished = connect("--initially-drop-ghost-table", "--initially-drop-old-table", url=f"{server.url}/{database}")
    assert finished.status == 0, finished.errors
    after = tables_of(server, database)
    assert set(after) == {"t", "_t_del"}
    assert after["_t_del"][2] == table.before["t"][2]
    assert_nothing_held(server)


@pytest.mark.parametrize("case", MISFITS[:1], ids=lambda case: case.id)
def test_no_row_no_misfit(mysql: sandbox.MySQLServer, database: str, case: Case) -> None:
    mysql.execute(f"USE {database}", ROWS[0])
    finished = run(mysql, database, case)
    assert finished.status == 0, finished.errors
