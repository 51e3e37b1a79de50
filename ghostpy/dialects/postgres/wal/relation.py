"""The source as the stream has to describe it, so that DDL is noticed."""

from __future__ import annotations

import struct

from msgspec import Struct

from ghostpy.errors import StreamLost
from ghostpy.model.names import TableName


class StreamColumn(Struct, frozen=True):
    """A column in the stream; `identity`: whether old rows carry it."""

    name: str
    type_oid: int
    modifier: int
    identity: bool


class Relation(Struct, frozen=True):
    """A table in the stream. `replica_identity` is the letter of pg_class.relreplident."""

    oid: int
    name: TableName
    replica_identity: str
    columns: tuple[StreamColumn, ...]

    def difference(self, told: Relation) -> str:
        """What `told` has otherwise, in words; empty where nothing."""
        if told.name != self.name:
            return f"it is called {told.name} now"
        if told.replica_identity != self.replica_identity:
            return "its replica identity was changed"
        here, there = ([column.name for column in each.columns] for each in (self, told))
        if here != there:
            return f"its columns ({', '.join(here)}) became ({', '.join(there)})"
        for before, now in zip(self.columns, told.columns, strict=True):
            if (before.type_oid, before.modifier) != (now.type_oid, now.modifier):
                return f"the type of its column {before.name} was changed"
            if before.identity != now.identity:
                return "its replica identity was changed"
        return ""


def described(message: bytes, at: int) -> Relation:
    """Read what stands in an R message from `at` on ("Logical Replication Message Formats")."""
    (oid,) = struct.unpack_from("!I", message, at)
    schema, at = string(message, at + 4)
    table, at = string(message, at)
    identity, count = struct.unpack_from("!cH", message, at)
    at += 3
    columns = []
    for _ in range(count):
        flags = message[at]
        column, at = string(message, at + 1)
        type_oid, modifier = struct.unpack_from("!Ii", message, at)
        at += 8
        columns.append(StreamColumn(column, type_oid, modifier, bool(flags & 1)))
    # The protocol writes pg_catalog as an empty name; no source is there.
    return Relation(oid, TableName(schema, table), identity.decode(), tuple(columns))


def string(message: bytes, at: int) -> tuple[str, int]:
    """A string that a zero byte ends, and where the next field begins."""
    end = message.index(0, at)
    return message[at:end].decode(), end + 1


def place_of(relation: Relation, column: str) -> int:
    """Where `column` stands in the stream's rows. Raises StreamLost."""
    for place, each in enumerate(relation.columns):
        if each.name == column:
            return place
    raise StreamLost(f"the change stream of {relation.name} does not carry the key column {column}")
