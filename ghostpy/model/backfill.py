"""How far a backfill has come: what its ledger holds, written in the transaction of each chunk."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from ghostpy.model.keys import Bound


class BackfillCourse(Struct, frozen=True):
    """`change`: what is set where, by aspects that people know by name; a run that goes on must have it in common.

    `last`: the highest key when the backfill began; rows above it are not touched. None: the table was empty. `low`: all rows up to it are
    done. `number`: chunks so far.
    """

    change: Mapping[str, str]
    last: Bound | None
    low: Bound | None = None
    complete: bool = False
    number: int = 0
    rows_passed: int = 0
    """Rows looked at, whether they were to be changed or not."""
    rows_updated: int = 0
    seconds: float = 0.0
    """Spent on chunks so far, by all runs."""
