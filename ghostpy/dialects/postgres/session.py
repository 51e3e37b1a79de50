"""Sessions on the engine's event loop, set up so that every value reads the same in all of them and in the change stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from ghostpy import errors
from ghostpy.dialects.postgres.driver_errors import connect_error, translated
from ghostpy.settings import ConnectSettings

Row: TypeAlias = tuple[Any, ...]

_CONNECT_SECONDS = 10
_CLOSED_WITHIN = 5.0
_GONE_WITHIN = 30.0

LONGEST_WAIT = 0.5
"""Seconds in the queue for a lock: everybody who comes later, readers too, waits behind a request for ACCESS EXCLUSIVE."""

OUTPUT = {
    "bytea_output": "hex",
    "client_encoding": "UTF8",
    "datestyle": "ISO",
    "extra_float_digits": "3",
    "intervalstyle": "postgres",
}
"""How values are written as text: keys are compared by their text, so the stream must write them the same way."""

_SETTINGS = {
    **OUTPUT,
    "check_function_bodies": "off",
    "client_min_messages": "warning",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
    "lock_timeout": "0",
    # Rows hidden by a policy must be an error, never left out.
    "row_security": "off",
    "standard_conforming_strings": "on",
    "statement_timeout": "0",
    # Standbys follow in their own time; a commit that waits for one would keep its locks.
    "synchronous_commit": "local",
    # The server's side: it notices after a minute, not after two hours, that our machine is gone, and gives up our locks.
    "tcp_keepalives_count": "3",
    "tcp_keepalives_idle": "30",
    "tcp_keepalives_interval": "10",
}


class SessionLost(errors.TransientError):
    """A session was lost; it is certain that it can change nothing any more, so that another may do its work again."""


class Backend(Struct, frozen=True):
    """A session as the server knows it."""

    pid: int
    started: str


def conninfo(settings: ConnectSettings, *, purpose: str, options: Mapping[str, str] | None = None, **more: Any) -> str:
    """The connection string for libpq, which adds what its environment, service and password files say.

    `options` are server settings of the session.
    """
    given = conninfo_to_dict(settings.dsn)
    parts: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "keepalives_idle": 30, **given}
    if settings.timeout:
        parts["connect_timeout"] = max(1, int(settings.timeout))
    if settings.password:
        parts["password"] = settings.password
    parts["application_name"] = f"ghostpy {purpose}"
    # "Options": a backslash takes away the meaning of a blank.
    spelled = [f"-c {name}={_escaped(value)}" for name, value in (options or {}).items()]
    parts["options"] = " ".join(filter(None, [str(given.get("options") or ""), *spelled]))
    parts.update(more)
    return make_conninfo("", **parts)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")


class Session:
    """One connection. `purpose` shows in pg_stat_activity. Errors are those of our own tree."""

    def __init__(self, settings: ConnectSettings, *, purpose: str) -> None:
        self.settings = settings
        self._purpose = purpose
        self._connection: psycopg.AsyncConnection[Row] | None = None
        self.backend: Backend | None = None
        """Of the connection that is open, or was open last."""

    @property
    def address(self) -> str:
        return self.settings.address

    @property
    def is_open(self) -> bool:
        return self._connection is not None and not self._connection.closed

    @property
    def connection(self) -> psycopg.AsyncConnection[Row]:
        if self._connection is None:
            raise errors.ServerGone(f"the session on {self.address} is not open")
        return self._connection

    async def open(self, *, options: Mapping[str, str] | None = None) -> None:
        """Connect, in autocommit. `options` are server settings over the usual ones. Raises ConnectionFailed."""
        await self.close()
        text = conninfo(self.settings, purpose=self._purpose, options={**_SETTINGS, **(options or {})})
        try:
            connection = await psycopg.AsyncConnection.connect(text, autocommit=True, prepare_threshold=None)
        except psycopg.Error as error:
            raise connect_error(error, address=self.address) from error
        self._connection = connection
        rows = await self.query(
            "SELECT pg_backend_pid(), backend_start::text FROM pg_stat_get_activity(pg_backend_pid())",
            doing="opening a session",
        )
        self.backend = Backend(int(rows[0][0]), str(rows[0][1]))

    async def query(self, sql: str, params: Sequence[object] | None = None, *, doing: str) -> list[Row]:
        """The rows of a statement."""
        cursor = await self._run(sql, params, doing)
        try:
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise self._translated(error, doing) from error

    async def scalar(self, sql: str, params: Sequence[object] | None = None, *, doing: str) -> Any:
        """The first column of the first row, or None where there is no row."""
        rows = await self.query(sql, params, doing=doing)
        return rows[0][0] if rows else None

    async def execute(self, sql: str, params: Sequence[object] | None = None, *, doing: str) -> int:
        """Run a statement, or several without `params`; the number of rows that the last one touched."""
        return max(0, (await self._run(sql, params, doing)).rowcount)

    async def rollback(self) -> None:
        try:
            await self.connection.rollback()
        except psycopg.Error as error:
            raise self._translated(error, "rolling back") from error

    @asynccontextmanager
    async def transaction(self, *, keep: bool = True, doing: str = "committing") -> AsyncIterator[None]:
        """BEGIN … COMMIT on a session in autocommit; a ROLLBACK where the block raises, or with `keep=False`."""
        await self.execute("BEGIN", doing=doing)
        try:
            yield
        except BaseException:
            with contextlib.suppress(errors.GhostpyError):
                await self.execute("ROLLBACK", doing=doing)
            raise
        await self.execute("COMMIT" if keep else "ROLLBACK", doing=doing)

    async def _run(self, sql: str, params: Sequence[object] | None, doing: str) -> psycopg.AsyncCursor[Row]:
        try:
            return await self.connection.execute(sql.encode(), params)
        except psycopg.Error as error:
            raise self._translated(error, doing) from error

    def _translated(self, error: psycopg.Error, doing: str) -> errors.GhostpyError:
        lost = self._connection is None or self._connection.closed or self._connection.broken
        return translated(error, address=self.address, doing=doing, lost=lost)

    async def close(self) -> None:
        """End the session, and a statement that still runs in it. Never raises."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSED_WITHIN):
                if connection.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
                    await connection.cancel_safe(timeout=1.0)
        with contextlib.suppress(Exception):
            await connection.close()


@asynccontextmanager
async def opened(settings: ConnectSettings, *, purpose: str) -> AsyncIterator[Session]:
    """A session in autocommit for the length of a block."""
    session = Session(settings, purpose=purpose)
    try:
        await session.open()  # which may be broken off when there is a connection already
        yield session
    finally:
        await session.close()


async def see_gone(settings: ConnectSettings, backend: Backend, *, within: float = _GONE_WITHIN) -> bool:
    """Whether the server runs this session no more; it is told to end it. Raises ConnectionFailed where nobody answers."""
    deadline = time.monotonic() + within
    async with opened(settings, purpose="see gone") as session:
        while True:
            running = await session.query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = %s AND backend_start::text = %s",
                [backend.pid, backend.started],
                doing="ending a lost session",
            )
            if not running:
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.1)


class SessionPool:
    """Sessions for several callers at a time, kept open in between."""

    def __init__(
        self, settings: ConnectSettings, *, purpose: str, size: int, options: Mapping[str, str] | None = None
    ) -> None:
        self._settings = settings
        self._purpose = purpose
        self._options = options
        self._free: list[Session] = []
        self._places = asyncio.Semaphore(size)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A session outside a transaction. One that is not left so is closed.

        A lost session is seen gone on the server, and raises SessionLost: then the same may be done again.
        """
        async with self._places:
            session = self._free.pop() if self._free else Session(self._settings, purpose=self._purpose)
            try:
                if not session.is_open:
                    await self._open(session)
                yield session
                if session.connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                    await session.rollback()
            except errors.ServerGone as error:
                await session.close()
                if session.backend is not None and await self._gone(session.backend):
                    raise SessionLost(error.message) from error
                raise
            except BaseException:
                # Cancelled in the middle, or failed: what the session still does is over with it.
                await self._mended(session)
                raise
            self._free.append(session)

    async def _open(self, session: Session) -> None:
        try:
            await session.open(options=self._options)
        except errors.ServerGone as error:
            # It has not been asked for anything yet.
            raise SessionLost(error.message) from error

    async def _mended(self, session: Session) -> None:
        try:
            await session.rollback()
        except BaseException:
            await session.close()
        else:
            self._free.append(session)

    async def _gone(self, backend: Backend) -> bool:
        try:
            return await see_gone(self._settings, backend)
        except errors.GhostpyError:
            return False

    async def close(self) -> None:
        """End all sessions. Never raises."""
        free, self._free = self._free, []
        for session in free:
            await session.close()
