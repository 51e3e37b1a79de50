"""Throwaway MySQL servers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar, Self

from ghostpy.sandbox import account, apt, commands, docker
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation, Programs, on_path, version_in, version_line
from ghostpy.sandbox.lookup import Way, first, fits
from ghostpy.sandbox.mysql_family import MySQLFamily, beside_the_system, flags

VARIABLE = "GHOSTPY_MYSQLD"

_SERIES = "9.7"  # long-term support
_SUITE = "sid"  # the one of Debian's suites that has it
_PACKAGES = ("mysql-server-core", "mysql-client-core")
_PROGRAMS = ("usr/sbin/mysqld", "usr/bin/mysql")

_ACCOUNTS = """\
CREATE USER 'root'@'%' IDENTIFIED BY '';
GRANT ALL PRIVILEGES ON *.* TO 'root'@'%' WITH GRANT OPTION;
GRANT PROXY ON ''@'' TO 'root'@'%' WITH GRANT OPTION;
"""


class MySQLServer(MySQLFamily):
    """A throwaway MySQL server: row-based binlog with GTIDs, and as durable as a production server."""

    kind: ClassVar[str] = "mysql"
    program: ClassVar[str] = "mysqld"
    defaults: ClassVar[dict[str, str | int | None]] = {
        "enforce-gtid-consistency": "ON",
        "gtid-mode": "ON",
        # Each of them takes 256 of the requests that all servers of a machine may have at a time (fs.aio-max-nr, 65,536 usually): with
        # the eight that are MySQL's own default, the 29th server does not start.
        "innodb-read-io-threads": 1,
        "innodb-write-io-threads": 1,
        "mysqlx": 0,
    }

    def _replication(self, replica: Self) -> list[str]:
        by_gtid = self.execute("SELECT @@gtid_mode AS mode")[0]["mode"] == "ON"
        place = "SOURCE_AUTO_POSITION=1" if by_gtid else "SOURCE_LOG_FILE='binlog.000001', SOURCE_LOG_POS=4"
        return [
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{self.host}', SOURCE_PORT={self.port},"
            f" SOURCE_USER='{self.user}', SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=100000,"
            f" GET_SOURCE_PUBLIC_KEY=1, {place}",
            "START REPLICA",
        ]

    def _initialise(self, folder: Path, options: dict[str, str | int | None]) -> None:
        accounts = folder / "accounts.sql"
        accounts.write_text(_ACCOUNTS)
        commands.run(
            [
                *self._installation.command(self.program, folder),
                "--no-defaults",
                "--initialize-insecure",
                *self._installation.options,
                f"--init-file={accounts}",
                f"--datadir={folder / 'data'}",
                *flags(options),
            ],
            self._installation.account,
        )


def find(version: str | None = None) -> Installation:
    """Return a MySQL to run: the one named, the machine's own, Debian's unpacked, or Docker's."""
    ways: list[Way] = [("mysqld on PATH", _installed)]
    if version is None or fits(_SERIES, version) or fits(version, _SERIES):
        ways.append((f"Debian {_SUITE}", _debian))
    ways.append(("Docker", partial(docker.image, f"mysql:{version or _SERIES}", "mysqld")))
    return first("MySQL", version, (VARIABLE, _usable), ways)


def _installed() -> Installation | None:
    program = on_path("mysqld")
    return _usable(program) if program else None


def _usable(program: Path) -> Installation:
    line = version_line(program)
    if not line or "mariadb" in line.lower():  # whose packages have a link of that name
        raise SandboxError(f"{program} is not a MySQL server")
    folder = program.absolute().parent
    account.require_access(folder)
    return Programs(version_in(line), (folder, folder.parent / "bin"))


def _debian() -> Installation:
    return beside_the_system(apt.unpacked(_SUITE, _PACKAGES, _PROGRAMS), "mysqld")
