"""The ledger of scripts, whichever server it is on: its columns, and what is seen of a statement that was begun."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ghostpy.model.script import Note, Seen

KIND = "ledger of scripts"
"""What `ghostpy cleanup` calls it."""
NAME = "_ghostpy_scripts"
COLUMNS = ("script", "number", "digest", "done", "line", "verb", "way", "strategy", "evidence", "run")
SMALL_BYTES = 64 << 20
"""A table of few rows can be large all the same."""


def note_of(row: Sequence[Any]) -> Note:
    """From the columns behind the script's name, but for the last."""
    number, digest, done, line, verb, way, strategy, evidence = row
    return Note(int(number), str(digest), bool(done), int(line), str(verb), str(way), str(strategy), str(evidence))


def values_of(script: str, note: Note, run: str) -> tuple[str | int, ...]:
    """For all columns."""
    told = (note.line, note.verb[:60], note.way, note.strategy[:60], note.evidence, run[:200])
    return (script, note.number, note.digest, int(note.done), *told)


def evidence_text(digests: Mapping[str, str]) -> str:
    return json.dumps(digests, sort_keys=True)


def evidence_read(text: str) -> dict[str, str]:
    """Objects and what they were."""
    return {str(name): str(digest) for name, digest in json.loads(text or "{}").items()}


def seen_by(before: Mapping[str, str], now: Mapping[str, str], *, vanishes: bool) -> Seen:
    """Whether all, some or none of it has changed; an empty digest is that of what is not there."""
    changed = [name for name in before if before[name] != now[name]]
    if vanishes and before and not any(now.values()):
        return Seen.CHANGED
    if not changed:
        return Seen.UNCHANGED
    return Seen.CHANGED if len(changed) == len(before) and not vanishes else Seen.PARTLY
