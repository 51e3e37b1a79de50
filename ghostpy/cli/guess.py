"""What was perhaps meant by a name that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def guess(name: str, known: Iterable[str], *, before: str = "") -> str:
    """` Did you mean …?`, or nothing. `before` stands before the name that is proposed."""
    close = difflib.get_close_matches(name.lower().replace("_", "-"), list(known), n=1, cutoff=0.6)
    return f" Did you mean {before}{close[0]}?" if close else ""
