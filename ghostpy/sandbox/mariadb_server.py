"""Throwaway MariaDB servers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar, Self

from ghostpy.sandbox import account, apt, commands, docker
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation, Programs, on_path, version_in, version_line
from ghostpy.sandbox.lookup import Way, first, fits
from ghostpy.sandbox.mysql_family import MySQLFamily, beside_the_system, flags

VARIABLE = "GHOSTPY_MARIADBD"

# Debian's version of each suite; the first is taken where none is asked for.
_SUITES = {"10.11": "bookworm", "11.8": "trixie"}
_PACKAGES = ("mariadb-server-core", "mariadb-client-core")
_PROGRAMS = ("usr/sbin/mariadbd", "usr/bin/mariadb", "usr/bin/my_print_defaults")


class MariaDBServer(MySQLFamily):
    """A throwaway MariaDB server: row-based binlog with GTIDs, and as durable as a production server."""

    kind: ClassVar[str] = "mariadb"
    program: ClassVar[str] = "mariadbd"
    defaults: ClassVar[dict[str, str | int | None]] = {"binlog-format": "ROW", "gtid-strict-mode": 1}

    def _replication(self, replica: Self) -> list[str]:
        return [
            f"CHANGE MASTER TO MASTER_HOST='{self.host}', MASTER_PORT={self.port}, MASTER_USER='{self.user}',"
            " MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos",
            "START SLAVE",
        ]

    def _initialise(self, folder: Path, options: dict[str, str | int | None]) -> None:
        commands.run(
            [
                *self._installation.command("mariadb-install-db", folder),
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--cross-bootstrap",  # nothing of this host goes into the accounts, nor is its name looked up
                "--skip-test-db",  # and with it no anonymous user, who would shadow others
                *self._installation.options,
                f"--datadir={folder / 'data'}",
                *flags(options),
            ],
            self._installation.account,
        )


def find(version: str | None = None) -> Installation:
    """Return a MariaDB to run: the one named, the machine's own, Debian's unpacked, or Docker's."""
    ways: list[Way] = [("mariadbd on PATH", _installed)]
    for series, suite in _SUITES.items():
        if fits(series, version):
            ways.append((f"Debian {suite}", partial(_debian, suite)))
    ways.append(("Docker", partial(docker.image, f"mariadb:{version or next(iter(_SUITES))}", "mariadbd")))
    return first("MariaDB", version, (VARIABLE, _usable), ways)


def _installed() -> Installation | None:
    program = on_path("mariadbd")
    return _usable(program) if program else None


def _usable(program: Path) -> Installation:
    line = version_line(program)
    if "mariadb" not in line.lower():
        raise SandboxError(f"{program} is not a MariaDB server")
    folder = program.absolute().parent
    account.require_access(folder)
    return Programs(version_in(line), (folder, folder.parent / "bin"))


def _debian(suite: str) -> Installation:
    return beside_the_system(apt.unpacked(suite, _PACKAGES, _PROGRAMS), "mariadbd")
