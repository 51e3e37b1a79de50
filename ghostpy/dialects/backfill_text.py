"""How far a backfill has come, as the text of its ledger's row, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from msgspec import to_builtins
from msgspec.structs import replace

from ghostpy.errors import AlreadyRunning, CannotResume, DataDoesNotFit
from ghostpy.model.backfill import BackfillCourse
from ghostpy.model.column_map import CopyKey
from ghostpy.model.keys import Bound
from ghostpy.model.plan import Plan

ROW = "backfill"
"""The ledger's row."""
_FORMAT = 1


def change(plan: Plan) -> Mapping[str, str]:
    """See `BackfillDialect.change`."""
    key = plan.copy_key
    columns = ", ".join(f"{c.name} {c.full_type}{f' {c.collation}' if c.collation else ''}" for c in key.source_columns)
    return {
        "the table": str(plan.source.name),
        "--set": "; ".join(f"{feed.target.name} = {feed.transform}" for feed in plan.columns.feeds),
        "--where": plan.where or "",
        "the key": f"{key.index} ({columns})",
    }


def written(course: BackfillCourse) -> str:
    return json.dumps({"format": _FORMAT, **to_builtins(course)})


def read(text: str) -> BackfillCourse:
    """Raises CannotResume where it cannot be read."""
    try:
        told = json.loads(text)
        if told["format"] != _FORMAT:
            raise cannot_read(f"it has the format {told['format']}, of another version of ghostpy")
        for bound in ("last", "low"):
            if told[bound] is not None:
                told[bound] = tuple(str(literal) for literal in told[bound])
        return BackfillCourse(**{name: told[name] for name in BackfillCourse.__struct_fields__})
    except (KeyError, TypeError, ValueError) as error:
        raise cannot_read(f"{type(error).__name__}: {error}") from error


def cannot_read(why: str) -> CannotResume:
    """An earlier run's ledger is no use."""
    return CannotResume(
        f"the ledger of an earlier backfill cannot be read: {why}; which rows are done is not known",
        hint="Look at the rows. With --restart all of them are updated, also those that are done.",
    )


def does_not_fit(refused: DataDoesNotFit, key: CopyKey, chunk: Sequence[str]) -> DataDoesNotFit:
    """The error for a chunk in which the server refused a row. `chunk`: the readable literals of its last key."""
    columns = ", ".join(column.name for column in key.source_columns)
    place = f"the row is the one with {columns} = {', '.join(chunk)}"
    return DataDoesNotFit(f"{refused.message}; {place}", hint="Correct the row, then run the same command again.")


def checked(found: BackfillCourse, expected: BackfillCourse, ledger: object) -> BackfillCourse | None:
    """None where the ledger says what it is expected to say, before a chunk; the course of that very chunk where it turns out to be done.

    Raises AlreadyRunning where neither is so.
    """
    if found.number == expected.number and found.low == expected.low:
        return None
    if found.number == expected.number + 1 and found.change == expected.change and found.last == expected.last:
        return found
    raise AlreadyRunning(
        f"another run has gone on with {ledger} meanwhile; this one has stopped, and nothing was done twice"
    )


def after(course: BackfillCourse, high: Bound | None, *, updated: int, passed: int, seconds: float) -> BackfillCourse:
    """`course`, and a chunk up to `high` (None: up to the end)."""
    return replace(
        course,
        low=course.last if high is None else high,
        complete=high is None,
        number=course.number + 1,
        rows_passed=course.rows_passed + passed,
        rows_updated=course.rows_updated + updated,
        seconds=course.seconds + seconds,
    )
