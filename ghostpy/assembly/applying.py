"""One migration script, from its settings to its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.locking import locked
from ghostpy.assembly.run import migrate
from ghostpy.assembly.script_deciding import Decider, migration_of
from ghostpy.assembly.script_run import ScriptRun
from ghostpy.dialects import applying_for
from ghostpy.model.finding import Finding, Severity
from ghostpy.model.names import TableName
from ghostpy.model.plan import Plan
from ghostpy.model.progress import Progress as Snapshot
from ghostpy.model.progress import RunReport
from ghostpy.model.script import (
    Decided,
    Kind,
    PlannedMigration,
    Script,
    ScriptPlan,
    ScriptReport,
    Statement,
    Way,
)
from ghostpy.planning.script import against
from ghostpy.planning.script_ledger import Progress, progress_of
from ghostpy.preflight.refusal import refusing
from ghostpy.protocols import Applying, Observer
from ghostpy.settings import MigrateSettings

_LOCK_ATTEMPTS = 25
Watched = Callable[[MigrateSettings], AbstractContextManager[Observer]]


async def apply(
    script: Script, settings: MigrateSettings, observer: Observer, watched: Watched
) -> ScriptPlan | ScriptReport:
    """Carry out what is left of a script; without `settings.execute` the plan of it.

    `watched`: those who watch a migration that one of its statements is. Raises GhostpyError; a note says how much is done.
    """
    _check(script, [(each, finding) for each, finding in against(script, settings.script.allowed)])
    server = applying_for(settings)
    try:
        await server.open()
        if server.address != settings.connect.address:
            observer.happened(f"{settings.connect.address} is a replica: the work is done on {server.address}")
        found = await server.against(script)
        _check(script, [(script.statements[0], finding) for finding in found])
        if settings.execute:
            await locked(server, attempts=_LOCK_ATTEMPTS)
        progress = progress_of(script, await server.notes(script.name))
        if not settings.execute:
            return await _planned(script, progress, server, settings, observer)
        if progress.done == len(script.noted):
            return ScriptReport(script.name, progress.done, progress.done, progress.done)
        if not progress.done and progress.begun is None:
            await Beforehand(settings, server.address, observer).seen_to()
        await server.create_ledger()
        return await ScriptRun(script, progress, server, settings, observer, watched).run()
    finally:
        await server.close()


def _check(script: Script, found: Sequence[tuple[Statement, Finding]]) -> None:
    """Raise PlanRefused with all of them, where there are any."""
    if not found:
        return
    texts = [f"line {statement.line}: {finding.told}" for statement, finding in found]
    listed = f" {texts[0]}" if len(texts) == 1 else "".join(f"\n  - {text}" for text in texts)
    raise errors.PlanRefused(
        f"{script.name} cannot be applied:{listed}",
        hint="Nothing was run.",
        findings=[finding for _, finding in found],
    )


async def _planned(
    script: Script, progress: Progress, server: Applying, settings: MigrateSettings, observer: Observer
) -> ScriptPlan:
    decider, found, group = Decider(server, settings), list[Decided](), 0
    wished: list[int] = []
    inside = False
    for statement in script.statements:
        if statement.kind in (Kind.BEGIN, Kind.COMMIT):
            inside = statement.kind is Kind.BEGIN
            wished, group = [], group + 1
            continue
        if statement.kind is Kind.SESSION:
            await server.session(statement)
            group += 1
            decided = Decided(statement, Way.SESSION)
        elif statement.number <= progress.done:
            decided = Decided(statement, Way.TOGETHER, "it is done already", done=True)
        else:
            decided = await _looked_at(decider, statement)
            if decided.way is Way.ONLINE and decided.table is not None and not refusing(decided.findings):
                decided = await _in_full(decided, decided.table, server, settings, observer)
        alone = statement.alone or (not server.transactional and not inside)
        group += decided.way is not Way.TOGETHER or alone
        if decided.way is Way.TOGETHER and not decided.done:
            decided = replace(decided, group=group)
        cut = inside and bool(wished) and not decided.done and (decided.way is not Way.TOGETHER or wished[-1] != group)
        if cut and not any(finding.code == "transaction-cut" for each in found for finding in each.findings):
            decided = replace(decided, findings=(*decided.findings, _cut(statement)))
        if not decided.done and decided.way is not Way.SESSION:
            wished.append(group)
        group += alone or statement.moves
        found.append(decided)
    return ScriptPlan(script.name, tuple(found))


def _cut(statement: Statement) -> Finding:
    text = (
        f"the script's transaction is cut at {statement.told}: what stands in front of it is committed before it begins"
    )
    return Finding("transaction-cut", text, "Where that ends in the middle, the same command goes on.", Severity.WARN)


async def _looked_at(decider: Decider, statement: Statement) -> Decided:
    """A refusal is part of the plan."""
    try:
        return await decider.decide(statement)
    except (errors.PlanRefused, errors.UsageError) as error:
        return Decided(statement, Way.ONLINE, findings=_against(statement, error))


async def _in_full(
    decided: Decided, table: TableName, server: Applying, settings: MigrateSettings, observer: Observer
) -> Decided:
    """With the plan that `ghostpy plan` makes of it."""
    migration = replace(migration_of(settings, server, decided.statement.alter, table), execute=False)
    try:
        plan = await migrate(migration, _Warnings(observer))
    except (errors.PlanRefused, errors.UsageError) as error:
        return replace(decided, findings=(*decided.findings, *_against(decided.statement, error)))
    assert isinstance(plan, Plan)
    own = [each for each in decided.findings if each not in plan.findings]
    return replace(
        decided,
        strategy=plan.strategy.value,
        reason=plan.reason,
        findings=(*own, *plan.findings),
        migration=PlannedMigration(plan, migration),
    )


def _against(statement: Statement, error: errors.GhostpyError) -> tuple[Finding, ...]:
    refused = Finding("statement-refused", f"{statement.told} is refused: {error.message}", error.hint)
    return tuple(getattr(error, "findings", ())) or (refused,)


class _Warnings:
    """Fulfils `Observer`: of a plan only warnings are passed on."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def planned(self, plan: Plan, definition: str) -> None:
        return

    def progressed(self, progress: Snapshot) -> None:
        return

    def happened(self, text: str, *, warning: bool = False) -> None:
        if warning:
            self._observer.happened(text, warning=True)

    def ended(self, report: RunReport) -> None:
        return
