"""What an earlier run of the same change has left, and whether this one goes on with it."""

from __future__ import annotations

from collections.abc import Mapping

from ghostpy import errors
from ghostpy.model.checkpoint import Checkpoint
from ghostpy.model.plan import Plan, Strategy
from ghostpy.protocols import Dialect, Observer
from ghostpy.settings import MigrateSettings

_SERVER = "the server"


async def earlier_run(dialect: Dialect, settings: MigrateSettings, observer: Observer) -> Checkpoint | None:
    """The checkpoint to go on from, or None where the run begins anew; then nothing of the earlier one is left but its old table.

    Raises CannotResume where there is one that cannot be read, or where one is asked for and there is none.
    """
    if not settings.execute:
        return None
    anew = settings.resume.restart or settings.target.initially_drop_shadow
    earlier = None if anew else await dialect.housekeeping.saved()
    if earlier is not None:
        return earlier
    if settings.resume.required:
        raise errors.CannotResume(
            f"--resume: no earlier run has left anything to go on with on {dialect.address}",
            hint="Run without --resume.",
        )
    if settings.resume.restart:
        observer.happened("--restart: what an earlier run has left is removed, and the run begins anew")
    await dialect.housekeeping.discard()
    return None


async def change_of(dialect: Dialect, plan: Plan) -> Mapping[str, str]:
    """What a run that goes on with another must have in common with it."""
    return {**dialect.change(plan), _SERVER: await dialect.housekeeping.identity()}


async def agreed(
    dialect: Dialect, plan: Plan, change: Mapping[str, str], earlier: Checkpoint | None, observer: Observer
) -> Checkpoint | None:
    """The earlier run's checkpoint, where this plan goes on with it.

    None where the table no longer needs a shadow: then what is left of it is removed. Raises CannotResume where the two do different things.
    """
    if earlier is None:
        return None
    if plan.strategy is Strategy.NOTHING:
        await dialect.housekeeping.discard()
        observer.happened("what an earlier run has left is removed: the table has the wanted shape")
        return None
    differing = [name for name in change if name != _SERVER and earlier.change.get(name) != change[name]]
    if not await dialect.housekeeping.is_here(earlier.change.get(_SERVER, "")):
        differing.append(_SERVER)
    if differing:
        raise errors.CannotResume(
            f"an earlier run has begun another change of {plan.source.name} on {dialect.address}: it differs in "
            f"{_listed(differing)}; nothing was changed",
            hint="Run the same command as then, or add --restart to give up what was copied and begin anew.",
        )
    observer.happened(
        f"going on with the work of an earlier run: {earlier.course.rows_copied} rows are copied, "
        f"{earlier.course.rows_verified} compared, {len(earlier.keys)} keys are dirty",
        warning=True,
    )
    return earlier


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
