"""What an application does to a table, and what it committed in the end."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from ghostpy.sandbox.drivers import DRIVERS, Driver
from ghostpy.sandbox.shapes import Shape, SysbenchRows, Values


class Load(Struct, frozen=True):
    """What the writers do. `rate`: statements per second in all; 0: as many as go. `mix`: shares of the kinds of statements.

    The table holds the ids 1 … `rows` at the start.
    """

    host: str
    port: int
    database: str
    table: str
    rows: int
    user: str = "root"
    password: str = ""
    threads: int = 4
    rate: float = 0.0
    mix: Mapping[str, float] = field(
        default_factory=lambda: {"update": 0.85, "insert": 0.06, "delete": 0.04, "rekey": 0.03, "several": 0.02}
    )
    shape: Shape = field(default_factory=SysbenchRows)
    hot: float = 0.2
    """Share of statements that go to the first 100 rows of each writer."""
    seed: int = 1
    stubborn: bool = False
    """Go on after errors, and after the death of the server. What was under way at its death is looked up in the table."""

    @property
    def driver(self) -> Driver:
        """Of the kind of server that the shape is for."""
        return DRIVERS[self.shape.kind]


class Committed(Struct):
    """What a load's writers committed."""

    rows: dict[int, Values | None] = field(default_factory=dict)
    """Touched ids: the values that are known of them, or None where the row was deleted."""
    touched: dict[int, float] = field(default_factory=dict)
    """Touched ids: when the last statement on them began (`time.monotonic`, which all processes of a machine share)."""
    statements: list[tuple[float, float]] = field(default_factory=list)
    """(when it began, seconds it took) of every statement."""
    errors: list[str] = field(default_factory=list)
    switched: float | None = None
    """When a writer first met the new column names."""

    def slowest(self, since: float = 0.0, until: float = float("inf")) -> float:
        """The longest statement that was under way at some time between `since` and `until`, in seconds."""
        return max((took for began, took in self.statements if began + took >= since and began <= until), default=0.0)
