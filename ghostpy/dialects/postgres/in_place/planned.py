"""A step as the plan tells it: its statements, its locks, whom they keep waiting and for how long."""

from __future__ import annotations

from ghostpy.dialects.postgres.in_place.locks import blocks, strongest
from ghostpy.dialects.postgres.in_place.steps import Step
from ghostpy.model.names import TableName
from ghostpy.model.planned_step import Lasts, PlannedStep


def planned(step: Step, source: TableName, lock_wait: float) -> PlannedStep:
    """`lock_wait`: seconds that a quick step waits for its locks at a time, while others queue behind it."""
    held = [f"{step.lock} on {source}" if step.lock else f"no lock on {source}"]
    held += [f"{mode} on {table}" for table, mode in step.others]
    end = f"for a moment; waited for at most {lock_wait:g} s at a time" if step.quick else "readers and writers go on"
    if not step.quick and step.reason:
        end += f" while {step.reason}" if step.reason.startswith("every row") else f"; {step.reason}"
    mode = strongest([step.lock, *(mode for _, mode in step.others)])
    return PlannedStep(
        does="; ".join(step.sql),
        lock=f"{', '.join(held)}, {end}",
        blocks=blocks(mode),
        lasts=Lasts.MOMENT if step.quick else Lasts.GROWS,
    )
