"""What stands where in a plan as JSON, said once: for the schema and for the table in docs/plan.md.

python -m ghostpy.cli.plan_schema > docs/plan.schema.json
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from ghostpy.model.plan import Strategy
from ghostpy.model.planned_step import Blocks, Lasts

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_NUMBER_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}


def _record(**fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item}


_COLUMN = _record(name=_TEXT, type=_TEXT, nullable={"type": "boolean"}, collation=_TEXT_OR_NULL)
_FED = _record(to=_COLUMN, **{"from": {"anyOf": [_COLUMN, {"type": "null"}]}, "transform": _TEXT_OR_NULL})
_FINDING = _record(
    code={"type": "string", "pattern": "^[a-z]+(-[a-z]+)*$"},
    severity={"enum": ["warn", "refuse"]},
    text=_TEXT,
    way_out=_TEXT,
    page=_TEXT,
)
_STEP = _record(
    does=_TEXT,
    lock=_TEXT,
    blocks={"enum": [each.value for each in Blocks]},
    lasts={"enum": [each.value for each in Lasts]},
)
_CHECK = _record(what=_TEXT, run=_TEXT)
_ESTIMATE = _record(
    seconds={"type": ["number", "null"], "minimum": 0},
    parts={"type": "object", "additionalProperties": _SECONDS},
    disk_bytes=_NUMBER_OR_NULL,
    log_bytes=_NUMBER_OR_NULL,
    temporary_bytes=_NUMBER,
    sample_rows=_NUMBER,
    sample_seconds=_SECONDS,
    reason=_TEXT,
    assumes=_TEXT,
)
_ESTIMATE_OR_NULL: Schema = {"anyOf": [_ESTIMATE, {"type": "null"}]}


class Key(Struct, frozen=True):
    """One key at the top of the document. `possible`: where it stands, by whether the change can be made; None: in each."""

    name: str
    schema: Schema
    text: str
    possible: bool | None = None


KEYS = (
    Key("ghostpy", _TEXT, "its version"),
    Key("server", _TEXT, "its address"),
    Key("dialect", {"enum": ["mysql", "postgres"]}, "`mysql` (MariaDB too) or `postgres`"),
    Key("table", _TEXT, "what is to be changed"),
    Key("alter", _TEXT, "how"),
    Key("possible", {"type": "boolean"}, "whether the change can be made like this"),
    Key("strategy", {"enum": [each.value for each in Strategy]}, "`nothing to do`, `instant`, `online, in steps`, `shadow`", True),
    Key("reason", _TEXT, "why so, where that is not plain", True),
    Key(
        "steps",
        _list(_STEP),
        "each with `does` (SQL, or words), `lock` (in words; empty: none on the table), `blocks` (`none`, `writers`, `all`), `lasts` (`moment`, `grows with the table`)",
        True,
    ),
    Key("rows", _NUMBER, "of the table, as the server estimates them", True),
    Key("bytes", _NUMBER, "of the table, as the server estimates them", True),
    Key("disk_free", _NUMBER_OR_NULL, "bytes that are free on the server's disk; null where ghostpy does not run on its machine", True),
    Key("copy_key", _TEXTS, "columns by which rows are copied", True),
    Key(
        "columns",
        _record(fed=_list(_FED), added=_list(_COLUMN), dropped=_list(_COLUMN)),
        "`fed`: each with `to`, `from` (null where a transform makes it alone), `transform`; `added`, `dropped`: those that nothing feeds, and those that feed nothing. "
        "A column has `name`, `type`, `nullable`, `collation`",
        True,
    ),
    Key("made", _TEXTS, "tables of the run's own", True),
    Key("kept", _TEXTS, "tables that stay at its end", True),
    Key(
        "estimate",
        _ESTIMATE_OR_NULL,
        "`seconds` in all and by `parts`, `disk_bytes`, `log_bytes` (null where not known, with the `reason`), `temporary_bytes` (of `disk_bytes`, for files that are gone at the end), "
        "the sample that they come from, and what is assumed; `seconds` 0: at once",
        True,
    ),
    Key(
        "alternatives",
        _list(
            _record(strategy=_TEXT, price=_TEXT, possible={"type": ["boolean", "null"]}, estimate=_ESTIMATE_OR_NULL)
        ),
        "other ways, each with `strategy`, `price`, `possible` (null: the server was not asked), `estimate` (as above; null where it was not tried)",
        True,
    ),
    Key("way_back", _list(_record(step=_TEXT, how=_TEXT, loses=_TEXT)), "for each `step`, `how` it is taken back and what that `loses`", True),
    Key("checks", _record(before=_list(_CHECK), after=_list(_CHECK)), "`before` and `after`: `what` to see, and what to `run` for it", True),
    Key("findings", _list(_FINDING), "each with `code`, `severity` (`warn`, `refuse`), `text`, `way_out`, `page` ([findings.md](findings.md))"),
    Key("message", _TEXT, "all of it in words", False),
)  # fmt: skip


def schema() -> Schema:
    """As JSON Schema, draft 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ghostpy plan --format json",
        "oneOf": [_document(possible=True), _document(possible=False)],
    }


def _document(*, possible: bool) -> Schema:
    keys = [key for key in KEYS if key.possible in (None, possible)]
    fields = {key.name: {"description": key.text, **key.schema} for key in keys}
    fields["possible"] = {"const": possible}
    return {
        "type": "object",
        "properties": fields,
        "required": [key.name for key in keys],
        "additionalProperties": False,
    }


def schema_text() -> str:
    """The schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def key_table() -> str:
    """The same for people, in Markdown."""
    stands = {None: "always", True: "if possible", False: "if not"}
    lines = [f"| `{key.name}` | {stands[key.possible]} | {key.text} |" for key in KEYS]
    return "\n".join(["| Key | Stands there | |", "|---|---|---|", *lines]) + "\n"


if __name__ == "__main__":
    print(schema_text(), end="")
