"""Something that a run made, in a database or on this host, and that stands there still."""

from __future__ import annotations

from datetime import datetime

from ghostpy.model.compared import ComparedInPart


class Leftover(ComparedInPart, frozen=True):
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
    size: int | None = None
    """Bytes, as the server estimates them; of a replication slot: the WAL that it keeps."""
    moment: datetime | None = None
    moment_is: str = ""
    """What happened at that moment: `last seen`, `begun`, `unused since`."""
    run: str = ""
    """The host and process of the run."""

    @property
    def compared(self) -> tuple[object, ...]:
        return self.kind, self.name, self.of, self.alive, self.kept, self.resumable
