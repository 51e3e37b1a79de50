"""A `Revertible` as text for the ledger, and back."""

from __future__ import annotations

import json
from typing import Any

from ghostpy.errors import CannotResume
from ghostpy.model.names import TableName
from ghostpy.model.revertible import Named, Revertible

_FORMAT = 1


def written(revertible: Revertible) -> str:
    tables = (revertible.source, revertible.old, revertible.aside)
    return json.dumps(
        {
            "format": _FORMAT,
            "turn": revertible.turn,
            "tables": [[table.schema, table.table] for table in tables],
            "pairs": revertible.pairs,
            "fills": revertible.fills,
            "next_fills": revertible.next_fills,
            "exchange": revertible.exchange,
            "position": revertible.position,
            "server": revertible.server,
            "number": revertible.number,
            "more": revertible.more,
        }
    )


def read(text: str) -> Revertible:
    """Raises CannotResume where the text cannot be read."""
    try:
        told = json.loads(text)
        if told["format"] != _FORMAT:
            raise CannotResume(f"what the exchange noted down has the format {told['format']}, of another version")
        source, old, aside = (TableName(str(schema), str(table)) for schema, table in told["tables"])
        return Revertible(
            turn=int(told["turn"]),
            source=source,
            old=old,
            aside=aside,
            pairs=_named(told["pairs"]),
            fills=_named(told["fills"]),
            next_fills=_named(told["next_fills"]),
            exchange=str(told["exchange"]),
            position=str(told["position"]),
            server=str(told["server"]),
            number=int(told["number"]),
            more=str(told.get("more", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CannotResume(f"what the exchange noted down cannot be read: {type(error).__name__}: {error}") from error


def _named(pairs: Any) -> Named:
    return tuple((str(one), str(other)) for one, other in pairs)
