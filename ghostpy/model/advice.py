"""What a plan says beside what is done: other ways, the way back, what to look at before and after."""

from __future__ import annotations

from msgspec import Struct

from ghostpy.model.estimate import Estimate


class Alternative(Struct, frozen=True):
    """Another way to the same table, and its price. `possible`: None where the server was not asked."""

    strategy: str
    price: str
    possible: bool | None = None
    estimate: Estimate | None = None
    """Where it was tried on a sample."""

    @property
    def told(self) -> str:
        return f"{self.strategy}: {self.price}"


class WayBack(Struct, frozen=True):
    """How one step is taken back, and what is lost by that."""

    step: str
    how: str
    loses: str

    @property
    def told(self) -> str:
        return f"{self.step}: {self.how}. Lost: {self.loses}"


class Check(Struct, frozen=True):
    """Something to look at: `run` is SQL or a command."""

    what: str
    run: str

    @property
    def told(self) -> str:
        return f"{self.what}: {self.run}"
