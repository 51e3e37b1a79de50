"""A connection that the server streams a slot's changes to. Blocking; for a thread of its own.

Sources: "Streaming Replication Protocol" and "Logical Streaming Replication Protocol", PostgreSQL manual.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import pq

from ghostpy.dialects.handover import BREATH
from ghostpy.dialects.postgres import quote
from ghostpy.dialects.postgres.driver_errors import translated
from ghostpy.dialects.postgres.wal.lsn import spelled
from ghostpy.dialects.postgres.wal.reader import Received, SlotAddress
from ghostpy.dialects.postgres.wal.slot_state import SlotState, SlotWatch, judged, question
from ghostpy.errors import GhostpyError, ServerError, ServerGone, TransientError

ENVELOPE = 25
"""Bytes of XLogData before the plugin's own message: w, start, end, time."""

_KEEPALIVE = ord("k")
_EPOCH = 946_684_800
"""2000-01-01 in seconds since 1970: the beginning of PostgreSQL's time."""
_AT_ONCE = 10_000
_BYTES_AT_ONCE = 4 << 20
"""Whole rows may be large (REPLICA IDENTITY FULL, and any table before version 15)."""
_LITTLE = 4096
"""Bytes between two waits, some twenty transactions."""
_RECORDS = 1000
"""Taken in at once, at most."""
_WAIT_SECONDS = 0.5
_FEEDBACK_SECONDS = 1.0
_SILENT_SECONDS = 120.0
_IN_USE = "55006"
# A dead peer shows within half a minute, however long the server may rightly be silent while it decodes.
_TCP: Mapping[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}

_keepalive = struct.Struct("!cQqB")
_feedback = struct.Struct("!cQQQqB")


class WalSender:
    """Reads by START_REPLICATION over COPY BOTH. `last_pid`: our process that may still hold the slot, from the last time."""

    base = ENVELOPE

    def __init__(self, address: SlotAddress, watch: SlotWatch, *, last_pid: int = 0) -> None:
        self._address = address
        self._watch = watch
        self._last_pid = last_pid
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._interrupted = False
        self._feedback_seconds = _FEEDBACK_SECONDS
        self._patience = _SILENT_SECONDS
        self._answer = False
        self._fed_back = 0.0
        self._silent = 0.0
        self._taken = 0
        """Bytes of messages since the last wait."""

    @property
    def pid(self) -> int:
        return self._connection.info.backend_pid if self._connection is not None else 0

    def open(self, start: int, *, confirmed: int) -> int:
        """See `Reader.open`."""
        self._connection = connection = self._address.connect(purpose="stream", replication="database", **_TCP)
        try:
            row = connection.execute(question(self._address.name).encode()).fetchone()
            state = SlotState.of(row or ())
            self._watch.check(state)
            self._watch.check_place(state, confirmed)
            if state.active_pid is not None:
                self._free(state.active_pid)
            options = (
                f"proto_version '1', messages 'true', publication_names {quote.text(quote.name(self._address.name))}"
            )
            connection.execute(
                f"START_REPLICATION SLOT {quote.name(self._address.name)} LOGICAL {spelled(start)} ({options})".encode()
            )
        except psycopg.Error as error:
            raise self._translated(error, "asking for the change stream") from error
        connection.pgconn.nonblocking = 1
        if state.sender_timeout:
            self._feedback_seconds = min(_FEEDBACK_SECONDS, state.sender_timeout / 4)
            self._patience = max(_SILENT_SECONDS, 2 * state.sender_timeout)
        self._selector.register(connection.fileno(), selectors.EVENT_READ)
        return state.xid

    def _free(self, holder: int) -> None:
        """The connection before this one may hold the slot until the server notices that it is gone."""
        if holder != self._last_pid:
            raise ServerGone(f"the slot {self._address.name} is in use by process {holder} of {self._where}")
        with contextlib.closing(self._address.connect(purpose="free the slot")) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [holder])
        raise ServerGone(f"the slot {self._address.name} is still held by the connection before")

    # --- reading ---------------------------------------------------------------------------------------------------

    def receive(self) -> Received:
        """See `Reader.receive`."""
        if self._connection is None:
            raise ServerGone(f"the change stream from {self._where} is not open")
        try:
            return self._receive(self._connection.pgconn)
        except psycopg.Error as error:
            raise self._translated(error, "reading the change stream") from error

    def _receive(self, connection: pq.abc.PGconn) -> Received:
        get = connection.get_copy_data
        messages: list[bytes] = []
        add = messages.append
        gathered = 0
        while True:
            size, data = get(1)
            if size > 0:
                # A copy: a piece of the driver's memory would hold all of it.
                message = bytes(data)
                self._taken += size
                if message[0] == _KEEPALIVE:
                    return Received(messages, self._keepalive(message))
                add(message)
                gathered += size
                if len(messages) >= _AT_ONCE or gathered >= _BYTES_AT_ONCE:
                    return Received(messages)
            elif size < 0:
                raise self._ended(connection)
            elif messages:
                return Received(messages)
            elif not self._wait(connection):
                return Received(())

    def _wait(self, connection: pq.abc.PGconn) -> bool:
        """Wait for bytes and take them in; False where none came."""
        began = time.monotonic()
        ready = self._selector.select(min(_WAIT_SECONDS, self._feedback_seconds))
        if self._interrupted:
            raise ServerGone(f"the change stream from {self._where} was given up")
        if not ready:
            # Only what was waited: while the engine takes nothing, the server has no way to be heard.
            self._silent += time.monotonic() - began
            if self._silent > self._patience:
                raise ServerGone(f"the change stream from {self._where} has been silent for {self._silent:.0f} s")
            return False
        self._silent = 0.0
        little, self._taken = self._taken < _LITTLE, 0
        if little:
            time.sleep(BREATH)
        connection.consume_input()
        if little:
            # With TLS each message is a record of its own, and taken in alone. What came before the connection's end may say why it ends.
            with contextlib.suppress(psycopg.Error):
                for _ in range(_RECORDS):
                    if not self._selector.select(0):
                        break
                    connection.consume_input()
        return True

    def _keepalive(self, message: bytes) -> int:
        _, end, _, answer = _keepalive.unpack_from(message)
        self._answer = self._answer or bool(answer)
        return int(end)

    def _ended(self, connection: pq.abc.PGconn) -> GhostpyError:
        result = connection.get_result()
        if result is not None and result.status == pq.ExecStatus.FATAL_ERROR:
            return self._translated(psycopg.errors.error_from_result(result), "reading the change stream")
        return ServerGone(f"the change stream from {self._where} was lost: the server ended it")

    # --- feedback --------------------------------------------------------------------------------------------------

    def confirm(self, lsn: int) -> None:
        """See `Reader.confirm`."""
        now = time.monotonic()
        if not self._answer and now - self._fed_back < self._feedback_seconds:
            return
        if self._connection is None or self._interrupted:
            raise ServerGone(f"the change stream from {self._where} was given up")
        # Asked for an answer while nothing else comes, the server shows that it is there.
        ask = self._silent > self._patience / 4
        since = int((time.time() - _EPOCH) * 1_000_000)
        connection = self._connection.pgconn
        try:
            connection.put_copy_data(_feedback.pack(b"r", lsn, lsn, lsn, since, ask))
            connection.flush()
        except psycopg.Error as error:
            raise self._translated(error, "confirming changes") from error
        self._fed_back, self._answer = now, False

    # --- the end ---------------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """See `Reader.interrupt`."""
        self._interrupted = True
        with contextlib.suppress(OSError):
            self._wake.send(b".")

    def close(self) -> None:
        """See `Reader.close`."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
        with contextlib.suppress(Exception):
            self._selector.close()
        self._wake.close()
        self._woken.close()

    @property
    def _where(self) -> str:
        return self._address.settings.address

    def _translated(self, error: psycopg.Error, doing: str) -> GhostpyError:
        connection = self._connection
        # libpq's own errors carry no code: the connection broke.
        lost = error.sqlstate is None or connection is None or connection.closed
        ours = translated(error, address=self._where, doing=doing, lost=lost)
        if error.sqlstate == _IN_USE or isinstance(ours, TransientError):
            return ServerGone(ours.message)
        return judged(ours, error.sqlstate) if isinstance(ours, ServerError) else ours
