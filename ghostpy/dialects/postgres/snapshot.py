"""What a session's reads can see ("System Information Functions and Operators": Transaction ID and Snapshot)."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.dialects.postgres.session import Session
from ghostpy.model.keys import Mark


class Snapshot(Struct, frozen=True):
    """Transactions below `below` are over, unless among `under_way`."""

    below: int
    under_way: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Snapshot:
        """From the form `xmin:xmax:xip,…` of pg_snapshot."""
        _, below, under_way = text.split(":")
        return cls(int(below), frozenset(map(int, filter(None, under_way.split(",")))))

    def shows(self, mark: Mark) -> bool:
        """Whether what the transaction `mark` committed is visible; 0 is visible always."""
        return mark < self.below and mark not in self.under_way


async def current_snapshot(session: Session) -> Snapshot:
    """The snapshot of a statement that runs now; all later ones in this session see at least as much."""
    return Snapshot.parse(str(await session.scalar("SELECT pg_current_snapshot()::text", doing="taking a snapshot")))
