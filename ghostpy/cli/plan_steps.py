"""The steps of a plan, with the lock that each takes on the table, whom that keeps waiting, and for how long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ghostpy.model.plan import Plan, Strategy
from ghostpy.model.planned_step import Blocks, Lasts, PlannedStep
from ghostpy.observe.figures import duration, whole
from ghostpy.settings import MigrateSettings


def plan_steps(plan: Plan, settings: MigrateSettings) -> Sequence[PlannedStep]:
    """All of them, in order: those on the table itself, or those by way of another one."""
    if plan.strategy is Strategy.SHADOW:
        return tuple(_by_shadow(plan, settings))
    if plan.strategy is Strategy.REVERT:
        return tuple(_back(plan, settings))
    if plan.strategy is Strategy.NOTHING:
        return plan.steps
    return (*_before(settings), *plan.steps)


def step_document(step: PlannedStep) -> Mapping[str, str]:
    """A step as data; `docs/plan.md` tells what stands where."""
    return {"does": step.does, "lock": step.lock, "blocks": step.blocks.value, "lasts": step.lasts.value}


def _by_shadow(plan: Plan, settings: MigrateSettings) -> Iterator[PlannedStep]:
    yield from _before(settings)
    chunks = f"{whole(settings.copy.chunk_rows)} rows" if settings.copy.chunk_rows else "sized by the time they take"
    yield _beside(f"copy with {settings.copy.workers} workers, chunks {chunks}, while all changes are followed")
    yield _comparison(settings)
    yield from _postponed(settings)
    yield _exchange(plan, settings)
    dropped = settings.target.ok_to_drop_old
    yield PlannedStep(f"drop the old table {plan.names.old}" if dropped else f"keep the old rows in {plan.names.old}")
    if settings.revert.window:
        yield _beside(
            f"keep {plan.names.old} in step for {duration(settings.revert.window)}, ready for `ghostpy revert`"
        )
    elif settings.revert.keep:
        yield PlannedStep(f"keep the ledger {plan.names.ledger} for `ghostpy revert`")


def _postponed(settings: MigrateSettings) -> Iterator[PlannedStep]:
    cut_over = settings.cut_over
    every = f"; all rows are compared again every {duration(cut_over.verify_every)}" if cut_over.verify_every else ""
    if cut_over.postpone:
        yield _beside(f"wait until somebody says `cut-over`, while all changes are followed{every}")
    elif cut_over.postpone_flag_file:
        yield _beside(f"wait until {cut_over.postpone_flag_file} is removed{every}")


def _before(settings: MigrateSettings) -> Iterator[PlannedStep]:
    if settings.backups.before:
        yield PlannedStep(f"run {settings.backups.before[0]} (--before)")


def _back(plan: Plan, settings: MigrateSettings) -> Iterator[PlannedStep]:
    yield from _before(settings)
    yield _beside(f"resync into {plan.names.shadow} what was changed since the exchange")
    yield _comparison(settings)
    yield _exchange(plan, settings)
    yield PlannedStep(f"keep the rows of now in {plan.names.old}")


def _beside(does: str) -> PlannedStep:
    return PlannedStep(does, lasts=Lasts.GROWS)


def _comparison(settings: MigrateSettings) -> PlannedStep:
    return _beside("compare both tables") if settings.verify else PlannedStep("no comparison (--verify=off)")


def _exchange(plan: Plan, settings: MigrateSettings) -> PlannedStep:
    held = "ACCESS EXCLUSIVE" if settings.connect.dialect == "postgres" else "LOCK TABLES … WRITE"
    seconds = settings.cut_over.lock_timeout
    return PlannedStep(
        "exchange the names",
        f"{held} on {plan.source.name}, for a moment; waiting at most {seconds} s for the lock in one attempt",
        Blocks.ALL,
    )
