"""Load lists: `figure=threshold,…`."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ghostpy.errors import UsageError


def parsed(text: str) -> dict[str, float]:
    """Thresholds by figure; none of an empty text. Raises UsageError."""
    loads: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        threshold = _number(number)
        if not (name and equals) or threshold is None:
            raise UsageError(
                f"the load list {text!r} cannot be read: {part!r} is not figure=threshold",
                hint="For example Threads_running=50,Threads_connected=800.",
            )
        loads[name] = threshold
    return loads


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def spelled(loads: Mapping[str, float]) -> str:
    """The list as it is shown: by name."""
    return ",".join(f"{name}={shown(loads[name])}" for name in sorted(loads))


def shown(number: float) -> str:
    """Without a fraction where there is none."""
    return str(int(number)) if number.is_integer() else f"{number:g}"
