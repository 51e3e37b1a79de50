"""The two tables change places, under a lock."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from enum import Enum
from typing import Protocol

from ghostpy.model.keys import Key, KeyRange, Mark
from ghostpy.protocols.rows import Resynced


class NameOwner(Enum):
    """Who answers to the source's name."""

    SOURCE = "source"
    SHADOW = "shadow"
    UNKNOWN = "unknown"


class Frozen(Protocol):
    """The session that holds the source's lock."""

    async def resync(self, keys: Mapping[Key, Mark], copied: KeyRange) -> Resynced:
        """As `Resyncing.resync`, by the session that holds the lock."""

    async def exchange(self) -> None:
        """Exchange the names. Raises CutOverInDoubt where the answer was lost: then ask `Exchanging.owner`.

        Raises BadMoment, now and then and with nothing exchanged, where writers would have been held for less time at another moment.
        """


class Exchanging(Protocol):
    """The lock and the exchange of names."""

    async def prepare(self) -> None:
        """What can be done before the lock is asked for, so that it is held for less time."""

    def frozen(self, *, timeout: float) -> AbstractAsyncContextManager[Frozen]:
        """Hold all writers of the source off; leaving the context lets them go on.

        Waits at most `timeout` seconds for the lock, else raises LockTimeout. Leaving never raises.
        """

    async def owner(self) -> NameOwner:
        """Who owns the source's name, looked up after it is certain that no session of ours can still change it."""
