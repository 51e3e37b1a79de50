"""What a comparison of two tables found, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ghostpy.model.difference import Comparison, Kind
from ghostpy.model.keys import Key
from ghostpy.observe.figures import whole
from ghostpy.protocols import Pair

_SHOWN = 10


def what_is_compared(pair: Pair) -> Iterator[str]:
    """The tables, and what is left out of the comparison."""
    yield f"First:  {pair.source}"
    yield f"Second: {pair.other}"
    yield f"By {', '.join(pair.key)}; columns: {', '.join(pair.columns)}"
    if pair.left_out:
        yield f"In one table only, and so not compared: {', '.join(pair.left_out)}"
    if pair.uncompared:
        yield f"Not compared, since no faithful comparison is known for the change of type: {', '.join(pair.uncompared)}"


def result_lines(pair: Pair, found: Comparison) -> Iterator[str]:
    """How many rows were looked at, and what became of those that differ."""
    yield f"{_rows(found.rows)} of {pair.source} compared"
    for kind, keys in _by_kind(found).items():
        if keys:
            yield f"{_rows(len(keys))} {_wording(kind, pair)}: {_examples(pair, keys)}"
    if found.moving:
        yield (
            f"{_rows(len(found.moving))} cannot be judged: they were other ones at each look, so somebody is writing them: "
            f"{_examples(pair, found.moving)}"
        )
    if found.settled:
        yield f"{_rows(found.settled)} differed at first and were equal later: caught between two writes"
    if found.gave_up:
        where = f" at {_condition(pair, ', '.join(found.given_up_at))}" if found.given_up_at else ""
        yield f"Given up{where}: there are more differences than --max-differences; what lies behind was not compared"


def conclusion(pair: Pair, found: Comparison, address: str) -> str:
    """One sentence for the error that ends a comparison of tables that are not equal."""
    place = f"{pair.source} and {pair.other} on {address}"
    if found.standing or found.gave_up:
        at_least = "at least " if found.gave_up else ""
        return f"{place} differ in {at_least}{_rows(len(found.standing) or 1)}"
    return f"it cannot be said whether {place} are equal: {_rows(len(found.moving))} kept changing"


def result_json(pair: Pair, found: Comparison) -> str:
    """All of it as a JSON document."""
    kinds = {kind.name.lower(): keys for kind, keys in _by_kind(found).items()}
    document = {
        "first": str(pair.source),
        "second": str(pair.other),
        "equal": found.equal,
        "complete": not found.gave_up,
        "rows": found.rows,
        **{name: _listed(pair, keys) for name, keys in kinds.items()},
        "moving": _listed(pair, found.moving),
        "settled": found.settled,
        "columns": pair.columns,
        "left_out": pair.left_out,
        "uncompared": pair.uncompared,
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _by_kind(found: Comparison) -> dict[Kind, list[Key]]:
    return {kind: [each.key for each in found.standing if each.kind is kind] for kind in Kind}


def _wording(kind: Kind, pair: Pair) -> str:
    if kind is Kind.CHANGED:
        return "differ"
    return f"only in {pair.source if kind is Kind.MISSING else pair.other}"


def _rows(number: int) -> str:
    return f"{whole(number)} row{'' if number == 1 else 's'}"


def _listed(pair: Pair, keys: Sequence[Key]) -> dict[str, object]:
    return {"count": len(keys), "examples": [_condition(pair, str(key)) for key in keys[:_SHOWN]]}


def _examples(pair: Pair, keys: Sequence[Key]) -> str:
    return "; ".join(_condition(pair, str(key)) for key in keys[:_SHOWN]) + (" …" if len(keys) > _SHOWN else "")


def _condition(pair: Pair, literals: str) -> str:
    """A key as a condition, to look it up by."""
    columns = ", ".join(pair.key)
    return f"({columns}) = ({literals})" if len(pair.key) > 1 else f"{columns} = {literals}"
