"""How the server and its replicas fare, asked on sessions of their own: a slow answer holds nothing else up.

A replica's lag is the age of the newest heartbeat that it has, by the primary's clock on both sides.
Sources: "SHOW REPLICAS Statement", "SHOW PROCESSLIST Statement", "Binary Logging Options and Variables" (MySQL manual).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.dialects import clock, local_disk
from ghostpy.dialects.mysql import quote
from ghostpy.dialects.mysql.asking import AskingSession
from ghostpy.dialects.mysql.facts import ServerFacts
from ghostpy.dialects.mysql.session import Row
from ghostpy.model.disk import Disk
from ghostpy.model.names import TableName
from ghostpy.settings import ConnectSettings, ThrottleSettings

_DEFAULT_PORT = 3306
_DUMP = "Binlog Dump"
_HISTORY = "innodb_history_list_length"
"""A status variable on MariaDB; on MySQL it is asked for where InnoDB counts it, which needs the privilege PROCESS."""
_HISTORY_LENGTH = "SELECT NAME, COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len'"


class ServerVitals:
    """Fulfils `Vitals`. `on_replica`: the server worked on is a replica itself. `followed`: whether a run reads the binlog."""

    def __init__(
        self,
        settings: ConnectSettings,
        facts: ServerFacts,
        ledger: TableName,
        *,
        on_replica: bool,
        followed: bool = True,
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._ledger = ledger
        self._on_replica = on_replica
        self._followed = followed
        self._own = AskingSession(settings, purpose="vitals")
        self._users = AskingSession(settings, purpose="throttle query")
        self._clock = AskingSession(settings, purpose="lag")
        self._replicas: dict[str, AskingSession] = {}

    async def open(self, settings: ThrottleSettings) -> None:
        await self._own.open()
        if settings.query:
            await self._users.open()
        if settings.control_replicas or await self.replicas():
            await self._clock.open()

    async def figure(self, name: str) -> float:
        if name.lower() == local_disk.FIGURE:
            return local_disk.used_percent(await self.disk(), self._settings.address)
        rows = await self._own.query(
            f"SHOW GLOBAL STATUS WHERE Variable_name = {quote.text(name)}", doing="asking for the load"
        )
        if not rows and name.lower() == _HISTORY:
            rows = await self._own.query(_HISTORY_LENGTH, doing="asking for the length of the undo history")
        if not rows:
            raise errors.UsageError(f"is no status variable of {self._settings.address}")
        return _number(rows[0][1], f"the status variable {name}")

    @property
    def burdens(self) -> Mapping[str, float]:
        return {_HISTORY: 1_000_000.0}

    async def disk(self) -> Disk | None:
        (name, path), *_ = await self._own.query("SELECT @@hostname, @@datadir", doing="asking where the tables are")
        return await local_disk.disk_at(str(path)) if name == socket.gethostname() else None

    async def asked(self, sql: str) -> float:
        rows = await self._users.query(sql, doing="asking a query of the user's")
        if not rows or not rows[0]:
            raise errors.UsageError(f"the query must give one number: {sql}")
        return _number(rows[0][0], "the query's result")

    async def own_lag(self) -> float | None:
        if not self._on_replica:
            return None
        newer = self._facts.flavour != "mariadb" and self._facts.numbers >= (8, 0, 22)
        status = await self._own.record(
            "SHOW REPLICA STATUS" if newer else "SHOW SLAVE STATUS", doing="asking for the lag"
        )
        behind = status.get("Seconds_Behind_Source", status.get("Seconds_Behind_Master"))
        return None if behind is None else float(str(behind))  # it has none while replication is stopped

    async def replicas(self) -> Sequence[str]:
        newer = self._facts.flavour != "mariadb" and self._facts.numbers >= (8, 0, 22)
        rows = await self._own.query("SHOW REPLICAS" if newer else "SHOW SLAVE HOSTS", doing="looking for replicas")
        registered = [(str(row[1]), int(row[_port_column(row)])) for row in rows if not self._is_ours(row)]
        named = [f"{host}:{port}" for host, port in registered if host]
        unnamed = [port for host, port in registered if not host]
        return [*named, *(await self._without_name(unnamed, {host for host, _ in registered}) if unnamed else ())]

    async def lag(self, replica: str) -> float:
        if replica not in self._replicas:
            settings = at(self._settings, replica)
            self._replicas[replica] = AskingSession(settings, purpose="lag")
        beat = await self._replicas[replica].query(
            f"SELECT UNIX_TIMESTAMP(changed) FROM {quote.table(self._ledger)} WHERE id = 'heartbeat'",
            doing="reading the heartbeat",
        )
        if not beat:
            raise errors.ServerError("has no heartbeat yet")
        now = await self._clock.query("SELECT UNIX_TIMESTAMP(NOW(6))", doing="asking for the time")
        return clock.age(float(now[0][0]) - float(beat[0][0]))

    async def pause_limit(self) -> float | None:
        if not self._followed:
            return None
        rows = await self._own.query(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
            "('binlog_expire_logs_seconds', 'binlog_expire_logs_auto_purge', 'expire_logs_days')",
            doing="asking how long binlogs are kept",
        )
        value = {str(row[0]): str(row[1]) for row in rows}
        if value.get("binlog_expire_logs_auto_purge", "ON") == "OFF":
            return None
        days = float(value.get("expire_logs_days", 0)) * 86400
        return float(value.get("binlog_expire_logs_seconds", 0)) or days or None

    async def close(self) -> None:
        lines = (self._own, self._users, self._clock, *self._replicas.values())
        await asyncio.gather(*(line.close() for line in lines))

    def _is_ours(self, row: Row) -> bool:
        return int(row[0]) == self._settings.replica_server_id

    async def _without_name(self, ports: Sequence[int], known: set[str]) -> Sequence[str]:
        """Replicas that do not say where they are (report_host): their sessions tell the host, and the port is a guess."""
        sessions = await self._own.sessions(doing="looking for replicas")
        hosts = {str(row[2]).rpartition(":")[0] for row in sessions if str(row[4]).startswith(_DUMP)}
        port = ports[0] if len(set(ports)) == 1 and ports[0] else _DEFAULT_PORT
        followers = await self._followers_of_ours()
        return [f"{host}:{port}" for host in sorted(hosts - known - followers - {""})]

    async def _followers_of_ours(self) -> set[str]:
        """Hosts that follow the binlog for a run of ghostpy."""
        try:
            rows = await self._own.query(
                "SELECT t.PROCESSLIST_HOST FROM performance_schema.threads t JOIN performance_schema.session_connect_attrs a "
                "USING (PROCESSLIST_ID) WHERE t.PROCESSLIST_COMMAND LIKE 'Binlog Dump%' AND a.ATTR_NAME = 'program_name' "
                "AND a.ATTR_VALUE = 'ghostpy'",
                doing="looking for replicas",
            )
        except errors.GhostpyError:
            return set()
        return {str(row[0]) for row in rows}


def at(settings: ConnectSettings, address: str) -> ConnectSettings:
    """The same account on another server, `host[:port]`. Raises UsageError."""
    host, port = address, str(_DEFAULT_PORT)
    if not address.endswith("]") and (address.count(":") == 1 or "]:" in address):
        host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise errors.UsageError(f"{address!r} is no host[:port]")
    return replace(settings, host=host.strip("[]"), port=int(port), unix_socket=None)


def _port_column(row: Row) -> int:
    """With show_replica_auth_info user and password stand before the port."""
    return 4 if len(row) > 5 else 2


def _number(value: object, what: str) -> float:
    try:
        return float(str(value))
    except ValueError as error:
        raise errors.UsageError(f"{what} is no number") from error
