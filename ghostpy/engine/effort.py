"""How much of the time we work, and with how much at once, so that the application's commits stay about as fast as they are without us."""

from __future__ import annotations

from ghostpy.engine.knobs import Knobs
from ghostpy.engine.pulse import Price

LEAST_SHARE = 0.15
"""The copy never stands still for the application's sake alone: so much of the time is copied, or compared, whatever the resync takes."""
MOST_SHARE = 0.9
"""Rests there must be, for without them nobody can tell what a commit takes without us."""
_FELT = 0.002
"""Seconds by which a commit may always take longer on the average: what takes two milliseconds the network between the server and those who
write takes as well, and next to a commit of half a millisecond everything looks large."""
_BEGIN = 0.5
_TOO_MUCH = 0.4
"""A smaller share than this: rather do less at once than rest that long."""
_STEPS = 2
"""Down from full effort; each halves the workers and a chunk's time. Resyncs stay as they are: what they do has to be done, and costs more in small pieces."""
_SHORTEST_CHUNK = 0.01
_COMMITS = 2
"""A chunk takes at least as long as so many commits: where all of its time were what every commit takes, a smaller one would be no shorter, and
chunks would become ever smaller."""
_PATIENCE, _MOST_PATIENCE = 4, 64
"""Looks at which more would have been possible, before more is tried; doubled each time that it turns out to be too much."""
_CYCLE = 1.0
"""Seconds of a piece of work and its rest, about: the shorter the share, the shorter the piece of work."""
_LEAST_REST, _LONGEST_REST, _MOST_OWED = 0.15, 2.0, 6.0


class Effort:
    """Steers the share of the time that is worked, workers and time per chunk, towards `Knobs.max_impact`. Pure: told what was
    measured, it looks at no clock.

    An operator's `nice_ratio` counts for more: then the share is what it says. With no `max_impact`, or nobody to be gentle to, nothing
    is held back.
    """

    def __init__(self, knobs: Knobs) -> None:
        self._knobs = knobs
        self.share = 1.0
        """Of the time that is worked."""
        self.price: Price | None = None
        """What was measured last, while it counts."""
        self._alone = True
        self._down = 0
        self._owed = 0.0
        self._could_do_more = 0
        self._patience = _PATIENCE

    @property
    def held_back(self) -> bool:
        """Whether work is measured and rests are taken for the application."""
        return not self._alone and self._knobs.max_impact > 0 and not self._knobs.nice_ratio

    @property
    def rests(self) -> bool:
        """Whether a piece of work is to end in time for a rest."""
        return self._knobs.nice_ratio > 0 or self.held_back

    @property
    def workers(self) -> int:
        return max(1, self._knobs.workers >> self._down)

    @property
    def slice_seconds(self) -> float:
        """How long a piece of work is to last."""
        return min(self._knobs.slice_seconds, self.share * _CYCLE) if self.held_back else self._knobs.slice_seconds

    def chunk_seconds(self, usual: float, *, commit: float) -> float:
        """Seconds a chunk, where `usual` are wanted at full effort and a commit takes so many."""
        return max(usual / (1 << self._down), min(usual, _SHORTEST_CHUNK), _COMMITS * commit)

    @property
    def impact(self) -> float | None:
        """By which part a commit takes longer in all, rests included; None where that is not known."""
        return None if self.price is None else self.price.longer * self.share

    def look(self, price: Price | None, *, alone: bool) -> bool:
        """Go by what was measured last. `alone`: nobody else writes. True where something else is done from now on, so that the price is another."""
        if self._alone and not alone:
            self.share = _BEGIN
        self._alone = alone
        if not self.held_back:
            self.price, self._owed = None, 0.0
            self.share, self._could_do_more, self._patience = 1.0, 0, _PATIENCE
            changed, self._down = self._down > 0, 0
            return changed
        if price is None:
            return False
        self.price = price
        allowed = max(self._knobs.max_impact * price.at_rest, _FELT)
        possible = allowed / price.more if price.more else 1.0
        self.share += (min(max(possible, LEAST_SHARE), MOST_SHARE) - self.share) / 2
        return self._step(possible)

    def _step(self, possible: float) -> bool:
        if possible < _TOO_MUCH:
            if self._could_do_more < 0:
                # More was tried just now, and was too much.
                self._patience = min(self._patience * 2, _MOST_PATIENCE)
            self._could_do_more = 0
            if self._down < _STEPS:
                self._down += 1
                return True
            return False
        self._could_do_more = max(self._could_do_more, 0) + 1 if possible >= 1 else 0
        if self._could_do_more > self._patience and self._down:
            self._down -= 1
            self._could_do_more = -1
            return True
        return False

    def rest(self, worked: float, copying: float) -> float:
        """Seconds to rest now, after so many of work, some of them of copying.

        The rest of the work is resync, which the application's changes call for, in rests too: it may take all of the share, and the copy
        would stand still.
        """
        if self._knobs.nice_ratio:
            return copying * self._knobs.nice_ratio
        if not self.held_back:
            return 0.0
        due = min(worked * (1 / self.share - 1), copying / LEAST_SHARE - worked)
        self._owed = min(self._owed + max(due, 0.0), _MOST_OWED)
        if self._owed < _LEAST_REST:
            return 0.0
        rest = min(self._owed, _LONGEST_REST)
        self._owed -= rest
        return rest
