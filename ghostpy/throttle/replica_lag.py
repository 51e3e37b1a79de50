"""`--max-lag-millis`: rest while a replica is too far behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ghostpy.errors import ConnectionFailed, GhostpyError, MissingPrivilege
from ghostpy.protocols import Vitals

LEAST_MILLIS = 100
FORGOTTEN_AFTER = 60.0
"""Seconds that a replica which was found, and does not answer any more, keeps the run at rest: time enough for a restart."""
_FOUND_ANEW = 5.0
_PATIENCE = 3.0

Answer = float | GhostpyError
Tell = Callable[[str], None]


class ReplicaLag:
    """Fulfils `Signal`.

    Replicas that are listed must answer. Of those found, one that could not be reached from the beginning is told of once, and not
    watched; one that stops answering is a reason to rest for FORGOTTEN_AFTER, and then it is told that it is not watched any more.
    """

    name = "lag"
    patience = 10.0
    asked_for = True

    def __init__(
        self, vitals: Vitals, millis: int, listed: str, tell: Tell, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._vitals = vitals
        self._tell = tell
        self._clock = clock
        self.millis = millis
        self.listed = addresses(listed)
        self.worst: float | None = None
        self.watched = 0
        self._found: list[str] = []
        self._found_at: float | None = None
        self._failing_since: dict[str, float] = {}
        self._answered: set[str] = set()
        self._unwatched: set[str] = set()

    @property
    def interval(self) -> float:
        return 0.1 if self.millis < 1000 else 1.0

    async def look(self) -> str | None:
        limit = self.millis / 1000
        own = await self._vitals.own_lag()
        replicas = self.listed or await self._those_found()
        answers = dict(zip(replicas, await asyncio.gather(*map(self._lag, replicas)), strict=True))
        lags = {name: answer for name, answer in answers.items() if isinstance(answer, float)}
        self.worst = max([*lags.values(), *([] if own is None else [own])], default=None)
        self.watched = len(replicas)
        if own is not None and own > limit:
            return f"lag={own:f}s"
        for name, answer in answers.items():
            if isinstance(answer, GhostpyError) and (self.listed or self._counts(name, answer)):
                return f"{name} {answer.message}"
        name = max(lags, key=lambda each: lags[each], default="")
        return f"{name} replica-lag={lags[name]:f}s" if name and lags[name] > limit else None

    async def _lag(self, replica: str) -> Answer:
        try:
            async with asyncio.timeout(_PATIENCE):
                lag = await self._vitals.lag(replica)
        except TimeoutError:
            return ConnectionFailed(f"did not answer within {_PATIENCE:g} s")
        except GhostpyError as error:
            return error
        self._answered.add(replica)
        self._failing_since.pop(replica, None)
        return lag

    async def _those_found(self) -> Sequence[str]:
        now = self._clock()
        if self._found_at is None or now - self._found_at >= _FOUND_ANEW:
            there = set(await self._vitals.replicas())
            self._unwatched &= there  # one that goes and comes again is looked at anew
            self._found.extend(sorted(there - set(self._found) - self._unwatched))
            self._found_at = now
        return list(self._found)

    def _counts(self, replica: str, error: GhostpyError) -> bool:
        """Whether the failure of a replica that was found is a reason to rest."""
        since = self._failing_since.setdefault(replica, self._clock())
        never_there = replica not in self._answered and isinstance(error, (ConnectionFailed, MissingPrivilege))
        if not never_there and self._clock() - since < FORGOTTEN_AFTER:
            return True
        self._found.remove(replica)
        self._unwatched.add(replica)
        self._answered.discard(replica)
        self._failing_since.pop(replica)
        self._tell(
            f"the lag of the replica {replica} is not watched{'' if never_there else ' any more'}: {error.message}. "
            "Replicas listed by --throttle-control-replicas must answer"
        )
        return False


def addresses(text: str) -> list[str]:
    """`host[:port],…`, each once."""
    return list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
