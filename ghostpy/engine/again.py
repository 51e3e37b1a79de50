"""All rows compared again and again while the cut-over is postponed.

A shadow that waits for days may be written by somebody who takes it for a table of his own, or lack what went past the change stream. Each pass
finds that and repairs it, as the first one does. What comes back all the same is not repaired for ever: it would be there at the exchange.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from ghostpy import errors
from ghostpy.engine.recorder import Recorder
from ghostpy.engine.rests import Rests
from ghostpy.engine.verifier import Verifier
from ghostpy.model.keys import Key
from ghostpy.protocols import Gate, Observer

_REPAIRS = 3
"""Passes that may repair one row; and passes in a row that may have to repair any."""
_REMEMBERED = 10_000
"""Rows that were repaired, to be known again."""
_SHOWN = 5


class Again:
    """One pass after the other, in laps between which whoever holds the cut-over back may let it come."""

    def __init__(
        self, verifier: Verifier, rests: Rests, recorder: Recorder, observer: Observer, gate: Gate, *, every: float
    ) -> None:
        """`every`: seconds from the end of a pass to the beginning of the next; 0: only at `begin`."""
        self._verifier = verifier
        self._rests = rests
        self._passes = recorder.passes
        self._passes.every = every
        self._observer = observer
        self._gate = gate
        self._every = every
        self._wanted = False
        self._rest_until = 0.0
        self._times: dict[Key, int] = {}
        self._in_a_row = 0

    def begin(self) -> None:
        """Begin the next pass at once, if none is under way."""
        self._wanted = True

    async def lap(self) -> None:
        """A slice of a pass, where one is under way or due; rests are kept, but not waited for.

        Raises VerifyFailed where rows differ that were repaired before, or in too many passes in a row.
        """
        if self._gate.reason or time.monotonic() < self._rest_until:
            return
        if self._passes.began is None:
            if not self._due:
                return
            self._wanted = False
            self._verifier.again()
        with self._rests.work():
            looking = await self._verifier.slice()
        self._rest_until = time.monotonic() + self._rests.rest_due(looking)
        self._judge(self._verifier.taken_repaired())
        if self._verifier.complete:
            self._end()

    def stop(self) -> None:
        """The cut-over comes: what a pass under way has looked at was right, and the rest is left out."""
        self._passes.abandon()

    @property
    def _due(self) -> bool:
        if self._wanted:
            return True
        # One that an earlier run has made is not known of.
        ended = self._passes.ended
        return bool(self._every) and (ended is None or time.monotonic() >= ended + self._every)

    def _judge(self, repaired: Sequence[Key]) -> None:
        if not repaired:
            return
        if not self._passes.repaired:
            self._in_a_row += 1
        self._passes.repaired += len(repaired)
        for key in repaired:
            if key in self._times or len(self._times) < _REMEMBERED:
                self._times[key] = self._times.get(key, 0) + 1
        back = [key for key in repaired if self._times.get(key, 0) > _REPAIRS]
        if back or self._in_a_row > _REPAIRS:
            shown = ", ".join(map(str, (back or repaired)[:_SHOWN]))
            found = "rows of the shadow differ again that comparisons have repaired" if back else "rows differ"
            raise errors.VerifyFailed(
                f"{found}, in {self._in_a_row} comparisons in a row, now among them those with the keys {shown}; the source is untouched",
                hint="Somebody writes the shadow, or writes the source past the change stream (sql_log_bin=0, filters). Put an end to it, then "
                "run the same command again.",
            )

    def _end(self) -> None:
        self._passes.end(again=True)
        seen = self._passes.seen()
        if not seen.last_repaired:
            self._in_a_row = 0
        found = f"{seen.last_repaired} of them differed, and were resynced" if seen.last_repaired else "no differences"
        self._observer.happened(
            f"compared again while the cut-over is postponed: {seen.last_rows} rows in {seen.last_seconds:.1f} s, {found}",
            warning=bool(seen.last_repaired),
        )
