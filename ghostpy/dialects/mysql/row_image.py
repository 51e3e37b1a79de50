"""From the row images of a followed table to the keys of their rows, past all other columns.

Which columns an image has is said once an event, which of them are NULL once a row. For each such pattern a *route* is
made once: how far to jump, and where a length says how far to jump further. Images as `binlog_row_image` cuts them
(FULL, MINIMAL, NOBLOB) are all alike to this. Source: "Rows_event" and "Partial_update_rows_event" in the MySQL source
documentation (libs/mysql/binlog/event).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ghostpy.dialects.mysql import table_map as types
from ghostpy.dialects.mysql.key_codec import is_single_integer
from ghostpy.dialects.mysql.key_image import integer_format, reader
from ghostpy.dialects.mysql.row_shape import ImagePlace, RowShape, shape_of
from ghostpy.dialects.mysql.table_map import TableMap, packed_integer
from ghostpy.errors import StreamLost
from ghostpy.model.keys import Key, Mark
from ghostpy.model.table import Column

WRITE_V1, UPDATE_V1, DELETE_V1, WRITE, UPDATE, DELETE, PARTIAL_UPDATE = 23, 24, 25, 30, 31, 32, 39
ROW_EVENTS = frozenset({WRITE_V1, UPDATE_V1, DELETE_V1, WRITE, UPDATE, DELETE, PARTIAL_UPDATE})
_TWO_IMAGES = frozenset({UPDATE_V1, UPDATE, PARTIAL_UPDATE})
_V1 = frozenset({WRITE_V1, UPDATE_V1, DELETE_V1})
_PARTIAL_JSON = 1
_TABLE_NUMBER = 6
_SHAPES = 64
"""Of events to know at most: where there are more, lengths differ from row to row."""

Parts = Sequence[str | None]


class _Route(NamedTuple):
    """How to walk one row image.

    `steps`: jump `gap` bytes, then over a value that is preceded by `width` bytes of its length; at last jump `tail`.
    `key_offset`: where the single integer key is, where that is always the same; else -1 and `places` says for each key
    column how many steps lie before it and how far behind them it is, or that the image lacks it.
    """

    key_offset: int
    steps: tuple[tuple[int, int], ...]
    tail: int
    places: tuple[tuple[int, int] | None, ...]


class _Image:
    """The columns that the images of an event have."""

    def __init__(self, rows: SourceRows, present: Sequence[int]) -> None:
        self._rows = rows
        self._present = present
        self.null_bytes = (len(present) + 7) // 8
        self.routes: dict[bytes, _Route] = {}
        self.has_key = all(column in present for column in rows.key_positions)
        self.lacks_key = not any(column in present for column in rows.key_positions)

    def holds(self, column: int) -> bool:
        return column in self._present

    def route(self, nulls: bytes) -> _Route:
        found = self.routes.get(nulls)
        if found is None:
            if len(nulls) < self.null_bytes:
                raise StreamLost("the server sent a row that ends too early")
            found = self.routes[nulls] = self._made(int.from_bytes(nulls, "little"))
        return found

    def _made(self, nulls: int) -> _Route:
        steps: list[tuple[int, int]] = []
        place: dict[int, tuple[int, int]] = {}
        gap = 0
        for bit, column in enumerate(self._present):
            if nulls >> bit & 1:
                continue
            field = self._rows.fields[column]
            place[column] = (len(steps), gap)
            if field.length_bytes:
                steps.append((gap, field.length_bytes))
                gap = 0
            else:
                gap += field.size
        keys = self._rows.key_positions
        if any(column in self._present and column not in place for column in keys):
            raise StreamLost(f"a row of {self._rows.name} in the change stream has a key that is NULL")
        places = tuple(place.get(column) for column in keys)
        first = places[0]
        plain = self._rows.unpack is not None and first is not None and first[0] == 0
        return _Route(first[1] if plain and first else -1, tuple(steps), gap, places)


class SourceRows:
    """Turns the row events of the source into keys.

    `defaults`: literals of key columns whose default is a constant, for inserts that log given values only. `merged`:
    of an update, tell the new key only, and take what the after image lacks of it from the before image.
    """

    def __init__(
        self,
        name: str,
        table: TableMap,
        columns: Sequence[Column],
        key: Sequence[Column],
        defaults: Mapping[str, str],
        *,
        merged: bool = False,
    ) -> None:
        positions = {column.name: place for place, column in enumerate(columns)}
        self.name = name
        self.fields = table.fields
        self.key_positions = tuple(positions[column.name] for column in key)
        fields = [table.fields[place] for place in self.key_positions]
        form = integer_format(key[0], fields[0]) if is_single_integer(key) else None
        self._key_layout = struct.Struct(form) if form else None
        self.unpack = self._key_layout.unpack_from if self._key_layout else None
        self._integer = is_single_integer(key)
        self._readers = [reader(column, field) for column, field in zip(key, fields, strict=True)]
        self._key = key
        self._defaults = defaults
        self._merged = merged
        self._bitmap_bytes = (len(self.fields) + 7) // 8
        self._json_columns = sum(field.code == types.JSON for field in self.fields)
        self._images: dict[bytes, _Image] = {}
        self._shapes: dict[int, RowShape] = {}

    def take(self, kind: int, buffer: bytes, at: int, end: int, keys: dict[Key, Mark]) -> int:
        """Add the keys of a row event to `keys`; `at` and `end` bound its body. Return how many rows it changed.

        Raises StreamLost where a row's key cannot be told.
        """
        # Of one size and type are most of the events that have one shape.
        shape = self._shapes.get(end - at << 8 | kind)
        if shape is not None and shape.same(buffer, at) == shape.seen:
            for key in shape.keys(buffer, at):
                keys[key] = 0
            return 1
        changed = self._walked_through(kind, buffer, at, end, keys)
        if changed == 1 and shape is None and len(self._shapes) < _SHAPES:
            self._learn(kind, buffer, at, end)
        return changed

    def _walked_through(self, kind: int, buffer: bytes, at: int, end: int, keys: dict[Key, Mark]) -> int:
        image, after, at = self._head(kind, buffer, at)
        if after is not None:
            return self._updates(buffer, at, end, keys, image, after, kind == PARTIAL_UPDATE)
        if image.has_key:
            return self._rows(buffer, at, end, keys, image)
        if kind in (WRITE, WRITE_V1):
            return self._rows_with_defaults(buffer, at, end, keys, image)
        raise self._keyless(image)

    def _head(self, kind: int, buffer: bytes, at: int) -> tuple[_Image, _Image | None, int]:
        """The columns of an event's images, the second ones if it has any, and where the first row begins."""
        at += 8
        if kind not in _V1:
            at += buffer[at] | buffer[at + 1] << 8
        count, at = packed_integer(buffer, at)
        if count != len(self.fields):
            raise StreamLost(f"the server sent a row of {self.name} that does not have the table's columns")
        size = self._bitmap_bytes
        image = self._image(buffer[at : at + size])
        at += size
        if kind not in _TWO_IMAGES:
            return image, None, at
        return image, self._image(buffer[at : at + size]), at + size

    def _learn(self, kind: int, buffer: bytes, body: int, end: int) -> None:
        """Keep the shape of an event of one row, where its key is one integer at a place that does not depend on other values."""
        if kind == PARTIAL_UPDATE or self._key_layout is None:
            return
        image, after, at = self._head(kind, buffer, body)
        places = []
        for each in (image,) if after is None else (image, after):
            nulls, at = at, at + each.null_bytes
            route = each.route(buffer[nulls:at])
            # An after image that has changed columns only (binlog_row_image=MINIMAL) may have nothing of the key.
            without = each is after and each.lacks_key
            if route.key_offset < 0 and not without:
                return
            values, lengths = at, []
            for gap, width in route.steps:
                at += gap
                lengths.append((at, width))
                at += width + int.from_bytes(buffer[at : at + width], "little")
            at += route.tail
            places.append(ImagePlace(nulls, values, None if without else values + route.key_offset, lengths))
        self._shapes[end - body << 8 | kind] = shape_of(buffer, body, body + _TABLE_NUMBER, places, self._key_layout)

    def _image(self, bits: bytes) -> _Image:
        image = self._images.get(bits)
        if image is None:
            if len(bits) < self._bitmap_bytes:
                raise StreamLost("the server sent a row event that ends too early")
            mask = int.from_bytes(bits, "little")
            present = [column for column in range(len(self.fields)) if mask >> column & 1]
            image = self._images[bits] = _Image(self, present)
        return image

    def _rows(self, buffer: bytes, at: int, end: int, keys: dict[Key, Mark], image: _Image) -> int:
        size, routes, unpack = image.null_bytes, image.routes, self.unpack
        rows = 0
        while at < end:
            nulls = buffer[at : at + size]
            offset, steps, tail, places = routes.get(nulls) or image.route(nulls)
            at += size
            if offset >= 0:
                keys[unpack(buffer, at + offset)[0]] = 0  # type: ignore[misc]
            else:
                keys[self._read(buffer, at, steps, places)] = 0
            for gap, width in steps:
                at += gap
                if width == 1:
                    at += 1 + buffer[at]
                else:
                    at += width + int.from_bytes(buffer[at : at + width], "little")
            at += tail
            rows += 1
        self._check_end(at, end)
        return rows

    def _updates(
        self,
        buffer: bytes,
        at: int,
        end: int,
        keys: dict[Key, Mark],
        before: _Image,
        after: _Image,
        partial: bool,
    ) -> int:
        if not before.has_key and not self._merged:
            raise self._keyless(before)
        unpack, before_size, after_size = self.unpack, before.null_bytes, after.null_bytes
        before_routes, after_routes = before.routes, after.routes
        mixed = self._merged or (not after.has_key and not after.lacks_key)
        rows = 0
        while at < end:
            nulls = buffer[at : at + before_size]
            offset, steps, tail, places = before_routes.get(nulls) or before.route(nulls)
            at += before_size
            old_parts: Parts = ()
            if offset >= 0:
                keys[unpack(buffer, at + offset)[0]] = 0  # type: ignore[misc]
            elif mixed:
                old_parts = self._parts(buffer, at, steps, places)
                if not self._merged:
                    keys[self._joined(old_parts)] = 0
            else:
                keys[self._read(buffer, at, steps, places)] = 0
            for gap, width in steps:
                at += gap
                if width == 1:
                    at += 1 + buffer[at]
                else:
                    at += width + int.from_bytes(buffer[at : at + width], "little")
            at += tail
            if partial:
                options, at = packed_integer(buffer, at)
                if options & _PARTIAL_JSON:
                    # A partial JSON value has a length before it as a whole one has, so which is which does not matter
                    # here.
                    at += (self._json_columns + 7) // 8
            nulls = buffer[at : at + after_size]
            offset, steps, tail, places = after_routes.get(nulls) or after.route(nulls)
            at += after_size
            if offset >= 0:
                keys[unpack(buffer, at + offset)[0]] = 0  # type: ignore[misc]
            elif mixed:
                new_parts = self._parts(buffer, at, steps, places)
                keys[self._joined([new or old for new, old in zip(new_parts, old_parts, strict=True)])] = 0
            elif after.has_key:
                keys[self._read(buffer, at, steps, places)] = 0
            for gap, width in steps:
                at += gap
                if width == 1:
                    at += 1 + buffer[at]
                else:
                    at += width + int.from_bytes(buffer[at : at + width], "little")
            at += tail
            rows += 1
        self._check_end(at, end)
        return rows

    def _rows_with_defaults(self, buffer: bytes, at: int, end: int, keys: dict[Key, Mark], image: _Image) -> int:
        rows = 0
        # A row of defaults only has no bytes at all, but is a row.
        while at < end or not (rows or image.null_bytes):
            route = image.route(buffer[at : at + image.null_bytes])
            at += image.null_bytes
            parts = self._parts(buffer, at, route.steps, route.places)
            filled = []
            for part, column in zip(parts, self._key, strict=True):
                literal = part or self._defaults.get(column.name)
                if literal is None:
                    raise StreamLost(
                        f"an insert into {self.name} is logged without a value of key column {column.name}, "
                        "whose default is not a constant known here (binlog_row_image=MINIMAL)",
                        hint="Set binlog_row_image=FULL for all sessions, then run the same command again.",
                    )
                filled.append(literal)
            keys[self._joined(filled)] = 0
            at = _walked(buffer, at, route.steps, len(route.steps)) + route.tail
            rows += 1
            if not image.null_bytes:
                break
        self._check_end(at, end)
        return rows

    def _read(
        self,
        buffer: bytes,
        at: int,
        steps: Sequence[tuple[int, int]],
        places: Sequence[tuple[int, int] | None],
    ) -> Key:
        return self._joined(self._parts(buffer, at, steps, places))

    def _parts(
        self,
        buffer: bytes,
        at: int,
        steps: Sequence[tuple[int, int]],
        places: Sequence[tuple[int, int] | None],
    ) -> list[str | None]:
        return [
            None if place is None else read(buffer, _walked(buffer, at, steps, place[0]) + place[1])
            for read, place in zip(self._readers, places, strict=True)
        ]

    def _joined(self, parts: Parts) -> Key:
        text = ",".join(part or "" for part in parts)
        return int(text) if self._integer else text

    def _check_end(self, at: int, end: int) -> None:
        if at != end:
            raise StreamLost(f"the server sent a row event of {self.name} that does not end with its last row")

    def _keyless(self, image: _Image) -> StreamLost:
        missing = [
            column.name for column, place in zip(self._key, self.key_positions, strict=True) if not image.holds(place)
        ]
        return StreamLost(
            f"a change of {self.name} is logged without its key ({', '.join(missing)}), "
            "as binlog_row_image=MINIMAL logs the primary key only",
            hint="Set binlog_row_image=FULL for all sessions, then run the same command again.",
        )


def _walked(buffer: bytes, at: int, steps: Sequence[tuple[int, int]], count: int) -> int:
    """Return where a walk of the first `count` steps ends."""
    for gap, width in steps[:count]:
        at += gap
        at += width + int.from_bytes(buffer[at : at + width], "little")
    return at


class LedgerRows:
    """Reads heartbeats from the row events of the ledger, whose first columns are `id VARCHAR(32)` and `number BIGINT
    UNSIGNED`.
    """

    def __init__(self, table: TableMap, told: Callable[[int], None]) -> None:
        columns = (
            Column("id", 1, "varchar", "varchar(32)", False, charset="ascii"),
            Column("number", 2, "bigint", "bigint unsigned", False, unsigned=True),
        )
        if len(table.fields) < len(columns) or not all(
            field.fits(column) for field, column in zip(table.fields, columns, strict=False)
        ):
            raise StreamLost("the ledger's table has other columns than it was made with")
        rest = [Column(f"column {place}", place, "", "", True) for place in range(3, len(table.fields) + 1)]
        self._rows = SourceRows("the ledger", table, (*columns, *rest), columns, {"number": "0"}, merged=True)
        self._told = told

    def take(self, kind: int, buffer: bytes, at: int, end: int, keys: dict[Key, Mark]) -> int:
        """As `SourceRows.take`, but what is found is told as a heartbeat; returns 0."""
        if kind in (DELETE, DELETE_V1):
            return 0
        found: dict[Key, Mark] = {}
        self._rows.take(kind, buffer, at, end, found)
        for key in found:
            identity, _, number = str(key).partition(",")
            if identity == _HEARTBEAT:
                self._told(int(number))
        return 0


_HEARTBEAT = f"_ascii X'{b'heartbeat'.hex().upper()}'"
