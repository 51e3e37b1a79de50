"""Throwaway MySQL servers."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import ClassVar, Self

from ghostpy.sandbox import account, apt, cache, commands
from ghostpy.sandbox.errors import SandboxError
from ghostpy.sandbox.installation import Installation, Programs, on_path, version_in, version_line
from ghostpy.sandbox.mysqld import MySQLFamily, flags

PROGRAM_VARIABLE = "GHOSTPY_MYSQLD"

# The suite that has it; Debian 12 itself has no MySQL server.
_SUITE = "sid"
_PACKAGES = ("mysql-server-core", "mysql-client-core")

# These are fixed when the data directory is made.
_AT_BIRTH = (
    "character-set-server",
    "collation-server",
    "innodb-page-size",
    "innodb-data-file-path",
    "lower-case-table-names",
)

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
        "mysqlx": 0,
    }

    def _replication(self, replica: Self) -> list[str]:
        by_gtid = self.execute("SELECT @@gtid_mode AS mode")[0]["mode"] == "ON"
        place = "SOURCE_AUTO_POSITION=1" if by_gtid else "SOURCE_LOG_FILE='binlog.000001', SOURCE_LOG_POS=4"
        return [
            f"CHANGE REPLICATION SOURCE TO SOURCE_HOST='{self.host}', SOURCE_PORT={self.port}, SOURCE_USER='{self.user}',"
            f" SOURCE_CONNECT_RETRY=1, SOURCE_RETRY_COUNT=100000, GET_SOURCE_PUBLIC_KEY=1, {place}",
            "START REPLICA",
        ]

    def _template(self) -> Path:
        born = {name: value for name, value in self.options.items() if name in _AT_BIRTH}
        mark = hashlib.sha256(repr(sorted(born.items())).encode()).hexdigest()[:8]

        def build(folder: Path) -> None:
            (folder / "accounts.sql").write_text(_ACCOUNTS)
            account.give(folder)
            commands.run(
                [
                    *self._installation.command(self.program, folder),
                    "--no-defaults",
                    *self._installation.options,
                    "--initialize-insecure",
                    f"--init-file={folder / 'accounts.sql'}",
                    f"--datadir={folder / 'data'}",
                    *flags(born),
                ]
            )

        return cache.kept(f"mysql-data-{self.version}-{mark}", build) / "data"


def find() -> Installation:
    """Return a MySQL to run: the one named, the machine's own, the unpacked one, or Docker's."""
    if named := os.environ.get(PROGRAM_VARIABLE):
        found = _usable(Path(named))
        if found is None:
            raise SandboxError(f"{PROGRAM_VARIABLE}={named} is not a MySQL server program")
        return found
    tried = [f"{PROGRAM_VARIABLE} is not set"]
    program = on_path("mysqld")
    if program is not None and (found := _usable(program)):
        return found
    tried.append(f"{program} is not MySQL" if program else "no mysqld on PATH")
    try:
        return _from_debian()
    except SandboxError as error:
        tried.append(f"unpacking it from Debian {_SUITE}: {error}")
    raise SandboxError("no MySQL server to be had: " + "; ".join(tried))


def _usable(program: Path) -> Installation | None:
    line = version_line(program)
    if not line or "mariadb" in line.lower():
        return None
    return Programs(version_in(line), (program.absolute().parent,))


def _from_debian() -> Installation:
    root = apt.unpacked("mysql-debian", _SUITE, _PACKAGES, ["usr/sbin/mysqld", "usr/bin/mysql"])
    share = root / "usr/share/mysql"
    return Programs(
        version_in(version_line(root / "usr/sbin/mysqld").partition(" Ver ")[2]),
        (root / "usr/sbin", root / "usr/bin"),
        (
            f"--basedir={root / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
            f"--plugin-dir={root / 'usr/lib/mysql/plugin'}",
        ),
    )
