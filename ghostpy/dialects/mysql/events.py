"""The hot path of the change stream: from the bytes of the replication protocol to dirty keys. Pure: no connection, no
waiting.

Almost all events are skipped after a look at their type, their size and their table's number; no object is made for
one. A buffer holds many packets, so a `read` from the socket costs one call for thousands of events.

Sources: "Replication Protocol" and "Binlog Event" in the MySQL source documentation (libs/mysql/binlog/event), for the
packet's frame "MySQL Packets".
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

import zstandard

from ghostpy.dialects.mysql import event_fields as fields
from ghostpy.dialects.mysql import payload
from ghostpy.dialects.mysql.alike import Alike
from ghostpy.dialects.mysql.domain_gtids import DomainGtids
from ghostpy.dialects.mysql.event_fields import (
    ANONYMOUS_GTID,
    EVENT_HEAD,
    EXECUTE_LOAD_QUERY,
    FORMAT_DESCRIPTION,
    GTID,
    GTID_TAGGED,
    HEARTBEAT,
    HEARTBEAT_V2,
    INCIDENT,
    MARIADB_GTID,
    PACKET_HEAD,
    PREPARED_XA,
    QUERY,
    ROTATE,
    STANDALONE,
    STOP,
    TABLE_MAP,
    TRANSACTION_PAYLOAD,
    XA_PREPARE,
    XID,
    ServerEnded,
    event_head,
    file_number,
    query_head,
    u32,
    u64,
)
from ghostpy.dialects.mysql.followed import Followed, FollowedTables, Rows
from ghostpy.dialects.mysql.gtid import GtidSet, Origin
from ghostpy.dialects.mysql.large_event import LargeEvent, NestedEvents
from ghostpy.dialects.mysql.row_image import ROW_EVENTS
from ghostpy.dialects.mysql.xa import XaStatement, XaTransactions
from ghostpy.errors import SourceChanged, StreamLost
from ghostpy.model.keys import Key, Mark

# INTVAR, RAND, USER_VAR and the files of LOAD DATA belong to a statement that comes as text; ROWS_QUERY,
# PREVIOUS_GTIDS, group replication's two and MariaDB's ANNOTATE_ROWS, BINLOG_CHECKPOINT and GTID_LIST tell nothing that
# matters here.
_WITHOUT_MEANING = frozenset({STOP, 5, 9, 11, 13, 14, 17, 28, 29, 35, 36, 37, 160, 161, 163})

_LARGE = 1 << 20  # events beyond this many bytes are not gathered before it is known whether they matter
_ANY_SIZE = 1 << 32
_UNEXPECTED = 64
"""Transactions that look otherwise than expected, before something else is expected."""
_IGNORABLE_FLAG = 0x80
# Where in a transaction the stream is: outside, after its GTID, or after its BEGIN.
_OUTSIDE, _ANNOUNCED, _INSIDE = 0, 1, 2
# Values may be secret, so of a statement only what precedes them is shown.
_BEFORE_VALUES = re.compile(r"[^'\"=(]{0,200}")
_FIRST_WORD = re.compile(r"\s*([A-Za-z]+)")
_TO_SAVEPOINT = re.compile(r"\s*ROLLBACK\s+(?:WORK\s+)?TO\b", re.IGNORECASE)
_DUMMY_TABLE = b"\xff\xff\xff\x00\x00\x00"  # row events with this table number only end a statement


class EventDecoder:
    """Turns the stream's bytes into keys, and keeps track of where it is.

    Feed it with `feed`; then `keys`, `events`, `heartbeat`, `file` and `offset` tell what was found, and `take_keys`
    and `take_gtids` hand it over. `file` and `offset` are the end of the last whole transaction, `executed` holds all
    whole transactions. `found`: whether a MariaDB that was asked by GTID has found where to begin.
    """

    def __init__(
        self,
        followed: Followed,
        *,
        executed: GtidSet | None = None,
        domains: DomainGtids | None = None,
        checksums: bool = True,
    ) -> None:
        self.followed = followed
        self.executed = executed.copy() if executed else GtidSet()
        self._domains = dict(domains.last) if domains else {}
        self._announced: tuple[int, int, int] | None = None
        self.found = False
        self._begun = _OUTSIDE
        self.keys: dict[Key, Mark] = {}
        self.events = 0
        self.heartbeat: int | None = None
        self.file = ""
        self.offset = 0
        self.transactions = 0
        self._followed_tables = FollowedTables(followed, self._beat)
        self._recent = GtidSet()
        self._xa = XaTransactions(followed.source, followed.settled)
        self._origin: Origin = b""
        self._run_first = self._run_end = 0
        self.restart(checksums=checksums)

    def restart(self, *, checksums: bool) -> None:
        """Forget what was begun: the stream comes again from the end of the last whole transaction."""
        self._end_announced()
        self._announced = None
        self._tables: dict[bytes, Rows | None] = {_DUMMY_TABLE: None}
        self._checksum_bytes = 4 if checksums else 0
        self._alike: Alike | None = None
        self._unexpected = _UNEXPECTED
        self._gathered: list[bytes] = []
        self._missing = PACKET_HEAD + EVENT_HEAD
        self._large: LargeEvent | None = None
        self._number = 0
        self._begun = _OUTSIDE
        self._xa.break_off()

    # --- what was found --------------------------------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether anything was found since it was last taken."""
        return bool(self.keys or self.events or self._number or self._run_end > self._run_first or self._recent)

    def take_keys(self) -> tuple[dict[Key, Mark], int]:
        """Hand over the dirty keys and the number of row changes since the last call."""
        taken = self.keys, self.events
        self.keys, self.events = {}, 0
        return taken

    def take_gtids(self) -> GtidSet:
        """Hand over the transactions that began since the last call, the one that is still under way included."""
        self._end_run()
        taken, self._recent = self._recent, GtidSet()
        if self._number:
            taken.add(self._origin, self._number, self._number + 1)
        return taken

    def take_xa_ended(self) -> set[str]:
        """Hand over the prepared XA transactions that were committed since the last call, if they changed the source."""
        return self._xa.take_ended()

    @property
    def pending_transactions(self) -> Sequence[str]:
        """The prepared XA transactions whose end has not come."""
        return self._xa.pending

    def _end_run(self) -> None:
        if self._run_end > self._run_first:
            self.executed.add(self._origin, self._run_first, self._run_end)
            self._recent.add(self._origin, self._run_first, self._run_end)
            self._run_first = self._run_end

    def executed_gtids(self) -> GtidSet:
        """All whole transactions up to now."""
        self._end_run()
        return self.executed

    def domain_gtids(self) -> DomainGtids:
        """MariaDB: the last whole transaction of each domain."""
        self._end_announced()
        return DomainGtids(dict(self._domains))

    def _end_announced(self) -> None:
        """The transaction that was announced last counts once its end has come, which the loop does not tell."""
        if self._announced is not None and not self._begun:
            domain, server, number = self._announced
            self._domains[domain] = (server, number)
            self._announced = None

    # --- bytes in --------------------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> Iterator[None]:
        """Take bytes of the protocol, cut anywhere; yields in between and at the end, so that what was found can be
        handed over.

        Raises StreamLost where they make no sense or following must end, SourceChanged where the source was changed.
        """
        try:
            yield from self._feed(data)
        except (struct.error, IndexError, KeyError, ValueError, OverflowError, zstandard.ZstdError) as error:
            raise StreamLost(
                f"the change stream of {self.followed.source} cannot be read at {self.file}:{self.offset}: "
                f"malformed event ({type(error).__name__}: {error})"
            ) from error
        yield

    def _feed(self, data: bytes) -> Iterator[None]:
        while data:
            if self._large is not None:
                large = self._large
                data = data[large.take(data) :]
                yield from self._payload_pieces(large)
                if not large.complete:
                    return
                self._large = None
                self._end_of_large(large)
                continue
            if len(data) < self._missing:
                self._gathered.append(data)
                self._missing -= len(data)
                return
            if self._gathered:
                self._gathered.append(data)
                data = b"".join(self._gathered)
                self._gathered = []
            at = self._scan(data, PACKET_HEAD, PACKET_HEAD, self._checksum_bytes, 0)
            at = yield from self._after_scan(data, at)
            data = data[at:]

    def _after_scan(self, data: bytes, at: int) -> Generator[None, None, int]:
        """Deal with the event at which `_scan` stopped; return where to go on in `data`."""
        start, left = at - PACKET_HEAD, len(data) - (at - PACKET_HEAD)
        if left >= PACKET_HEAD and data[at - 1]:
            self._ended_by_server(data, start, left)
            return len(data)
        if left < PACKET_HEAD + EVENT_HEAD:
            self._wait_for(data, start, PACKET_HEAD + EVENT_HEAD)
            return len(data)
        kind, size = event_head(data, at)
        size = int(size)
        if size > _LARGE:
            if left < PACKET_HEAD + EVENT_HEAD + payload.HEADER_BYTES:
                self._wait_for(data, start, PACKET_HEAD + EVENT_HEAD + payload.HEADER_BYTES)
                return len(data)
            self._large = self._began_large(data, start, kind, size)
            return start
        if left < PACKET_HEAD + size:
            self._wait_for(data, start, PACKET_HEAD + size)
            return len(data)
        # Only payloads are left by `_scan` although they are whole.
        yield from self._payload(data, at, size)
        return start + PACKET_HEAD + size

    def _wait_for(self, data: bytes, start: int, wanted: int) -> None:
        rest = data[start:]
        self._gathered = [rest]
        self._missing = wanted - len(rest)
        if not rest:
            self._gathered = []

    def _ended_by_server(self, data: bytes, start: int, left: int) -> None:
        size = int.from_bytes(data[start : start + 3], "little")
        if left < 4 + size:
            self._wait_for(data, start, 4 + size)
            return
        raise ServerEnded.of(data[start + 4 : start + 4 + size])

    # --- the loop --------------------------------------------------------------------------------------------------

    def _scan(self, buffer: bytes, at: int, frame: int, checksum: int, outer_end: int) -> int:
        """Go through the events that `buffer` holds as a whole; return where the first one that is left begins.

        `at`: header of the first event; `frame`: bytes between two events (0 within a payload); `outer_end`: within a
        payload, the end of the event around it, where a transaction ends in the binlog.
        """
        end = len(buffer)
        tables = self._tables
        keys = self._keys_under_way
        origin, run_end, number, begun = self._origin, self._run_end, self._number, self._begun
        rows_seen = transactions = 0
        last_end = -1
        since = -1 if begun else at
        # Beyond a packet, an event has packet headers within.
        largest = _LARGE if frame else _ANY_SIZE
        try:
            while at + EVENT_HEAD <= end:
                kind, size = event_head(buffer, at)
                following = at + size
                if following > end or size > largest or (frame and buffer[at - 1]):
                    break
                if size < EVENT_HEAD + checksum:
                    raise StreamLost("the server sent an event that is shorter than its header")
                if kind in ROW_EVENTS:
                    rows = tables[buffer[at + 19 : at + 25]]
                    if rows is not None:
                        rows_seen += rows.take(kind, buffer, at + 19, following - checksum, keys)
                elif kind == TABLE_MAP:
                    # A number is never given to another table before the server restarts, and then a new file begins.
                    if buffer[at + 19 : at + 25] not in tables:
                        self._table(buffer, at + 19, following - checksum)
                elif kind == GTID:
                    (number,) = u64(buffer, at + 36)
                    if number != run_end or buffer[at + 20 : at + 36] != origin:
                        self._run_end = run_end
                        self._begin_run(buffer[at + 20 : at + 36], number)
                        origin, run_end = self._origin, self._run_end
                    begun = _ANNOUNCED
                elif kind == XID:
                    if number:
                        run_end, number = number + 1, 0
                    begun = _OUTSIDE
                    last_end = at
                    transactions += 1
                    if frame:
                        alike = self._expected(buffer, since, at, checksum, origin)
                        since = at = following + frame
                        if alike is not None:
                            rows, numbered, latest = tables[alike.table], alike.numbered, -1
                            those, tail = alike.those_from(buffer, at, run_end, largest=largest), frame + checksum
                            try:
                                for kind, rows_at, xid_at, since in those:
                                    number = run_end if numbered else 0
                                    if rows is not None:
                                        rows_seen += rows.take(kind, buffer, rows_at + 19, xid_at - tail, keys)
                                    if number:
                                        run_end, number = number + 1, 0
                                    transactions += 1
                                    last_end, latest, at = xid_at, at, since
                            finally:
                                if latest >= 0 and alike.in_domain:
                                    self._begun = begun
                                    self._announce(buffer, latest + EVENT_HEAD)
                        continue
                elif kind == TRANSACTION_PAYLOAD:
                    if frame:
                        break
                    raise StreamLost("the server sent a compressed transaction within another")
                else:
                    if kind == QUERY:
                        database, status = query_head(buffer, at + 27)
                        text_at = at + 33 + status + database
                        if following - checksum - text_at == 5 and buffer[text_at : text_at + 5] == b"BEGIN":
                            begun = _INSIDE
                            at = following + frame
                            continue
                    if last_end >= 0:
                        self._reach(outer_end or u32(buffer, last_end + 13)[0])
                        last_end = -1
                    self._run_end, self._number, self._begun = run_end, number, begun
                    self._other(kind, buffer, at, following - checksum, outer_end)
                    checksum = self._checksum_bytes if frame else 0
                    tables = self._tables
                    keys = self._keys_under_way
                    origin, run_end, number, begun = self._origin, self._run_end, self._number, self._begun
                    if not begun:
                        since = following + frame
                at = following + frame
        finally:
            # Also where an event is an error: what came before it is handed over.
            if last_end >= 0:
                self._reach(outer_end or u32(buffer, last_end + 13)[0])
            self._run_end, self._number, self._begun = run_end, number, begun
            self.events += rows_seen
            self.transactions += transactions
        return at

    def _scan_nested(self, buffer: bytes, outer_end: int) -> int:
        """As `_scan`, on events within a payload."""
        return self._scan(buffer, 0, 0, 0, outer_end)

    def _expected(self, buffer: bytes, at: int, end: int, checksum: int, origin: Origin) -> Alike | None:
        """What the next transaction may look like. The one from `at` to `end` was not expected; where many were not, the next are to look like it."""
        self._unexpected += 1
        if self._unexpected > _UNEXPECTED and at >= 0:
            self._unexpected = 0
            self._alike = Alike.of(buffer, at, end, checksum)
        alike = self._alike
        return alike if alike is not None and (alike.origin == origin or not alike.numbered) else None

    # --- transactions ----------------------------------------------------------------------------------------------

    def _begin_run(self, origin: Origin, number: int) -> None:
        """Transactions with consecutive numbers are kept as one interval; another one begins."""
        self._end_run()
        self._origin = origin
        self._run_first = self._run_end = number

    def _complete(self, position: int) -> None:
        if self._number:
            self._run_end, self._number = self._number + 1, 0
        self._begun = _OUTSIDE
        self.transactions += 1
        self._reach(position)

    def _reach(self, position: int) -> None:
        """Take the low 32 bits of an offset, which is all that events have of it; files may grow beyond 4 GiB."""
        if not position:
            return
        high, low = self.offset & ~0xFFFFFFFF, self.offset & 0xFFFFFFFF
        if position >= low:
            self.offset = high + position
        elif low - position > 1 << 31:
            self.offset = high + (1 << 32) + position

    # --- events that are not in the loop ----------------------------------------------------------------------------

    def _other(self, kind: int, buffer: bytes, at: int, end: int, outer_end: int) -> None:
        body = at + EVENT_HEAD
        position = outer_end or u32(buffer, at + 13)[0]
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, buffer, body, end, position)
        elif kind not in _WITHOUT_MEANING and not buffer[at + 17] & _IGNORABLE_FLAG:
            raise StreamLost(f"the server sent an event of the type number {kind}, which is not known here")
        elif not self._begun:
            self._reach(position)

    def _query(self, buffer: bytes, body: int, end: int, position: int) -> None:
        self._statement(*fields.statement(buffer, body, end), position)

    def _load_query(self, buffer: bytes, body: int, end: int, position: int) -> None:
        self._statement(*fields.statement(buffer, body, end, fixed=26), position)

    def _statement(self, text: str, database: str, position: int) -> None:
        word = _FIRST_WORD.match(text)
        verb = word[1].upper() if word else ""
        if verb == "XA":
            self._xa_statement(text, position)
        elif verb == "BEGIN" or text[:17].upper() == "START TRANSACTION":
            self._begun = _INSIDE
        elif verb in ("COMMIT", "ROLLBACK") and not _TO_SAVEPOINT.match(text):
            self._complete(position)
        elif verb == "SAVEPOINT" or verb in ("ROLLBACK", "RELEASE"):
            return
        else:
            if text == self.followed.exchange:
                self._forget_tables()
            elif self._followed_tables.changed_by(text, database):
                shown = _BEFORE_VALUES.match(text)
                raise SourceChanged(
                    f"{self.followed.source} was changed by a statement during the run: {shown[0].strip() if shown else verb}"
                )
            # A statement between BEGIN and COMMIT ends nothing; one that stands alone is a transaction.
            if self._begun != _INSIDE:
                self._complete(position)

    @property
    def _keys_under_way(self) -> dict[Key, Mark]:
        """Where the keys go that are found now."""
        return self.keys if self._xa.under_way is None else self._xa.under_way

    def _xa_statement(self, text: str, position: int) -> None:
        statement = XaStatement.parse(text)
        if statement.verb in ("START", "BEGIN"):
            self._xa.begin()
            self._begun = _INSIDE
        elif statement.verb == "COMMIT":
            one_phase = statement.one_phase
            self.keys.update(self._xa.commit(statement.xid, one_phase=one_phase, file=self.file, position=position))
            self._complete(position)
        elif statement.verb == "ROLLBACK":
            self._xa.roll_back(statement.xid)
            self._complete(position)

    def _xa_prepare(self, buffer: bytes, body: int, end: int, position: int) -> None:
        xid, one_phase = fields.xa_prepare(buffer, body)
        self.keys.update(self._xa.prepare(xid, one_phase=one_phase))
        self._complete(position)

    def _table(self, buffer: bytes, body: int, end: int) -> None:
        self._tables[buffer[body : body + 6]] = self._followed_tables.rows_of(buffer, body, end)

    def _forget_tables(self) -> None:
        """From here on a number may be another table's."""
        self._tables = {_DUMMY_TABLE: None}
        self._alike, self._unexpected = None, _UNEXPECTED

    def _beat(self, number: int) -> None:
        if self.heartbeat is None or number > self.heartbeat:
            self.heartbeat = number

    def _anonymous(self, buffer: bytes, body: int, end: int, position: int) -> None:
        self._number, self._begun = 0, _ANNOUNCED

    def _mariadb_gtid(self, buffer: bytes, body: int, end: int, position: int) -> None:
        flags = buffer[body + 12]
        self.found = True
        self._announce(buffer, body)
        self._number, self._begun = 0, _ANNOUNCED if flags & STANDALONE else _INSIDE
        if flags & PREPARED_XA:
            # What MySQL says by an XA START.
            self._xa.begin()

    def _announce(self, buffer: bytes, body: int) -> None:
        """Take the domain, the server and the number of the transaction whose GTID's event has its body there."""
        self._end_announced()
        self._announced = (u32(buffer, body + 8)[0], u32(buffer, body - 14)[0], u64(buffer, body)[0])

    def _tagged(self, buffer: bytes, body: int, end: int, position: int) -> None:
        origin, number = fields.tagged_gtid(buffer, body, end)
        if number != self._run_end or origin != self._origin:
            self._begin_run(origin, number)
        self._number, self._begun = number, _ANNOUNCED

    def _rotate(self, buffer: bytes, body: int, end: int, position: int) -> None:
        (offset,) = u64(buffer, body)
        file = buffer[body + 8 : end].decode("utf-8", "replace")
        file_number(file)
        if self._begun:
            # A transaction is never split over two files: what was begun was cut off by a crash of the server.
            self._begun, self._number, self._announced = _OUTSIDE, 0, None
            self._xa.break_off()
        self.file, self.offset = file, offset
        self._forget_tables()

    def _format(self, buffer: bytes, body: int, end: int, position: int) -> None:
        # The event itself always has a checksum where its kind is announced, in the byte before it (from MySQL 5.6.1
        # on).
        size = u32(buffer, body - 10)[0] + body - EVENT_HEAD
        self._checksum_bytes = 4 if buffer[size - 5] == 1 else 0
        self._forget_tables()
        if not self._begun:
            self._reach(position)

    def _heartbeat(self, buffer: bytes, body: int, end: int, position: int) -> None:
        self._heard(buffer[body:end].decode("utf-8", "replace"), position)

    def _heartbeat_v2(self, buffer: bytes, body: int, end: int, position: int) -> None:
        self._heard(*fields.heartbeat_v2(buffer, body, end))

    def _heard(self, file: str, position: int) -> None:
        """The server has nothing more to send up to here, or only what it was told to leave out."""
        self.found = True
        if self._begun or not file:
            return
        if file_number(file) > file_number(self.file or ".0"):
            self.file, self.offset = file, 0
        if file == self.file:
            self._reach(position)

    def _incident(self, buffer: bytes, body: int, end: int, position: int) -> None:
        raise StreamLost(
            f"the server reports that its binlog lacks changes (incident event at {self.file}:{position})",
            hint="See the server's error log for the cause, then run the same command again.",
        )

    # --- payloads and other large events -----------------------------------------------------------------------------

    def _payload(self, data: bytes, at: int, size: int) -> Iterator[None]:
        about = payload.head(data, at + EVENT_HEAD)
        if about.start + about.size > at + size - self._checksum_bytes:
            raise StreamLost("the server sent a compressed transaction that is longer than its event")
        nested = NestedEvents(self._scan_nested, payload.Payload(about), u32(data, at + 13)[0])
        yield from nested.take(data[about.start : about.start + about.size])
        nested.end()

    def _began_large(self, data: bytes, start: int, kind: int, size: int) -> LargeEvent:
        at = start + PACKET_HEAD
        first_packet = int.from_bytes(data[start : start + 3], "little")
        large = LargeEvent(first_packet, size)
        if kind == TRANSACTION_PAYLOAD:
            about = payload.head(data, at + EVENT_HEAD)
            large.payload = NestedEvents(self._scan_nested, payload.Payload(about), u32(data, at + 13)[0])
            large.payload_at, large.payload_end = about.start - at, about.start - at + about.size
            if large.payload_end > size - self._checksum_bytes:
                raise StreamLost("the server sent a compressed transaction that is longer than its event")
        else:
            large.wanted = not (kind in ROW_EVENTS and self._tables[data[at + 19 : at + 25]] is None)
        return large

    def _payload_pieces(self, large: LargeEvent) -> Iterator[None]:
        pieces, large.pieces = large.pieces, large.pieces if large.wanted else []
        if large.payload is not None:
            for piece in pieces:
                yield from large.payload.take(piece)

    def _end_of_large(self, large: LargeEvent) -> None:
        if large.payload is not None:
            large.payload.end()
        elif large.wanted:
            event = b"".join(large.pieces)
            if self._scan(event, 0, 0, self._checksum_bytes, 0) != len(event):
                raise StreamLost("the server sent a large event that does not end where it says")


_HANDLERS: Mapping[int, Callable[[EventDecoder, bytes, int, int, int], None]] = {
    QUERY: EventDecoder._query,
    EXECUTE_LOAD_QUERY: EventDecoder._load_query,
    XA_PREPARE: EventDecoder._xa_prepare,
    ROTATE: EventDecoder._rotate,
    FORMAT_DESCRIPTION: EventDecoder._format,
    HEARTBEAT: EventDecoder._heartbeat,
    HEARTBEAT_V2: EventDecoder._heartbeat_v2,
    ANONYMOUS_GTID: EventDecoder._anonymous,
    GTID_TAGGED: EventDecoder._tagged,
    MARIADB_GTID: EventDecoder._mariadb_gtid,
    INCIDENT: EventDecoder._incident,
}
