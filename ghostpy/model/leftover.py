"""Something that a run made in a database and that stands there still."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Leftover:
    """`kind` and `name` say what it is; `of`: the table that the run was about, as far as that is known.

    `alive`: a run about this table is under way, so it is in use. `kept`: it is not for ghostpy to remove.
    """

    kind: str
    name: str
    of: str
    alive: bool
    kept: bool = False
