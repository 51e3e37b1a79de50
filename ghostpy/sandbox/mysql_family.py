"""What throwaway MySQL and MariaDB servers have in common."""

from __future__ import annotations

import hashlib
import random
import signal
import socket
from abc import abstractmethod
from contextlib import closing
from pathlib import Path
from typing import ClassVar, Self

from ghostpy.sandbox import account, cache
from ghostpy.sandbox.installation import Installation, Programs, version_in, version_line
from ghostpy.sandbox.server import Options, Server

_PROTOCOL = 10  # fifth byte of a greeting; an error has 255 there

_COMMON: dict[str, str | int | None] = {
    "bind-address": "127.0.0.1",
    "innodb-buffer-pool-size": "512M",
    "innodb-flush-log-at-trx-commit": 1,
    "local-infile": 1,
    "log-bin": "binlog",
    "report-host": "127.0.0.1",
    "secure-file-priv": "",
    "sync-binlog": 1,
}

# These are fixed when the data directory is made.
_AT_BIRTH = (
    "character-set-server",
    "collation-server",
    "innodb-data-file-path",
    "innodb-page-size",
    "lower-case-table-names",
)

# A server makes them when it does not find them: its own identity, and the redo files in reserve (100 MB).
_NOT_COPIED = ("auto.cnf", "#innodb_redo/#ib_redo*_tmp")


class MySQLFamily(Server):
    """A throwaway server that speaks MySQL's protocol. Its root has no password and may come over TCP."""

    user: ClassVar[str] = "root"
    defaults: ClassVar[dict[str, str | int | None]]
    program: ClassVar[str]

    _stop_signal = signal.SIGTERM
    _end_signal = signal.SIGKILL  # the data goes with it, so there is nothing to shut down for

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
        from pymysql.cursors import DictCursor

        rows: list[dict[str, object]] = []
        with closing(
            pymysql.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                autocommit=True,
                cursorclass=DictCursor,
                ssl_disabled=True,
            )
        ) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = list(cursor.fetchall())
        return rows

    def replica(self, options: Options | None = None) -> Self:
        """Return a server of its own that replicates from this one, and ends with it at the latest.

        It is read-only, and has the options of its source unless `options` say otherwise.
        """
        replica = type(self)(self._installation, {"read-only": 1} | self.options | self._spelled(options))
        self._dependants.append(replica)
        replica.execute(*self._replication(replica))
        return replica

    @abstractmethod
    def _replication(self, replica: Self) -> list[str]:
        """Return the statements that make `replica` follow this server."""

    @abstractmethod
    def _initialise(self, folder: Path, options: dict[str, str | int | None]) -> None:
        """Make a data directory `data` in `folder`."""

    @staticmethod
    def _spelled(options: Options | None) -> dict[str, str | int | None]:
        return {name.lstrip("-").replace("_", "-"): value for name, value in (options or {}).items()}

    def _prepare(self) -> None:
        born = {name: value for name, value in self.options.items() if name in _AT_BIRTH}
        mark = hashlib.sha256(repr(sorted(born.items())).encode()).hexdigest()[:8]

        def build(folder: Path) -> None:
            account.give(folder)
            self._initialise(folder, born)
            for each in _NOT_COPIED:
                for path in folder.glob(f"data/{each}"):
                    path.unlink()

        self._copy_data(cache.kept(f"{self.kind}-data-{self.version}-{mark}", build) / "data")

    def _command(self) -> list[str]:
        own: dict[str, str | int | None] = {
            "datadir": str(self.folder / "data"),
            "pid-file": str(self.folder / "pid"),
            "port": self.port,
            "report-port": self.port,
            "server-id": self.server_id,
            "socket": self.socket,
            "tmpdir": str(self.folder),
        }
        return [
            *self._installation.command(self.program, self.folder),
            "--no-defaults",
            *self._installation.options,
            *flags(_COMMON | self.defaults | own | self.options),
        ]

    def _ready(self) -> bool:
        """The socket opens early, but the greeting comes when the server is up."""
        try:
            with closing(socket.socket(socket.AF_UNIX)) as probe:
                probe.settimeout(1)
                probe.connect(self.socket)
                greeting = probe.recv(5)
        except OSError:
            return False
        return len(greeting) == 5 and greeting[4] == _PROTOCOL


def flags(options: Options) -> list[str]:
    """Return options as they stand on a command line; `skip-NAME` takes a default NAME away."""
    skipped = {name.removeprefix("skip-") for name in options if name.startswith("skip-")}
    return [
        f"--{name}" if value is None else f"--{name}={value}" for name, value in options.items() if name not in skipped
    ]


def beside_the_system(root: Path, program: str) -> Programs:
    """Return the server in a folder of unpacked packages, which has to be told that its files are not in /usr."""
    shares = (root / "usr/share" / name for name in ("mysql", "mariadb"))
    share = next(each for each in shares if (each / "charsets").exists())
    folders = (root / "usr/sbin", root / "usr/bin")
    return Programs(
        version_in(version_line(folders[0] / program)),
        folders,
        (
            f"--basedir={root / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
            f"--plugin-dir={root / 'usr/lib/mysql/plugin'}",
        ),
    )
