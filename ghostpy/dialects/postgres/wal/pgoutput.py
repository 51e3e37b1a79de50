"""The messages of the output plugin pgoutput, read for keys only; no connection, no waiting.

Layouts: "Logical Replication Message Formats", PostgreSQL manual; version 1 of the protocol. Large transactions come after their
commit, row by row, so that nothing has to be held back here for a transaction that may still be rolled back.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from ghostpy.dialects.postgres.wal.lsn import spelled
from ghostpy.dialects.postgres.wal.news import News
from ghostpy.dialects.postgres.wal.relation import Relation, described, place_of, string
from ghostpy.errors import GhostpyError, SourceChanged, StreamLost
from ghostpy.model.keys import Key, Mark

_INSERT, _UPDATE, _DELETE = b"IUD"
_NEW, _KEY, _OLD = b"NKO"
_NULL, _UNCHANGED, _TEXT = b"nut"
_HEAD = 9
"""Bytes up to the first value's length: kind, table, N or K, number of columns, t."""
_HALF, _WHOLE = 1 << 31, 1 << 32

_begin = struct.Struct("!QqI").unpack_from
_commit = struct.Struct("!BQQ").unpack_from
_number = struct.Struct("!I").unpack_from


def widened(xid: int, reference: int) -> int:
    """The 64 bits of a transaction id of which the stream tells 32; `reference` is one of 64 bits, less than 2^31 away."""
    return reference + (xid - reference + _HALF) % _WHOLE - _HALF


class Followed(Struct, frozen=True):
    """What to look for. `prefix`: of our own messages; `integer`: whether the key is one integer."""

    relation: Relation
    key: tuple[str, ...]
    integer: bool
    prefix: str


class Decoder:
    """Gathers keys from messages. `base`: bytes before each message (the envelope of COPY BOTH)."""

    def __init__(self, followed: Followed, *, base: int = 0) -> None:
        self.keys: dict[Key, Mark] = {}
        self.events = 0
        self.lsn = 0
        """End of the last whole transaction, or what `advance` said."""
        self.heartbeat: int | None = None
        self.end = 0
        """Number of the last end mark."""
        self.followed = followed
        self._base = base
        self._reference = 0
        self._xid = 0
        self._said: list[str] = []
        self._oid = followed.relation.oid.to_bytes(4)
        self._key_of = _integer if followed.integer else _literal
        columns = followed.relation.columns
        wanted = {place_of(followed.relation, name): number for number, name in enumerate(followed.key)}
        self._places = tuple(wanted.get(place, -1) for place in range(len(columns)))
        self._places_to_last = self._places[: max(wanted) + 1]
        self._whole_messages = self._heads() if len(columns) == 1 else frozenset()
        self._others: dict[int, Callable[[bytes, int], None]] = {
            ord("B"): self._begin,
            ord("C"): self._commit,
            ord("M"): self._message,
            ord("R"): self._relation,
            ord("T"): self._truncate,
            ord("O"): _nothing,
            ord("Y"): _nothing,
        }

    def _heads(self) -> frozenset[bytes]:
        """How a message begins that tells of one row by its only published column, which is the key."""
        kinds = ((b"I", b"N"), (b"U", b"N"), (b"D", b"K"), (b"D", b"O"))
        return frozenset(kind + self._oid + tag + b"\0\1t" for kind, tag in kinds)

    # --- what was found --------------------------------------------------------------------------------------------

    @property
    def in_transaction(self) -> bool:
        return bool(self._xid)

    def take(self) -> News:
        """Hand over what was found since the last call."""
        news = News(self.keys, self.events, self.lsn, self.heartbeat, self.end)
        self.keys, self.events = {}, 0
        return news

    # --- bytes in --------------------------------------------------------------------------------------------------

    def restart(self, *, reference: int) -> None:
        """From now on the stream comes by a new connection, from the last whole transaction that was handed over.

        `reference`: a transaction id of 64 bits of the present.
        """
        self._reference, self._xid, self._said = reference, 0, []
        self.keys, self.events = {}, 0

    def advance(self, lsn: int) -> None:
        """The server says that all transactions before `lsn` were sent."""
        if not self._xid and lsn > self.lsn:
            self.lsn = lsn

    def feed(self, messages: Iterable[bytes]) -> None:
        """Take messages in order.

        Raises StreamLost where they make no sense, SourceChanged where the source was changed.
        """
        try:
            self._feed(messages)
        except GhostpyError:
            raise
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            raise StreamLost(
                f"the change stream of {self.followed.relation.name} cannot be read after {spelled(self.lsn)}: "
                f"malformed message ({type(error).__name__}: {error})"
            ) from error

    def _feed(self, messages: Iterable[bytes]) -> None:
        base, size_at, value_at = self._base, self._base + _HEAD, self._base + _HEAD + 4
        whole_messages = self._whole_messages if self._xid else frozenset()
        keys, key_of, xid = self.keys, self._key_of, self._xid
        size_of = int.from_bytes
        for message in messages:
            if message[base:size_at] in whole_messages:
                if size_of(message[size_at:value_at]) != len(message) - value_at:
                    raise ValueError("a value is not as long as said")
                keys[key_of((message[value_at:],))] = xid
                self.events += 1
            elif (kind := message[base]) in b"IUD":
                self._row(kind, message, base + 1)
            else:
                handle = self._others.get(kind)
                if handle is None:
                    raise ValueError(f"kind {kind}")
                handle(message, base + 1)
                xid = self._xid
                whole_messages = self._whole_messages if xid else frozenset()

    # --- rows ------------------------------------------------------------------------------------------------------

    def _row(self, kind: int, message: bytes, at: int) -> None:
        if not self._xid:
            raise ValueError("a row outside of a transaction")
        tag = message[at + 4]
        if message[at : at + 4] != self._oid:
            return
        self.events += 1
        at += 5
        old: Sequence[bytes | None] = ()
        if tag in (_KEY, _OLD) and kind != _INSERT:
            places = self._places if kind == _UPDATE else self._places_to_last
            old, at = self._values(message, at, places)
            self._add(old)
            if kind == _DELETE:
                return
            tag = message[at]
            at += 1
        if tag != _NEW or kind == _DELETE:
            raise ValueError(f"a row of kind {tag}")
        new, _ = self._values(message, at, self._places_to_last)
        if old:
            # Values that are stored apart and did not change come in the old row only.
            new = [then if now is None else now for now, then in zip(new, old, strict=True)]
        self._add(new)

    def _values(self, message: bytes, at: int, places: tuple[int, ...]) -> tuple[list[bytes | None], int]:
        """The key columns' values of the row at `at`, and where the last column looked at ends."""
        if int.from_bytes(message[at : at + 2]) != len(self._places):
            raise ValueError("a row with another number of columns than its table has")
        at += 2
        found: list[bytes | None] = [None] * len(self.followed.key)
        for place in places:
            kind = message[at]
            if kind == _TEXT:
                start = at + 5
                at = start + int.from_bytes(message[at + 1 : start])
                if at > len(message):
                    raise ValueError("it ends within a value")
                if place >= 0:
                    found[place] = message[start:at]
            elif kind in (_NULL, _UNCHANGED):
                at += 1
            else:
                raise ValueError(f"a value of kind {kind}")
        return found, at

    def _add(self, values: Sequence[bytes | None]) -> None:
        whole = [value for value in values if value is not None]
        if len(whole) != len(values):
            raise StreamLost(
                f"the change stream of {self.followed.relation.name} tells of a row without the value of its key, "
                f"after {spelled(self.lsn)}",
                hint="Is the copy key a part of the table's replica identity? Then run the same command again.",
            )
        self.keys[self._key_of(whole)] = self._xid

    # --- everything else -------------------------------------------------------------------------------------------

    def _begin(self, message: bytes, at: int) -> None:
        if self._xid:
            raise ValueError("a transaction within a transaction")
        # The marks are of 64 bits, and follow the present: heartbeats come long before 2^31 transactions have passed.
        self._xid = self._reference = widened(_begin(message, at)[2], self._reference)

    def _commit(self, message: bytes, at: int) -> None:
        if not self._xid:
            raise ValueError("an end without a transaction")
        _, _, end = _commit(message, at)
        self._xid, self.lsn = 0, max(self.lsn, end)
        said, self._said = self._said, []
        for text in said:
            self._hear(text)

    def _message(self, message: bytes, at: int) -> None:
        transactional = message[at] & 1
        prefix, at = string(message, at + 9)
        (size,) = _number(message, at)
        if at + 4 + size > len(message):
            raise ValueError("it ends within its text")
        if transactional and prefix == self.followed.prefix:
            self._said.append(message[at + 4 : at + 4 + size].decode())

    def _hear(self, text: str) -> None:
        word, _, number = text.partition(" ")
        if not number.isdecimal():
            return
        if word == "beat":
            self.heartbeat = max(self.heartbeat or 0, int(number))
        elif word == "end":
            self.end = max(self.end, int(number))

    def _relation(self, message: bytes, at: int) -> None:
        told, expected = described(message, at), self.followed.relation
        if told.oid != expected.oid:
            return
        difference = expected.difference(told)
        if difference:
            raise SourceChanged(f"{expected.name} was altered by somebody else: {difference}")

    def _truncate(self, message: bytes, at: int) -> None:
        (count,) = _number(message, at)
        tables = message[at + 5 : at + 5 + 4 * count]
        if len(tables) != 4 * count:
            raise ValueError("it ends within its list of tables")
        if any(tables[each : each + 4] == self._oid for each in range(0, len(tables), 4)):
            raise SourceChanged(f"{self.followed.relation.name} was truncated by somebody else")


def _nothing(message: bytes, at: int) -> None:
    """Origins and types tell nothing about keys."""


def _integer(values: Sequence[bytes]) -> Key:
    return int(values[0])


def _literal(values: Sequence[bytes]) -> Key:
    return ", ".join(["'" + value.decode().replace("'", "''") + "'" for value in values])
