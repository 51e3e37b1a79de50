"""Something that a run made, in a database or on this host, and that stands there still."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Leftover:
    """`kind` and `name` say what it is; `of`: the table that the run was about, as far as that is known.

    `alive`: a run about this table is under way, so it is in use. `kept`: it holds rows of the application's, and goes only where it is
    named. `resumable`: it is work that another run would go on with. What follows is for people, and empty where it is not known.
    """

    kind: str
    name: str
    of: str
    alive: bool
    kept: bool = False
    resumable: bool = False
    size: int | None = field(default=None, compare=False)
    """Bytes, as the server estimates them; of a replication slot: the WAL that it keeps."""
    moment: datetime | None = field(default=None, compare=False)
    moment_is: str = field(default="", compare=False)
    """What happened at that moment: `last seen`, `begun`, `unused since`."""
    run: str = field(default="", compare=False)
    """The host and process of the run."""
