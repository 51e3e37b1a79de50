"""Where the work is done: given a replica, its primary is found; on request the replica itself is worked on.

Sources: "SHOW REPLICA STATUS" (MySQL manual), "SHOW REPLICA STATUS" (MariaDB Knowledge Base).
"""

from __future__ import annotations

from collections.abc import Mapping

import pymysql
import pymysql.cursors
from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects.mysql.driver_errors import error_number
from ghostpy.dialects.mysql.session import connect
from ghostpy.settings import ConnectSettings, TopologySettings

_HOPS = 10
_PARSE_ERROR = 1064
_DENIED = 1227
_DEFAULT_PORT = 3306


def working_server(settings: ConnectSettings, topology: TopologySettings) -> ConnectSettings:
    """How to reach the server that the table is changed on. Blocks.

    Raises ConnectionFailed where it cannot be reached, PlanRefused where it is not clear which it is.
    """
    if topology.on_replica:
        return _replica(settings, topology)
    if topology.primary:
        return _as_told(settings, topology)
    seen: list[tuple[str, int]] = []
    here = settings
    for _ in range(_HOPS):
        source = _source_of(here)
        if source is None:
            return here
        if source in seen:
            return _writable(settings, seen, topology)
        seen.append(source)
        here = replace(here, host=source[0], port=source[1], unix_socket=None)
    raise errors.PlanRefused(
        f"no primary was found within {_HOPS} steps from {settings.address}", hint="Name it by --assume-master-host."
    )


def _replica(settings: ConnectSettings, topology: TopologySettings) -> ConnectSettings:
    if not _asked(settings)[0]:
        raise errors.PlanRefused(
            f"{settings.address} is no replica, as far as SHOW REPLICA STATUS tells, "
            f"so --{topology.on_replica}-on-replica would work on the primary itself",
            hint="Nothing was changed. Name a replica by --host, or leave the flag away.",
        )
    return settings


def _as_told(settings: ConnectSettings, topology: TopologySettings) -> ConnectSettings:
    host, _, port = topology.primary.rpartition(":") if ":" in topology.primary else (topology.primary, "", "")
    return replace(
        settings,
        host=host.strip("[]"),
        port=int(port or _DEFAULT_PORT),
        unix_socket=None,
        user=topology.primary_user or settings.user,
        password=topology.primary_password or settings.password,
    )


def _source_of(server: ConnectSettings) -> tuple[str, int] | None:
    """Whom a server replicates from; None for a primary, for one that may not be asked, and for one that was promoted."""
    rows, writable = _asked(server)
    if len(rows) > 1:
        raise errors.PlanRefused(
            f"{server.address} replicates from {len(rows)} servers, so it is not clear which one the table is written on",
            hint="Name it by --assume-master-host.",
        )
    if not rows:
        return None
    status = rows[0]
    running = any(str(_of(status, f"{thread}_Running")) != "No" for thread in ("IO", "SQL"))
    if writable and not running:
        return None
    host = str(_of(status, "Host") or "")
    return (host, int(str(_of(status, "Port") or _DEFAULT_PORT))) if host else None


def _asked(server: ConnectSettings) -> tuple[list[Mapping[str, object]], bool]:
    try:
        connection = connect(server)
    except errors.ConnectionFailed as error:
        error.hint = f"Name the primary by --assume-master-host. {error.hint}"
        raise
    try:
        with connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SELECT @@GLOBAL.read_only AS read_only")
            writable = not int(str((cursor.fetchone() or {}).get("read_only", 0)))
            try:
                cursor.execute("SHOW REPLICA STATUS")
            except pymysql.MySQLError as error:
                if error_number(error) == _DENIED:
                    return [], writable
                if error_number(error) != _PARSE_ERROR:
                    raise
                cursor.execute("SHOW SLAVE STATUS")
            return list(cursor.fetchall()), writable
    except pymysql.MySQLError as error:
        raise errors.ConnectionFailed(f"looking for the primary of {server.address}: {error}") from error
    finally:
        connection.close()


def _of(status: Mapping[str, object], name: str) -> object:
    """A column under its new name or its old one."""
    return next((status[key] for each in _SPELLINGS for key in (f"{each}{name}",) if key in status), None)


_SPELLINGS = ("Source_", "Master_", "Replica_", "Slave_")


def _writable(settings: ConnectSettings, ring: list[tuple[str, int]], topology: TopologySettings) -> ConnectSettings:
    """The one server of a ring that may be written."""
    named = ", ".join(f"{host}:{port}" for host, port in ring)
    if not topology.allow_ring:
        raise errors.PlanRefused(
            f"servers replicate in a ring: {named}",
            hint="Accept that by --allow-master-master, or name the one by --assume-master-host.",
        )
    members = [replace(settings, host=host, port=port, unix_socket=None) for host, port in ring]
    writable = [member for member in members if _asked(member)[1]]
    if len(writable) != 1:
        raise errors.PlanRefused(
            f"servers replicate in a ring ({named}), and {len(writable)} of them may be written",
            hint="Name the one that the application writes to by --assume-master-host.",
        )
    return writable[0]
