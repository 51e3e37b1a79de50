"""Expand, contract, and roll back: each from its settings to its end. Each can be killed anywhere, and said again, from any host."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from msgspec.structs import replace

from ghostpy import errors
from ghostpy.assembly.backfilling import backfill
from ghostpy.assembly.beforehand import Beforehand
from ghostpy.assembly.locking import locked
from ghostpy.assembly.run import migrate
from ghostpy.dialects import expanding_for
from ghostpy.model.expansion import Course, Expansion, ExpansionPhase, ExpansionPlan, ExpansionReport, Steps
from ghostpy.model.finding import Finding, Severity
from ghostpy.observe.figures import whole
from ghostpy.planning.expansion_steps import contract_plan, expand_plan, new_of, old_of, rollback_plan
from ghostpy.planning.expansion_uses import UNPROVEN, unproven
from ghostpy.preflight.refusal import refusal, refusing
from ghostpy.protocols import Expanding, Observer
from ghostpy.settings import BackupSettings, ExpandSettings, MigrateSettings

_NOTHING = "nothing was changed"
_LOCK_ATTEMPTS = 15
Outcome = ExpansionPlan | ExpansionReport


async def expand(settings: MigrateSettings, observer: Observer) -> Outcome:
    """Add the new columns, keep both sides in step, fill and compare; without `settings.execute` the plan. Raises GhostpyError."""
    async with _opened(settings, observer) as server:
        begun = _under_way(await server.saved())
        expansion = await _to_expand(server)
        beforehand = Beforehand(settings, server.address, observer)
        findings, sql = await beforehand.proven(server.examined(expansion))
        plan = expand_plan(
            expansion, findings, sql, "the new columns are empty, and neither side follows from the other"
        )
        if not settings.execute:
            return plan
        _warn(plan.findings, observer)
        if not begun:
            await beforehand.run()
        if expansion.phase is ExpansionPhase.BEGUN:
            await server.save(expansion)
        await server.link(expansion)
        observer.happened(f"{server.source} has {new_of(expansion)}, and triggers keep both sides in step")
    return await _filled(expansion, settings, observer)


async def contract(settings: MigrateSettings, observer: Observer) -> Outcome:
    """Remove the old columns once nobody uses them; without `settings.execute` the plan. Raises GhostpyError."""
    async with _opened(settings, observer, lock=settings.execute) as server:
        expansion = await _known(server)
        if expansion.phase is ExpansionPhase.CONTRACTED:
            return ExpansionReport(Course.CONTRACT, expansion, f"{server.source} is contracted already; {_NOTHING}.")
        beforehand = Beforehand(settings, server.address, observer)
        no_way_back = expansion.phase is ExpansionPhase.CONTRACTING and not await server.linked(expansion)
        unused = _unused(server, expansion, settings.expand, observer)
        findings = await (unused if no_way_back else beforehand.proven(unused))
        sql = await server.removing(expansion, [column.name for column in expansion.old])
        plan = contract_plan(expansion, findings, sql, server.rest(expansion, ()))
        if not settings.execute:
            return plan
        _warn(plan.findings, observer)
        if expansion.phase is not ExpansionPhase.CONTRACTING:
            await beforehand.run()
        await server.save(expansion.at(ExpansionPhase.CONTRACTING))
        left = await server.unlink(expansion, [column.name for column in expansion.old])
        rest = server.rest(expansion, left)
    if rest:
        # Also where it is done: then what a dead run has left of it is removed.
        await _migrated(settings, rest, observer)
    async with _opened(settings, observer) as server:
        await server.save(expansion.at(ExpansionPhase.CONTRACTED))
    text = (
        f"{server.source} is contracted: {old_of(expansion)} and the triggers are gone. `ghostpy rollback` can make the columns "
        "again as long as this is noted on the server (until `ghostpy cleanup --execute`)."
    )
    return ExpansionReport(Course.CONTRACT, expansion.at(ExpansionPhase.CONTRACTED), text)


async def rollback(settings: MigrateSettings, observer: Observer) -> Outcome:
    """Go back to the table without the new columns; or, after a contraction, expand it the other way round. Without `settings.execute` the plan."""
    async with _opened(settings, observer) as server:
        expansion = await _known(server)
        phase, asked = expansion.phase, settings.expand
        if phase is ExpansionPhase.CONTRACTING and not await server.linked(expansion):
            text = f"the contraction of {server.source} on {server.address} is under way, and has to come to its end first; {_NOTHING}"
            raise errors.CannotResume(text, hint="Run `ghostpy contract --execute` again, then `ghostpy rollback`.")
        back = expansion.returning and not asked.undo
        if back and phase is ExpansionPhase.EXPANDED:
            text = (
                f"{server.source} is rolled back already; {_NOTHING}. `ghostpy contract` removes {old_of(expansion)}."
            )
            return ExpansionReport(Course.ROLLBACK, expansion, text)
        if phase is not ExpansionPhase.CONTRACTED and not (back and phase is ExpansionPhase.BEGUN):
            return await _rolled_back(server, expansion, settings, observer)
        returning = expansion.mirrored() if phase is ExpansionPhase.CONTRACTED else expansion
        beforehand = Beforehand(settings, server.address, observer)
        findings, sql = await beforehand.proven(server.examined(returning))
        plan = replace(expand_plan(returning, findings, sql, "the old columns are empty"), course=Course.ROLLBACK)
        if not settings.execute:
            return plan
        _warn(plan.findings, observer)
        if phase is ExpansionPhase.CONTRACTED:
            await beforehand.run()
        await server.save(returning)
        await server.link(returning)
    return await _filled(returning, settings, observer)


def _under_way(found: Expansion | None) -> bool:
    return found is not None and found.phase is not ExpansionPhase.CONTRACTED


async def _to_expand(server: Expanding) -> Expansion:
    """The expansion that is asked for, as far as it has come."""
    found = await server.saved()
    if found is None or found.phase is ExpansionPhase.CONTRACTED:
        return await server.wished()
    if found.phase in (ExpansionPhase.CONTRACTING, ExpansionPhase.ROLLING_BACK):
        command = "contract" if found.phase is ExpansionPhase.CONTRACTING else "rollback"
        text = f"`ghostpy {command}` of {server.source} on {server.address} has begun, and has to come to its end first; {_NOTHING}"
        raise errors.CannotResume(text, hint=f"Run `ghostpy {command} --execute` again.")
    if not await server.wish_of(found):
        text = f"{server.source} on {server.address} is being expanded in another way, by {new_of(found)}; {_NOTHING}"
        hint = "Say the same as then, or `ghostpy contract` or `ghostpy rollback` first: one expansion at a time."
        raise errors.CannotResume(text, hint=hint)
    return found


async def _known(server: Expanding) -> Expansion:
    found = await server.saved()
    if found is None:
        text = (
            f"{server.source} on {server.address} is not being expanded: there is no ledger {server.ledger}; {_NOTHING}"
        )
        raise errors.CannotResume(text, hint="Check --database and --table; `ghostpy expand` begins an expansion.")
    return found


async def _filled(expansion: Expansion, settings: MigrateSettings, observer: Observer) -> ExpansionReport:
    """The rows that there were are filled and all are compared. The run's lock is the backfill's in between."""
    async with _opened(settings, observer, lock=False) as server:
        target = await server.filling(expansion)
    try:
        filling = replace(settings.expand, filling=True)
        # What was to be seen and done beforehand was.
        await backfill(replace(settings, target=target, expand=filling, backups=BackupSettings()), observer)
    except (errors.GhostpyError, asyncio.CancelledError) as ended:
        ended.add_note(
            f"Its new columns and the triggers are there, and keep {new_of(expansion)} in step; the same command goes on."
        )
        raise
    async with _opened(settings, observer) as server:
        now = await _known(server)
        if not now.same_as(expansion) or now.phase not in (ExpansionPhase.BEGUN, ExpansionPhase.EXPANDED):
            text = f"the expansion of {server.source} on {server.address} was ended by somebody else meanwhile"
            raise errors.SourceChanged(text, hint="Look at the table; `ghostpy expand` begins anew.")
        if not await server.linked(expansion):
            text = f"{server.source} on {server.address} has lost triggers of its expansion: somebody dropped them"
            raise errors.SourceChanged(text, hint="Run the same command again: it makes them anew, fills and compares.")
        steps = await server.steps(expansion)
        if steps.differing or steps.waiting:
            raise _out_of_step(server, expansion, steps)
        await server.save(expansion.at(ExpansionPhase.EXPANDED))
    course, which, way = Course.EXPAND, "new", "`ghostpy contract`, or `ghostpy rollback`"
    if expansion.returning:
        course, which, way = Course.ROLLBACK, "old", "`ghostpy contract`, or `ghostpy rollback --undo`"
    text = (
        f"{server.source} is expanded: all {whole(steps.rows)} rows are in step, and stay so whichever side is written. Let the {which} "
        f"version of the application take over; then {way}."
    )
    return ExpansionReport(course, expansion.at(ExpansionPhase.EXPANDED), text)


def _out_of_step(server: Expanding, expansion: Expansion, steps: Steps) -> errors.VerifyFailed:
    text = (
        f"{server.source} on {server.address} is expanded, but {whole(steps.differing + steps.waiting)} of {whole(steps.rows)} rows are out of "
        f"step ({whole(steps.waiting)} of them not filled), such as those with {'; '.join(steps.examples)}"
    )
    hint = (
        f"They were written on both sides at once, or past the triggers. Set {new_of(expansion)} or {old_of(expansion)} of each right, "
        "then run the same command again. The triggers stay."
    )
    return errors.VerifyFailed(text, hint=hint)


async def _unused(
    server: Expanding, expansion: Expansion, asked: ExpandSettings, observer: Observer
) -> Sequence[Finding]:
    """What was seen of users of the old columns. Raises PlanRefused where there are any, or where it cannot be told."""
    if expansion.phase is ExpansionPhase.CONTRACTING and not await server.linked(expansion):
        return ()  # there is no way back from there
    if expansion.phase not in (ExpansionPhase.EXPANDED, ExpansionPhase.CONTRACTING):
        text = f"the expansion of {server.source} has not come to its end: it is {expansion.phase.value}"
        raise refusal(
            server.source, server.address, [Finding("not-expanded", text, "Run `ghostpy expand --execute` again.")]
        )
    uses = server.uses(expansion)
    findings = list(await uses.definitions())
    if asked.watch_seconds:
        observer.happened(f"watching for {asked.watch_seconds:g} seconds whether anybody uses {old_of(expansion)}")
        mark = await uses.mark()
        await asyncio.sleep(asked.watch_seconds)
        findings += await uses.since(mark)
    else:
        findings.append(unproven(server.source, "--watch-seconds is 0"))
    steps = await server.steps(expansion)
    if steps.differing + steps.waiting:
        text = f"{whole(steps.differing + steps.waiting)} rows of {server.source} are out of step, such as those with {'; '.join(steps.examples)}"
        findings.append(
            Finding("out-of-step", text, "Set them right first: `ghostpy expand --execute` compares again.")
        )
    return _proven(server, findings, asked)


def _proven(
    server: Expanding, findings: Sequence[Finding], asked: ExpandSettings, *, overruled: Collection[str] = UNPROVEN
) -> Sequence[Finding]:
    if asked.allow_unproven:
        findings = [
            replace(finding, severity=Severity.WARN) if finding.code in overruled else finding for finding in findings
        ]
    if refusing(findings):
        raise refusal(server.source, server.address, findings)
    return findings


async def _rolled_back(
    server: Expanding, expansion: Expansion, settings: MigrateSettings, observer: Observer
) -> Outcome:
    new = [column.name for column in expansion.new]
    beforehand = Beforehand(settings, server.address, observer)
    findings = await beforehand.proven(_nothing_lost(server, expansion, settings.expand))
    plan = rollback_plan(expansion, findings, await server.removing(expansion, new))
    if not settings.execute:
        return plan
    _warn(plan.findings, observer)
    if expansion.phase is not ExpansionPhase.ROLLING_BACK:
        await beforehand.run()
    await server.save(expansion.at(ExpansionPhase.ROLLING_BACK))
    left = await server.unlink(expansion, new)
    if left:
        text = f"the triggers of {server.source} on {server.address} are gone, but the server cannot drop {', '.join(left)} at once"
        raise errors.ServerError(text, hint="Drop the columns with `ghostpy migrate`, then run the same command again.")
    await server.forget()
    text = f"{server.source} is as it was before: {new_of(expansion)}, the triggers and the ledger are gone."
    return ExpansionReport(Course.ROLLBACK, expansion, text)


async def _nothing_lost(server: Expanding, expansion: Expansion, asked: ExpandSettings) -> Sequence[Finding]:
    """Rows whose new side is nowhere but there."""
    if expansion.phase is ExpansionPhase.ROLLING_BACK or not await server.linked(expansion):
        return ()
    steps = await server.steps(expansion)
    if not steps.differing:
        return ()
    text = (
        f"{whole(steps.differing)} rows of {server.source} are out of step, such as those with {'; '.join(steps.examples)}: "
        "what their new columns hold would be lost"
    )
    found = Finding("out-of-step", text, "Set them right first, or add --allow-unproven.")
    return _proven(server, [found], asked, overruled=(found.code,))


async def _migrated(settings: MigrateSettings, clauses: str, observer: Observer) -> None:
    """What is left of a contraction, by its planned strategy."""
    # Under a name of its own: that of another change may be there still, and the triggers are gone already.
    target = replace(settings.target, alter=clauses, attempt_instant_ddl=True, timestamp_old_table=True)
    await migrate(replace(settings, target=target, backups=BackupSettings()), observer)


def _warn(findings: Sequence[Finding], observer: Observer) -> None:
    for finding in findings:
        if finding.severity is Severity.WARN:
            observer.happened(f"plan: {finding.text}. {finding.way_out}".rstrip(". ") + ".", warning=True)


@asynccontextmanager
async def _opened(settings: MigrateSettings, observer: Observer, *, lock: bool = True) -> AsyncIterator[Expanding]:
    """A server for the length of a block, with the run's lock where something is changed, if only an empty clone of the table is made."""
    server = expanding_for(settings)
    try:
        await server.open()
        if server.address != settings.connect.address:
            observer.happened(f"{settings.connect.address} is a replica: the work is done on {server.address}")
        if lock:
            await locked(server, attempts=_LOCK_ATTEMPTS)
        yield server
    finally:
        await server.close()
