"""What throwaway MySQL and MariaDB servers have in common."""

from __future__ import annotations

import random
import signal
import socket
from abc import abstractmethod
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Self

from ghostpy.sandbox import account, commands
from ghostpy.sandbox.installation import Installation
from ghostpy.sandbox.server import Options, Server, normalised

_PROTOCOL = 10  # fifth byte of a greeting; an error has 255 there

COMMON: dict[str, str | int | None] = {
    "bind-address": "127.0.0.1",
    "innodb-buffer-pool-size": "512M",
    "innodb-flush-log-at-trx-commit": 1,
    "local-infile": 1,
    "log-bin": "binlog",
    "report-host": "127.0.0.1",
    "secure-file-priv": "",
    "sync-binlog": 1,
}


class MySQLFamily(Server):
    """A throwaway server that speaks MySQL's protocol. Its root has no password and may come over TCP."""

    user: ClassVar[str] = "root"
    defaults: ClassVar[dict[str, str | int | None]]
    program: ClassVar[str]

    # The data is thrown away, so the end need not be a shutdown.
    _end_signal = signal.SIGKILL
    _stop_signal = signal.SIGTERM
    _port_taken = "port: "

    def __init__(self, installation: Installation, options: Options | None = None) -> None:
        self.server_id = random.randrange(1, 2**31)
        super().__init__(installation, options)

    @property
    def url(self) -> str:
        """`mysql://root@127.0.0.1:PORT`."""
        return f"mysql://{self.user}@{self.host}:{self.port}"

    @property
    def socket(self) -> str:
        """The path of the unix socket."""
        return str(self.folder / "s.sock")

    def execute(self, *statements: str) -> list[dict[str, object]]:
        """Run statements as root, and return the rows of the last one."""
        import pymysql  # here, because a machine that only runs servers need not have it
        import pymysql.cursors

        connection = pymysql.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            autocommit=True,
            cursorclass=pymysql.cursors.DictCursor,
        )
        rows: list[dict[str, object]] = []
        with closing(connection), connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def replica(self, options: Options | None = None) -> Self:
        """Return a server of its own that replicates from this one, and ends with it at the latest.

        It is read-only, and has the options of its source unless `options` say otherwise.
        """
        given = self.options | normalised(options or {})
        replica = type(self)(self._installation, {"read-only": 1} | given)
        self._dependants.append(replica)
        replica.execute(*self._replication(replica))
        return replica

    @abstractmethod
    def _replication(self, replica: Self) -> list[str]:
        """Return the statements that make `replica` follow this server."""

    @abstractmethod
    def _template(self) -> Path:
        """Return a cached data directory, initialised as this server's options want it."""

    def _prepare(self) -> None:
        data = self.folder / "data"
        commands.run(
            ["cp", "--archive", "--reflink=auto", str(self._template()), str(data)], as_ourselves=True
        )
        # The server's own identity: every copy has to find one of its own.
        (data / "auto.cnf").unlink(missing_ok=True)
        account.give(data)

    def _command(self) -> list[str]:
        return [
            *self._installation.command(self.program, self.folder),
            "--no-defaults",
            *self._installation.options,
            *self._flags(),
        ]

    def _flags(self) -> list[str]:
        own: dict[str, str | int | None] = {
            "datadir": str(self.folder / "data"),
            "pid-file": str(self.folder / "pid"),
            "port": self.port,
            "report-port": self.port,
            "server-id": self.server_id,
            "socket": self.socket,
            "tmpdir": str(self.folder),
        }
        return flags(COMMON | self.defaults | own | self.options)

    def _ready(self) -> bool:
        """The port opens early, but the greeting comes when the server is up."""
        try:
            with socket.create_connection((self.host, self.port), timeout=1) as probe:
                greeting = probe.recv(5)
        except OSError:
            return False
        return len(greeting) == 5 and greeting[4] == _PROTOCOL


def flags(options: dict[str, str | int | None]) -> list[str]:
    """Return options as they stand on a command line; `skip-NAME` takes a default NAME away."""
    skipped = {name.removeprefix("skip-") for name in options if name.startswith("skip-")}
    return [
        f"--{name}" if value is None else f"--{name}={value}"
        for name, value in options.items()
        if name not in skipped
    ]
