"""Throwaway PostgreSQL servers."""

from __future__ import annotations

import signal
import socket
import struct
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from ghostpy.sandbox import account, cache, commands
from ghostpy.sandbox.installation import Installation
from ghostpy.sandbox.server import Options, Server

_PROTOCOL = 3 << 16


class PostgresServer(Server):
    """A throwaway PostgreSQL server with logical decoding. Its superuser `postgres` needs no password."""

    kind: ClassVar[str] = "postgres"
    user: ClassVar[str] = "postgres"
    defaults: ClassVar[dict[str, str | int | None]] = {
        "listen_addresses": "127.0.0.1",
        "max_prepared_transactions": 20,
        "max_replication_slots": 20,
        "max_wal_senders": 20,
        "wal_level": "logical",
    }

    _stop_signal = signal.SIGINT  # "fast": sessions are ended
    _end_signal = signal.SIGQUIT  # "immediate": takes its children along, as SIGKILL would not

    @property
    def url(self) -> str:
        """`postgresql://postgres@127.0.0.1:PORT/postgres`."""
        return f"postgresql://{self.user}@{self.host}:{self.port}/postgres"

    @property
    def socket(self) -> str:
        """The folder of the unix socket."""
        return str(self.folder)

    def execute(self, *statements: str) -> list[dict[str, object]]:
        """Run statements as superuser, and return the rows of the last one."""
        import psycopg  # here, because a machine that only runs servers need not have it
        from psycopg.rows import dict_row

        rows: list[dict[str, object]] = []
        with closing(psycopg.connect(self.url, autocommit=True, row_factory=dict_row)) as connection:
            for statement in statements:
                cursor = connection.execute(statement.encode())
                rows = cursor.fetchall() if cursor.description else []
        return rows

    def replica(self, options: Options | None = None) -> PostgresServer:
        """Return a physical standby of this server, which ends with it at the latest."""
        standby = _Standby(self, self._installation, self.options | self._spelled(options))
        self._dependants.append(standby)
        return standby

    @staticmethod
    def _spelled(options: Options | None) -> dict[str, str | int | None]:
        return {name.lstrip("-").replace("-", "_"): value for name, value in (options or {}).items()}

    def _prepare(self) -> None:
        def build(folder: Path) -> None:
            account.give(folder)
            commands.run(
                [
                    *self._installation.command("initdb", folder),
                    f"--pgdata={folder / 'data'}",
                    f"--username={self.user}",
                    "--auth=trust",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    "--no-sync",
                ],
                self._installation.account,
            )

        self._copy_data(cache.kept(f"postgres-data-{self.version}", build) / "data")

    def _command(self) -> list[str]:
        own: dict[str, str | int | None] = {"port": self.port, "unix_socket_directories": self.socket}
        settings = self.defaults | own | self.options
        return [
            *self._installation.command("postgres", self.folder),
            "-D",
            str(self.folder / "data"),
            *(f"--{name}={'on' if value is None else value}" for name, value in settings.items()),
        ]

    def _ready(self) -> bool:
        """A server that is starting up refuses the session with an error; one that is up asks for it (R)."""
        words = b"user\0postgres\0database\0postgres\0\0"
        try:
            with closing(socket.socket(socket.AF_UNIX)) as probe:
                probe.settimeout(1)
                probe.connect(f"{self.socket}/.s.PGSQL.{self.port}")
                probe.sendall(struct.pack("!ii", 8 + len(words), _PROTOCOL) + words)
                return probe.recv(1) == b"R"
        except OSError:
            return False


class _Standby(PostgresServer):
    def __init__(self, source: PostgresServer, installation: Installation, options: Options) -> None:
        self._source = source
        super().__init__(installation, options)

    def _prepare(self) -> None:
        commands.run(
            [
                *self._installation.command("pg_basebackup", self.folder),
                f"--dbname={self._source.url}",
                f"--pgdata={self.folder / 'data'}",
                "--checkpoint=fast",
                "--wal-method=stream",
                "--write-recovery-conf",
                "--no-sync",
            ],
            self._installation.account,
        )
