"""One connection to the server, usable from the event loop: a blocking driver on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Any, TypeAlias, TypeVar

import pymysql
import pymysql.connections

from ghostpy import errors
from ghostpy.dialects.mysql import process_list
from ghostpy.dialects.mysql.driver_errors import translated
from ghostpy.settings import ConnectSettings, TlsSettings

Row: TypeAlias = tuple[Any, ...]
T = TypeVar("T")

_RECORDS = re.compile(rb"Records: (\d+)")
_GONE_WITHIN = 30.0
_CLOSED_WITHIN = 5.0

log = logging.getLogger("ghostpy.mysql")

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})

# Values that were once accepted must be copied as they are, so no mode that refuses a date; strict about all else. Padding
# would change CHAR values on the way.
_MODES_REMOVED = frozenset(
    {"NO_ZERO_DATE", "NO_ZERO_IN_DATE", "TRADITIONAL", "PAD_CHAR_TO_FULL_LENGTH", "STRICT_TRANS_TABLES"}
)
_MODES_ADDED = ("STRICT_ALL_TABLES", "NO_AUTO_VALUE_ON_ZERO", "ALLOW_INVALID_DATES")


class SessionLost(errors.TransientError):
    """A session was lost; it is certain that it can change nothing any more, so that another may do its work again."""


def driver_arguments(settings: ConnectSettings) -> dict[str, Any]:
    """The keyword arguments that make pymysql connect as `settings` say."""
    arguments: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "user": settings.user,
        "password": settings.password,
        "charset": "utf8mb4",
        "autocommit": True,
        "connect_timeout": max(1, int(settings.timeout)) if settings.timeout else 10,
        "program_name": "ghostpy",
    }
    if settings.unix_socket:
        arguments["unix_socket"] = settings.unix_socket
    if settings.timeout:
        arguments["read_timeout"] = arguments["write_timeout"] = settings.timeout
    tls = settings.tls
    if tls.enabled:
        arguments["ssl"] = _tls_context(tls)
    elif settings.unix_socket or settings.host in _HERE:
        # Nobody listens between two programs of one machine, and the driver's offer of TLS costs 70 ms a session.
        arguments["ssl_disabled"] = True
    return arguments


@lru_cache(maxsize=4)
def _tls_context(tls: TlsSettings) -> ssl.SSLContext:
    """Without a CA file the machine's own authorities decide; certificate and host name are checked unless told otherwise."""
    context = ssl.create_default_context(cafile=tls.ca)
    if tls.allow_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.cert:
        context.load_cert_chain(tls.cert, tls.key)
    return context


def connect(settings: ConnectSettings) -> pymysql.connections.Connection[Any]:
    """A plain driver connection; blocks. Raises ConnectionFailed."""
    try:
        return pymysql.connect(**driver_arguments(settings))
    except pymysql.MySQLError as error:
        raise translated(error, address=settings.address, doing="connecting") from error
    except (OSError, ValueError) as error:  # TLS files that are missing or malformed
        raise errors.ConnectionFailed(f"connecting to {settings.address}: {error}") from error


def session_modes(server_modes: str) -> str:
    """The sql_mode of our own sessions on a server whose default is `server_modes`."""
    kept = [mode for mode in server_modes.upper().split(",") if mode and mode not in _MODES_REMOVED]
    return ",".join(dict.fromkeys((*kept, *_MODES_ADDED)))


class Session:
    """A connection with the settings that all of ours have.

    `setup`: statements for further ones. One statement at a time; callers of the same session queue up. `close` ends it on the server too,
    even in mid-statement.
    """

    def __init__(self, settings: ConnectSettings, *, purpose: str, setup: Sequence[str] = ()) -> None:
        self.settings = settings
        self.purpose = purpose
        self._setup = setup
        self.connection_id = 0
        self.seen_as = ""
        """Where the server says this session comes from (host and port): with its id, this names it beyond a restart."""
        self.mariadb = False
        """Whether the server is a MariaDB; known once the session has been open."""
        self._connection: pymysql.connections.Connection[Any] | None = None
        self._lost = False
        self._thread: ThreadPoolExecutor | None = None
        self._busy = False
        self._lock = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    @property
    def usable(self) -> bool:
        """Whether a statement could be sent now: open, not known to be lost, and no statement left running by a cancelled caller."""
        return self.is_open and not self._lost and not self._busy

    async def renew(self) -> None:
        """End what there is, and connect anew. Raises ConnectionFailed."""
        await self.close()
        await self.open()

    async def open(self, *, autocommit: bool = True) -> None:
        """Connect and set the session up. Raises ConnectionFailed."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"ghostpy-{self.purpose}")
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(self._thread, self._open, autocommit)
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await opening
            await self.close()
            raise
        except BaseException:
            self._thread.shutdown(wait=False)
            self._thread = None
            raise

    def _open(self, autocommit: bool) -> None:
        connection = connect(self.settings)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT CONNECTION_ID(), @@GLOBAL.sql_mode, VERSION()")
                identity, modes, version = cursor.fetchone() or (0, "", "")
                seen_as = dict(_seen(process_list.sessions(connection))).get(int(identity), "")
                for statement in (*_set_up(session_modes(str(modes)), str(version), autocommit), *self._setup):
                    cursor.execute(statement)
        except pymysql.MySQLError as error:
            connection.close()
            raise translated(error, address=self.settings.address, doing="setting a session up") from error
        self.connection_id, self.seen_as = int(identity), seen_as
        self.mariadb = "mariadb" in str(version).lower()
        self._connection, self._lost, self._busy = connection, False, False

    async def query(self, sql: str, *, doing: str = "reading") -> list[Row]:
        """The rows of a statement."""
        return (await self._run(lambda cursor: list(cursor.fetchall()), sql, doing))[0]

    async def sessions(self, *, whole: bool = False, doing: str) -> list[Row]:
        """The sessions that the server lists, as SHOW PROCESSLIST has them; `whole`: with the whole of their statements."""
        sql = process_list.WHOLE if whole else process_list.LIST
        rows, _ = await self._run(lambda cursor: list(cursor.fetchall()), sql, doing, as_bytes=True)
        return process_list.readable(rows)

    async def described(self, sql: str, *, doing: str = "reading") -> tuple[list[str], list[Row]]:
        """The names of the columns, and the rows."""

        def fetch(cursor: Any) -> tuple[list[str], list[Row]]:
            return [column[0] for column in cursor.description or ()], list(cursor.fetchall())

        return (await self._run(fetch, sql, doing))[0]

    async def execute(self, sql: str, *, doing: str = "executing a statement") -> int:
        """Run a statement; the number of rows it changed."""
        return (await self._run(lambda _: None, sql, doing))[1]

    async def selected(self, sql: str, *, doing: str) -> int | None:
        """Run an INSERT … SELECT; how many rows were selected, of which some may not have changed anything.

        None where the server does not say so in English ("mysql_info()", C API manual).
        """

        def fetch(cursor: Any) -> int | None:
            said = _RECORDS.search(cursor._result.message or b"")
            return int(said[1]) if said else None

        return (await self._run(fetch, sql, doing))[0]

    async def commit(self) -> None:
        await self.execute("COMMIT", doing="committing")

    async def rollback(self) -> None:
        await self.execute("ROLLBACK", doing="rolling back")

    async def scalar(self, sql: str, *, doing: str = "reading") -> Any:
        rows = await self.query(sql, doing=doing)
        return rows[0][0] if rows else None

    async def _run(self, fetch: Callable[[Any], T], sql: str, doing: str, *, as_bytes: bool = False) -> tuple[T, int]:
        async with self._lock:
            if self._connection is None or self._thread is None:
                raise errors.ServerGone(f"{doing} on {self.settings.address}: the session is closed")
            self._busy = True
            # Shielded: a cancelled caller must not find the connection in mid-statement and think it idle; `close` then kills it.
            statement = partial(self._blocking, self._connection, fetch, sql, doing, as_bytes)
            task = asyncio.get_running_loop().run_in_executor(self._thread, statement)
            try:
                return await asyncio.shield(task)
            except asyncio.CancelledError:
                task.add_done_callback(_forget)
                raise
            except errors.ServerGone:
                self._lost = True
                raise
            finally:
                self._busy = not task.done()

    def _blocking(
        self,
        connection: pymysql.connections.Connection[Any],
        fetch: Callable[[Any], T],
        sql: str,
        doing: str,
        as_bytes: bool,
    ) -> tuple[T, int]:
        log.debug("%s: %.400s", self.purpose, sql)
        decoding = process_list.bytes_as_text(connection) if as_bytes else contextlib.nullcontext()
        try:
            with decoding, connection.cursor() as cursor:
                changed = cursor.execute(sql)
                return fetch(cursor), changed
        except pymysql.MySQLError as error:
            raise translated(error, address=self.settings.address, doing=doing) from error
        except (OSError, AttributeError, ValueError) as error:
            # The driver's own state after its socket is gone is not always one of its errors.
            raise errors.ServerGone(f"{doing} on {self.settings.address}: the connection was lost: {error}") from error

    async def close(self) -> None:
        """End the session. One that is lost, or that runs a statement still, is killed on the server. Never raises."""
        connection, thread = self._connection, self._thread
        self._connection = self._thread = None
        if thread is None:
            return
        if connection is not None:
            if self._busy or self._lost:
                # What is lost for us may live on for the server, with its locks, until it notices.
                await asyncio.to_thread(kill, self.settings, self.connection_id, self.seen_as)
            closing = asyncio.get_running_loop().run_in_executor(thread, connection.close)
            with contextlib.suppress(Exception):
                await asyncio.wait((closing,), timeout=_CLOSED_WITHIN)
                if not closing.done():  # the thread waits for an answer that does not come
                    connection._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]
                await closing
        thread.shutdown(wait=False)


def _forget(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()


def kill(settings: ConnectSettings, connection_id: int, seen_as: str | None = None) -> None:
    """End one of our own connections on the server. Never raises; blocks.

    With `seen_as` only where that is still the same one: after a restart the server counts its connections anew.
    """
    with contextlib.suppress(Exception):
        connection = connect(settings)
        try:
            with connection.cursor() as cursor:
                if seen_as is not None and (connection_id, seen_as) not in _seen(process_list.sessions(connection)):
                    return
                cursor.execute(f"KILL {connection_id}")
        finally:
            connection.close()


def _seen(sessions: Sequence[Row]) -> set[tuple[int, str]]:
    """The ids of the server's sessions, and where it says that they come from."""
    return {(int(row[0]), str(row[2])) for row in sessions}


async def see_gone(settings: ConnectSettings, connection_id: int, seen_as: str) -> bool:
    """Kill a session of ours that is lost, and wait until the server has ended it; False where it does not end in time.

    Raises ConnectionFailed.
    """
    deadline = time.monotonic() + _GONE_WITHIN
    async with opened(settings, purpose="end") as session:
        while (connection_id, seen_as) in _seen(await session.sessions(doing="looking for a lost session")):
            if time.monotonic() > deadline:
                return False
            await asyncio.to_thread(kill, settings, connection_id, seen_as)
            await asyncio.sleep(0.05)
    return True


def _set_up(modes: str, version: str, autocommit: bool) -> Sequence[str]:
    mariadb = "mariadb" in version.lower()
    isolation = "tx_isolation" if mariadb else "transaction_isolation"
    statements = [
        f"SET SESSION time_zone='+00:00', sql_mode='{modes}', {isolation}='READ-COMMITTED', "
        "wait_timeout=86400, net_write_timeout=600, net_read_timeout=600",
        f"SET SESSION autocommit={int(autocommit)}",
    ]
    if mariadb:
        # Long IN lists would be made into a join with a temporary table ("Conversion of Big IN Predicates Into Subqueries").
        statements.append("SET SESSION in_predicate_conversion_threshold=0")
    else:
        # Long IN lists would fall back to a full scan beyond the default of 8 MB ("Range Optimization", MySQL manual).
        statements.append("SET SESSION range_optimizer_max_mem_size=0")
        if int(version.split(".", 1)[0]) >= 8:
            statements.append("SET SESSION information_schema_stats_expiry=0")
    return statements


@asynccontextmanager
async def opened(settings: ConnectSettings, *, purpose: str, autocommit: bool = True) -> AsyncIterator[Session]:
    """A session for the length of a `with` block."""
    session = Session(settings, purpose=purpose)
    await session.open(autocommit=autocommit)
    try:
        yield session
    finally:
        await session.close()


class SessionPool:
    """A few equal sessions, each lent to one caller at a time and opened when first needed; lost ones are replaced.

    So what is done with them must be safe to do again.
    """

    def __init__(self, settings: ConnectSettings, *, purpose: str, size: int, setup: Sequence[str] = ()) -> None:
        self._settings = settings
        self._purpose = purpose
        self._setup = setup
        self._free: asyncio.LifoQueue[Session | None] = asyncio.LifoQueue()
        self._all: set[Session] = set()
        for _ in range(size):
            self._free.put_nowait(None)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """Lend a session, with autocommit off. Its transaction is rolled back where the block does not end well.

        Raises SessionLost where it is lost within the block, ConnectionFailed where there is no other to be had.
        """
        session = await self._free.get()
        try:
            if session is None or not session.is_open:
                session = await self._opened()
            yield session
        except errors.ServerGone as error:
            lost, session = session, None
            await self._discard(lost)
            if lost is None or not await see_gone(self._settings, lost.connection_id, lost.seen_as):
                raise
            raise SessionLost(error.message) from error
        except asyncio.CancelledError:
            lost, session = session, None
            await self._discard(lost)
            raise
        except BaseException:
            if session is not None and session.is_open:
                try:
                    await session.rollback()
                except errors.GhostpyError:
                    lost, session = session, None
                    await self._discard(lost)
            raise
        finally:
            self._free.put_nowait(session)

    async def _opened(self) -> Session:
        session = Session(self._settings, purpose=self._purpose, setup=self._setup)
        try:
            await session.open(autocommit=False)
        except errors.ServerGone as error:
            # It has not been asked for anything yet.
            raise SessionLost(error.message) from error
        except errors.ConnectionFailed as error:
            if error.hint == errors.ConnectionFailed.default_hint:
                error.hint = errors.ServerGone.default_hint  # what it names was right when the run began
            raise
        self._all.add(session)
        return session

    async def _discard(self, session: Session | None) -> None:
        if session is not None:
            self._all.discard(session)
            await session.close()

    async def close(self) -> None:
        """End all sessions. Never raises."""
        sessions, self._all = self._all, set()
        for session in sessions:
            await session.close()
