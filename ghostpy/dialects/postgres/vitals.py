"""How the server and its standbys fare, asked on sessions of their own: a slow answer holds nothing else up.

Standbys that are found need no connection: the primary knows how far they are. One that is listed is asked itself, for the time of
the last transaction it has replayed; heartbeats see to it that there is one, and both times are by the primary's clock.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ghostpy import errors
from ghostpy.dialects import clock, local_disk
from ghostpy.dialects.postgres import signals
from ghostpy.dialects.postgres.asking import AskingSession
from ghostpy.dialects.postgres.standby_lag import WalClock
from ghostpy.dialects.postgres.wal.slot_state import RETAINED_LIMIT
from ghostpy.model.disk import Disk
from ghostpy.settings import ConnectSettings, ThrottleSettings

_FRESH = 0.05
_DEFAULT_PORT = "5432"
_FIGURES: dict[str, Callable[[signals.Asking], Awaitable[float]]] = {
    "active_sessions": signals.active_sessions,
    "threads_running": signals.active_sessions,
    "lock_waiters": signals.lock_waiters,
    "replica_lag": signals.replica_lag,
    "retained_wal": signals.retained_wal,
    "oldest_transaction": signals.oldest_transaction,
    "xmin_age": signals.xmin_age,
}


class _Standby(Struct, frozen=True):
    replayed: int | None
    told: float | None


class ServerVitals:
    """Fulfils `Vitals`. `slot`: the run's own."""

    def __init__(self, settings: ConnectSettings) -> None:
        self.slot = ""
        self._settings = settings
        self._own = AskingSession(settings, purpose="vitals")
        self._users = AskingSession(settings, purpose="throttle query", options={"default_transaction_read_only": "on"})
        self._listed: dict[str, AskingSession] = {}
        self._clock = WalClock()
        self._found: set[str] = set()
        self._standbys: dict[str, _Standby] = {}
        self._looked: float | None = None
        self._looking = asyncio.Lock()
        self._wal_end: tuple[float, float] | None = None

    async def open(self, settings: ThrottleSettings) -> None:
        await self._own.open()
        if settings.query:
            await self._users.open()

    async def figure(self, name: str) -> float:
        if name.lower() == local_disk.FIGURE:
            return local_disk.used_percent(await self.disk(), self._settings.address)
        question = _FIGURES.get(name.lower())
        if question is None:
            raise errors.UsageError(
                f"is no figure of PostgreSQL's; there are {', '.join((*_FIGURES, local_disk.FIGURE))}"
            )
        return await question(self._own)

    @property
    def burdens(self) -> Mapping[str, float]:
        return {"oldest_transaction": 3600.0, "xmin_age": 1_000_000.0}

    async def disk(self) -> Disk | None:
        path = await signals.data_directory(self._own)
        return await local_disk.disk_at(path) if path else None

    async def asked(self, sql: str) -> float:
        return await signals.asked(self._users, sql)

    async def own_lag(self) -> float | None:
        return None  # a standby cannot be worked on

    async def replicas(self) -> Sequence[str]:
        await self._look_at_standbys()
        self._found.update(self._standbys)
        return list(self._standbys)

    async def lag(self, replica: str) -> float:
        if replica not in self._found:
            return await self._lag_of_listed(replica)
        await self._look_at_standbys()
        standby = self._standbys.get(replica)
        if standby is None:
            raise errors.ServerError("is not connected to the primary any more")
        if standby.replayed is None:
            raise errors.MissingPrivilege("its lag is not shown without the role pg_monitor")
        return self._clock.lag(standby.replayed, standby.told, time.monotonic())

    async def pause_limit(self) -> float | None:
        """By the rate at which WAL was written since it was asked last."""
        rows = await self._own.query(
            "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0'), safe_wal_size, "
            "pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots WHERE slot_name = %s",
            [self.slot],
            doing="asking for the slot's room",
        )
        if not rows:
            return None
        end, room, held = (None if value is None else float(value) for value in rows[0])
        if end is None or (room is None and held is None):
            return None
        left = room if room is not None else RETAINED_LIMIT - (held or 0.0)
        before, self._wal_end = self._wal_end, (time.monotonic(), end)
        if before is None or end <= before[1]:
            return None
        return max(0.0, left) * (self._wal_end[0] - before[0]) / (end - before[1])

    async def close(self) -> None:
        await asyncio.gather(*(line.close() for line in (self._own, self._users, *self._listed.values())))

    async def _look_at_standbys(self) -> None:
        async with self._looking:
            if self._looked is not None and time.monotonic() - self._looked < _FRESH:
                return
            asked = time.monotonic()
            end, standbys = await signals.standbys(self._own)
            self._clock.ended(end, asked)
            self._standbys = {name: _Standby(replayed, told) for name, replayed, told in standbys}
            self._looked = time.monotonic()

    async def _lag_of_listed(self, address: str) -> float:
        if address not in self._listed:
            self._listed[address] = AskingSession(at(self._settings, address), purpose="lag")
        rows = await self._listed[address].query(
            "SELECT pg_is_in_recovery(), extract(epoch FROM pg_last_xact_replay_timestamp())",
            doing="asking for the lag",
        )
        in_recovery, replayed = rows[0]
        if not in_recovery:
            raise errors.UsageError("is no standby")
        if replayed is None:
            raise errors.ServerError("has replayed nothing yet")
        now = await self._own.query("SELECT extract(epoch FROM clock_timestamp())", doing="asking for the time")
        return clock.age(float(now[0][0]) - float(replayed))


def at(settings: ConnectSettings, address: str) -> ConnectSettings:
    """The same account on another server, `host[:port]`. Raises UsageError."""
    host, port = address, _DEFAULT_PORT
    if not address.endswith("]") and (address.count(":") == 1 or "]:" in address):
        host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise errors.UsageError(f"{address!r} is no host[:port]")
    parts = conninfo_to_dict(settings.dsn)
    parts.pop("hostaddr", None)
    # A list of servers to choose the primary from is none any more.
    place = {"host": host.strip("[]"), "port": port, "target_session_attrs": "any"}
    return replace(settings, dsn=make_conninfo("", **{**parts, **place}), host=host.strip("[]"), port=int(port))
