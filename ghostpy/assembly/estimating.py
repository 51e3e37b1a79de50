"""A plan with what it is expected to take."""

from __future__ import annotations

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.engine.sample import sampled
from ghostpy.model.estimate import AT_ONCE, Estimate
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan, Strategy
from ghostpy.planning.estimating import natively, scaled
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.protocols import Dialect
from ghostpy.settings import MigrateSettings

_SECONDS = 1.0
_BESIDE = 0.3
"""Seconds, of the sample for a way that is not taken."""
_NO_TRIAL = "what the server does on the table itself could not be tried"


async def with_estimate(dialect: Dialect, plan: Plan, settings: MigrateSettings) -> Plan:
    """`plan`, and what it takes by a sample that is copied into a table of our own, which is gone again.

    Raises PlanRefused where rows do not fit, and ServerGone where what was made may be left.
    """
    if plan.strategy is Strategy.INSTANT:
        return replace(plan, estimate=AT_ONCE)
    if plan.strategy not in (Strategy.SHADOW, Strategy.STAGED):
        return plan
    plan = replace(plan, findings=(*plan.findings, *await dialect.misfits(plan)))
    if refusing(plan.findings):
        raise refusal(plan.source.name, dialect.address, plan.findings)
    if plan.strategy is Strategy.STAGED:
        found = await _natively(dialect, plan, _SECONDS)
        return replace(plan, estimate=found or Estimate(reason=_NO_TRIAL))
    plan = replace(plan, estimate=await _by_sample(dialect, plan, settings))
    return replace(plan, native=await _natively(dialect, plan, _BESIDE))


async def _natively(dialect: Dialect, plan: Plan, seconds: float) -> Estimate | None:
    """None where the server has no such way."""
    try:
        trial = await dialect.trial(plan, seconds)
    except errors.ConnectionFailed:
        raise
    except errors.GhostpyError as error:
        return Estimate(reason=f"no sample could be taken: {error.message}")
    return None if trial is None else natively(trial, ours=plan.strategy is Strategy.STAGED)


async def _by_sample(dialect: Dialect, plan: Plan, settings: MigrateSettings) -> Estimate:
    try:
        async with dialect.scratch(plan) as scratch:
            sample = await sampled(scratch, _SECONDS)
    except errors.DataDoesNotFit as error:
        text = f"a row does not fit into the new table: {error.message}"
        finding = Finding("data-does-not-fit", text, "Correct the rows, or add a --transform for the column.")
        raise refusal(plan.source.name, dialect.address, [*plan.findings, finding]) from error
    except errors.ConnectionFailed:
        raise
    except errors.GhostpyError as error:
        return Estimate(reason=f"no sample could be taken: {error.message}")
    return scaled(
        rows=plan.source.row_estimate if sample.counted is None else sample.counted,
        sample_rows=sample.rows,
        whole=sample.whole,
        copying=sample.copying,
        indexing=sample.indexing,
        comparing=sample.comparing if settings.verify else 0.0,
        workers=settings.copy.workers,
        table_bytes=plan.source.data_bytes,
        sample_bytes=sample.bytes,
        log_bytes=sample.log_bytes,
    )
