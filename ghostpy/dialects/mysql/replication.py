"""A connection that the server streams its binlog to. Blocking; for a thread of its own.

Sources: "COM_REGISTER_SLAVE", "COM_BINLOG_DUMP", "COM_BINLOG_DUMP_GTID" ("Replication Protocol", MySQL source
documentation); "Replica Registration" and "COM_BINLOG_DUMP" (MariaDB Knowledge Base).
"""

from __future__ import annotations

import contextlib
import random
import select
import socket
import ssl
import struct
from typing import Any

import pymysql
import pymysql.connections

from ghostpy.dialects.mysql.binlog_place import BinlogPlace
from ghostpy.dialects.mysql.driver_errors import error_number, translated
from ghostpy.dialects.mysql.facts import identity_question
from ghostpy.dialects.mysql.session import driver_arguments
from ghostpy.errors import ConnectionFailed, ServerGone
from ghostpy.settings import ConnectSettings

HEARTBEAT_SECONDS = 1.0
READ_TIMEOUT = 10.0
"""Seconds without a byte, heartbeats included, after which the connection counts as lost."""

_COM_REGISTER = 0x15
_COM_DUMP = 0x12
_COM_DUMP_GTID = 0x1E
_THROUGH_GTID = 0x04
_AT_ONCE = 1 << 18
_PARSE_ERROR = 1064
_FIRST_OFFSET = 4
_MAX_OFFSET = 0xFFFFFFFF


class Dump:
    """The server's binlog as bytes of packets."""

    def __init__(self, settings: ConnectSettings, *, server_id: int, uuid: str) -> None:
        self._settings = settings
        self._server_id = server_id
        self._uuid = uuid
        self._connection: pymysql.connections.Connection[Any] | None = None
        self._socket: socket.socket | None = None
        self.checksums = True
        self.connection_id = 0

    def open(self, start: BinlogPlace) -> None:
        """Connect, register and ask for everything after `start`. Raises ConnectionFailed, MissingPrivilege,
        ServerError.

        That the server no longer has it, it says later, in the stream. Where another server has taken the address, that is ConnectionFailed:
        what the run's other sessions are told is true of the first one only.
        """
        arguments = driver_arguments(self._settings) | {"read_timeout": READ_TIMEOUT, "write_timeout": READ_TIMEOUT}
        doing = "connecting for the change stream"
        try:
            self._connection = connection = pymysql.connect(**arguments)
            doing = "setting the change stream up"
            self._set_up(connection, start)
            doing = "registering as a replica"
            _command(connection, self._registration())
            connection._read_packet()  # type: ignore[no-untyped-call]
            doing = "asking for the change stream"
            _command(connection, self._request(start))
            self._socket = connection._sock  # type: ignore[attr-defined]
        except pymysql.MySQLError as error:
            self.close()
            raise translated(error, address=self._settings.address, doing=doing) from error
        except (OSError, ValueError) as error:
            self.close()
            raise ConnectionFailed(f"{doing} at {self._settings.address}: {error}") from error

    def _set_up(self, connection: pymysql.connections.Connection[Any], start: BinlogPlace) -> None:
        period = int(HEARTBEAT_SECONDS * 1_000_000_000)
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@GLOBAL.binlog_checksum, CONNECTION_ID(), VERSION()")
            checksum, identity, version = cursor.fetchone() or ("NONE", 0, "")
            cursor.execute(f"SELECT {identity_question(mariadb='mariadb' in str(version).lower())}")
            (server,) = cursor.fetchone() or ("",)
            if start.server and start.server != server:
                raise ValueError(f"another server answers there now, {server} in the place of {start.server}")
            self.checksums = str(checksum).upper() not in ("NONE", "OFF")
            self.connection_id = int(identity)
            # Old and new names: which of them a server reads depends on its version. MariaDB wants its capability told.
            cursor.execute(
                f"SET @source_binlog_checksum='{checksum}', @master_binlog_checksum='{checksum}', "
                f"@source_heartbeat_period={period}, @master_heartbeat_period={period}, "
                f"@replica_uuid='{self._uuid}', @slave_uuid='{self._uuid}', @mariadb_slave_capability=4"
            )
            if start.domains is not None and not start.file:
                # Strict: where the server lacks the very transaction, it must not begin at the next one that it has.
                cursor.execute(
                    f"SET @slave_connect_state='{start.domains}', @slave_gtid_strict_mode=1, "
                    "@slave_gtid_ignore_duplicates=0"
                )

    def _registration(self) -> bytes:
        name = b"ghostpy"
        return struct.pack(f"<BIB{len(name)}sBBHII", _COM_REGISTER, self._server_id, len(name), name, 0, 0, 0, 0, 0)

    def _request(self, start: BinlogPlace) -> bytes:
        if start.gtids is None:
            return (
                struct.pack("<BIHI", _COM_DUMP, min(start.offset, _MAX_OFFSET) or _FIRST_OFFSET, 0, self._server_id)
                + start.file.encode()
            )
        executed = start.gtids.encoded()
        return struct.pack("<BHIIQI", _COM_DUMP_GTID, _THROUGH_GTID, self._server_id, 0, 4, len(executed)) + executed

    def receive(self) -> bytes:
        """What is there of the stream, up to a quarter of a megabyte; waits for some. Raises ServerGone where the connection is lost."""
        assert self._socket is not None
        pieces = [self._received()]
        if isinstance(self._socket, ssl.SSLSocket):
            # A read gives one record, and the server makes one of each event.
            length = len(pieces[0])
            # What came before the end of the connection may say why it ends.
            with contextlib.suppress(ServerGone):
                while length < _AT_ONCE and self._more_of(self._socket):
                    pieces.append(self._received())
                    length += len(pieces[-1])
        return b"".join(pieces)

    @staticmethod
    def _more_of(stream: ssl.SSLSocket) -> bool:
        return bool(stream.pending() or select.select((stream,), (), (), 0)[0])

    def _received(self) -> bytes:
        assert self._socket is not None
        try:
            data = self._socket.recv(_AT_ONCE)
        except (OSError, ValueError) as error:
            raise ServerGone(f"the change stream from {self._settings.address} was lost: {error}") from error
        if not data:
            raise ServerGone(
                f"the change stream from {self._settings.address} was lost: the server closed the connection"
            )
        return data

    def interrupt(self) -> None:
        """Make a `receive` on another thread end with ServerGone. Never raises."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the connection up. Never raises."""
        connection, self._connection, self._socket = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection._force_close()  # type: ignore[attr-defined]


def _command(connection: pymysql.connections.Connection[Any], body: bytes) -> None:
    connection._write_bytes(struct.pack("<I", len(body)) + body)  # type: ignore[attr-defined]
    connection._next_seq_id = 1  # type: ignore[attr-defined]


def free_server_id(settings: ConnectSettings, *, fixed: bool) -> int:
    """An id that no connected replica uses: the one of `settings`, or another where that is taken and not `fixed`.

    Blocks. Raises ConnectionFailed, MissingPrivilege.
    """
    wanted = settings.replica_server_id
    if fixed:
        return wanted
    taken = _replica_ids(settings)
    while wanted in taken:
        wanted = random.randrange(1 << 20, 1 << 32)
    return wanted


def _replica_ids(settings: ConnectSettings) -> set[int]:
    try:
        connection = pymysql.connect(**driver_arguments(settings))
    except pymysql.MySQLError as error:
        raise translated(error, address=settings.address, doing="looking for other replicas") from error
    except (OSError, ValueError) as error:
        raise ConnectionFailed(f"looking for other replicas at {settings.address}: {error}") from error
    try:
        with connection.cursor() as cursor:
            try:
                cursor.execute("SHOW REPLICAS")
            except pymysql.MySQLError as error:
                if error_number(error) != _PARSE_ERROR:
                    raise
                cursor.execute("SHOW SLAVE HOSTS")
            return {int(row[0]) for row in cursor.fetchall()}
    except pymysql.MySQLError as error:
        raise translated(error, address=settings.address, doing="looking for other replicas") from error
    finally:
        connection.close()
