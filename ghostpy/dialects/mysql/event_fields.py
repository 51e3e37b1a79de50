"""What stands in the events that are not in the hot path, and how a packet and an event begin.

Sources: "MySQL Packets", "Binlog Event" and the classes of libs/mysql/binlog/event in the MySQL source documentation;
for event 42 "Serialization library" (libs/mysql/serialization).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pymysql.charset import charset_by_id

from ghostpy.dialects.mysql import table_map
from ghostpy.dialects.mysql.gtid import Origin
from ghostpy.dialects.mysql.key_image import codec_of
from ghostpy.errors import StreamLost

QUERY, STOP, ROTATE, FORMAT_DESCRIPTION, XID, TABLE_MAP = 2, 3, 4, 15, 16, 19
EXECUTE_LOAD_QUERY, INCIDENT, HEARTBEAT, GTID, ANONYMOUS_GTID = 18, 26, 27, 33, 34
XA_PREPARE, TRANSACTION_PAYLOAD, HEARTBEAT_V2, GTID_TAGGED, MARIADB_GTID = 38, 40, 41, 42, 162

STANDALONE, PREPARED_XA = 1, 64
"""FL_STANDALONE and FL_PREPARED_XA of MariaDB's GTID events ("GTID_EVENT", MariaDB's replication protocol)."""

PACKET_HEAD = 5  # length (3), number (1) and, in the first packet of an event, a status byte
EVENT_HEAD = 19
FULL_PACKET = 0xFFFFFF

event_head = struct.Struct("<4xB4xI").unpack_from  # type and size, from an event's header
query_head = struct.Struct("<B2xH").unpack_from  # lengths of the database's name and of the status variables
u16 = struct.Struct("<H").unpack_from
u32 = struct.Struct("<I").unpack_from
u64 = struct.Struct("<Q").unpack_from


class Statement(NamedTuple):
    text: str
    database: str


def statement(buffer: bytes, body: int, end: int, *, fixed: int = 13) -> Statement:
    """Read a statement from the body of a QUERY event, or of another whose fixed part has `fixed` bytes."""
    database_size, status_size = query_head(buffer, body + 8)
    status_at = body + fixed
    database_at = status_at + status_size
    text_at = database_at + database_size + 1
    codec = _client_codec(buffer[status_at:database_at])
    database = buffer[database_at : database_at + database_size].decode("utf-8", "replace")
    return Statement(buffer[text_at:end].decode(codec, "replace"), database)


def xa_prepare(buffer: bytes, body: int) -> tuple[str, bool]:
    """Return the XID, spelled as in XA statements in the binlog, and whether the transaction is committed in one
    phase.
    """
    number, global_size, branch_size = struct.unpack_from("<iII", buffer, body + 1)
    at = body + 13
    branch_at = at + global_size
    whole, branch = buffer[at:branch_at].hex(), buffer[branch_at : branch_at + branch_size].hex()
    return f"X'{whole}',X'{branch}',{number}", buffer[body] != 0


def tagged_gtid(buffer: bytes, body: int, end: int) -> tuple[Origin, int]:
    """Return origin and number; fields are a number and a value, of interest are 1 (UUID), 2 (number) and 3 (tag)."""
    _, at = _varlen(buffer, body)
    _, at = _varlen(buffer, at)
    _, at = _varlen(buffer, at)
    server, number, tag = bytearray(), 0, b""
    while at < end:
        what, at = _varlen(buffer, at)
        if what == 0:
            at += 1
        elif what == 1:
            for _ in range(16):
                byte, at = _varlen(buffer, at)
                server.append(byte)
        elif what == 2:
            value, at = _varlen(buffer, at)
            number = value >> 1
        elif what == 3:
            size, at = _varlen(buffer, at)
            tag = buffer[at : at + size]
            break
        else:
            break
    if len(server) != 16 or number < 1:
        raise StreamLost("the server sent a tagged GTID in a form that is not known here")
    return bytes(server) + tag, number


def heartbeat_v2(buffer: bytes, body: int, end: int) -> tuple[str, int]:
    """Return file and offset of a heartbeat in the form for large offsets."""
    file, position, at = "", 0, body
    while at < end:
        what, at = table_map.packed_integer(buffer, at)
        if what == 0:
            break
        size, at = table_map.packed_integer(buffer, at)
        if what == 1:
            file = buffer[at : at + size].decode("utf-8", "replace")
        elif what == 2:
            position, _ = table_map.packed_integer(buffer, at)
        at += size
    return file, position


def file_number(file: str) -> int:
    """Return the number in a binlog file's name. Raises StreamLost where there is none."""
    digits = file.rpartition(".")[2]
    if not digits.isascii() or not digits.isdigit():
        raise StreamLost(f"the server named a binlog file {file!r}, which has no number")
    return int(digits)


class ServerEnded(StreamLost):
    """The server ended the stream by an error, or without one (`number` 0)."""

    number = 0

    @classmethod
    def of(cls, body: bytes) -> ServerEnded:
        """From the body of an ERR or EOF packet."""
        if body[:1] != b"\xff":
            return cls("the server ended the change stream")
        number = int.from_bytes(body[1:3], "little")
        text = body[3:].decode("utf-8", "replace")
        if text.startswith("#"):
            text = text[6:]
        error = cls(f"the server ended the change stream: {text} (MySQL error {number})")
        error.number = number
        return error


def _varlen(buffer: bytes, at: int) -> tuple[int, int]:
    """Return an integer of variable length and where it ends: as many one bits at the low end as bytes follow the
    first.
    """
    first = buffer[at]
    size = (~first & first + 1).bit_length() if first != 0xFF else 9
    value = int.from_bytes(buffer[at : at + size], "little") >> (size if size < 9 else 8)
    return value, at + size


def _client_codec(status: bytes) -> str:
    """Return Python's codec for the charset in which a statement was sent; it stands in the event's status
    variables.
    """
    at = 0
    while at < len(status):
        what = status[at]
        if what == _STATUS_CHARSET:
            try:
                return codec_of(str(vars(charset_by_id(u16(status, at + 1)[0]))["name"])) or "latin-1"
            except KeyError:
                return "utf-8"
        size = _STATUS_SIZES.get(what)
        if size is None:
            return "utf-8"
        at += 1 + size if size >= 0 else 2 + status[at + 1] + (-size - 1)
    return "utf-8"


_STATUS_CHARSET = 4
# Bytes of each status variable that may precede the charset; -1: a length byte and as many bytes; -2: and one more for
# a zero.
_STATUS_SIZES = {0: 4, 1: 8, 2: -2, 3: 4, 6: -1}
