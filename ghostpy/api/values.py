"""What a call gives: a plan, or how a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ghostpy.cli.plan_document import plan_document
from ghostpy.cli.plan_steps import plan_steps
from ghostpy.dialects import quoted
from ghostpy.model.advice import Alternative, Check, WayBack
from ghostpy.model.estimate import Estimate
from ghostpy.model.finding import Finding
from ghostpy.model.plan import Plan as PlanOfARun
from ghostpy.model.plan import Strategy
from ghostpy.model.planned_step import PlannedStep
from ghostpy.model.progress import RunReport
from ghostpy.planning.alternatives import alternatives
from ghostpy.planning.plan_checks import checks_after, checks_before
from ghostpy.planning.way_back import ways_back
from ghostpy.settings import MigrateSettings


@dataclass(frozen=True, slots=True)
class Plan:
    """How a table would be changed. Sizes in bytes; what is None is not known."""

    table: str
    """With its database, or on PostgreSQL its schema."""
    server: str
    """Its address."""
    dialect: str
    """`mysql` (MariaDB too) or `postgres`."""
    alter: str
    strategy: Strategy
    reason: str
    """Why it is this strategy, where that is not plain."""
    steps: tuple[PlannedStep, ...]
    rows: int
    """Of the table, as the server estimates them."""
    bytes: int
    """The same."""
    disk_free: int | None
    estimate: Estimate | None
    alternatives: tuple[Alternative, ...]
    way_back: tuple[WayBack, ...]
    checks_before: tuple[Check, ...]
    checks_after: tuple[Check, ...]
    findings: tuple[Finding, ...]
    """Warnings: with anything worse there is no plan, but PlanRefused, which has them all."""
    document: Mapping[str, Any] = field(repr=False, compare=False)
    """All of it as `ghostpy plan --format json` prints it; docs/plan.schema.json describes it."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended well. Times in seconds."""

    table: str
    """With its database, or on PostgreSQL its schema."""
    strategy: Strategy
    old_table: str | None
    """Where the rows are kept as they were; None where there is no such table."""
    seconds: float
    copy_seconds: float
    writers_held_seconds: float
    """For how long writers were held by the exchange; 0 where nothing was exchanged."""
    rows_copied: int
    """By a run that went on with an earlier one's work: in all."""
    rows_verified: int
    verified: bool
    """Whether both tables were compared row by row before the exchange."""
    differences_repaired: int
    changes_seen: int
    """Row changes of others while the run lasted."""
    cut_over_attempts: int
    revertible: bool
    """Whether `revert` can take it back."""
    drop_old: str
    """The statement that removes the old table; empty where there is none."""
    tried_in: str | None
    """After `test_on_replica`: the table with the new schema."""
    definition: str
    """The table as SQL after the change; empty where that could not be asked for."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed; not, where the table had the wanted shape already."""
        return self.strategy is not Strategy.NOTHING


def plan_of(plan: PlanOfARun, settings: MigrateSettings) -> Plan:
    """The engine's plan, for those who use the library."""
    table = partial(quoted, settings.connect)
    return Plan(
        table=str(plan.source.name),
        server=settings.connect.address,
        dialect=settings.connect.dialect,
        alter=plan.alter or settings.target.alter,
        strategy=plan.strategy,
        reason=plan.reason,
        steps=tuple(plan_steps(plan, settings)),
        rows=plan.source.row_estimate,
        bytes=plan.source.data_bytes,
        disk_free=plan.disk.free if plan.disk else None,
        estimate=plan.estimate,
        alternatives=tuple(alternatives(plan, settings.connect.dialect)),
        way_back=tuple(ways_back(plan, settings, table)),
        checks_before=tuple(checks_before(plan, settings, table)),
        checks_after=tuple(checks_after(plan, settings, table)),
        findings=plan.findings,
        document=plan_document(plan, settings),
    )


def result_of(report: RunReport) -> Result:
    """The same of a run's closing figures."""
    return Result(
        table=report.source,
        strategy=Strategy(report.strategy),
        old_table=report.old_table,
        seconds=report.elapsed,
        copy_seconds=report.copy_elapsed,
        writers_held_seconds=report.lock_seconds,
        rows_copied=report.rows_copied,
        rows_verified=report.rows_verified,
        verified=report.verified,
        differences_repaired=report.differences_repaired,
        changes_seen=report.changes_seen,
        cut_over_attempts=report.cut_over_attempts,
        revertible=report.revertible,
        drop_old=report.drop_old,
        tried_in=report.tried_in,
        definition=report.definition,
    )
