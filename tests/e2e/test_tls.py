"""Connections by TLS to servers with certificates of an authority that nobody else knows."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from certificates import Authority
from migrating import Finished, cursor_of, ghostpy
from postgres_witness import Witness as PostgresWitness
from witness import Witness

from ghostpy import sandbox
from ghostpy.sandbox import account

NewDatabase = Callable[[sandbox.Server], str]

_HBA = """
local all all trust
hostssl all carrier 127.0.0.1/32 cert
hostssl all all 127.0.0.1/32 trust
"""


class Files:
    """Of the servers, of the client `carrier`, and of an authority that has signed nothing."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder, "ours")
        self.ca = authority.ca
        self.server = authority.sign("localhost", "localhost")
        self.hba = folder / "hba"
        self.hba.write_text(_HBA)
        account.give(folder)
        # Keys of clients must be their own.
        own = Path(tempfile.mkdtemp(dir=folder))
        self.other_ca = Authority(own, "theirs").ca
        self.client = Authority.sign(authority, "carrier")
        for path in self.client:
            shutil.move(path, own / path.name)
        self.client = own / self.client[0].name, own / self.client[1].name


@pytest.fixture(scope="module")
def files() -> Iterator[Files]:
    folder = Path(tempfile.mkdtemp(prefix="ghostpy-tls-"))
    folder.chmod(0o755)
    yield Files(folder)
    shutil.rmtree(folder)


# --- PostgreSQL ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def postgres_server(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer], files: Files
) -> sandbox.PostgresServer:
    """It lets nobody in over TCP without TLS, replication included, and `carrier` with a certificate only."""
    certificate, key = files.server
    options = {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key), "ssl_ca_file": str(files.ca)}
    # The wheel of 18 is built without TLS.
    server = postgres_with(15, {**options, "hba_file": str(files.hba)})
    if not server.execute("SELECT rolname FROM pg_roles WHERE rolname = 'carrier'"):
        server.execute("CREATE ROLE carrier LOGIN SUPERUSER")
    return server


def _postgres_table(server: sandbox.Server, database: str) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id int PRIMARY KEY, v int)")
        cursor.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 100) AS i")
        cursor.execute("COMMIT")


def _on_postgres(
    server: sandbox.Server, database: str, *flags: str, host: str, user: str = "postgres", words: str = ""
) -> Finished:
    return ghostpy(
        "migrate",
        f"--url=postgresql://{user}@{host}:{server.port}/{database}{words}",
        "--table=public.t",
        "--alter=ALTER v TYPE bigint",
        "--execute",
        "--stream-reader=walsender",
        *flags,
    )


@pytest.mark.parametrize("way", ["words", "flags", "require", "insecure", "certificate"])
def test_postgres(postgres_server: sandbox.PostgresServer, new_database: NewDatabase, files: Files, way: str) -> None:
    database = new_database(postgres_server)
    _postgres_table(postgres_server, database)
    certificate, key = files.client
    host, user, words, flags = {
        "words": ("localhost", "postgres", f"?sslmode=verify-full&sslrootcert={files.ca}", ()),
        "flags": ("localhost", "postgres", "", ("--ssl", f"--ssl-ca={files.ca}")),
        "require": ("127.0.0.1", "postgres", "?sslmode=require", ()),
        "insecure": ("127.0.0.1", "postgres", "", ("--ssl", "--ssl-allow-insecure")),
        "certificate": (
            "localhost",
            "carrier",
            "",
            ("--ssl", f"--ssl-ca={files.ca}", f"--ssl-cert={certificate}", f"--ssl-key={key}"),
        ),
    }[way]
    done = _on_postgres(postgres_server, database, *flags, host=host, user=user, words=words)
    assert done.status == 0, done.errors
    with cursor_of(postgres_server, database) as cursor:
        cursor.execute("SELECT pg_typeof(v)::text FROM t LIMIT 1")
        assert cursor.fetchone() == ("bigint",)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("other authority", "certificate verify failed"),
        ("other host", 'does not match host name "127.0.0.1"'),
        ("no tls", "no encryption"),
        ("no certificate", "requires a valid client certificate"),
        ("system's authorities", "certificate verify failed"),
    ],
)
def test_refused_by_postgres(
    postgres_server: sandbox.PostgresServer, new_database: NewDatabase, files: Files, way: str, told: str
) -> None:
    database = new_database(postgres_server)
    _postgres_table(postgres_server, database)
    witness = PostgresWitness(postgres_server, database)
    ours = ("--ssl", f"--ssl-ca={files.ca}")
    host, user, flags = {
        "other authority": ("localhost", "postgres", ("--ssl", f"--ssl-ca={files.other_ca}")),
        "other host": ("127.0.0.1", "postgres", ours),
        "no tls": ("localhost", "postgres", ("--ssl=false",)),
        "no certificate": ("localhost", "carrier", ours),
        "system's authorities": ("localhost", "postgres", ("--ssl",)),
    }[way]
    done = _on_postgres(postgres_server, database, *flags, host=host, user=user)
    assert done.status == 4, done.errors
    assert told in done.errors
    assert "Check host, port, user, password and TLS settings." in done.errors
    witness.assert_as_before()


def test_a_postgres_server_without_tls(
    postgres: sandbox.PostgresServer, new_database: NewDatabase, files: Files
) -> None:
    database = new_database(postgres)
    _postgres_table(postgres, database)
    witness = PostgresWitness(postgres, database)
    for words in ("?sslmode=require", f"?sslmode=verify-full&sslrootcert={files.ca}"):
        done = _on_postgres(postgres, database, host="localhost", words=words)
        assert done.status == 4, done.errors
        assert "server does not support SSL" in done.errors
    witness.assert_as_before()


# --- MySQL ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def mysql_server(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], files: Files) -> sandbox.MySQLServer:
    """`secure` comes in with TLS only, for the binary log too, and `carrier` with a certificate."""
    certificate, key = files.server
    server = mysql_with({"ssl-ca": str(files.ca), "ssl-cert": str(certificate), "ssl-key": str(key)})
    for user, demand in (("secure", "SSL"), ("carrier", "X509")):
        server.execute(
            f"CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY 'word' REQUIRE {demand}",
            f"GRANT ALL ON *.* TO {user}@'%'",
        )
    return server


def _mysql_table(server: sandbox.Server, database: str) -> None:
    with cursor_of(server, database) as cursor:
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
        cursor.execute(
            "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i FROM n"
        )
        cursor.execute("COMMIT")


def _on_mysql(server: sandbox.Server, database: str, *flags: str, host: str, user: str = "secure") -> Finished:
    return ghostpy(
        "migrate",
        f"--url=mysql://{user}:word@{host}:{server.port}/{database}",
        "--table=t",
        "--alter=MODIFY v BIGINT",
        "--execute",
        *flags,
    )


@pytest.mark.parametrize("way", ["flags", "insecure", "certificate"])
def test_mysql(mysql_server: sandbox.MySQLServer, new_database: NewDatabase, files: Files, way: str) -> None:
    database = new_database(mysql_server)
    _mysql_table(mysql_server, database)
    certificate, key = files.client
    host, user, flags = {
        "flags": ("localhost", "secure", ("--ssl", f"--ssl-ca={files.ca}")),
        "insecure": ("127.0.0.1", "secure", ("--ssl", "--ssl-allow-insecure")),
        "certificate": (
            "localhost",
            "carrier",
            ("--ssl", f"--ssl-ca={files.ca}", f"--ssl-cert={certificate}", f"--ssl-key={key}"),
        ),
    }[way]
    done = _on_mysql(mysql_server, database, *flags, host=host, user=user)
    assert done.status == 0, done.errors
    with cursor_of(mysql_server, database) as cursor:
        cursor.execute(
            "SELECT DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 't' AND COLUMN_NAME = 'v'"
        )
        assert cursor.fetchone() == ("bigint",)


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("other authority", "certificate verify failed"),
        ("other host", "certificate is not valid for '127.0.0.1'"),
        ("no tls", "Access denied"),
        ("no certificate", "Access denied"),
        ("system's authorities", "certificate verify failed"),
    ],
)
def test_refused_by_mysql(
    mysql_server: sandbox.MySQLServer, new_database: NewDatabase, files: Files, way: str, told: str
) -> None:
    database = new_database(mysql_server)
    _mysql_table(mysql_server, database)
    witness = Witness(mysql_server, database)
    ours = ("--ssl", f"--ssl-ca={files.ca}")
    host, user, flags = {
        "other authority": ("localhost", "secure", ("--ssl", f"--ssl-ca={files.other_ca}")),
        "other host": ("127.0.0.1", "secure", ours),
        "no tls": ("localhost", "secure", ()),
        "no certificate": ("localhost", "carrier", ours),
        "system's authorities": ("localhost", "secure", ("--ssl",)),
    }[way]
    done = _on_mysql(mysql_server, database, *flags, host=host, user=user)
    assert done.status == 4, done.errors
    assert told in done.errors
    assert "word" not in done.errors.replace("password", "")
    witness.assert_as_before()


def test_a_mysql_server_without_tls(
    mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer], new_database: NewDatabase, files: Files
) -> None:
    server = mysql_with({"tls-version": ""})
    database = new_database(server)
    _mysql_table(server, database)
    witness = Witness(server, database)
    server.execute("CREATE USER IF NOT EXISTS secure@'%' IDENTIFIED BY 'word'", "GRANT ALL ON *.* TO secure@'%'")
    done = _on_mysql(server, database, "--ssl", f"--ssl-ca={files.ca}", host="localhost")
    assert done.status == 4, done.errors
    assert "TLS" in done.errors or "SSL" in done.errors
    witness.assert_as_before()
