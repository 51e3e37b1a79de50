"""Kinds of bad input, as tests of any server have them."""

from __future__ import annotations

from dataclasses import dataclass, field

SECRET = "Kestrel-4711"


@dataclass(frozen=True)
class Case:
    """One kind of bad input: what is there, what is asked for, how it must end."""

    name: str
    status: int
    says: tuple[str, ...]
    """What the paragraph must hold, upper and lower case aside; {db} is the database, {address} the server."""
    alter: str | None = "ADD COLUMN extra INT"
    flags: tuple[str, ...] = ()
    table: str = "t"
    before: tuple[str, ...] | None = None
    """Statements that make the tables; None: the usual ones."""
    never: tuple[str, ...] = field(default=(SECRET,))
    execute: bool = True

    @property
    def id(self) -> str:
        return self.name.replace(" ", "-")
