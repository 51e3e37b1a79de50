"""Real servers for the tests: started when a test asks for one, shared by the session, gone afterwards.

A test that cannot get its server fails; it is never skipped. What a server has written survives the end of its process, as
tests that kill one need it, but not that of the machine: nobody waits for disks.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import hypothesis
import pytest

from ghostpy import sandbox
from ghostpy.sandbox.workspace import FOLDER

pytest_plugins = ["time_limit"]

# How long an example takes says something about the machine only.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_MEMORY, _ENOUGH = Path("/dev/shm"), 18 << 30


def _in_memory() -> bool:
    """Whether there is room for the data of PostgreSQL's servers, 4 GB in all, besides all else that runs."""
    try:
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        available = 1024 * int(told["MemAvailable"].removesuffix("kB"))
        return min(shutil.disk_usage(_MEMORY).free, available) > _ENOUGH
    except OSError:
        return False


# Thousands of databases are made, of hundreds of files each: on a disk that takes as long as the tests themselves.
_POSTGRES_FOLDER = os.environ.get(FOLDER) or (str(_MEMORY) if _in_memory() else "")

_WORKERS_PER_CORE = 2
"""Half of the time, a test waits: for a writer, a server's start, a poll."""


def pytest_xdist_auto_num_workers() -> int:
    """What `-n auto` stands for."""
    return _WORKERS_PER_CORE * len(os.sched_getaffinity(0))


SomeServer = TypeVar("SomeServer", bound=sandbox.Server)
NewDatabase = Callable[[sandbox.Server], str]

_numbers = itertools.count(1)

_HASTY_INNODB: sandbox.Options = {
    "innodb-buffer-pool-size": "128M",
    "innodb-flush-log-at-trx-commit": 2,
    "innodb-flush-method": "nosync",
    "sync-binlog": 0,
    # Each database of a test is used once.
    "table-definition-cache": 400,
    "table-open-cache": 400,
}
_HASTY: dict[str, sandbox.Options] = {
    "mysql": _HASTY_INNODB,
    "mariadb": _HASTY_INNODB,
    "postgres": {"fsync": "off"},
}


class Servers:
    """The servers of a session, one for each set of options."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._servers: dict[tuple[object, ...], sandbox.Server] = {}

    def get(self, start: Callable[[sandbox.Options], SomeServer], options: sandbox.Options, *key: object) -> SomeServer:
        """Return the server of this kind with these options, started if there is none yet. The key begins with the kind."""
        spelled = {name.replace("_", "-"): value for name, value in options.items()}
        hasty = _HASTY[str(key[0])]
        key = (*key, *sorted(spelled.items(), key=repr))
        if key not in self._servers:
            with pytest.MonkeyPatch.context() as environment:
                if key[0] == "postgres":
                    environment.setenv(FOLDER, _POSTGRES_FOLDER)
                self._servers[key] = self._open.enter_context(start({**hasty, **spelled}))
        server = self._servers[key]
        server.start()  # a test may have left it stopped
        return server  # type: ignore[return-value]  # the key says which kind it is

    def close(self) -> None:
        """End them all."""
        self._open.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The session's servers. Tests use the fixtures below."""
    held = Servers()
    yield held
    held.close()


@pytest.fixture(scope="session")
def mysql_with(servers: Servers) -> Callable[[sandbox.Options], sandbox.MySQLServer]:
    """Return MySQL servers by their options; equal options get the same server."""
    return lambda options: servers.get(sandbox.mysql, options, "mysql")


@pytest.fixture(scope="session")
def mariadb_with(servers: Servers) -> Callable[[sandbox.Options], sandbox.MariaDBServer]:
    """Return MariaDB servers by their options; equal options get the same server."""
    return lambda options: servers.get(sandbox.mariadb, options, "mariadb")


@pytest.fixture(scope="session")
def mariadb_11_with(servers: Servers) -> Callable[[sandbox.Options], sandbox.MariaDBServer]:
    """The same of the newer series."""
    start = partial(sandbox.mariadb, version="11.8")
    return lambda options: servers.get(start, options, "mariadb", "11.8")


@pytest.fixture(scope="session")
def postgres_with(servers: Servers) -> Callable[[int, sandbox.Options], sandbox.PostgresServer]:
    """Return PostgreSQL servers by major version and options; equal ones get the same server."""

    def get(version: int, options: sandbox.Options) -> sandbox.PostgresServer:
        return servers.get(partial(sandbox.postgres, version=version), options, "postgres", version)

    return get


@pytest.fixture(scope="session")
def mysql(mysql_with: Callable[[sandbox.Options], sandbox.MySQLServer]) -> sandbox.MySQLServer:
    """The MySQL server of the session."""
    return mysql_with({})


@pytest.fixture(scope="session")
def mysql_url(mysql: sandbox.MySQLServer) -> str:
    """The address of the session's MySQL server."""
    return mysql.url


@pytest.fixture(scope="session")
def mariadb(mariadb_with: Callable[[sandbox.Options], sandbox.MariaDBServer]) -> sandbox.MariaDBServer:
    """The MariaDB server of the session."""
    return mariadb_with({})


@pytest.fixture(scope="session")
def mariadb_11(mariadb_11_with: Callable[[sandbox.Options], sandbox.MariaDBServer]) -> sandbox.MariaDBServer:
    """The MariaDB 11.8 server of the session."""
    return mariadb_11_with({})


@pytest.fixture(scope="session")
def postgres(
    postgres_with: Callable[[int, sandbox.Options], sandbox.PostgresServer],
) -> sandbox.PostgresServer:
    """The PostgreSQL 18 server of the session."""
    return postgres_with(18, {})


@pytest.fixture(autouse=True)
def _own_sockets() -> Iterator[None]:
    """Control sockets in a folder of each test's own: nobody sees another's runs, and no socket is left."""
    with tempfile.TemporaryDirectory(prefix="gh-", dir="/tmp") as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("GHOSTPY_SOCKETS_FOLDER", folder)
        environment.setenv("XDG_RUNTIME_DIR", folder)
        yield


@pytest.fixture
def new_database() -> Iterator[NewDatabase]:
    """Make databases of their own on any server, and drop them after the test."""
    with ExitStack() as drops:

        def make(server: sandbox.Server) -> str:
            name = f"test_{os.getpid()}_{next(_numbers)}"
            server.execute(f"CREATE DATABASE {name}{_cheaply(server)}")
            drops.callback(_drop, server, name)
            return name

        yield make


@pytest.fixture
def database(mysql: sandbox.MySQLServer, new_database: NewDatabase) -> str:
    """The name of an empty database on the session's MySQL server, of this test only."""
    return new_database(mysql)


def _cheaply(server: sandbox.Server) -> str:
    """How PostgreSQL makes a database in a third of the time, where nobody waits for disks; 14 knows no other way than this."""
    known = isinstance(server, sandbox.PostgresServer) and int(server.version.partition(".")[0]) > 14
    return " STRATEGY file_copy" if known else ""


def _drop(server: sandbox.Server, name: str) -> None:
    if not server.running:
        return  # its data goes with it
    if isinstance(server, sandbox.PostgresServer):
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    else:  # a session that a test forgot must not hang the others: it fails the test that forgot it
        server.execute("SET lock_wait_timeout = 10", f"DROP DATABASE IF EXISTS {name}")
