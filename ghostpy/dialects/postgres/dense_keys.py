"""Where whole numbers lie close together, the upper bound of a chunk is counted instead of asked for.

A question for the row that is so many rows ahead makes the server walk over all that lie between. Among so many whole numbers there can be no
more rows than that; and where the rows before them had nearly every number, there are not many fewer.
"""

from __future__ import annotations

from ghostpy.model.keys import Bound

_CLOSE = 1.25
"""Numbers per row at most."""
_AHEAD = 3
"""Times the numbers that the last answer spans: a gap behind it costs a few small chunks, and then it is asked again."""


class DenseKeys:
    """What the last answers have told of a table whose key is one whole number. Any bound is a right one; this is about their number of rows."""

    def __init__(self) -> None:
        self._until: int | None = None

    def bound(self, low: Bound | None, rows: int) -> Bound | None:
        """The upper bound of the `rows` numbers above `low`; None where it must be asked for."""
        if self._until is None or low is None or int(low[0]) + rows > self._until:
            return None
        return (str(int(low[0]) + rows),)

    def close(self, low: Bound | None, rows: int, high: Bound | None) -> bool:
        """Whether `high`, the key of the row that is `rows` rows above `low`, is near by. From here on nothing more is counted before `answered`."""
        self._until = None
        return low is not None and high is not None and int(high[0]) - int(low[0]) <= rows * _CLOSE

    def answered(self, rows: int, high: Bound, last: int) -> None:
        """Count on from `high`, which was near by; `last` is the largest key there is."""
        self._until = min(int(high[0]) + rows * _AHEAD, last)
