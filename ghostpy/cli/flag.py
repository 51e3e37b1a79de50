"""What one command-line flag is."""

from __future__ import annotations

from enum import Enum
from typing import TypeAlias

from msgspec import Struct

Value: TypeAlias = bool | int | float | str | tuple[str, ...]


class Kind(Enum):
    """What a flag's value is; the value of the member names it in the help."""

    SWITCH = ""
    TEXT = "text"
    WHOLE = "number"
    FRACTION = "decimal"
    SEVERAL = "text, may be repeated"


class Status(Enum):
    WORKS = "works"
    NO_OP = "accepted, nothing to do"
    """What it asks for is always so, or has no meaning here; one line of the log says why."""
    LATER = "later"
    """Refused by name: its feature is not there yet."""
    REFUSED = "refused"
    """Refused by name: it asks for something that is not going to be offered."""


class Flag(Struct, frozen=True):
    """One flag. The help and the reference are made from this and nothing else."""

    name: str
    kind: Kind
    default: Value
    meaning: str
    status: Status = Status.WORKS
    reason: str = ""
    """Why there is nothing to do, or why it is refused."""
    neutral: tuple[Value, ...] = ()
    """Values that ask for nothing, and so are never refused. Where this is empty: the default."""
    low: float | None = None
    high: float | None = None
    """Values beyond are taken as these."""
    secret: bool = False
    ours: bool = False
    """Not one of gh-ost's."""
    choices: tuple[str, ...] = ()
    """All values that there are, where they are few."""

    @property
    def spelled(self) -> str:
        return f"--{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that stands in for the flag."""
        return "GHOSTPY_" + self.name.upper().replace("-", "_")

    def asks_for_nothing(self, value: Value) -> bool:
        """Whether `value` leaves everything as it is without the flag."""
        folded = value.lower() if isinstance(value, str) else value
        return folded in (self.neutral or (self.default,))


class Group(Struct, frozen=True):
    """Flags that are shown under one heading."""

    title: str
    flags: tuple[Flag, ...]


class Requirement(Struct, frozen=True):
    """`flag` makes sense only with `needs`."""

    flag: str
    needs: str
