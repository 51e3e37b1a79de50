"""A difference of schemas as SQL, whose comments say what there is to know, and as data; `docs/diff.md` tells what stands where. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import ghostpy
from ghostpy.assembly.desired import looks_renamed
from ghostpy.model.schema_difference import SchemaDifference
from ghostpy.settings import MigrateSettings


def difference_sql(found: SchemaDifference, settings: MigrateSettings, desired: str) -> str:
    """SQL that the server takes as it stands; nothing but comments where there is nothing to do."""
    where = f"{found.table} on {settings.connect.address}"
    if found.equal:
        lines = [f"{where} is as {desired} describes it: there is nothing to do."]
    else:
        lines = [f"This leads from {where} to the table that {desired} describes. Nothing was changed."]
    lines += _remarks(found)
    # Whatever a name holds, a comment ends with its line.
    text = "".join(f"-- {' '.join(line.split())}\n" for line in lines)
    return text if found.equal else f"{text}{found.alter};\n"


def _remarks(found: SchemaDifference) -> Iterator[str]:
    for change in found.changes:
        if change.loses:
            yield f"LOSS OF DATA: the values of the column {change.name} are not there afterwards."
    for old, new in found.alike:
        yield f"LOOKS LIKE A RENAME: {looks_renamed(old, new)}."
    for note in found.notes:
        yield f"Note: {note}."


def difference_document(found: SchemaDifference, settings: MigrateSettings) -> Mapping[str, Any]:
    """All of it, for programs."""
    return {
        "ghostpy": ghostpy.__version__,
        "server": settings.connect.address,
        "dialect": settings.connect.dialect,
        "table": str(found.table),
        "equal": found.equal,
        "alter": found.alter,
        "changes": [
            {"what": change.what, "name": change.name, "sql": change.sql, "loses_values": change.loses}
            for change in found.changes
        ],
        "looks_renamed": [{"from": old, "to": new} for old, new in found.alike],
        "notes": list(found.notes),
    }
