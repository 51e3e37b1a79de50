"""A checkpoint as texts for the ledger, and back."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import to_builtins

from ghostpy.errors import CannotResume
from ghostpy.model.checkpoint import Checkpoint, Course
from ghostpy.model.keys import Bound, Key, Mark
from ghostpy.model.names import TableName

_FORMAT = 1
HEAD = "checkpoint"
"""The row that says how many rows of keys there are: `keys.0`, `keys.1`, …; there may be more of them, of an earlier checkpoint."""
_KEYS_A_ROW = 50_000


def row_of_keys(number: int) -> str:
    return f"keys.{number}"


def written(checkpoint: Checkpoint) -> dict[str, str]:
    """Rows of the ledger by their ids. All of them have to be written at once."""
    keys = list(checkpoint.keys.items())
    parts = [keys[start : start + _KEYS_A_ROW] for start in range(0, len(keys), _KEYS_A_ROW)]
    head = {
        "format": _FORMAT,
        "change": dict(checkpoint.change),
        "course": to_builtins(checkpoint.course),
        "position": checkpoint.position,
        "number": checkpoint.number,
        "old": [checkpoint.old.schema, checkpoint.old.table],
        "parts": len(parts),
    }
    rows = {HEAD: json.dumps(head)}
    for number, part in enumerate(parts):
        rows[row_of_keys(number)] = _packed(part)
    return rows


def read(rows: Mapping[str, str]) -> Checkpoint | None:
    """The checkpoint in these rows of the ledger; None where there is none. Raises CannotResume where it cannot be read."""
    if HEAD not in rows:
        return None
    try:
        head = json.loads(rows[HEAD])
        if head["format"] != _FORMAT:
            raise CannotResume(
                f"the earlier run's checkpoint has the format {head['format']}, of another version of ghostpy"
            )
        course = head["course"]
        for bound in ("low", "verified"):
            course[bound] = _bound(course[bound])
        return Checkpoint(
            change={str(name): str(value) for name, value in head["change"].items()},
            course=Course(**{name: course[name] for name in Course.__struct_fields__}),
            position=str(head["position"]),
            number=int(head["number"]),
            old=TableName(*head["old"]),
            keys=dict(_unpacked(rows[row_of_keys(number)] for number in range(head["parts"]))),
        )
    except (KeyError, TypeError, ValueError, AttributeError, zlib.error, binascii.Error) as error:
        raise CannotResume(f"the earlier run's checkpoint cannot be read: {type(error).__name__}: {error}") from error


def _bound(value: Sequence[str] | None) -> Bound | None:
    return None if value is None else tuple(str(literal) for literal in value)


def _packed(keys: Iterable[tuple[Key, Mark]]) -> str:
    return base64.b64encode(zlib.compress(json.dumps(list(keys), separators=(",", ":")).encode(), 1)).decode()


def _unpacked(texts: Iterable[str]) -> Iterable[tuple[Key, Mark]]:
    for text in texts:
        pairs: list[list[Any]] = json.loads(zlib.decompress(base64.b64decode(text, validate=True)))
        for key, mark in pairs:
            yield (key if isinstance(key, int) else str(key)), int(mark)
