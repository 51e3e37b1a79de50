"""What a run is going to do, decided before anything is created for good."""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from ghostpy.model.column_map import ColumnMap, CopyKey
from ghostpy.model.disk import Disk
from ghostpy.model.estimate import Estimate
from ghostpy.model.finding import Finding
from ghostpy.model.names import HelperNames
from ghostpy.model.planned_step import PlannedStep
from ghostpy.model.table import Table


class Strategy(Enum):
    NOTHING = "nothing to do"
    INSTANT = "instant"
    STAGED = "online, in steps"
    SHADOW = "shadow"
    REVERT = "revert"
    BACKFILL = "backfill"
    """Rows are updated in place; `shadow` is the source itself, `columns` has what is set, `steps` one chunk's statement."""


class Plan(Struct, frozen=True):
    """The whole intention of one run. `alter` holds the clauses as the user wrote them."""

    source: Table
    shadow: Table
    names: HelperNames
    alter: str
    strategy: Strategy
    copy_key: CopyKey
    columns: ColumnMap
    where: str | None
    findings: tuple[Finding, ...] = ()
    reason: str = ""
    """Why it is this strategy, where that is not plain."""
    steps: tuple[PlannedStep, ...] = ()
    """What is done on the source itself."""
    takes_instant: bool | None = None
    """Whether an empty clone took the whole change by its definition alone, where that was asked and is not the strategy."""
    estimate: Estimate | None = None
    """Of a dry run."""
    native: Estimate | None = None
    """Of a dry run: of the server's own ALTER, where a shadow is the plan."""
    disk: Disk | None = None
    """The server's, where it can be seen."""
