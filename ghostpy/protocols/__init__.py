"""What the engine asks of a database, and of those who watch it; nothing else.

One object a dialect may keep several of these promises. All methods are coroutines on the engine's event loop; a blocking
driver runs on threads of its own behind them. Unless said otherwise a method raises `TransientError` where the same call may be
made again with nothing changed, `ServerGone` where its session was lost, and other `GhostpyError`s where the run must end.
"""

from ghostpy.protocols.change_stream import ChangeStream
from ghostpy.protocols.commands import Applying, Differ, Expanding, Leftovers, Uses
from ghostpy.protocols.dialect import BackfillDialect, Dialect, Pair, Parts, Server
from ghostpy.protocols.exchange import Exchanging, Frozen, NameOwner
from ghostpy.protocols.housekeeping import Activity, Housekeeping
from ghostpy.protocols.rows import (
    Comparing,
    Copied,
    Copying,
    Examining,
    Ranging,
    Resynced,
    Resyncing,
    Scratch,
    Updating,
)
from ghostpy.protocols.watching import Gate, Moments, Observer, Vitals

__all__ = [
    "Activity",
    "Applying",
    "BackfillDialect",
    "ChangeStream",
    "Comparing",
    "Copied",
    "Copying",
    "Dialect",
    "Differ",
    "Examining",
    "Exchanging",
    "Expanding",
    "Frozen",
    "Gate",
    "Housekeeping",
    "Leftovers",
    "Moments",
    "NameOwner",
    "Observer",
    "Pair",
    "Parts",
    "Ranging",
    "Resynced",
    "Resyncing",
    "Scratch",
    "Server",
    "Updating",
    "Uses",
    "Vitals",
]
