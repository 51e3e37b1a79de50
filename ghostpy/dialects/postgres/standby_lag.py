"""How far a standby is behind, from what the primary knows. Pure: no connection.

`replay_lag` alone will not do: it is NULL when nothing happened for a while, and it stands still where the standby fell silent
("pg_stat_replication"). So it is held against what the WAL's end was at earlier looks: of two such moments the standby has
replayed the one, and not the other.
"""

from __future__ import annotations

import math
from collections import deque

_REMEMBERED = 3600


class WalClock:
    """When the WAL ended where, as far as anybody looked."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, int]] = deque(maxlen=_REMEMBERED)

    def ended(self, at: int, when: float) -> None:
        """The WAL ended `at` this place, at `when` (monotonic seconds)."""
        if not self._ends or at > self._ends[-1][1]:
            self._ends.append((when, at))

    def lag(self, replayed: int, told: float | None, now: float) -> float:
        """Seconds behind of a standby that has replayed up to here, and that the server tells this lag of."""
        most = next((now - when for when, end in reversed(self._ends) if end <= replayed), math.inf)
        least = next((now - when for when, end in self._ends if end > replayed), 0.0)
        return max(least, min(told or 0.0, most))
